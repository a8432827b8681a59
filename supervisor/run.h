/* SPDX-License-Identifier: MIT */
/*
 * `tandem run`: starts the variants of a session, supervises and ends them. The supervisor is one
 * thread around one epoll; struct running is all it knows, and belongs to it alone.
 */
#ifndef TANDEM_SUPERVISOR_RUN_H
#define TANDEM_SUPERVISOR_RUN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "config.h"
#include "guard.h"
#include "session.h"

#define TANDEM_VERSION "0.2"

/* Exit statuses that aren't the program's. */
#define STATUS_DIVERGENCE 110
#define STATUS_SETUP 111
#define STATUS_UNSUPPORTED 112
#define STATUS_KILLED 113
#define STATUS_PEER_LOST 114

/* What functions return that may end the session: an exit status, or this. */
#define STATUS_GO_ON (-1)

enum life { LIFE_UNKNOWN, LIFE_ALIVE, LIFE_DEAD };

struct stream;

/* A process of a variant: the leader's or its twin. */
struct process_watch {
	struct stream *stream;
	unsigned variant;
	enum life life;
	int pid;
	int pidfd;    /* -1: dead, or there was no descriptor for it */
	int status;   /* wait status once dead; -1: unknown */
	int64_t died; /* CLOCK_MONOTONIC, ns */
	/* hang.c: what was last seen of it, and since when (0: never looked). */
	uint64_t seen;
	uint64_t cpu;
	int64_t since;
};

/* A stream of which at least one process has started and not all are gone. */
struct stream {
	uint32_t number;
	struct stream_pages pages;
	struct process_watch of[SESSION_VARIANTS];
};

/* Counters of the processes that are gone. */
struct totals {
	uint64_t calls_private, calls_world, calls_both;
	uint64_t lockstep, lockstep_cycles;
	uint64_t records, bytes, signals;
	uint64_t patched, trapping, traps;
	uint64_t acknowledged; /* bytes of streams */
	uint64_t processes;
};

/* A variant's first process. */
struct root {
	pid_t pid;
	int status; /* wait status, once done */
	bool done;
};

struct running {
	struct session_files files;
	const struct config *config;
	const char *library;
	char **argv;
	bool verbose;
	const struct guarded *guarded;
	struct rlimit descriptors;      /* the caller's, for the variants */
	void (*file_size_handler)(int); /* ... and what it does at SIGXFSZ */

	struct hosts *hosts; /* NULL: all variants run here */

	int epoll, signals;
	int status_socket; /* -1: none */
	int asking[8];     /* readers of status that wait for what other hosts say */
	unsigned asked;
	int64_t asked_since; /* other hosts were asked for counters then */
	int64_t started;     /* CLOCK_MONOTONIC, ns */
	int64_t launched;    /* ... the variants */
	uint64_t cycles;     /* cpu_cycles() then */
	int64_t sent[65];    /* when a signal was sent to our process group, for each signal */
	int sender[65];

	struct root root[SESSION_VARIANTS];
	struct stream **stream; /* live ones, in no order */
	size_t streams, streams_capacity;
	uint32_t *awaited; /* numbers that the leader has given out and nobody uses yet */
	size_t awaiting, awaited_capacity;
	uint32_t known; /* numbers below are in one of these, or over */
	struct totals gone[SESSION_VARIANTS];
};

/*
 * Returns the exit status of tandem. Forks: call while single-threaded. ignores_children: the
 * caller has started us with SIGCHLD ignored; here it is not.
 */
int run(const struct config *config, const char *library, char **argv, bool verbose,
	bool ignores_children);

/* "tandem: ..." on standard error, with -v only. */
void run_verbose(const struct running *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "leader" or "follower". */
static inline const char *run_role(const struct running *r, unsigned v)
{
	return v == r->files.session->leader ? "leader" : "follower";
}

#endif
