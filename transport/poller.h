/* SPDX-License-Identifier: MIT */
/*
 * How the engine's thread sleeps: in one io_uring for everything, or in epoll where the kernel has
 * or allows none. One thread opens, uses and closes it. Nothing but poller_wait() calls done(), and
 * it isn't called, and nothing is unwatched or drained, from within done().
 */
#ifndef TANDEM_TRANSPORT_POLLER_H
#define TANDEM_TRANSPORT_POLLER_H

#include <stdbool.h>
#include <stdint.h>

struct io_uring;
struct io_uring_sqe;

/*
 * Something that may happen. `done` is called for a watched descriptor with what poll says (POLLIN
 * ...), for a request of io_uring with its result. Begins as zeroes but for `done`; lives until it
 * is unwatched, or drained.
 */
struct poller_item {
	void (*done)(struct poller_item *item, int result);
	int fd; /* private, as is all below */
	short events;
	bool watched;
	unsigned inflight; /* requests that the kernel has */
};

struct poller {
	struct io_uring *ring; /* NULL: epoll */
	int epoll;
	bool poll_first; /* io_uring knows IORING_RECVSEND_POLL_FIRST */
	char text[160];  /* what it is, and why it isn't io_uring */
};

/* allowed: to use io_uring; needed: or fail. 0 or negative errno, with p->text. */
int poller_open(struct poller *p, bool allowed, bool needed);
void poller_close(struct poller *p);

/*
 * done(item, events) each time that fd becomes ready for events (POLLIN, POLLOUT), and if it is so
 * from the beginning. It is told once: whoever hears it goes on until nothing is left. An eventfd
 * needn't be read, each write is told.
 */
int poller_watch(struct poller *p, struct poller_item *item, int fd, short events);
/* Other events for a watched descriptor. */
int poller_change(struct poller *p, struct poller_item *item, short events);
void poller_unwatch(struct poller *p, struct poller_item *item);

/*
 * A request for io_uring; item->done gets its result. The caller prepares it (io_uring_prep_*),
 * then calls poller_aim(). NULL: none is free.
 */
struct io_uring_sqe *poller_request(struct poller *p, struct poller_item *item);
void poller_aim(struct io_uring_sqe *sqe, struct poller_item *item);
/* Waits until the kernel has nothing of this item any more. */
void poller_drain(struct poller *p, const struct poller_item *item);

/* io_uring: something is to be submitted or fetched. No system call. */
bool poller_pending(const struct poller *p);
/*
 * Submits, sleeps until something is done or ns are over (0: doesn't sleep), calls done(). 0 or
 * negative errno.
 */
int poller_wait(struct poller *p, int64_t ns);

#endif
