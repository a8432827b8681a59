/* SPDX-License-Identifier: MIT */
/*
 * How the two ends of a link find each other: the leader's host listens on an address of its RDMA
 * device and says so on the socket, which is authenticated; the follower's host calls. A token
 * tells the leader's host that the caller is who is at the other end of the socket.
 *
 * Without a wish, the device is the one behind the socket's own address, if it works.
 */
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "rdma_device.h"

#define MAGIC "TndRdma1"
#define RESOLVE_MS 2000
#define LOOK_NS 1000000 /* how often it looks while the poller tells nothing */
#define RETRIES 7       /* the most that there is: 3 bits */
#define ACK_UNIT 4096   /* ns */
#define ACK_MOST 31     /* 5 bits */

const char *rdma_device_of(const struct rdma *r)
{
	const struct rdma_cm_id *id = r->meet.id ? r->meet.id : r->meet.listener;

	return id && id->verbs ? ibv_get_device_name(id->verbs->device) : "the RDMA device";
}

/* ---- addresses ---- */

static void set_port(struct sockaddr_storage *a, const uint8_t port[2])
{
	if (a->ss_family == AF_INET)
		memcpy(&((struct sockaddr_in *)a)->sin_port, port, 2);
	else
		memcpy(&((struct sockaddr_in6 *)a)->sin6_port, port, 2);
}

static void say_address(struct rdma_hello *h, const struct sockaddr *a, uint16_t port)
{
	memcpy(h->magic, MAGIC, sizeof(h->magic));
	h->family = a->sa_family == AF_INET ? 4 : 6;
	memcpy(h->port, &port, 2);
	if (h->family == 4)
		memcpy(h->address, &((const struct sockaddr_in *)a)->sin_addr, 4);
	else
		memcpy(h->address, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
}

static bool hear_address(const struct rdma_hello *h, struct sockaddr_storage *a)
{
	static const uint8_t none[sizeof(h->address) - 4];

	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) || (h->family != 4 && h->family != 6) ||
	    h->zero || (h->family == 4 && memcmp(h->address + 4, none, sizeof(none)) != 0))
		return false;
	memset(a, 0, sizeof(*a));
	a->ss_family = h->family == 4 ? AF_INET : AF_INET6;
	if (h->family == 4)
		memcpy(&((struct sockaddr_in *)a)->sin_addr, h->address, 4);
	else
		memcpy(&((struct sockaddr_in6 *)a)->sin6_addr, h->address, 16);
	set_port(a, h->port);
	return true;
}

/* ---- begin ---- */

static void look_soon(struct rdma *r)
{
	r->meet.look = true;
}

static void on_event(struct poller_item *item, int result)
{
	(void)result;
	look_soon((void *)((uint8_t *)item - offsetof(struct rdma, meet.on_event)));
}

static void on_socket(struct poller_item *item, int result)
{
	(void)result;
	look_soon((void *)((uint8_t *)item - offsetof(struct rdma, meet.on_socket)));
}

static bool socket_address(const struct rdma_meet *m, struct sockaddr_storage *a)
{
	socklen_t size = sizeof(*a);

	a->ss_family = AF_UNSPEC;
	return !getsockname(m->fd, (struct sockaddr *)a, &size) &&
	       (a->ss_family == AF_INET || a->ss_family == AF_INET6);
}

static int bind_id(struct rdma_meet *m, struct rdma_cm_id **id, char why[ENGINE_WHY])
{
	struct sockaddr_storage a;
	bool known = socket_address(m, &a);

	return rdma_device_bind(m->events, m->device, known ? (struct sockaddr *)&a : NULL, id, why,
				ENGINE_WHY);
}

static int listen_here(struct rdma *r, char why[ENGINE_WHY])
{
	struct rdma_meet *m = &r->meet;
	int error = bind_id(m, &m->listener, why);

	if (error)
		return error;
	if (getrandom(m->hello.token, RDMA_TOKEN, 0) != RDMA_TOKEN || rdma_listen(m->listener, 1)) {
		error = -errno;
		snprintf(why, ENGINE_WHY, "%s can't listen: %s", rdma_device_of(r),
			 strerror(-error));
		return error;
	}
	say_address(&m->hello, rdma_get_local_addr(m->listener), rdma_get_src_port(m->listener));
	/* A fresh connection has room for that. */
	if (write(m->fd, &m->hello, sizeof(m->hello)) != sizeof(m->hello)) {
		error = errno ? -errno : -EIO;
		snprintf(why, ENGINE_WHY, "the connection broke before RDMA began: %s",
			 strerror(-error));
		return error;
	}
	m->state = RDMA_LISTENING;
	return 0;
}

int rdma_meet_begin(struct rdma *r, const struct engine_link *l, char why[ENGINE_WHY])
{
	struct rdma_meet *m = &r->meet;
	int error;

	m->state = RDMA_HELLO;
	m->begun = r->c.link->engine->now;
	snprintf(m->device, sizeof(m->device), "%s", l->device ? l->device : "");
	m->events = rdma_device_events(why, ENGINE_WHY);
	if (!m->events)
		return -errno;
	fcntl(m->fd, F_SETFL, fcntl(m->fd, F_GETFL) | O_NONBLOCK);
	fcntl(m->events->fd, F_SETFL, O_NONBLOCK);
	m->on_event.done = on_event;
	m->on_socket.done = on_socket;
	error = poller_watch(r->poller, &m->on_event, m->events->fd, POLLIN);
	if (!error)
		error = poller_watch(r->poller, &m->on_socket, m->fd, POLLIN);
	if (error)
		snprintf(why, ENGINE_WHY, "the connection can't be watched: %s", strerror(-error));
	else
		error = r->leader ? listen_here(r, why) : bind_id(m, &m->id, why);
	return error;
}

void rdma_meet_end(struct rdma *r)
{
	struct rdma_meet *m = &r->meet;

	if (m->on_event.done)
		poller_unwatch(r->poller, &m->on_event);
	if (m->on_socket.done)
		poller_unwatch(r->poller, &m->on_socket);
	if (m->id)
		rdma_destroy_id(m->id);
	if (m->listener)
		rdma_destroy_id(m->listener);
	if (m->events)
		rdma_destroy_event_channel(m->events);
	close(m->fd);
}

/* ---- go on ---- */

static int failed(struct rdma *r, const char *what, int error)
{
	return link_lost(r->c.link, "RDMA: %s: %s", what, strerror(error));
}

/* Follower's host: the leader's address has come. */
static int call(struct rdma *r)
{
	struct rdma_meet *m = &r->meet;
	struct sockaddr_storage a;

	if (!hear_address(&m->hello, &a))
		return link_lost(r->c.link, "it sent garbage where its RDMA address was expected");
	m->state = RDMA_CALLING;
	if (rdma_resolve_addr(m->id, NULL, (struct sockaddr *)&a, RESOLVE_MS))
		return failed(r, "its address can't be reached", errno);
	return 0;
}

/*
 * How long the device waits until it sends again, as an exponent: the least with which it goes on
 * for the deadline, which is whose word it is that the peer is gone. So long a wait isn't for what
 * was lost alone: see probe() in rdma.c.
 */
static uint8_t ack_timeout(int64_t deadline)
{
	uint8_t n = 1;

	while (n < ACK_MOST && ((int64_t)ACK_UNIT << n) * (RETRIES + 1) < deadline)
		n++;
	return n;
}

static int connect_id(struct rdma *r, struct rdma_cm_id *id, const void *token)
{
	uint8_t timeout = ack_timeout(r->c.link->engine->o.deadline_ns);
	struct rdma_conn_param p = {
		.private_data = token,
		.private_data_len = token ? RDMA_TOKEN : 0,
		.retry_count = RETRIES,
		.rnr_retry_count = 7,
	};
	int error;

	/* Where the kernel doesn't know this option (before 5.1), its own choice will do. */
	rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &timeout, sizeof(timeout));
	error = rdma_pair_begin(r);
	if (error)
		return error;
	if (token ? rdma_connect(id, &p) : rdma_accept(id, &p))
		return failed(r, "no connection", errno);
	return 0;
}

/* Leader's host: somebody calls. */
static int accept_caller(struct rdma *r, const struct rdma_cm_event *e)
{
	struct rdma_meet *m = &r->meet;

	if (m->id || e->param.conn.private_data_len < RDMA_TOKEN ||
	    memcmp(e->param.conn.private_data, m->hello.token, RDMA_TOKEN)) {
		rdma_reject(e->id, NULL, 0);
		rdma_destroy_id(e->id);
		return 0;
	}
	m->id = e->id;
	return connect_id(r, m->id, NULL);
}

static int handle(struct rdma *r, const struct rdma_cm_event *e)
{
	struct rdma_meet *m = &r->meet;

	switch (e->event) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		return rdma_resolve_route(m->id, RESOLVE_MS)
			       ? failed(r, "there is no route to it", errno)
			       : 0;
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		return connect_id(r, m->id, m->hello.token);
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		return accept_caller(r, e);
	case RDMA_CM_EVENT_ESTABLISHED:
		m->state = RDMA_UP;
		return 1;
	case RDMA_CM_EVENT_DISCONNECTED:
		m->ended = true;
		return 0;
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
		return link_lost(
			r->c.link,
			"its RDMA address can't be reached from %s here: the two devices must be "
			"in one network",
			rdma_device_of(r));
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
		return link_lost(
			r->c.link,
			"its RDMA device doesn't answer: RoCE needs UDP port 4791 open between "
			"the hosts");
	case RDMA_CM_EVENT_REJECTED:
		return link_lost(r->c.link, "it has refused the RDMA connection");
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		return link_lost(r->c.link, "%s was removed from this host", rdma_device_of(r));
	default:
		return 0;
	}
}

static int take_events(struct rdma *r)
{
	struct rdma_cm_event *e;
	int rc = 0;

	while (rc >= 0 && !rdma_get_cm_event(r->meet.events, &e)) {
		/*
		 * Handled after it is acknowledged: what destroys an id waits for that. What it
		 * points to is copied.
		 */
		struct rdma_cm_event copy = *e;
		uint8_t data[256];
		int one;

		if (copy.param.conn.private_data_len &&
		    copy.event == RDMA_CM_EVENT_CONNECT_REQUEST) {
			memcpy(data, copy.param.conn.private_data,
			       copy.param.conn.private_data_len);
			copy.param.conn.private_data = data;
		}
		rdma_ack_cm_event(e);
		one = handle(r, &copy);
		rc = one ? one : rc;
	}
	return rc;
}

/* Until nothing is left: what has been told once isn't told again. */
static int take_socket(struct rdma *r)
{
	struct rdma_meet *m = &r->meet;

	for (;;) {
		bool hello = m->state == RDMA_HELLO;
		uint8_t none;
		ssize_t n = hello ? read(m->fd, (uint8_t *)&m->hello + m->hello_bytes,
					 sizeof(m->hello) - m->hello_bytes)
				  : read(m->fd, &none, 1);
		int rc;

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			m->ended = true;
			return 0;
		}
		if (n < 0)
			return 0;
		if (!hello)
			return link_lost(r->c.link, "it sent something where RDMA has taken over");
		m->hello_bytes += (size_t)n;
		rc = m->hello_bytes == sizeof(m->hello) ? call(r) : 0;
		if (rc < 0)
			return rc;
	}
}

/* Without io_uring the poller tells only those who sleep. */
static bool looks(const struct rdma *r, int64_t now)
{
	return r->meet.look || (!r->poller->ring && now - r->meet.looked >= LOOK_NS);
}

int rdma_meet_step(struct rdma *r)
{
	const struct engine *e = r->c.link->engine;
	struct rdma_meet *m = &r->meet;
	int rc = 0;

	if (looks(r, e->now)) {
		m->look = false;
		m->looked = e->now;
		rc = take_socket(r);
		if (rc >= 0)
			rc = take_events(r);
	}
	if (rc >= 0 && m->state != RDMA_UP && e->now - m->begun > e->o.deadline_ns / 4 * 3)
		return link_lost(r->c.link,
				 "the RDMA connection didn't come up within %.1f s: RoCE needs UDP "
				 "port 4791 "
				 "open between the hosts",
				 (double)(e->now - m->begun) / 1e9);
	return rc;
}
