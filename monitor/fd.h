/* SPDX-License-Identifier: MIT */
/*
 * Descriptors as the program sees them: the leader's numbers. The leader's are
 * real; a follower has none of them, only this table, and makes a real one
 * from the recipe the moment it needs it (mmap, exec).
 *
 * Changed in the stream's order (under process->order), so the tables of twins
 * agree. Copied by fork with the rest of memory; after exec it is rebuilt from
 * what was handed over. No fixed limit.
 */
#ifndef TANDEM_MONITOR_FD_H
#define TANDEM_MONITOR_FD_H

#include "monitor.h"

struct epoll;

struct fd_entry {
	uint8_t kind; /* enum fd_kind */
	bool shadow; /* follower: real is a copy of our own, which calls are made on as well */
	int32_t real;         /* follower: a descriptor of our own + 1; 0: none */
	uint32_t flags;       /* of open */
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
	return (uint32_t)fd < p->fds.size && p->fds.entry[fd].kind ? &p->fds.entry[fd] : NULL;
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

/* A table of its own for a child that shares memory; -ENOMEM. */
int fd_copy(struct fd_table *to, const struct fd_table *from);
void fd_drop(struct fd_table *table);

/* Is this number one of the monitor's own? */
static inline bool fd_reserved(int fd)
{
	return (uint32_t)(fd - variant.base) < variant.fds;
}

/* Follower: a real descriptor for fd, made from its recipe; negative errno. Stays open with fd. */
int fd_real(struct process *p, int fd);
/*
 * Follower: like fd_real, for a mapping that is shared and writable. The world's file is the
 * leader's to write, so this is a copy in memory, which forks share.
 */
int fd_shadow(struct process *p, int fd);

struct call;
/* A generic call has made a descriptor (RESULT_FD): notes it. */
void fd_note_new(struct call *c);

/*
 * Leader: what a new image finds open, for RECORD_START; fills the table too. Returns how many.
 */
uint32_t fd_adopt(struct process *p, struct record_descriptor *out, uint32_t most);
/* The kind of an open descriptor, by fstat. */
enum fd_kind fd_probe(int fd);

#endif
