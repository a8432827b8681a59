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
#include "rdma_raw.h"
#include "rdma_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <cmocka.h>

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

/* That the leader waits for a record is said by its write, not by a word behind it. */
#define WAITS 60u

static void lead_lockstep(void)
{
	struct engine_stats before, after;
	struct ring_tx tx;
	struct host h;

	begin(&h, true, HOST_RING);
	host_tx(&h, 0, &tx, &defaults);
	put(&tx, 10);
	MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	MUST(!engine_stats(h.engine, 0, &before));
	for (unsigned i = 0; i < WAITS; i++) {
		put(&tx, mixed(tx.head));
		MUST(!ring_wait_checked(&tx, tx.head, LOCKSTEP));
	}
	MUST(!engine_stats(h.engine, 0, &after));
	/* Besides: where the ring ends, probes and heartbeats. */
	MUST(after.frames_out - before.frames_out < WAITS + WAITS / 2);
	host_end(&h);
}

static void follow_lockstep(void)
{
	struct ring_rx rx;
	struct host h;

	begin(&h, false, HOST_RING);
	host_rx(&h, 0, &rx, &defaults);
	get(&rx, 10);
	for (unsigned i = 0; i < WAITS; i++)
		get(&rx, mixed(rx.tail));
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
	/* It has hung up without a goodbye, or withdrawn its memory from a write on its way. */
	expect(&h, ENGINE_LOST, "its supervisor was ended");
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
	id = raw_connect(raw_address(), &to, sizeof(to));
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

/*
 * Words of a follower's host that can't be. The leader's end of the link is an engine, this one is
 * played by the test. What words mean is checked alike for all carriers: test_engine_faults.c.
 */
#define PART(at, of)                                                                               \
	{                                                                                          \
		.type = FRAME_MESSAGE, .position = (of), .key = (at), .bytes = 100                 \
	}

static const struct wrong {
	struct rdma_word before; /* a right one; type 0: none */
	struct rdma_word word;
	int follows; /* bytes behind it; less than 0: it is so much too short */
	const char *why;
} wrong[] = {
	{.word = {.type = 0}, .why = "no known type"},
	{.word = {.type = FRAME_BYTES}, .why = "no known type"},
	{.word = {.type = FRAME_TYPES}, .why = "no known type"},
	{.word = {.type = RDMA_CREDIT + 1}, .why = "no known type"},
	{.word = {.type = 255}, .why = "no known type"},
	{.word = {.type = FRAME_PING}, .follows = -1, .why = "less than a word"},
	{.word = {.type = FRAME_PING}, .follows = -24, .why = "less than a word"},
	{.word = {.type = FRAME_PING, .zero = {1}}, .why = "reserved bytes"},
	{.word = {.type = FRAME_PING, .zero = {0, 0, 1}}, .why = "reserved bytes"},
	{.word = {.type = FRAME_PING, .stream = 1}, .why = "that its type hasn't"},
	{.word = {.type = FRAME_HALT, .position = 1}, .why = "that its type hasn't"},
	{.word = {.type = FRAME_TAIL, .key = 1}, .why = "that its type hasn't"},
	{.word = {.type = FRAME_BYE, .bytes = 1}, .follows = 1, .why = "that its type hasn't"},
	{.word = {.type = RDMA_CREDIT, .stream = 1}, .why = "that its type hasn't"},
	{.word = {.type = FRAME_PING}, .follows = 4, .why = "isn't as long as it says"},
	{.word = PART(0, 200), .follows = 99, .why = "isn't as long as it says"},
	{.word = PART(0, ENGINE_MESSAGE + 1), .follows = 100, .why = "a part of a message"},
	{.word = PART(1, 200), .follows = 100, .why = "a part of a message"},
	{.word = PART(0, 99), .follows = 100, .why = "a part of a message"},
	{.word = {.type = FRAME_MESSAGE, .position = 200}, .why = "a part of a message"},
	{.before = PART(0, 200),
	 .word = PART(0, 200),
	 .follows = 100,
	 .why = "a part of a message"},
	{.before = PART(0, 300), .word = PART(100, 400), .follows = 100, .why = "a part of a"},
	{.before = PART(0, 200), .word = PART(100, 50), .follows = 100, .why = "a part of a"},
	{.before = PART(0, 200), .word = {.type = FRAME_PING}, .why = "between the parts"},
	{.word = {.type = RDMA_CREDIT, .position = 1000}, .why = "taken what it wasn't sent"},
	{.word = {.type = RDMA_REGION, .stream = 5}, .why = "stream 5, which can't be"},
	{.before = {.type = RDMA_REGION}, .word = {.type = RDMA_REGION}, .why = "stream 0 twice"},
};
#define WRONG (sizeof(wrong) / sizeof(*wrong))

static void lead_wrong(void)
{
	for (size_t i = 0; i < WRONG; i++) {
		struct host h;

		begin(&h, true, HOST_RING);
		expect(&h, ENGINE_LOST, wrong[i].why);
		host_end(&h);
	}
}

static void follow_wrong(void)
{
	static uint8_t bytes[RDMA_RECEIVE];

	for (size_t i = 0; i < WRONG; i++) {
		const struct wrong *w = &wrong[i];
		int fd = dial(false);
		struct rdma_hello hello;
		struct sockaddr_in a = raw_hear(fd, &hello);
		struct rdma_cm_id *id = raw_connect(a, hello.token, RDMA_TOKEN);
		struct ibv_mr *mr = ibv_reg_mr(id->pd, bytes, sizeof(bytes), 0);
		char byte;

		MUST(mr);
		if (w->before.type)
			raw_say(id, mr, &w->before, (int)w->before.bytes);
		raw_say(id, mr, &w->word, w->follows);
		MUST(read(fd, &byte, 1) <= 0); /* it has hung up */
		ibv_dereg_mr(mr);
		rdma_destroy_ep(id);
		close(fd);
	}
}

/* Writes of a leader's host that can't be. */
static const struct {
	uint32_t stream, bytes, times;
	const char *why;
} writes[] = {{5, 64, 1, "bytes of stream 5, which isn't open"},
	      {0, HOST_RING, 2, "more of stream 0 than fits"}};
#define WRITES (sizeof(writes) / sizeof(*writes))

static void lead_writes(void)
{
	for (size_t i = 0; i < WRITES; i++) {
		int fd = dial(true);
		struct raw_target to;
		struct rdma_cm_id *id = raw_lead(fd, &to);
		char byte;

		for (uint32_t n = 0; n < writes[i].times; n++)
			raw_write_immediate(id, &to, writes[i].bytes, writes[i].stream);
		MUST(read(fd, &byte, 1) <= 0);
		rdma_destroy_ep(id);
		close(fd);
	}
}

static void follow_writes(void)
{
	for (size_t i = 0; i < WRITES; i++) {
		struct host h;

		begin(&h, false, HOST_RING);
		expect(&h, ENGINE_LOST, writes[i].why);
		host_end(&h);
	}
}

/*
 * Whoever finds the device, but was told no token, is turned away; the one with the token gets in,
 * and none behind it.
 */
#define STRANGERS 6

static void lead_strangers(void)
{
	struct host h;

	begin(&h, true, HOST_RING);
	expect(&h, ENGINE_LOST, "hung up");
	host_end(&h);
}

static void follow_strangers(void)
{
	int fd = dial(false);
	struct rdma_hello hello, wrong_one;
	struct sockaddr_in a = raw_hear(fd, &hello);
	struct rdma_cm_id *id;

	for (unsigned i = 0; i < STRANGERS; i++) {
		wrong_one = hello;
		wrong_one.token[i % RDMA_TOKEN] ^= 1;
		MUST(!raw_call(a, wrong_one.token, i % 3 ? RDMA_TOKEN : 0));
	}
	id = raw_connect(a, hello.token, RDMA_TOKEN);
	MUST(!raw_call(a, hello.token, RDMA_TOKEN));
	close(fd);
	rdma_destroy_ep(id);
}

/* Where the leader's host says how it is reached. */
static void expect_wrong_hello(struct rdma_hello hello)
{
	char why[ENGINE_WHY];
	struct host h;
	int pair[2];

	host_begin(&h, false, &way, HOST_RING, 1, DEADLINE);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(!engine_add(h.engine,
			 &(struct engine_link){.ack = h.ack[0], .fd = pair[0], .carrier = "rdma"},
			 why));
	MUST(write(pair[1], &hello, sizeof(hello)) == sizeof(hello));
	expect(&h, ENGINE_LOST, "garbage where its RDMA address was expected");
	close(pair[1]);
	host_end(&h);
}

static void follow_hello(void)
{
	static const struct rdma_hello right = {
		.magic = {'T', 'n', 'd', 'R', 'd', 'm', 'a', '1'},
		.family = 4,
		.port = {1},
		.address = {10, 77, 0, 1},
	};
	struct rdma_hello hello = right;

	hello.magic[7] = '2';
	expect_wrong_hello(hello);
	hello = right;
	hello.family = 5;
	expect_wrong_hello(hello);
	hello = right;
	hello.zero = 1;
	expect_wrong_hello(hello);
	hello = right;
	hello.address[15] = 1;
	expect_wrong_hello(hello);
	close(dial(false));
}

static void lead_hello(void)
{
	close(dial(true));
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

/* A host with a limit on locked memory says so, and what to do; the other one sees it go. */
static void begin_limited(struct host *h, bool leader)
{
	struct rlimit limit = {4u << 20, 4u << 20};

	/* Root is bound by it without this capability, which goes with the user. */
	MUST(!setrlimit(RLIMIT_MEMLOCK, &limit) && !setresuid(65534, 65534, 65534));
	begin(h, leader, 16u << 20);
}

static void end_limited(struct host *h)
{
	expect(h, ENGINE_LOST,
	       "16384 KB of a stream can't be locked for RDMA here: RLIMIT_MEMLOCK is 4096 KB; "
	       "raise it (ulimit -l, LimitMEMLOCK= of a systemd unit), or lower ring_size");
	host_end(h);
}

static void lead_limited(void)
{
	struct ring_tx tx;
	struct host h;

	begin_limited(&h, true);
	host_tx(&h, 0, &tx, &defaults);
	ring_kick(&tx);
	end_limited(&h);
}

static void follow_unlimited(void)
{
	struct host h;

	begin(&h, false, 16u << 20);
	expect(&h, ENGINE_LOST, "hung up");
	host_end(&h);
}

static void lead_unlimited(void)
{
	struct ring_tx tx;
	struct host h;

	begin(&h, true, 16u << 20);
	host_tx(&h, 0, &tx, &defaults);
	expect(&h, ENGINE_LOST, "");
	host_end(&h);
}

static void follow_limited(void)
{
	struct host h;

	begin_limited(&h, false);
	end_limited(&h);
}

/* ---- running them ---- */

struct test {
	const char *name;
	void (*lead)(void), (*follow)(void);
	int killed; /* signal that ends the follower's half */
	enum { ANYWHERE, WITHIN, BETWEEN } where;
};

/*
 * A network that is away: between two guests. How the test's own peer speaks doesn't depend on
 * where it does: within one guest, which is faster.
 */
static const struct test tests[] = {
	{"flow with back-pressure", lead_flow, follow_flow, 0, ANYWHERE},
	{"a record in lockstep is one write", lead_lockstep, follow_lockstep, 0, ANYWHERE},
	{"errors say what is wrong", lead_errors, follow_errors, 0, ANYWHERE},
	{"a limit on locked memory is named", lead_unlimited, follow_limited, 0, ANYWHERE},
	{"so is one of the leader's host", lead_limited, follow_unlimited, 0, ANYWHERE},
	{"a dead peer is noticed", lead_death, follow_death, SIGKILL, ANYWHERE},
	{"a stale leader writes nothing", lead_stale, follow_stale, 0, ANYWHERE},
	{"a stale key is refused", lead_key, follow_key, 0, ANYWHERE},
	{"wrong words end the link", lead_wrong, follow_wrong, 0, WITHIN},
	{"so do wrong writes", lead_writes, follow_writes, 0, WITHIN},
	{"so does a wrong address", lead_hello, follow_hello, 0, WITHIN},
	{"strangers are turned away", lead_strangers, follow_strangers, 0, WITHIN},
	{"a short outage is survived", lead_outage, follow_outage, 0, BETWEEN},
	{"a long one is named in time", lead_long_outage, follow_long_outage, 0, BETWEEN},
};
#define TESTS (sizeof(tests) / sizeof(*tests))

static bool runs_here(size_t i)
{
	return tests[i].where != (alone ? BETWEEN : WITHIN);
}

/*
 * A program of its own: what a process has opened of RDMA, its children can't use, nor it itself
 * when it has changed its user.
 */
static pid_t start(const char *half, size_t i)
{
	char number[24];
	pid_t child;

	snprintf(number, sizeof(number), "%zu", i);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "test_rdma", half, number, NULL);
		_exit(127);
	}
	return child;
}

static bool ended_by(pid_t child, int killed)
{
	int status;

	if (waitpid(child, &status, 0) != child) {
		show_stack(child);
		return false;
	}
	return killed ? WIFSIGNALED(status) && WTERMSIG(status) == killed : status == 0;
}

static void run(void **state)
{
	const struct test *t = *state;
	size_t i = (size_t)(t - tests);
	pid_t child = alone ? start("follow", i) : 0;

	/* Not restarted: ended_by() fails. The halves' own alarms come a little later. */
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = too_long}, NULL);
	alarm(TIME_LIMIT - 5);
	assert_true(ended_by(start("lead", i), 0));
	assert_true(!child || ended_by(child, t->killed));
	alarm(0);
}

/* Which: the number of a test. */
static int run_half(bool lead, const char *which)
{
	const struct test *t = &tests[strtoul(which, NULL, 10) % TESTS];

	alarm(TIME_LIMIT);
	if (lead)
		t->lead();
	else
		t->follow();
	return 0;
}

static int follow_all(void)
{
	int failed = 0;

	for (size_t i = 0; i < TESTS; i++)
		failed |= runs_here(i) && !ended_by(start("follow", i), tests[i].killed);
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
	if (argc > 2)
		return run_half(!strcmp(argv[1], "lead"), argv[2]);
	if (!alone && !strcmp(argv[1], "follow"))
		return follow_all();
	for (size_t i = 0; i < TESTS; i++) {
		if (runs_here(i))
			list[n++] = (struct CMUnitTest){tests[i].name, run, NULL, NULL,
							(void *)&tests[i]};
	}
	return _cmocka_run_group_tests("rdma", list, n, NULL, NULL);
}
