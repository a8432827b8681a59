/* SPDX-License-Identifier: MIT */
/*
 * The memory of a session, as the supervisor owns it: all files are memfds, mapped
 * here for reading and writing. One session a process; not thread-safe. Errors are
 * negative errno; the caller names them.
 *
 * What variants have written is not trusted: numbers from it are checked where they are used.
 */
#ifndef TANDEM_SUPERVISOR_SESSION_H
#define TANDEM_SUPERVISOR_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "../monitor/session.h"
#include "config.h"

struct session_files {
	int control, log, bell;
	int engine;  /* eventfd: rung for the engine, where there is one (transport/engine.h) */
	int starter; /* without a use for it, the bell: its place among the descriptors is kept */
	int state[SESSION_VARIANTS], ack[SESSION_VARIANTS]; /* by variant; the leader has no ack */
	struct session *session;
	struct log_header *header;
	struct variant_state *variant[SESSION_VARIANTS];
};

/* What belongs to one stream; the leader has no consumer. */
struct stream_pages {
	struct ring_producer *producer;
	struct stream_control *control;
	struct process_state *state[SESSION_VARIANTS];
	struct ring_consumer *consumer[SESSION_VARIANTS];
};

/* Makes and fills them. library: absolute path of libtandem.so; trap: enum session_trap. */
int session_create(struct session_files *f, const struct config *config, const char *library,
		   unsigned trap);

/* LD_PRELOAD of each variant, from the configuration and the caller's environment. */
int session_fill_preload(struct session_files *f, const struct config *config, const char *library);

/*
 * The highest place below `limit` where the descriptors of any variant fit and nothing is open:
 * all variants use the same. -EMFILE.
 */
int session_place(const struct session_files *f, int limit);
/* In a child that becomes variant v: puts its descriptors at base..., readers' read-only; ties
 * it to the pipe `life`. */
int session_hand_over(const struct session_files *f, unsigned v, int base, int life);
/* Index among the followers; 0 for the leader. */
unsigned session_follower(const struct session_files *f, unsigned v);

/* Streams that the leader has begun so far (it says). */
uint32_t session_streams(const struct session_files *f);
/* enum process_phase of a process, without mapping anything. */
uint32_t session_phase(const struct session_files *f, unsigned v, uint32_t stream);
/* Its pid, even if it has not yet spoken itself; PROCESS_NEVER, or 0 if there is none yet. */
int session_pid(const struct session_files *f, unsigned v, uint32_t stream);
/* What a process of another host's variant is like: PROCESS_SHARED bytes. 0 or negative errno. */
#define PROCESS_SHARED offsetof(struct process_state, program)
int session_write_state(const struct session_files *f, unsigned v, uint32_t stream,
			const void *from);
int session_write_pid(const struct session_files *f, unsigned v, uint32_t stream, int32_t pid);
/* Has follower v told the leader to halt? */
bool session_halted(const struct session_files *f, unsigned v);
/* All that is known of it. 0 or negative errno. */
int session_copy_state(const struct session_files *f, unsigned v, uint32_t stream,
		       struct process_state *to);

int session_map_stream(const struct session_files *f, uint32_t stream, struct stream_pages *p);
void session_unmap_stream(const struct session_files *f, struct stream_pages *p);
/* Both ends are gone: returns the memory to the system. */
void session_free_stream(const struct session_files *f, uint32_t stream);
/* Ends every wait of a stream, after halt or ended was set. */
void session_interrupt(const struct session_files *f, const struct stream_pages *p);

/* Bytes of a stream's ring; they may be overwritten meanwhile. 0 or negative errno. */
int session_read_ring(const struct session_files *f, uint32_t stream, uint64_t position, void *to,
		      size_t bytes);

#endif
