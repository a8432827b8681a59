/* SPDX-License-Identifier: MIT */
#include "frozen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "../monitor/monitor.h"
#include "stub.h"
#include "traced.h"

#define THREADS_MOST 65536
#define STOP_NS 300000000

static bool read_memory(int pid, uint64_t address, void *to, size_t bytes)
{
	struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)address, bytes};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)bytes;
}

static void read_stack(struct frozen *f)
{
	uint64_t page = 4096, want = FROZEN_STACK;

	f->stack_bytes = 0;
	f->stack = malloc(want);
	if (!f->stack)
		return;
	/* Page by page: it ends somewhere. */
	while (f->stack_bytes < want) {
		uint64_t at = f->sp + f->stack_bytes, n = page - at % page;

		if (n > want - f->stack_bytes)
			n = want - f->stack_bytes;
		if (!read_memory(f->pid, at, f->stack + f->stack_bytes, n))
			break;
		f->stack_bytes += n;
	}
}

/* A thread that stays in an uninterruptible wait (a parent of vfork) doesn't stop. */
static int attach(int tid)
{
	struct timespec now, end, nap = {.tv_nsec = 10000000};
	sigset_t child;
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0)
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		return -errno;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	for (;;) {
		pid_t pid = waitpid(tid, &status, __WALL | WNOHANG);

		if (pid == tid)
			return WIFSTOPPED(status) ? 0 : -ESRCH;
		if (pid < 0)
			return -errno;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - end.tv_sec) * 1000000000ll + now.tv_nsec - end.tv_nsec > STOP_NS)
			return -ETIMEDOUT;
		sigtimedwait(&child, NULL, &nap);
	}
}

static int registers(int tid, struct traced *r)
{
	int error = attach(tid);

	if (error)
		return error;
	error = traced_read(tid, r);
	ptrace(PTRACE_DETACH, tid, 0, 0);
	return error;
}

/* The monitor's structure of a thread, which a register leads to. */
static bool read_thread(int pid, uint64_t at, struct thread *t)
{
	return at && read_memory(pid, at, t, sizeof(*t)) && (uint64_t)(uintptr_t)t->self == at;
}

static int find_tid(int pid, const struct thread *first, uint32_t tag)
{
	struct process p;
	struct thread t = *first;

	if (t.tag == tag)
		return t.tid;
	if (!read_memory(pid, (uint64_t)(uintptr_t)t.process, &p, sizeof(p)))
		return 0;
	for (int i = 0; p.threads && i < THREADS_MOST; i++) {
		if (!read_thread(pid, (uint64_t)(uintptr_t)p.threads, &t))
			return 0;
		if (t.tag == tag)
			return t.tid;
		p.threads = t.next;
	}
	return 0;
}

/* On the monitor's stack, or on the one of its signal handlers. */
static bool inside(const struct thread *t, uint64_t sp)
{
	uint64_t block = (uint64_t)(uintptr_t)t->self;

	return sp >= block && sp < block + THREAD_BLOCK;
}

void frozen_take(struct frozen *f, int pid, int tid, uint64_t ip, uint64_t sp, uint64_t fp)
{
	*f = (struct frozen){
		.pid = pid, .tid = tid, .ip = frozen_origin(pid, ip), .sp = sp, .fp = fp};
	read_stack(f);
	if (!f->stack_bytes)
		snprintf(f->why, sizeof(f->why), "its stack can't be read");
}

static void fail(struct frozen *f, const char *what, int error)
{
	snprintf(f->why, sizeof(f->why), "%s%s%s", what, error ? ": " : "",
		 error ? strerror(-error) : "");
}

void frozen_look(struct frozen *f, int pid, uint32_t tag)
{
	struct traced r = {0};
	struct thread t;
	struct regs program;
	int error, tid;

	*f = (struct frozen){.pid = pid, .tid = pid};
	if (pid <= 0)
		return fail(f, "no such process", 0);
	error = registers(pid, &r);
	if (error)
		return fail(f, "the process can't be looked at", error);
	if (!read_thread(pid, r.thread, &t))
		return frozen_take(f, pid, pid, r.ip, r.sp, r.fp);
	tid = find_tid(pid, &t, tag);
	if (!tid)
		return fail(f, "it has no such thread", 0);
	if (tid != pid) {
		error = registers(tid, &r);
		if (error)
			return fail(f, "the thread can't be looked at", error);
		if (!read_thread(pid, r.thread, &t))
			return frozen_take(f, pid, tid, r.ip, r.sp, r.fp);
	}
	if (!inside(&t, r.sp))
		return frozen_take(f, pid, tid, r.ip, r.sp, r.fp);
	if (!t.regs || !read_memory(pid, (uint64_t)(uintptr_t)t.regs, &program, sizeof(program)))
		return fail(f, "the monitor's copy of its registers can't be read", 0);
	frozen_take(f, pid, tid, regs_ip(&program), regs_stack(&program), regs_frame(&program));
	f->in_monitor = true;
}

uint64_t frozen_origin(int pid, uint64_t ip)
{
	struct stub_info info;
	uint16_t there;

	/* Anything may lie in front of an address that isn't a stub's: what it says must make
	 * sense. */
	if (!read_memory(pid, ip - STUB_HEAD_SIZE - sizeof(info), &info, sizeof(info)) ||
	    info.to[0] || info.from[0] || !read_memory(pid, info.site, &there, sizeof(there)))
		return ip;
	return info.site;
}

void frozen_free(struct frozen *f)
{
	free(f->stack);
	f->stack = NULL;
	f->stack_bytes = 0;
}
