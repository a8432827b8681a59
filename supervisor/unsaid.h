/* SPDX-License-Identifier: MIT */
/*
 * A leader's process that is killed while it makes a child can't say so any more, and followers
 * make the twin of a child when they hear of it. The child, if there is one (the kernel has written
 * its pid before the parent could die), waits for that, or was killed, too; then somebody will hear
 * of its end. So the supervisor says it in the place of the dead, before it ends the stream. Nobody
 * else writes to that.
 */
#ifndef TANDEM_SUPERVISOR_UNSAID_H
#define TANDEM_SUPERVISOR_UNSAID_H

#include "session.h"

/* The leader's process of these pages is dead. On the leader's host. */
void unsaid_say(const struct session_files *f, uint32_t stream, const struct stream_pages *p);

#endif
