/* SPDX-License-Identifier: MIT */
/*
 * Where each process of a session stands when it is stopped, for its report: who waits for whom may
 * be somebody else than the process that has noticed.
 */
#ifndef TANDEM_SUPERVISOR_STANDING_H
#define TANDEM_SUPERVISOR_STANDING_H

#include <cjson/cJSON.h>

struct running;

/*
 * An array of the living processes, in the order of their streams: { "stream", "variants": [ {
 * "id", "pid", "position", "in_call" (if it is in one) } ] }; of a process that is gone there is no
 * pid. The caller's to free.
 */
cJSON *standing_list(const struct running *r);

#endif
