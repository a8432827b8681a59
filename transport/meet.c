/* SPDX-License-Identifier: MIT */
#include "meet.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring.h"

#define RETRY_NS 250000000ll
#define BACKLOG 16

struct stranger {
	struct meet_peer *peer; /* NULL: free place */
	bool connecting;
	int64_t deadline;
};

struct meet {
	bool caller, listening; /* listening: the listener is watched */
	struct meet_options o;
	struct sockaddr_storage address;
	socklen_t address_size;
	char name[64];
	int epoll, listener;
	int64_t retry_at;
	char last_why[MEET_WHY]; /* of a call that failed, or couldn't be taken: said once */
	struct stranger stranger[MEET_STRANGERS];
};

static void name_address(const struct sockaddr_storage *a, socklen_t size, char name[64])
{
	char host[46], port[6];

	if (getnameinfo((const void *)a, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(name, 64, "somebody");
	else
		snprintf(name, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int find_address(struct meet *m, char why[MEET_WHY])
{
	const char *host = m->o.address;
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
	char port[8];
	int rc;

	if (!host || !*host || !strcmp(host, "localhost"))
		host = "127.0.0.1";
	snprintf(port, sizeof(port), "%u", m->o.port);
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc) {
		snprintf(why, MEET_WHY, "%.200s is no address: %s", host, gai_strerror(rc));
		return -EINVAL;
	}
	memcpy(&m->address, found->ai_addr, found->ai_addrlen);
	m->address_size = found->ai_addrlen;
	freeaddrinfo(found);
	name_address(&m->address, m->address_size, m->name);
	return 0;
}

static int open_meet(struct meet **to, const struct meet_options *o, bool caller,
		     char why[MEET_WHY])
{
	struct meet *m = calloc(1, sizeof(*m));
	int error;

	if (!m) {
		snprintf(why, MEET_WHY, "no memory");
		return -ENOMEM;
	}
	m->o = *o;
	m->caller = caller;
	m->listener = -1;
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	error = m->epoll < 0 ? -errno : find_address(m, why);
	if (error) {
		if (m->epoll < 0)
			snprintf(why, MEET_WHY, "epoll: %s", strerror(-error));
		meet_close(m);
		return error;
	}
	*to = m;
	return 0;
}

static const char *remedy(int error)
{
	switch (error) {
	case -EADDRINUSE:
		return "; another program has that port: choose another, or end that program";
	case -EADDRNOTAVAIL:
		return "; no interface of this machine has that address: is this the host that the "
		       "configuration means?";
	case -EACCES:
		return "; ports below 1024 are for root";
	case -EMFILE:
		return "; raise the limit on open files (ulimit -Hn)";
	}
	return "";
}

/* The listener is watched while there is a place for one more. */
static int watch_listener(struct meet *m, bool on)
{
	struct epoll_event e = {.events = EPOLLIN};

	if (m->listening == on)
		return 0;
	m->listening = on;
	return epoll_ctl(m->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, m->listener, &e) ? -errno
											: 0;
}

int meet_listen(struct meet **to, const struct meet_options *o, char why[MEET_WHY])
{
	const int on = 1;
	struct meet *m;
	int error = open_meet(&m, o, false, why);

	if (error)
		return error;
	m->listener = socket(m->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->listener >= 0)
		setsockopt(m->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (m->listener < 0 || bind(m->listener, (void *)&m->address, m->address_size) ||
	    listen(m->listener, BACKLOG))
		error = -errno;
	if (!error)
		error = watch_listener(m, true);
	if (!error) {
		*to = m;
		return 0;
	}
	snprintf(why, MEET_WHY, "%s can't be listened on: %s%s", m->name, strerror(-error),
		 remedy(error));
	meet_close(m);
	return error;
}

int meet_call(struct meet **m, const struct meet_options *o, char why[MEET_WHY])
{
	return open_meet(m, o, true, why);
}

void meet_free(struct meet_peer *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	handshake_end(&p->handshake);
	free(p);
}

void meet_close(struct meet *m)
{
	for (unsigned i = 0; i < MEET_STRANGERS; i++)
		meet_free(m->stranger[i].peer);
	if (m->listener >= 0)
		close(m->listener);
	if (m->epoll >= 0)
		close(m->epoll);
	free(m);
}

int meet_fd(const struct meet *m)
{
	return m->epoll;
}

static unsigned strangers(const struct meet *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MEET_STRANGERS; i++)
		n += m->stranger[i].peer != NULL;
	return n;
}

int meet_wait(const struct meet *m)
{
	int64_t now = tnd_monotonic(), first = INT64_MAX;

	for (unsigned i = 0; i < MEET_STRANGERS; i++) {
		if (m->stranger[i].peer && m->stranger[i].deadline < first)
			first = m->stranger[i].deadline;
	}
	if (m->caller ? !strangers(m) : m->retry_at > now)
		first = m->retry_at < first ? m->retry_at : first;
	if (first == INT64_MAX)
		return -1;
	return first <= now ? 0 : (int)((first - now + 999999) / 1000000);
}

/* fd becomes a stranger's. The caller has seen that there is a place. */
static int welcome(struct meet *m, int fd, const char *name, bool connecting)
{
	struct epoll_event e = {.events = connecting ? EPOLLOUT : EPOLLIN};
	struct meet_peer *p = calloc(1, sizeof(*p));
	const int on = 1;
	unsigned i = 0;

	if (!p || handshake_begin(&p->handshake, m->caller, m->o.key, m->o.items) ||
	    epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &e)) {
		free(p);
		close(fd);
		return -ENOMEM;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->fd = fd;
	snprintf(p->name, sizeof(p->name), "%s", name);
	while (m->stranger[i].peer)
		i++;
	m->stranger[i] = (struct stranger){.peer = p,
					   .connecting = connecting,
					   .deadline = tnd_monotonic() + MEET_PATIENCE_NS};
	return 0;
}

/* A call has failed: to be said when it is news. p: without an fd. */
static enum meet_event failed(struct meet *m, struct meet_peer *p, struct meet_peer **to)
{
	m->retry_at = tnd_monotonic() + RETRY_NS;
	if (!strcmp(m->last_why, p->why)) {
		meet_free(p);
		return MEET_NOTHING;
	}
	memcpy(m->last_why, p->why, sizeof(m->last_why));
	*to = p;
	return MEET_REFUSED;
}

/* The same, of one that couldn't even begin. */
static enum meet_event not_begun(struct meet *m, int error, struct meet_peer **to)
{
	struct meet_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return MEET_NOTHING;
	p->fd = -1;
	snprintf(p->why, sizeof(p->why), "%s: %s%s", m->name, strerror(error), remedy(-error));
	return failed(m, p, to);
}

/* Is there a place for one more, and are there descriptors, as far as is known? */
static bool takes_more(const struct meet *m)
{
	return strangers(m) < MEET_STRANGERS && tnd_monotonic() >= m->retry_at;
}

static enum meet_event accept_strangers(struct meet *m, struct meet_peer **to)
{
	while (takes_more(m)) {
		struct sockaddr_storage a;
		socklen_t size = sizeof(a);
		int fd = accept4(m->listener, (void *)&a, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		char name[64];

		/* Whoever calls waits in the kernel's queue. */
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			return not_begun(m, errno, to);
		if (fd < 0)
			break;
		name_address(&a, size, name);
		welcome(m, fd, name, false);
	}
	return MEET_NOTHING;
}

static enum meet_event try_to_call(struct meet *m, struct meet_peer **to)
{
	int error, fd;

	if (strangers(m) || tnd_monotonic() < m->retry_at)
		return MEET_NOTHING;
	fd = socket(m->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    (!connect(fd, (void *)&m->address, m->address_size) || errno == EINPROGRESS)) {
		welcome(m, fd, m->name, true);
		return MEET_NOTHING;
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	return not_begun(m, error, to);
}

/* 1: connected; 0: not yet; negative errno. */
static int connected(struct stranger *s)
{
	struct pollfd p = {.fd = s->peer->fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof(error);

	if (poll(&p, 1, 0) != 1)
		return 0;
	if (getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &size))
		return -errno;
	s->connecting = false;
	return error ? -error : 1;
}

/* Leaves the place; what is left is the event's. */
static enum meet_event leave(struct meet *m, struct stranger *s, enum meet_event event,
			     const char *why, struct meet_peer **to)
{
	struct meet_peer *p = s->peer;

	epoll_ctl(m->epoll, EPOLL_CTL_DEL, p->fd, NULL);
	s->peer = NULL;
	if (event == MEET_REFUSED) {
		close(p->fd);
		p->fd = -1;
		snprintf(p->why, sizeof(p->why), "%s: %s", p->name, why);
		if (m->caller)
			return failed(m, p, to);
	}
	*to = p;
	return event;
}

static enum meet_event go_on(struct meet *m, struct stranger *s, struct meet_peer **p)
{
	struct handshake *h = &s->peer->handshake;
	struct epoll_event e = {0};
	short events = 0;
	int rc = s->connecting ? connected(s) : 1;

	if (rc < 0)
		return leave(m, s, MEET_REFUSED, strerror(-rc), p);
	if (rc > 0) {
		rc = handshake_step(h, s->peer->fd, &events);
		if (rc < 0)
			return leave(m, s, MEET_REFUSED, h->why, p);
		if (rc > 0)
			return leave(m, s, MEET_PEER, "", p);
		e.events = (uint32_t)events;
		if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, s->peer->fd, &e))
			return leave(m, s, MEET_REFUSED, strerror(errno), p);
	}
	if (tnd_monotonic() < s->deadline)
		return MEET_NOTHING;
	return leave(m, s, MEET_REFUSED,
		     s->connecting ? "it can't be reached: no answer"
				   : "it was too slow with the handshake",
		     p);
}

enum meet_event meet_step(struct meet *m, struct meet_peer **p)
{
	enum meet_event event = MEET_NOTHING;

	*p = NULL;
	if (m->caller)
		event = try_to_call(m, p);
	else
		event = accept_strangers(m, p);
	for (unsigned i = 0; i < MEET_STRANGERS && event == MEET_NOTHING; i++) {
		if (m->stranger[i].peer)
			event = go_on(m, &m->stranger[i], p);
	}
	if (!m->caller)
		watch_listener(m, takes_more(m));
	return event;
}
