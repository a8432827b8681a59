/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Whatever happens is looked at by wire_step(). */
static void nothing(struct poller_item *item, int result)
{
	(void)item;
	(void)result;
}

static void over(struct poller_item *item, int result)
{
	struct wire_way *way = (void *)((char *)item - offsetof(struct wire_way, item));

	way->result = result;
	way->state = WIRE_BACK;
}

/* A peer that is gone without a word is noticed by the engine's own deadline; this is for others.
 */
static void set_options(int fd)
{
	const int on = 1, idle = 10, interval = 5, probes = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

int wire_open(struct wire *w, struct poller *p, int fd)
{
	int flags = fcntl(fd, F_GETFL), error = 0;

	memset(w, 0, sizeof(*w));
	w->poller = p;
	w->fd = fd;
	w->out.item.done = w->in.item.done = over;
	w->ready.done = nothing;
	set_options(fd);
	/* A request of io_uring on a non-blocking socket would come back at once. */
	flags = p->ring ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	if (fcntl(fd, F_SETFL, flags))
		error = -errno;
	if (!error && !p->ring)
		error = poller_watch(p, &w->ready, fd, POLLIN);
	if (error)
		close(fd);
	return error;
}

/* Forgets what has been sent. True: that was all. */
static bool advance(struct msghdr *m, size_t n)
{
	while (m->msg_iovlen && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (!m->msg_iovlen)
		return true;
	m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
	m->msg_iov->iov_len -= n;
	return false;
}

static int request(struct wire *w, struct wire_way *way)
{
	struct io_uring_sqe *sqe = poller_request(w->poller, &way->item);

	if (!sqe)
		return -EAGAIN;
	if (way == &w->out)
		io_uring_prep_sendmsg(sqe, w->fd, &way->msg, MSG_NOSIGNAL | MSG_WAITALL);
	else
		io_uring_prep_recvmsg(sqe, w->fd, &way->msg, 0);
	if (way == &w->in && w->drained && w->poller->poll_first)
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	poller_aim(sqe, &way->item);
	way->state = WIRE_KERNEL;
	return -EAGAIN;
}

/* One try in one direction: bytes or negative errno; -EAGAIN: nothing now. */
static long attempt(struct wire *w, struct wire_way *way)
{
	long n = way->result;

	switch (way->state) {
	case WIRE_ASKED:
		if (w->poller->ring)
			return request(w, way);
		n = way == &w->out ? sendmsg(w->fd, &way->msg, MSG_NOSIGNAL | MSG_DONTWAIT)
				   : recvmsg(w->fd, &way->msg, MSG_DONTWAIT);
		if (n < 0)
			n = errno == EINTR ? -EAGAIN : -errno;
		return n;
	case WIRE_BACK:
		way->state = WIRE_ASKED;
		return n == -EINTR || n == -EAGAIN ? request(w, way) : n;
	default:
		return -EAGAIN;
	}
}

/* 1: over; 0: not yet. */
static int go_on_sending(struct wire *w)
{
	while (w->out.state != WIRE_IDLE) {
		long n = attempt(w, &w->out);

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		if (advance(&w->out.msg, (size_t)n)) {
			w->out.state = WIRE_IDLE;
			return 1;
		}
	}
	return 0;
}

bool wire_send(struct wire *w, struct iovec *iov, unsigned n)
{
	int rc;

	w->out.msg = (struct msghdr){.msg_iov = iov, .msg_iovlen = n};
	w->out.state = WIRE_ASKED;
	rc = go_on_sending(w);
	if (rc < 0)
		w->error = rc;
	return rc > 0;
}

void wire_receive(struct wire *w, struct iovec *iov, unsigned n)
{
	if (w->in.state != WIRE_IDLE)
		return;
	w->in.msg = (struct msghdr){.msg_iov = iov, .msg_iovlen = n};
	w->in.state = WIRE_ASKED;
	w->asked = iov[0].iov_len + (n > 1 ? iov[1].iov_len : 0);
	if (w->poller->ring)
		request(w, &w->in);
}

int wire_step(struct wire *w)
{
	int what = 0, rc = w->error ? w->error : go_on_sending(w);
	long n;

	if (rc < 0)
		return rc;
	if (rc)
		what |= WIRE_SENT;
	if (w->in.state == WIRE_IDLE)
		return what;
	n = attempt(w, &w->in);
	if (n == -EAGAIN)
		return what;
	if (n < 0)
		return (int)n;
	w->in.state = WIRE_IDLE;
	w->came = (size_t)n;
	w->drained = w->came < w->asked;
	return what | WIRE_CAME;
}

int wire_arm(struct wire *w)
{
	short events = w->in.state == WIRE_IDLE ? 0 : POLLIN;

	if (w->poller->ring)
		return 0;
	if (w->out.state != WIRE_IDLE)
		events |= POLLOUT;
	return poller_change(w->poller, &w->ready, events);
}

void wire_close(struct wire *w)
{
	shutdown(w->fd, SHUT_RDWR);
	if (w->poller->ring) {
		poller_drain(w->poller, &w->in.item);
		poller_drain(w->poller, &w->out.item);
	} else {
		poller_unwatch(w->poller, &w->ready);
	}
	close(w->fd);
}
