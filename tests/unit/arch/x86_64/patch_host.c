/* SPDX-License-Identifier: MIT */
#include "../../patch_host.h"

#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

int trap_alone;
_Atomic uint64_t traps;

#define MOV 0xb8, 39, 0, 0, 0
#define PUSH_POP 0x6a, 39, 0x58

const struct guise guises[] = {
	/* cmp $-4095, %rax; jae; ret */
	{"cmp", {MOV, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff, 0x73, 1, 0xc3, 0xc3}, 17, 5},
	/* mov %eax, %edx; mov %edx, %eax; ret */
	{"mov", {MOV, 0x0f, 0x05, 0x89, 0xc2, 0x89, 0xd0, 0xc3}, 12, 5},
	/* push, pop; test %eax, %eax; js; ret */
	{"js", {PUSH_POP, 0x0f, 0x05, 0x85, 0xc0, 0x78, 1, 0xc3, 0xc3}, 11, 3},
	/* the mov goes: call; ret; ret */
	{"call", {MOV, 0x0f, 0x05, 0xe8, 1, 0, 0, 0, 0xc3, 0xc3}, 14, 5},
};
const unsigned guises_count = sizeof guises / sizeof *guises;

void check_failed(const char *what, const char *file, int line)
{
	char text[256];
	int n = snprintf(text, sizeof text, "# %s:%d: failed: %s\n", file, line, what);

	gate_call(SYS_write, 2, (long)text, n, 0, 0, 0);
	gate_call(SYS_exit_group, 9, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

void in_child(void (*f)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(60);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	uintptr_t site = (uintptr_t)u->uc_mcontext.gregs[REG_RIP] - STUB_SYSCALL;
	uintptr_t head = site_stub(site, u->uc_mcontext.gregs[REG_RAX], trap_alone);

	(void)signal;
	(void)info;
	if (!head)
		check_failed("site_stub()", __FILE__, __LINE__);
	traps++;
	u->uc_mcontext.gregs[REG_RIP] = (greg_t)head;
}

static void sud(unsigned long mode)
{
	bool on = mode == PR_SYS_DISPATCH_ON;

	CHECK(!gate_call(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, (long)mode,
			 on ? (long)entry_begin : 0, on ? entry_end - entry_begin : 0, 0, 0));
}

void trap_on(void)
{
	struct {
		void (*handler)(int, siginfo_t *, void *);
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {on_trap, SA_SIGINFO | 0x04000000 /* SA_RESTORER */, entry_restorer, ~0ull};

	CHECK(!gate_call(SYS_rt_sigaction, SIGSYS, (long)&action, 0, 8, 0, 0));
	sud(PR_SYS_DISPATCH_ON);
}

void trap_off(void)
{
	sud(PR_SYS_DISPATCH_OFF);
}

struct patch_stats stats_now(void)
{
	struct patch_stats s;

	patch_stats(&s);
	return s;
}
