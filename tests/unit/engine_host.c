/* SPDX-License-Identifier: MIT */
#include "engine_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "futex_host.h"

#define STREAMS 1024u /* room in the files */

const struct way ways[] = {
	{.name = "io_uring, trusted", .carrier = "tcp", .io = ENGINE_IO_URING},
	{.name = "io_uring, encrypted", .carrier = "tcp", .io = ENGINE_IO_URING, .sealed = true},
	{.name = "plain sockets, trusted", .carrier = "tcp", .io = ENGINE_IO_SOCKETS},
	{.name = "plain sockets, encrypted",
	 .carrier = "tcp",
	 .io = ENGINE_IO_SOCKETS,
	 .sealed = true},
	{.name = "io_uring, trusted, socket pair",
	 .carrier = "tcp",
	 .io = ENGINE_IO_URING,
	 .pair = true},
	{.name = "shm", .carrier = "shm"},
	/* In a guest, where everything takes its time. */
	{.name = "rdma", .carrier = "rdma", .deadline = 10000000000ll},
};
const unsigned ways_count = sizeof(ways) / sizeof(ways[0]);

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "Bail out! %s: %s\n", what, why);
	abort();
}

static void must(bool good, const char *what)
{
	if (!good)
		give_up(what, strerror(errno));
}

static int file(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	must(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "memfd");
	return fd;
}

static void *map(int fd, uint64_t offset, size_t bytes, void *at)
{
	void *p = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
		       (off_t)offset);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static bool without_engine(const struct way *way)
{
	return !strcmp(way->carrier, "shm");
}

void host_begin(struct host *h, bool leader, const struct way *way, uint64_t size,
		unsigned followers, int64_t deadline)
{
	char why[ENGINE_WHY];

	memset(h, 0, sizeof(*h));
	h->way = way;
	h->leader = leader;
	h->size = size;
	h->log = file("log", log_stream_offset(size, STREAMS));
	h->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->acks = followers;
	for (unsigned i = 0; i < followers; i++)
		h->ack[i] = file("ack", ack_stream_offset(STREAMS));
	h->header = map(h->log, 0, RING_PAGE, NULL);
	if (without_engine(way))
		return;
	if (engine_start(
		    &h->engine,
		    &(struct engine_options){.leader = leader,
					     .log = h->log,
					     .bell = h->bell,
					     .ring_size = size,
					     .io = way->io,
					     .deadline_ns = deadline ? deadline : way->deadline},
		    why))
		give_up("engine_start", why);
}

void host_end(struct host *h)
{
	if (h->engine)
		engine_stop(h->engine, 1000000000);
	for (unsigned i = 0; i < h->acks; i++)
		close(h->ack[i]);
	munmap(h->header, RING_PAGE);
	close(h->log);
	close(h->bell);
}

void host_sockets(const struct way *way, int fd[2])
{
	const char *address = strcmp(way->carrier, "rdma") ? "127.0.0.1" : getenv("ADDRESS");
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t size = sizeof(a);
	int listener;

	if (way->pair) {
		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0, "socketpair");
		return;
	}
	if (!address || inet_pton(AF_INET, address, &a.sin_addr) != 1)
		give_up("ADDRESS", "it must be the RDMA device's");
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(listener >= 0 && bind(listener, (void *)&a, size) == 0 && listen(listener, 1) == 0 &&
		     getsockname(listener, (void *)&a, &size) == 0,
	     "listen");
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(connect(fd[0], (void *)&a, size) == 0, "connect");
	fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	must(fd[1] >= 0, "accept");
	close(listener);
}

void host_link_raw(struct host *h, unsigned i, int fd, const struct link_keys *keys)
{
	char why[ENGINE_WHY];

	if (engine_add(h->engine,
		       &(struct engine_link){.name = i,
					     .ack = h->ack[i],
					     .fd = fd,
					     .keys = keys,
					     .carrier = h->way->carrier},
		       why))
		give_up("engine_add", why);
}

static void share_memory(const struct host *leader, unsigned i, struct host *follower)
{
	must(dup3(leader->log, follower->log, O_CLOEXEC) >= 0 &&
		     dup3(leader->ack[i], follower->ack[0], O_CLOEXEC) >= 0,
	     "dup3");
	map(follower->log, 0, RING_PAGE, follower->header);
}

void host_link(struct host *leader, unsigned i, struct host *follower, const struct way *way)
{
	struct link_keys a, b;
	int fd[2];

	if (without_engine(way)) {
		share_memory(leader, i, follower);
		return;
	}
	/* Each way one of the ciphers. */
	a.cipher = b.cipher =
		way->io == ENGINE_IO_URING && seal_has_aes() ? SEAL_AES256 : SEAL_CHACHA20;
	memset(a.send, 1, sizeof(a.send));
	memset(a.receive, 2, sizeof(a.receive));
	memcpy(b.send, a.receive, sizeof(b.send));
	memcpy(b.receive, a.send, sizeof(b.receive));
	host_sockets(way, fd);
	host_link_raw(leader, i, fd[0], way->sealed ? &a : NULL);
	host_link_raw(follower, 0, fd[1], way->sealed ? &b : NULL);
}

void host_enter(const struct host *h)
{
	bell_fd = h->bell;
}

struct ring_producer *host_producer(const struct host *h, uint32_t stream)
{
	return map(h->log, log_stream_offset(h->size, stream), RING_PAGE, NULL);
}

struct ring_consumer *host_consumer(const struct host *h, unsigned ack, uint32_t stream)
{
	return map(h->ack[ack], ack_stream_offset(stream), RING_PAGE, NULL);
}

static uint8_t *data_of(const struct host *h, uint32_t stream)
{
	uint64_t at = log_stream_offset(h->size, stream) + RING_PAGE;
	uint8_t *p = mmap(NULL, 2 * h->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	map(h->log, at, h->size, p);
	map(h->log, at, h->size, p + h->size);
	return p;
}

void host_tx(const struct host *h, uint32_t stream, struct ring_tx *tx,
	     const struct ring_options *o)
{
	struct ring_consumer *consumer[ENGINE_LINKS];

	for (unsigned i = 0; i < h->acks; i++)
		consumer[i] = host_consumer(h, i, stream);
	must(ring_tx_init(tx, host_producer(h, stream), data_of(h, stream), h->size, consumer,
			  h->acks, o) == 0,
	     "ring_tx_init");
}

void host_rx(const struct host *h, uint32_t stream, struct ring_rx *rx,
	     const struct ring_options *o)
{
	struct ring_producer *producer = host_producer(h, stream);
	struct ring_consumer *consumer = host_consumer(h, 0, stream);
	uint8_t *data = data_of(h, stream);
	int rc;

	/* As process_attach() does. */
	while ((rc = ring_rx_init(rx, producer, data, h->size, consumer, o)) == -EAGAIN)
		usleep(200);
	must(rc == 0, "ring_rx_init");
}

void host_close_stream(struct host *h, uint32_t stream)
{
	if (h->engine)
		engine_close_stream(h->engine, stream);
}

void host_event(struct host *h, struct engine_event *event)
{
	struct pollfd p = {.fd = engine_fd(h->engine), .events = POLLIN};

	must(poll(&p, 1, 30000) == 1, "poll");
	engine_next(h->engine, event);
}
