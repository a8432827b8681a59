/* SPDX-License-Identifier: MIT */
/*
 * `tandem status`, the supervisor's side. It listens on the abstract socket "\0tandem/UID/PID",
 * which leaves nothing in the file system; whoever connects as the same user or root is sent one
 * JSON object (tandem(1)) and the end of file. Counters only: rates are the reader's business.
 */
#ifndef TANDEM_SUPERVISOR_STATUS_H
#define TANDEM_SUPERVISOR_STATUS_H

#include "run.h"

#define STATUS_PREFIX "tandem/"

/* The socket, or negative errno. */
int status_listen(void);
/* Answers all who are waiting. Never blocks. */
void status_answer(struct running *r);
void status_close(struct running *r);

#endif
