/* SPDX-License-Identifier: MIT */
/*
 * The engine over RDMA, between two processes, or two guests: one has the leader's host, the other
 * a follower's. Each test is two halves that meet over TCP. What doesn't need that is tested in one
 * process by tests/unit/test_engine.c and test_engine_faults.c, as over the other carriers.
 *
 *   test_rdma               both, as parent and child; ADDRESS is this machine's
 *   test_rdma lead|follow   one of them; ADDRESS is the leader's
 *
 * The leader's half prints TAP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <rdma/rdma_verbs.h>
#include <cmocka.h>

#include "tests/unit/engine_host.h"
#include "tests/unit/futex_host.h"
#include "transport/link.h"
#include "transport/rdma.h"

#define PORT 7001
#define TIME_LIMIT 60
#define DEADLINE 15000000000ll
#define SECOND 1000000000ll
#define LOCKSTEP 20000000000ll /* ns: most that an answer takes */

static const struct way way = {.name = "rdma", .carrier = "rdma"};
static const struct ring_options defaults;
static const char *address;
static bool alone; /* both halves on this machine */

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x);          \
			fflush(stderr);                                                            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* ---- the two ends ---- */

static int dial(bool leader)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int one = 1, listener, fd;

	inet_pton(AF_INET, address, &a.sin_addr);
	if (leader) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		MUST(!bind(listener, (void *)&a, sizeof(a)) && !listen(listener, 1));
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		MUST(fd >= 0);
		close(listener);
		return fd;
	}
	/* The leader's half may take its time. */
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (!connect(fd, (void *)&a, sizeof(a)))
			return fd;
		close(fd);
		usleep(50000);
	}
}

static int add(struct host *h, const char *device, char why[ENGINE_WHY])
{
	return engine_add(h->engine,
			  &(struct engine_link){.name = 0,
						.ack = h->ack[0],
						.fd = dial(h->leader),
						.carrier = "rdma",
						.device = device},
			  why);
}

static void begin_within(struct host *h, bool leader, uint64_t size, int64_t deadline)
{
	char why[ENGINE_WHY];

	host_begin(h, leader, &way, size, 1, deadline);
	if (add(h, NULL, why)) {
		fprintf(stderr, "engine_add: %s\n", why);
		abort();
	}
	host_enter(h);
}

static void begin(struct host *h, bool leader, uint64_t size)
{
	begin_within(h, leader, size, DEADLINE);
}

static void expect(struct host *h, enum engine_event_kind kind, const char *text)
{
	struct engine_event e;

	host_event(h, &e);
	if (e.kind != kind || !strstr(e.why, text)) {
		fprintf(stderr, "event %d: %s; expected: %d: %s\n", e.kind, e.why, kind, text);
		abort();
	}
	free(e.data);
}

/* ---- records whose contents follow from their position ---- */

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)((position * 0x9e3779b97f4a7c15ull) >> 56);
}

static void put(struct ring_tx *tx, uint32_t n)
{
	int err = 0;
	uint8_t *p = ring_reserve(tx, n, &err);

	MUST(!err);
	for (uint32_t i = 0; i < n; i++)
		p[i] = byte_at(tx->head + i);
	ring_commit(tx, n);
}

static void get(struct ring_rx *rx, uint32_t n)
{
	const uint8_t *p = NULL;

	MUST(!ring_peek(rx, n, (const void **)&p, LOCKSTEP, false));
	for (uint32_t i = 0; i < n; i++)
		MUST(p[i] == byte_at(rx->tail + i));
	ring_release(rx, n);
}

static uint32_t mixed(uint64_t position)
{
	uint32_t r = (uint32_t)(position * 0x9e3779b97f4a7c15ull >> 32);

	return r % 16 ? 1 + r / 16 % 300 : 1 + r / 16 % (HOST_RING / 4);
}

/* ---- tests: what each half does ---- */

/* As much as goes; the follower reads slowly at times, so the ring is full. */
#define FLOW 10000000u

static void lead_flow(void)
{
	struct engine_stats s;
	struct ring_tx tx;
	struct host h;

	begin(&h, true, HOST_RING);
	host_tx(&h, 0, &tx, &defaults);
	while (tx.head < FLOW) {
		put(&tx, mixed(tx.head));
		ring_flush(&tx);
	}
	MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	MUST(!engine_stats(h.engine, 0, &s) && !strcmp(s.carrier, "rdma over rxe0, trusted"));
	host_end(&h);
}

static void follow_flow(void)
{
	struct ring_rx rx;
	struct host h;

	begin(&h, false, HOST_RING);
	host_rx(&h, 0, &rx, &defaults);
	for (unsigned i = 0; rx.tail < FLOW; i++) {
		get(&rx, mixed(rx.tail));
		if (i % 4096 == 0)
			usleep(20000);
	}
	expect(&h, ENGINE_LEFT, "");
	host_end(&h);
}

/* Publishes until the link is lost; when the follower was last heard of. */
static int64_t publish_until_lost(struct host *h, struct ring_tx *tx)
{
	struct pollfd p = {.fd = engine_fd(h->engine), .events = POLLIN};
	int64_t heard = tnd_monotonic();
	uint64_t tail = 0;
	int err;

	do {
		if (ring_reserve(tx, 1000, &err))
			ring_publish(tx, 1000);
		else
			MUST(err == -ETIMEDOUT);
		if (atomic_load(&tx->consumer[0]->tail) != tail) {
			tail = atomic_load(&tx->consumer[0]->tail);
			heard = tnd_monotonic();
		}
	} while (poll(&p, 1, 0) == 0);
	return heard;
}

/* The follower's process dies in the middle of it: no deadline has to pass until that is known. */
static void lead_death(void)
{
	struct ring_options o = {.reserve_timeout_ns = 10000000};
	struct ring_tx tx;
	struct host h;
	int64_t heard;

	begin(&h, true, HOST_RING);
	host_tx(&h, 0, &tx, &o);
	heard = publish_until_lost(&h, &tx);
	MUST(tx.head >= 100000);
	MUST(tnd_monotonic() - heard < DEADLINE / 2);
	expect(&h, ENGINE_LOST, "hung up without a goodbye");
	host_end(&h);
}

static void follow_death(void)
{
	struct ring_rx rx;
	struct host h;

	begin(&h, false, HOST_RING);
	host_rx(&h, 0, &rx, &defaults);
	for (unsigned i = 0; i < 100; i++) {
		const void *p;

		MUST(!ring_peek(&rx, 1000, &p, LOCKSTEP, false));
		ring_release(&rx, 1000);
	}
	kill(getpid(), SIGKILL);
}

/* Nothing leaves this guest any more. */
static void cut(void)
{
	MUST(!system("modprobe sch_netem && tc qdisc add dev eth0 root netem loss 100%"));
}

static void mend(void)
{
	MUST(!system("tc qdisc del dev eth0 root"));
}

static void say(struct ring_tx *tx)
{
	put(tx, 10);
	ring_kick(tx);
}

/*
 * The network is away for a while. Shorter than the deadline: the session goes on soon after it is
 * back, also where the device would wait long until it sends again.
 */
static const struct {
	int64_t deadline;
	useconds_t away; /* us */
	int64_t soon;    /* most that the answer takes then */
} outages[] = {{8 * SECOND, 4000000, 8 * SECOND}, {120 * SECOND, 100000, 5 * SECOND}};
#define OUTAGES (sizeof(outages) / sizeof(*outages))

static void lead_outage(void)
{
	for (unsigned i = 0; i < OUTAGES; i++) {
		struct ring_tx tx;
		struct host h;
		int64_t start, back;

		begin_within(&h, true, HOST_RING, outages[i].deadline);
		host_tx(&h, 0, &tx, &defaults);
		say(&tx);
		MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
		cut();
		start = tnd_monotonic();
		say(&tx);
		usleep(outages[i].away);
		MUST(atomic_load(&tx.consumer[0]->tail) < tx.head);
		mend();
		back = tnd_monotonic();
		MUST(!ring_wait_checked(&tx, tx.head, outages[i].soon));
		printf("# answered %.2f s after an outage of %.2f s\n",
		       (double)(tnd_monotonic() - back) / 1e9, (double)(back - start) / 1e9);
		host_end(&h);
	}
}

static void follow_outage(void)
{
	for (unsigned i = 0; i < OUTAGES; i++) {
		struct ring_rx rx;
		struct host h;

		begin_within(&h, false, HOST_RING, outages[i].deadline);
		host_rx(&h, 0, &rx, &defaults);
		get(&rx, 10);
		get(&rx, 10);
		expect(&h, ENGINE_LEFT, "");
		host_end(&h);
	}
}

/* A longer one: both hosts say so when the deadline is over, neither before nor much later. */
#define BRIEF (4 * SECOND)

static void stay_cut(struct host *h)
{
	int64_t start = tnd_monotonic();

	cut();
	expect(h, ENGINE_LOST, "nothing was heard from it for 4.");
	MUST(tnd_monotonic() - start < 2 * BRIEF);
	sleep(2); /* the other one mustn't hear that this one has closed the link */
	mend();
}

static void lead_long_outage(void)
{
	struct ring_tx tx;
	struct host h;

	begin_within(&h, true, HOST_RING, BRIEF);
	host_tx(&h, 0, &tx, &defaults);
	say(&tx);
	MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	say(&tx);
	usleep(100000);
	say(&tx); /* crosses the other one's cut, or comes after it */
	stay_cut(&h);
	host_end(&h);
}

static void follow_long_outage(void)
{
	struct ring_rx rx;
	struct host h;

	begin_within(&h, false, HOST_RING, BRIEF);
	host_rx(&h, 0, &rx, &defaults);
	get(&rx, 10);
	get(&rx, 10);
	stay_cut(&h);
	host_end(&h);
}

/*
 * The follower's host turns to another leader: the one before keeps on writing, and nothing of it
 * gets there.
 */
static void lead_stale(void)
{
	struct ring_options o = {.reserve_timeout_ns = 10000000};
	struct ring_tx tx;
	struct host h;

	begin(&h, true, HOST_RING);
	host_tx(&h, 0, &tx, &o);
	put(&tx, 1000);
	MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	publish_until_lost(&h, &tx);
	expect(&h, ENGINE_LOST, "");
	host_end(&h);
	/* A new epoch. */
	begin(&h, true, HOST_RING);
	host_tx(&h, 0, &tx, &defaults);
	put(&tx, 2000);
	MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	host_end(&h);
}

static void follow_stale(void)
{
	static uint8_t before[HOST_RING];
	struct ring_rx rx;
	struct host h;

	begin(&h, false, HOST_RING);
	host_rx(&h, 0, &rx, &defaults);
	get(&rx, 1000);
	usleep(50000);
	engine_drop(h.engine, 0);
	memcpy(before, rx.data, sizeof(before));
	usleep(300000);
	MUST(!memcmp(before, rx.data, sizeof(before)));
	host_end(&h);
	begin(&h, false, HOST_RING);
	host_rx(&h, 0, &rx, &defaults);
	get(&rx, 2000);
	expect(&h, ENGINE_LEFT, "");
	host_end(&h);
}

/*
 * A write past the engine: over a connection of its own, by whoever knows where a stream's bytes
 * are and with which key. Both connections of a process have one protection domain (librdmacm has
 * one for each device), so nothing but the registration can stand in its way.
 */
#define RAW_AT 5000u /* where it writes: behind all that was published */
#define RAW_BYTES 64u

struct raw_target {
	uint64_t address;
	uint32_t key;
};

static struct ibv_qp_init_attr raw_pair(void)
{
	return (struct ibv_qp_init_attr){
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1},
	};
}

static struct sockaddr_in raw_address(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT + 1)};

	inet_pton(AF_INET, address, &a.sin_addr);
	return a;
}

static struct rdma_cm_id *raw_listen(void)
{
	struct sockaddr_in a = raw_address();
	struct rdma_cm_id *id;

	MUST(!rdma_create_id(NULL, &id, NULL, RDMA_PS_TCP));
	MUST(!rdma_bind_addr(id, (void *)&a) && !rdma_listen(id, 1));
	return id;
}

static struct rdma_cm_id *raw_accept(struct rdma_cm_id *listener, struct raw_target *to)
{
	struct ibv_qp_init_attr pair = raw_pair();
	struct rdma_conn_param p = {.retry_count = 7, .rnr_retry_count = 7};
	struct rdma_cm_id *id;

	MUST(!rdma_get_request(listener, &id));
	memcpy(to, id->event->param.conn.private_data, sizeof(*to));
	MUST(!rdma_create_qp(id, NULL, &pair) && !rdma_accept(id, &p));
	rdma_destroy_id(listener);
	return id;
}

static struct rdma_cm_id *raw_connect(const struct raw_target *to)
{
	struct rdma_conn_param p = {.private_data = to, .private_data_len = sizeof(*to)};
	struct ibv_qp_init_attr pair = raw_pair();
	struct sockaddr_in a = raw_address();
	struct rdma_cm_id *id;

	MUST(!rdma_create_id(NULL, &id, NULL, RDMA_PS_TCP));
	MUST(!rdma_resolve_addr(id, NULL, (void *)&a, 5000) && !rdma_resolve_route(id, 5000));
	MUST(!rdma_create_qp(id, NULL, &pair) && !rdma_connect(id, &p));
	return id;
}

static enum ibv_wc_status raw_write(struct rdma_cm_id *id, const struct raw_target *to)
{
	static uint8_t bytes[RAW_BYTES];
	struct ibv_mr *mr = ibv_reg_mr(id->pd, bytes, sizeof(bytes), IBV_ACCESS_LOCAL_WRITE);
	struct ibv_wc wc;

	memset(bytes, 0xee, sizeof(bytes));
	MUST(mr);
	MUST(!rdma_post_write(id, NULL, bytes, sizeof(bytes), mr, IBV_SEND_SIGNALED,
			      to->address + RAW_AT, to->key));
	MUST(rdma_get_send_comp(id, &wc) == 1);
	ibv_dereg_mr(mr);
	return wc.status;
}

static void hand_over(int fd)
{
	MUST(write(fd, "", 1) == 1);
}

static void wait_for(int fd)
{
	char byte;

	MUST(read(fd, &byte, 1) == 1);
}

static void lead_key(void)
{
	struct rdma_cm_id *id = raw_listen();
	struct raw_target to;
	struct ring_tx tx;
	struct host h;
	int turn;

	begin(&h, true, HOST_RING);
	turn = dial(true);
	host_tx(&h, 0, &tx, &defaults);
	put(&tx, 1000);
	MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	id = raw_accept(id, &to);
	MUST(raw_write(id, &to) == IBV_WC_SUCCESS); /* the way is open while the link is */
	hand_over(turn);
	wait_for(turn); /* the other host has left this leader */
	MUST(raw_write(id, &to) == IBV_WC_REM_ACCESS_ERR);
	hand_over(turn);
	expect(&h, ENGINE_LOST, "");
	rdma_destroy_ep(id);
	close(turn);
	host_end(&h);
}

static void follow_key(void)
{
	static const uint8_t nothing[RAW_BYTES];
	const struct rdma_stream *s;
	struct raw_target to = {0};
	struct rdma_cm_id *id;
	struct ring_rx rx;
	struct host h;
	uint8_t *at;
	int turn;

	begin(&h, false, HOST_RING);
	turn = dial(false);
	host_rx(&h, 0, &rx, &defaults);
	get(&rx, 1000);
	s = ((const struct rdma *)h.engine->link[0]->carrier)->streams;
	MUST(s && s->number == 0);
	to.address = (uintptr_t)s->mr->addr;
	to.key = s->mr->rkey;
	at = s->s->data + RAW_AT;
	MUST(!memcmp(at, nothing, RAW_BYTES));
	id = raw_connect(&to);
	wait_for(turn);
	MUST(at[0] == 0xee && at[RAW_BYTES - 1] == 0xee);
	memset(at, 0, RAW_BYTES);
	engine_drop(h.engine, 0);
	hand_over(turn);
	wait_for(turn);
	MUST(!memcmp(rx.data + RAW_AT, nothing, RAW_BYTES));
	rdma_destroy_ep(id);
	close(turn);
	host_end(&h);
}

/* What is wrong on this host is said here, with what to do; the other one sees a connection close.
 */
static void lead_errors(void)
{
	struct link_keys keys = {.send = {1}};
	char why[ENGINE_WHY];
	struct host h;
	int pair[2];

	host_begin(&h, true, &way, HOST_RING, 1, DEADLINE);
	MUST(add(&h, "mlx5_9", why) == -ENODEV);
	MUST(!strcmp(why, "the RDMA device that was chosen isn't usable here: rxe0 isn't the one"));
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(engine_add(h.engine,
			&(struct engine_link){
				.ack = h.ack[0], .fd = pair[0], .keys = &keys, .carrier = "rdma"},
			why) == -EINVAL);
	MUST(strstr(why, "it needs link = \"trusted\""));
	close(pair[1]);
	host_end(&h);
}

static void follow_errors(void)
{
	char why[ENGINE_WHY];
	struct host h;

	host_begin(&h, false, &way, HOST_RING, 1, DEADLINE);
	MUST(!add(&h, "rxe0", why));
	expect(&h, ENGINE_LOST, "hung up");
	host_end(&h);
}

/* The follower's host has a limit on locked memory. */
static void lead_limit(void)
{
	struct ring_tx tx;
	struct host h;

	begin(&h, true, HOST_RING);
	host_tx(&h, 0, &tx, &defaults);
	expect(&h, ENGINE_LOST, "");
	host_end(&h);
}

static void follow_limit(void)
{
	struct rlimit limit = {2u << 20, 2u << 20};
	struct engine_event e;
	struct host h;

	/* Root is bound by it without this capability, which goes with the user. */
	MUST(!setrlimit(RLIMIT_MEMLOCK, &limit) && !setresuid(65534, 65534, 65534));
	begin(&h, false, 16u << 20);
	host_event(&h, &e);
	MUST(e.kind == ENGINE_LOST && strstr(e.why, "RLIMIT_MEMLOCK is 2048 KB; raise it"));
	host_end(&h);
}

/* ---- running them ---- */

struct test {
	const char *name;
	void (*lead)(void), (*follow)(void);
	int killed;   /* signal that ends the follower's half */
	bool between; /* two guests: within one nothing crosses a network */
};

static const struct test tests[] = {
	{"flow with back-pressure", lead_flow, follow_flow, 0, false},
	{"errors say what is wrong", lead_errors, follow_errors, 0, false},
	{"a limit on locked memory is named", lead_limit, follow_limit, 0, false},
	{"a dead peer is noticed", lead_death, follow_death, SIGKILL, false},
	{"a stale leader writes nothing", lead_stale, follow_stale, 0, false},
	{"a stale key is refused", lead_key, follow_key, 0, false},
	{"a short outage is survived", lead_outage, follow_outage, 0, true},
	{"a long one is named in time", lead_long_outage, follow_long_outage, 0, true},
};
#define TESTS (sizeof(tests) / sizeof(*tests))

/* A program of its own: what a process has opened of RDMA, its children can't use. */
static pid_t start_follower(size_t i)
{
	char number[24];
	pid_t child;

	snprintf(number, sizeof(number), "%zu", i);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "test_rdma", "follow", number, NULL);
		_exit(127);
	}
	return child;
}

static bool ended_well(pid_t child, size_t i)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		return false;
	return tests[i].killed ? WIFSIGNALED(status) && WTERMSIG(status) == tests[i].killed
			       : status == 0;
}

static void run(void **state)
{
	size_t i = (size_t)((const struct test *)*state - tests);
	pid_t child = alone ? start_follower(i) : 0;

	alarm(TIME_LIMIT);
	tests[i].lead();
	assert_true(!child || ended_well(child, i));
	alarm(0);
}

static int follow(const char *which)
{
	int failed = 0;

	if (which) {
		alarm(TIME_LIMIT);
		tests[strtoul(which, NULL, 10) % TESTS].follow();
		return 0;
	}
	for (size_t i = 0; i < TESTS; i++)
		failed |= !ended_well(start_follower(i), i);
	return failed;
}

int main(int argc, char **argv)
{
	struct CMUnitTest list[TESTS];
	size_t n = 0;

	address = getenv("ADDRESS");
	alone = argc < 2;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!address) {
		fprintf(stderr, "ADDRESS is not set\n");
		return 2;
	}
	if (!alone && !strcmp(argv[1], "follow"))
		return follow(argv[2]);
	for (size_t i = 0; i < TESTS; i++) {
		if (!alone || !tests[i].between)
			list[n++] = (struct CMUnitTest){tests[i].name, run, NULL, NULL,
							(void *)&tests[i]};
	}
	return _cmocka_run_group_tests("rdma", list, n, NULL, NULL);
}
