/* SPDX-License-Identifier: MIT */
#include "poller.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ENTRIES 256
#define EVENTS 32

/* From the most that a kernel may have to the least that will do. */
static const struct {
	unsigned flags;
	const char *text;
} setups[] = {
	{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	 "io_uring (single issuer, deferred work)"},
	{IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, "io_uring (cooperative work)"},
	{0, "io_uring"},
};

static void say_why(struct poller *p, int error, bool needed)
{
	const char *why = error == -ENOSYS   ? "is not in this kernel"
			  : error == -EPERM  ? "is forbidden here (kernel.io_uring_disabled, or "
					       "seccomp)"
			  : error == -ENOMEM ? "finds too little memory that may be locked "
					       "(ulimit -l)"
					     : strerror(-error);

	if (needed)
		snprintf(p->text, sizeof(p->text),
			 "tcp_io = \"uring\", but io_uring %s; \"auto\" takes plain sockets then",
			 why);
	else
		snprintf(p->text, sizeof(p->text), "plain sockets: io_uring %s", why);
}

static int open_ring(struct poller *p)
{
	struct io_uring *ring = malloc(sizeof(*ring));
	int error = -ENOMEM;

	if (!ring)
		return error;
	for (size_t i = 0; i < sizeof(setups) / sizeof(*setups); i++) {
		struct io_uring_params params = {.flags = setups[i].flags | IORING_SETUP_CLAMP};

		error = io_uring_queue_init_params(ENTRIES, ring, &params);
		if (error == -EINVAL)
			continue;
		/* A wait with a time in one call: without it (before 5.11) a timeout is a request.
		 */
		if (!error && !(params.features & IORING_FEAT_EXT_ARG)) {
			io_uring_queue_exit(ring);
			error = -ENOSYS;
		}
		if (error)
			break;
		snprintf(p->text, sizeof(p->text), "%s", setups[i].text);
		p->ring = ring;
		p->poll_first = i == 0; /* 6.1 has both */
		return 0;
	}
	free(ring);
	return error;
}

int poller_open(struct poller *p, bool allowed, bool needed)
{
	int error = allowed ? open_ring(p = memset(p, 0, sizeof(*p))) : 0;

	if (!allowed) {
		memset(p, 0, sizeof(*p));
		snprintf(p->text, sizeof(p->text), "plain sockets");
	} else if (!error) {
		p->epoll = -1;
		return 0;
	} else {
		say_why(p, error, needed);
		if (needed)
			return error;
	}
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	return p->epoll < 0 ? -errno : 0;
}

void poller_close(struct poller *p)
{
	if (p->ring)
		io_uring_queue_exit(p->ring);
	else
		close(p->epoll);
	free(p->ring);
	p->ring = NULL;
}

struct io_uring_sqe *poller_request(struct poller *p, struct poller_item *item)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(p->ring);

	if (!sqe && io_uring_submit(p->ring) >= 0)
		sqe = io_uring_get_sqe(p->ring);
	if (!sqe)
		return NULL;
	item->inflight++;
	io_uring_sqe_set_data(sqe, item);
	return sqe;
}

/* The caller's preparation comes after poller_request(), and clears what it has set. */
void poller_aim(struct io_uring_sqe *sqe, struct poller_item *item)
{
	io_uring_sqe_set_data(sqe, item);
}

static int watch(struct poller *p, struct poller_item *item)
{
	struct io_uring_sqe *sqe = poller_request(p, item);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, item->fd, (unsigned)item->events);
	poller_aim(sqe, item);
	return 0;
}

int poller_watch(struct poller *p, struct poller_item *item, int fd, short events)
{
	struct epoll_event e = {.events = (uint32_t)events | EPOLLET, .data.ptr = item};

	item->fd = fd;
	item->events = events;
	item->watched = true;
	item->inflight = 0;
	if (p->ring)
		return watch(p, item);
	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int poller_change(struct poller *p, struct poller_item *item, short events)
{
	struct epoll_event e = {.events = (uint32_t)events | EPOLLET, .data.ptr = item};
	int fd = item->fd;

	if (events == item->events)
		return 0;
	if (p->ring) {
		poller_unwatch(p, item);
		return poller_watch(p, item, fd, events);
	}
	item->events = events;
	return epoll_ctl(p->epoll, EPOLL_CTL_MOD, fd, &e) ? -errno : 0;
}

void poller_unwatch(struct poller *p, struct poller_item *item)
{
	struct io_uring_sqe *sqe;

	if (!item->watched)
		return;
	item->watched = false;
	if (!p->ring) {
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, item->fd, NULL);
		return;
	}
	if (!item->inflight)
		return;
	item->done = NULL;
	sqe = poller_request(p, item);
	if (sqe) {
		io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)item, 0);
		poller_aim(sqe, item);
	}
	poller_drain(p, item);
}

void poller_drain(struct poller *p, const struct poller_item *item)
{
	while (item->inflight && poller_wait(p, 100000000) >= 0)
		;
}

static void complete(struct poller *p, struct io_uring_cqe *cqe)
{
	struct poller_item *item = io_uring_cqe_get_data(cqe);
	int result = cqe->res;
	bool more = cqe->flags & IORING_CQE_F_MORE;

	io_uring_cqe_seen(p->ring, cqe);
	if (!item)
		return;
	if (!more)
		item->inflight--;
	if (item->watched && !more && result >= 0)
		watch(p, item);
	if (item->done && !(item->watched && result < 0))
		item->done(item, result);
}

bool poller_pending(const struct poller *p)
{
	return p->ring && (io_uring_sq_ready(p->ring) || io_uring_cq_ready(p->ring) ||
			   IO_URING_READ_ONCE(*p->ring->sq.kflags) & IORING_SQ_TASKRUN);
}

static int wait_ring(struct poller *p, int64_t ns)
{
	struct __kernel_timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	struct io_uring_cqe *cqe;
	int rc;

	if (ns && !io_uring_cq_ready(p->ring))
		rc = io_uring_submit_and_wait_timeout(p->ring, &cqe, 1, &ts, NULL);
	else
		rc = io_uring_submit_and_get_events(p->ring);
	if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EBUSY && rc != -EAGAIN)
		return rc;
	/* What these cause is for the next time. */
	for (unsigned n = io_uring_cq_ready(p->ring); n && !io_uring_peek_cqe(p->ring, &cqe); n--)
		complete(p, cqe);
	return 0;
}

int poller_wait(struct poller *p, int64_t ns)
{
	struct epoll_event e[EVENTS];
	struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	int n;

	if (p->ring)
		return wait_ring(p, ns);
	n = epoll_pwait2(p->epoll, e, EVENTS, &ts, NULL);
	if (n < 0 && errno == ENOSYS) /* before 5.11; never shorter than asked for */
		n = epoll_wait(p->epoll, e, EVENTS, (int)((ns + 999999) / 1000000));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct poller_item *item = e[i].data.ptr;

		item->done(item, (int)e[i].events);
	}
	return 0;
}
