/* SPDX-License-Identifier: MIT */
/*
 * A connected stream socket in the engine's thread: one send and one receive under way at a time,
 * by io_uring, or by plain system calls on a non-blocking socket, as the poller is.
 */
#ifndef TANDEM_TRANSPORT_WIRE_H
#define TANDEM_TRANSPORT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "poller.h"

enum wire_state {
	WIRE_IDLE,
	WIRE_ASKED,  /* by the caller; not yet done, or not wholly */
	WIRE_KERNEL, /* io_uring has it */
	WIRE_BACK,   /* io_uring has answered: result */
};

/* One direction. iovecs and memory stay the caller's and must stay until it is over. */
struct wire_way {
	struct poller_item item;
	struct msghdr msg;
	enum wire_state state;
	int result;
};

struct wire {
	struct poller *poller;
	int fd;
	struct wire_way out, in;
	struct poller_item ready; /* plain sockets */
	int error;                /* of a send that was begun; for wire_step() */
	size_t asked, came;       /* bytes of the last receive */
	bool drained;             /* it has taken all there was */
};

/* Takes fd, also when it fails. 0 or negative errno. */
int wire_open(struct wire *w, struct poller *p, int fd);
/* Sends all of it, in order. Not while one is under way. True: it is over already. */
bool wire_send(struct wire *w, struct iovec *iov, unsigned n);
static inline bool wire_sending(const struct wire *w)
{
	return w->out.state != WIRE_IDLE;
}
/* Receives something, at least one byte; n: 1 or 2. Nothing while one is under way. */
void wire_receive(struct wire *w, struct iovec *iov, unsigned n);

#define WIRE_SENT 1 /* the send is over */
#define WIRE_CAME 2 /* the receive is over: w->came bytes, 0 at the end of the stream */

/* Goes on with both as far as that is possible now. What is over, or negative errno. */
int wire_step(struct wire *w);
/* Before poller_wait(), which then ends when wire_step() has something to do. 0, or an error. */
int wire_arm(struct wire *w);
/* Ends both and closes the socket. */
void wire_close(struct wire *w);

#endif
