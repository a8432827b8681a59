/* SPDX-License-Identifier: MIT */
/*
 * Descriptors as the program sees them: the leader's numbers. The leader's are
 * real; a follower has none of them, only this table, and makes a real one
 * from the recipe the moment it needs it (mmap, exec).
 *
 * Changed in the stream's order, so the tables of twins agree. Entries don't move:
 * the leader's threads look at kinds without a lock. Copied by fork with the rest
 * of memory; after exec it is rebuilt from what was handed over. No fixed limit.
 */
#ifndef TANDEM_MONITOR_FD_H
#define TANDEM_MONITOR_FD_H

#include "monitor.h"

struct epoll;

struct fd_entry {
	uint8_t kind;     /* enum fd_kind */
	bool inet;        /* socket: who is at the other end isn't a process of this variant */
	bool shared;      /* other descriptors may refer to the same description */
	bool shadow;      /* follower: real is a copy of our own, which calls are made on as well */
	bool nonblocking; /* as far as known: O_NONBLOCK was asked for here */
	int32_t real;     /* follower: a descriptor of our own + 1; 0: none */
	uint32_t flags;   /* of open */
	struct epoll *epoll;  /* FD_EPOLL: shared by duplicates */
	struct fd_path *path; /* FD_FILE: recipe, shared by duplicates */
};

struct fd_path {
	uint32_t references;
	uint32_t bytes; /* of this structure */
	char text[];
};

static inline struct fd_entry *fd_get(const struct process *p, int fd)
{
	struct fd_entry *e;

	if ((uint32_t)fd >= p->fds.end)
		return NULL;
	e = p->fds.chunk[(uint32_t)fd >> FD_CHUNK];
	if (!e)
		return NULL;
	e += (uint32_t)fd & ((1u << FD_CHUNK) - 1);
	return e->kind ? e : NULL;
}

static inline enum fd_kind fd_kind(const struct process *p, int fd)
{
	const struct fd_entry *e = fd_get(p, fd);

	return e ? (enum fd_kind)e->kind : FD_CLOSED;
}

/* Notes a new descriptor; whatever the number meant before is forgotten. */
struct fd_entry *fd_set_kind(struct process *p, int fd, enum fd_kind kind);
void fd_duplicate(struct process *p, int from, int to);
void fd_forget(struct process *p, int fd);
void fd_forget_range(struct process *p, uint32_t first, uint32_t last);
/* Follower: the recipe of a file that the leader has opened, made absolute. */
int fd_set_path(struct process *p, int fd, int dirfd, const char *path, uint32_t flags);

/* After a fork: every description has two descriptors now. */
void fd_share_all(struct process *p);

/* A table of its own for a child that shares memory; -ENOMEM. */
int fd_copy(struct fd_table *to, const struct process *from);
void fd_drop(struct process *p);

/* Is this number one of the monitor's own? */
static inline bool fd_reserved(int fd)
{
	return (uint32_t)(fd - variant.base) < variant.fds;
}

/* Leader: the program wants a number of the monitor's own, or will soon: they move further up. */
void fd_give_way(void);

/* Follower: a real descriptor for fd, made from its recipe; negative errno. Stays open with fd. */
int fd_real(struct process *p, int fd);
/*
 * Follower: like fd_real, for a mapping that is shared and writable. The world's file is the
 * leader's to write, so this is a copy in memory, which forks share.
 */
int fd_shadow(struct process *p, int fd);
/* Follower: the same, for a file that it can't open: empty, unless there is one already. */
int fd_empty_shadow(struct process *p, int fd);

struct call;
/* A generic call has made a descriptor (RESULT_FD): notes it. */
void fd_note_new(struct call *c);
/* O_NONBLOCK was set or cleared (a hint: it belongs to what other numbers may share). */
static inline void fd_set_nonblocking(struct process *p, int fd, bool nonblocking)
{
	struct fd_entry *e = fd_get(p, fd);

	if (e)
		e->nonblocking = nonblocking;
}

/*
 * Leader: what a new image finds open, for RECORD_START; fills the table too.
 */
struct fd_list {
	struct record_descriptor *item; /* mapped */
	size_t bytes;
	uint32_t count;
};
void fd_adopt(struct process *p, struct fd_list *list);
/* The kind of an open descriptor, by fstat. */
enum fd_kind fd_probe(int fd);

#endif
