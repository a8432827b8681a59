/* SPDX-License-Identifier: MIT */
/* Which calls are lockstep under each of A8's policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../monitor/call.h"
#include "../../monitor/fd.h"

#define ALWAYS (POLICY_SOCKET_RW_OC + 1)

static struct fd_entry entries[1 << FD_CHUNK], *chunk[] = {entries};
static struct session session;
static struct process_state state;
static struct process process;

enum { CLOSED, SOCKET = 3, PLAIN };

/* The first policy that exempts a call on such a descriptor; as the manual has it. */
static const struct {
	const char *call;
	int fd;
	unsigned exempt;
} wanted[] = {
	{"getpid", CLOSED, POLICY_BASE},
	{"getcwd", CLOSED, POLICY_BASE},
	{"uname", CLOSED, POLICY_BASE},
	{"clock_gettime", CLOSED, POLICY_BASE},
	{"sched_yield", CLOSED, POLICY_BASE},
	{"stat", CLOSED, POLICY_NONSOCKET_RO},
	{"lseek", PLAIN, POLICY_NONSOCKET_RO},
	{"read", PLAIN, POLICY_NONSOCKET_RO},
	{"readv", PLAIN, POLICY_NONSOCKET_RO},
	{"read", CLOSED, POLICY_NONSOCKET_RO},
	{"write", PLAIN, POLICY_NONSOCKET_RW},
	{"writev", PLAIN, POLICY_NONSOCKET_RW},
	{"fsync", PLAIN, POLICY_NONSOCKET_RW},
	{"read", SOCKET, POLICY_SOCKET_RO},
	{"readv", SOCKET, POLICY_SOCKET_RO},
	{"recvfrom", SOCKET, POLICY_SOCKET_RO},
	{"accept4", SOCKET, POLICY_SOCKET_RO},
	{"epoll_wait", PLAIN, POLICY_SOCKET_RO},
	{"write", SOCKET, POLICY_SOCKET_RW},
	{"writev", SOCKET, POLICY_SOCKET_RW},
	{"sendto", SOCKET, POLICY_SOCKET_RW},
	{"connect", SOCKET, POLICY_SOCKET_RW},
	{"bind", SOCKET, POLICY_SOCKET_RW},
	{"setsockopt", SOCKET, POLICY_SOCKET_RW},
	{"openat", CLOSED, POLICY_SOCKET_RW_OC},
	{"close", SOCKET, POLICY_SOCKET_RW_OC},
	{"close", PLAIN, POLICY_SOCKET_RW_OC},
	{"execve", CLOSED, ALWAYS},
	{"kill", CLOSED, ALWAYS},
	{"setuid", CLOSED, ALWAYS},
	{"mprotect", CLOSED, ALWAYS}, /* its hook has sorted out what isn't code */
	{"unlink", CLOSED, ALWAYS},
};
#define WANTED (sizeof(wanted) / sizeof(*wanted))

static int set_up(void **context)
{
	(void)context;
	memset(&session, 0, sizeof(session));
	memset(&state, 0, sizeof(state));
	process = (struct process){.session = &session, .state = &state};
	process.fds.chunk = chunk;
	process.fds.end = 1 << FD_CHUNK;
	entries[SOCKET].kind = FD_SOCKET;
	entries[PLAIN].kind = FD_FILE;
	return 0;
}

static bool lockstep(unsigned policy, const char *name, int fd)
{
	struct call c = {.process = &process, .args = {(uint64_t)fd}};

	process.policy = policy;
	for (c.call = 0; c.call < CALL_COUNT; c.call++) {
		if (strcmp(call_table[c.call].name, name) == 0) {
			c.level = call_table[c.call].level;
			return policy_lockstep(&c);
		}
	}
	fail_msg("there is no call %s", name);
	return false;
}

static void each_policy(void **context)
{
	(void)context;
	for (size_t i = 0; i < WANTED; i++) {
		for (unsigned policy = POLICY_FULL; policy < ALWAYS; policy++) {
			bool is = lockstep(policy, wanted[i].call, wanted[i].fd);

			if (is != (policy < wanted[i].exempt))
				fail_msg("%s on descriptor %d: lockstep %d under policy %u",
					 wanted[i].call, wanted[i].fd, is, policy);
		}
	}
}

/* A stricter policy leaves no call out that a more relaxed one has. */
static void strict_to_relaxed(void **context)
{
	(void)context;
	for (unsigned call = 0; call < CALL_COUNT; call++) {
		for (int fd = SOCKET; fd <= PLAIN; fd++) {
			const char *name = call_table[call].name;

			assert_true(lockstep(POLICY_FULL, name, fd));
			for (unsigned policy = POLICY_BASE; policy < ALWAYS; policy++)
				assert_true(lockstep(policy - 1, name, fd) ||
					    !lockstep(policy, name, fd));
		}
	}
}

static void the_first_calls(void **context)
{
	(void)context;
	session.ignore_first = 10;
	state.calls_world = 5;
	state.calls_both = 4;
	assert_false(lockstep(POLICY_FULL, "write", PLAIN));
	assert_true(lockstep(POLICY_FULL, "execve", CLOSED));
	state.calls_both = 5;
	assert_true(lockstep(POLICY_FULL, "write", PLAIN));
	state.calls_both = 0;
	process.stream = 1; /* only the first process has first calls */
	assert_true(lockstep(POLICY_FULL, "write", PLAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_policy, set_up),
		cmocka_unit_test_setup(strict_to_relaxed, set_up),
		cmocka_unit_test_setup(the_first_calls, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
