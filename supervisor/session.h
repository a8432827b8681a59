/* SPDX-License-Identifier: MIT */
/*
 * The memory of a session, as the supervisor owns it: all files are memfds, mapped
 * here for reading and writing. One session a process; not thread-safe. Errors are
 * negative errno; the caller names them.
 */
#ifndef TANDEM_SUPERVISOR_SESSION_H
#define TANDEM_SUPERVISOR_SESSION_H

#include "../monitor/session.h"
#include "config.h"

struct session_files {
	int control, log, bell;
	int state[SESSION_VARIANTS], ack[SESSION_VARIANTS]; /* by variant; the leader has no ack */
	struct session *session;
	struct log_header *header;
	struct variant_state *variant[SESSION_VARIANTS];
};

/* Makes and fills them. library: absolute path of libtandem.so; trap: enum session_trap. */
int session_create(struct session_files *f, const struct config *config, const char *library,
		   unsigned trap);
/* In a child that becomes variant v: puts its descriptors at base..., readers' read-only. */
int session_hand_over(const struct session_files *f, unsigned v, int base);
/* How many descriptors that are. */
unsigned session_descriptors(const struct session_files *f, unsigned v);
/* Index among the followers. */
unsigned session_follower(const struct session_files *f, unsigned v);

/* Pages of one stream; NULL when there is no memory. Unmap with session_unmap(). */
struct process_state *session_state(const struct session_files *f, unsigned v, uint32_t stream);
struct ring_producer *session_producer(const struct session_files *f, uint32_t stream);
struct ring_consumer *session_consumer(const struct session_files *f, unsigned v, uint32_t stream);
struct stream_control *session_stream(const struct session_files *f, uint32_t stream);
void session_unmap(void *page);

/* Streams that the leader has begun so far. */
uint32_t session_streams(const struct session_files *f);
/* Ends every wait of a stream, after halt or ended was set. */
void session_interrupt(const struct session_files *f, uint32_t stream);

#endif
