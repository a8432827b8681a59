/* SPDX-License-Identifier: MIT */
/*
 * epoll's user data is each variant's own (mostly pointers). The kernel is
 * given a registration number instead, which records carry; every variant
 * looks its own data up by it, in O(1) and without a limit.
 *
 * A registration belongs to the descriptor number it was made with. Closing a
 * descriptor ends it in the kernel without a word, so a number that is added
 * again reuses its registration; unless the descriptor had duplicates: the
 * kernel may keep the old registration alive then, and the number gets a new one.
 */
#ifndef TANDEM_MONITOR_EPOLL_H
#define TANDEM_MONITOR_EPOLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct epoll_registration {
	uint64_t data;
	uint32_t next_free; /* number + 1 */
	uint32_t shared;    /* the descriptor was duplicated: the kernel may keep this one alive */
};

struct epoll {
	uint32_t references;
	uint32_t used, free; /* free: number + 1 */
	struct epoll_registration *registration;
	size_t registration_bytes;
	uint32_t *by_fd; /* number + 1 */
	size_t by_fd_bytes;
};

struct epoll *epoll_new(void);
void epoll_share(struct epoll *e);
void epoll_release(struct epoll *e);

/*
 * A registration for fd, whose description may have other descriptors (shared); -EBADF, -ENOMEM.
 */
long epoll_register(struct epoll *e, int fd, uint64_t data, bool shared);
/* Takes an epoll_register() back: fd had `before` (or a negative value), and got `number`. */
void epoll_register_undo(struct epoll *e, int fd, long before, long number);
long epoll_find(const struct epoll *e, int fd);
void epoll_set(struct epoll *e, uint32_t number, uint64_t data);
/* fd has been duplicated; all have been, by a fork. */
void epoll_mark_shared(struct epoll *e, int fd);
void epoll_mark_all_shared(struct epoll *e);
void epoll_unregister(struct epoll *e, int fd);
/* The variant's data of a registration; 0 with a number nobody has given. */
uint64_t epoll_data(const struct epoll *e, uint64_t number);

#endif
