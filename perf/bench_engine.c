/* SPDX-License-Identifier: MIT */
/*
 * One stream between two hosts, against plain TCP over the same link:
 *
 *   bench_engine [-m MEASURE] [-w WAY] [-b BYTES] [-r ROUNDS] [-t MILLISECONDS]
 *                [NAMESPACE_A NAMESPACE_B ADDRESS_B]
 *
 * (default: all of them, in this namespace, over 127.0.0.1; a way by its number from 0, plain TCP;
 * 5 rounds, 300 ms for each figure.)
 *
 * bench_engine.sh makes the namespaces. Each host is a process with one core. Latency: a record of
 * so many bytes goes out and the word that it is checked comes back; plain, so many bytes and 24
 * back. Both as round trips in us, the median. Goodput in MB/s: records of that size as fast as
 * they go; plain, 128 KiB at a time. processor: time that the follower's host spends on each round
 * trip, in us. All ways take turns. Prints CSV: measure,way,bytes,round,value.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/engine_host.h"
#include "tests/unit/futex_host.h"

#define RING (1u << 20)
#define PINGS 20000 /* at most */
#define ANSWER 24
#define PLAIN_WRITE (128u << 10)
#define PORT 7791

enum { PLAIN = -1 }; /* else an index into ways[] */

static const uint32_t sizes[] = {64, 512, 4096, 16384, 65536};
static const int contenders[] = {PLAIN, 0, 1, 2, 3};

#define CONTENDERS ((int)(sizeof(contenders) / sizeof(*contenders)))
static uint8_t buffer[PLAIN_WRITE];

/* What is chosen; NULL, -1, 0: all. */
static const char *only_measure;
static int only_way = -1;
static uint32_t only_bytes;
static int rounds = 5;
static int64_t run_ns = 300000000;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_engine: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *name_of(int way)
{
	return way == PLAIN ? "plain TCP" : ways[way].name;
}

/* ---- connections ---- */

static int listen_here(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(fd, (void *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0, "listen");
	return fd;
}

static int call(const char *address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int on = 1;

	must(inet_pton(AF_INET, address, &a.sin_addr) == 1, address);
	for (int i = 0; i < 500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (void *)&a, sizeof(a)) == 0) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			return fd;
		}
		close(fd);
		usleep(10000);
	}
	must(false, "connect");
	return -1;
}

static int answer(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;

	must(fd >= 0, "accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static bool receive(int fd, size_t n)
{
	while (n) {
		ssize_t got = recv(fd, buffer, n < sizeof(buffer) ? n : sizeof(buffer), 0);

		if (got <= 0)
			return false;
		n -= (size_t)got;
	}
	return true;
}

/* ---- a host with an engine ---- */

static void start(struct host *h, bool leader, int way, int fd)
{
	static struct link_keys keys[2] = {{.send = {1}, .receive = {2}},
					   {.send = {2}, .receive = {1}}};

	host_begin(h, leader, &ways[way], RING, 1, 0);
	host_enter(h);
	if (seal_has_aes())
		keys[leader].cipher = SEAL_AES256;
	host_link_raw(h, 0, fd, ways[way].sealed ? &keys[leader] : NULL);
}

/* ---- what is measured: at the caller's end ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void ping(struct ring_tx *tx, int fd, uint32_t n)
{
	int err = 0;

	if (tx) {
		uint8_t *p = ring_reserve(tx, n, &err);

		must(p, "ring_reserve");
		p[0] = (uint8_t)n;
		ring_commit(tx, n);
		must(ring_wait_checked(tx, tx->head, 10000000000) == 0, "ring_wait_checked");
		return;
	}
	must(send(fd, buffer, n, 0) == n && receive(fd, ANSWER), "ping");
}

static double latency(struct ring_tx *tx, int fd, uint32_t n)
{
	static double took[PINGS];
	int64_t start = tnd_monotonic(), from = start, now;
	size_t count = 0;

	do {
		ping(tx, fd, n);
		now = tnd_monotonic();
		took[count++] = (double)(now - from) / 1000;
		from = now;
	} while (now - start < run_ns && count < PINGS);
	qsort(took, count, sizeof(*took), compare);
	return took[count / 2];
}

static double flow(struct ring_tx *tx, int fd, uint32_t n)
{
	int64_t from = tnd_monotonic(), now = from;
	uint64_t bytes = 0;
	int err = 0;

	while (now - from < run_ns) {
		for (int i = 0; i < 16; i++) {
			if (tx) {
				uint8_t *p = ring_reserve(tx, n, &err);

				must(p, "ring_reserve");
				p[0] = (uint8_t)n;
				ring_publish(tx, n);
				bytes += n;
			} else {
				must(send(fd, buffer, sizeof(buffer), 0) == sizeof(buffer), "send");
				bytes += sizeof(buffer);
			}
		}
		now = tnd_monotonic();
	}
	if (tx) {
		must(ring_wait_checked(tx, tx->head, 10000000000) == 0, "ring_wait_checked");
	} else {
		/* The other end says how much has come when all has. */
		must(shutdown(fd, SHUT_WR) == 0 && receive(fd, 1), "flow");
	}
	return (double)bytes * 1000 / (double)(tnd_monotonic() - from);
}

static void lead(const char *measure, int way, uint32_t n, int round, const char *address)
{
	static const struct ring_options o;
	bool flows = !strcmp(measure, "goodput");
	int fd = call(address);
	struct host h;
	struct ring_tx tx;
	double value;

	if (way != PLAIN) {
		start(&h, true, way, fd);
		host_tx(&h, 0, &tx, &o);
	}
	/* The other end may need a moment yet. */
	if (way != PLAIN || !flows)
		ping(way == PLAIN ? NULL : &tx, fd, n);
	value = (flows ? flow : latency)(way == PLAIN ? NULL : &tx, fd, n);
	printf("%s,\"%s\",%u,%d,%.2f\n", measure, name_of(way), n, round, value);
	fflush(stdout);
	if (way != PLAIN)
		host_end(&h);
	else
		close(fd);
}

/* ---- the other end ---- */

static double processor(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static uint64_t follow_plain(bool flows, uint32_t n, int fd)
{
	uint64_t count = 0;

	if (flows) {
		while (receive(fd, sizeof(buffer)))
			count++;
		must(send(fd, buffer, 1, 0) == 1, "send");
	} else {
		while (receive(fd, n) && send(fd, buffer, ANSWER, MSG_NOSIGNAL) == ANSWER)
			count++;
	}
	close(fd);
	return count;
}

static uint64_t follow_engine(bool flows, int way, uint32_t n, int fd)
{
	static const struct ring_options o;
	struct engine_event e = {.kind = ENGINE_NOTHING};
	uint64_t count = 0;
	struct host h;
	struct ring_rx rx;
	const void *p;

	start(&h, false, way, fd);
	host_rx(&h, 0, &rx, &o);
	while (e.kind == ENGINE_NOTHING) {
		if (ring_peek(&rx, n, &p, 200000000, !flows) == 0) {
			ring_release(&rx, n);
			count++;
		} else {
			engine_next(h.engine, &e);
		}
	}
	host_end(&h);
	return count;
}

static void follow(const char *measure, int way, uint32_t n, int round, int fd)
{
	bool flows = !strcmp(measure, "goodput");
	double before = processor();
	uint64_t count =
		way == PLAIN ? follow_plain(flows, n, fd) : follow_engine(flows, way, n, fd);

	if (flows)
		return;
	printf("processor,\"%s\",%u,%d,%.2f\n", name_of(way), n, round,
	       (processor() - before) / (double)count);
	fflush(stdout);
}

/* ---- both ---- */

static void enter(const char *name, int core)
{
	char path[128];
	cpu_set_t set;
	int fd;

	CPU_ZERO(&set);
	CPU_SET(core % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (!name)
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, path);
	close(fd);
}

static void one(bool leads, const char *measure, int way, uint32_t bytes, int round,
		const char *address, int listener)
{
	if (leads)
		lead(measure, way, bytes, round, address);
	else
		follow(measure, way, bytes, round, answer(listener));
}

static bool chosen(const char *measure, int contender, uint32_t bytes)
{
	return (!only_measure || !strcmp(measure, only_measure)) &&
	       (only_way < 0 || only_way == contender) && (!only_bytes || only_bytes == bytes);
}

/* Both go through the same list. */
static void run(bool leads, const char *address)
{
	static const char *const measures[] = {"latency", "goodput"};
	const int each = rounds * CONTENDERS,
		  all = 2 * (int)(sizeof(sizes) / sizeof(*sizes)) * each;
	int listener = leads ? -1 : listen_here();

	for (int i = 0; i < all; i++) {
		const char *measure = measures[i * 2 / all];
		uint32_t bytes = sizes[i / each % (int)(sizeof(sizes) / sizeof(*sizes))];
		int contender = i % CONTENDERS;

		if (chosen(measure, contender, bytes))
			one(leads, measure, contenders[contender], bytes, i / CONTENDERS % rounds,
			    address, listener);
	}
}

int main(int argc, char **argv)
{
	int status = 0, option;
	bool usage = false;
	pid_t pid;

	while ((option = getopt(argc, argv, "m:w:b:r:t:")) != -1) {
		if (option == 'm')
			only_measure = optarg;
		else if (option == 'w')
			only_way = atoi(optarg);
		else if (option == 'b')
			only_bytes = (uint32_t)atoi(optarg);
		else if (option == 'r')
			rounds = atoi(optarg);
		else if (option == 't')
			run_ns = atoi(optarg) * 1000000ll;
		else
			usage = true;
	}
	argc -= optind;
	argv += optind;
	if (usage || rounds < 1 || run_ns < 1 || (argc != 0 && argc != 3)) {
		fprintf(stderr, "usage: bench_engine [-m MEASURE] [-w WAY] [-b BYTES] [-r ROUNDS] "
				"[-t MILLISECONDS] [NAMESPACE_A NAMESPACE_B ADDRESS_B]\n");
		return 2;
	}
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it would wait for the next connection */
		enter(argc ? argv[1] : NULL, 1);
		run(false, NULL);
		return 0;
	}
	enter(argc ? argv[0] : NULL, 0);
	puts("measure,way,bytes,round,value");
	run(true, argc ? argv[2] : "127.0.0.1");
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return status != 0;
}
