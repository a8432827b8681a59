/* SPDX-License-Identifier: MIT */
/*
 * Start-up. The loader maps libtandem.so before the program's libraries; the
 * monitor takes over when the program's start code calls __libc_start_main, behind
 * all constructors of libraries. What runs before (the loader, allocators that
 * differ by variant) is each variant's own set-up and isn't compared.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "allocator.h"
#include "call.h"
#include "fd.h"
#include "interpose/patch.h"
#include "interpose/trap.h"
#include "interpose/vdso.h"
#include "loader.h"
#include "locks.h"
#include "passed.h"
#include "process.h"
#include "random.h"
#include "signals.h"
#include "stack.h"
#include "starter/starter.h"
#include "supervisor.h"
#include "tick.h"

struct variant variant;
struct vdso_original vdso_original;

struct handle {
	uint64_t base, variant, follower, stream, vpid;
	uint64_t exec; /* of the exec that made the image: canonical number + 1, thread << 32 */
	uint64_t mask; /* then: of signals */
	uint64_t pid;  /* real: whose image it is */
};

/* Takes an entry out of the environment; the rest moves up. Returns its value. */
static const char *take_variable(char **envp, const char *name)
{
	size_t n = strlen(name);
	const char *value = NULL;
	char **to = envp;

	for (char **at = envp; *at; at++) {
		if (!strncmp(*at, name, n) && (*at)[n] == '=')
			value = *at + n + 1;
		else
			*to++ = *at;
	}
	*to = NULL;
	return value;
}

/* The monitor and what the configuration adds go, what the program itself has passed stays. */
static void restore_preload(char **envp, const char *own)
{
	static const char name[] = "LD_PRELOAD=";
	const size_t n = sizeof(name) - 1, bytes = strlen(own);

	for (char **at = envp; *at; at++) {
		char *end = *at + n + bytes;

		if (strncmp(*at, name, n) || strncmp(*at + n, own, bytes))
			continue;
		if (*end == ':') {
			*at = end + 1 - n;
			memcpy(*at, name, n);
		} else if (!*end) {
			for (char **to = at; *to; to++)
				to[0] = to[1];
		}
		return;
	}
}

static bool parse(const char *s, struct handle *h)
{
	uint64_t *numbers[] = {&h->base, &h->variant, &h->follower, &h->stream,
			       &h->vpid, &h->exec,    &h->mask,     &h->pid};
	const int count = sizeof(numbers) / sizeof(*numbers);

	for (int i = 0; i < count; i++) {
		*numbers[i] = 0;
		if (*s < '0' || *s > '9')
			return false;
		while (*s >= '0' && *s <= '9')
			*numbers[i] = *numbers[i] * 10 + (uint64_t)(*s++ - '0');
		if (i < count - 1 && *s++ != ':')
			return false;
	}
	return *s == 0;
}

static void *map(int which, size_t bytes, int protection)
{
	long p = sys(SYS_mmap, 0, bytes, protection, MAP_SHARED, variant.base + which, 0);

	if (call_failed(p))
		stop_internal("a file of the session can't be mapped", p);
	return (void *)p;
}

static void open_session(struct process *p, const struct handle *h)
{
	const struct session *s;
	struct stat st;

	variant.base = (int)h->base;
	if (sys(SYS_fstat, variant.base + SESSION_FD_CONTROL, &st) < 0)
		stop_internal(
			"the session's descriptors are missing; start programs with tandem run",
			-EBADF);
	if (st.st_size < SESSION_CONTROL_HEADER)
		stop_internal("the session's control file is truncated", -EPROTO);
	s = map(SESSION_FD_CONTROL, SESSION_CONTROL_HEADER, PROT_READ);
	if (s->magic != SESSION_MAGIC || s->version != SESSION_VERSION || s->size != sizeof(*s))
		stop_internal("tandem and libtandem.so are of different versions", -EPROTO);
	if (h->variant >= s->variants || s->variants > SESSION_VARIANTS)
		stop_internal("no such variant in this session", -EINVAL);
	p->session = s;
	p->policy = s->policy;
	p->hurry = s->policy < POLICY_SOCKET_RO ? RING_URGENT : RING_CALM;
	p->compare = s->compare;
	p->inject = s->inject;
	p->batch = s->batch;
	p->leader = h->variant == s->leader;
	p->variant = (uint32_t)h->variant;
	p->follower = (uint32_t)h->follower;
	p->followers = s->variants - 1;
	variant.fds = SESSION_FD_ACK + (p->leader ? p->followers : 1);
	variant.state = map(SESSION_FD_STATE, STATE_HEADER, PROT_READ | PROT_WRITE);
	if (p->leader)
		variant.log = map(SESSION_FD_LOG, RING_PAGE, PROT_READ | PROT_WRITE);
	else
		variant.ack = map(SESSION_FD_ACK, RING_PAGE, PROT_READ | PROT_WRITE);
	p->halt[p->halts++] = &s->halt;
	for (uint32_t i = 0; p->leader && i < p->followers; i++) {
		struct ack_header *ack = map(SESSION_FD_ACK + (int)i, RING_PAGE, PROT_READ);

		p->halt[p->halts++] = &ack->halt;
	}
}

/* A program that seeds itself from AT_RANDOM must do so alike; libc has taken its canary. */
static void equal_random(const struct session *s)
{
	void *random = (void *)getauxval(AT_RANDOM);

	if (random)
		memcpy(random, s->random, sizeof(s->random));
}

static void leader_start(struct process *p, struct thread *t, const struct handle *h)
{
	struct record_start *start;
	struct fd_list list = {0};
	size_t bytes;

	fd_adopt(p, &list);
	bytes = sizeof(*start) + list.count * sizeof(*list.item);
	start = memory_map(bytes);
	if (!start)
		stop_internal("no memory to start", -ENOMEM);
	*start = (struct record_start){.pid = p->pid,
				       .ppid = (int32_t)sys(SYS_getppid),
				       .descriptors = list.count,
				       .mask = t->mask};
	memcpy(start + 1, list.item, list.count * sizeof(*list.item));
	if (h->exec)
		leader_exec_done(t, (uint32_t)h->exec - 1, (uint32_t)(h->exec >> 32));
	leader_note(t, RECORD_START, 0, 0, start, bytes, false);
	for (uint32_t i = 0; i < list.count; i++) {
		if (list.item[i].kind == FD_FILE)
			passed_note(t, (int)list.item[i].fd);
	}
	p->vpid = p->pid;
	memory_unmap(start, bytes);
	if (list.item)
		memory_unmap(list.item, list.bytes);
}

static void follower_start(struct process *p, struct thread *t)
{
	struct record header;
	const struct record *r = follower_next(t, &header);
	bool in_parts = header.extra >> 32;
	size_t bytes = in_parts ? t->parts_size : header.size - sizeof(header);
	const struct record_start *start =
		in_parts ? (const void *)t->parts : (const void *)(r + 1);
	const struct record_descriptor *d = (const void *)(start + 1);

	if (header.kind != RECORD_START || bytes < sizeof(*start) ||
	    start->descriptors > (bytes - sizeof(*start)) / sizeof(*d))
		stop_garbage(t, "the record of the leader's start is missing");
	p->vpid = start->pid;
	p->vppid = start->ppid;
	t->mask = start->mask;
	for (uint32_t i = 0; i < start->descriptors; i++)
		fd_set_kind(p, (int)d[i].fd, d[i].kind < FD_OTHER ? d[i].kind : FD_OTHER)->shared =
			true;
	t->parts_size = 0;
	follower_release(t, header.size);
	for (uint32_t fd = 0; fd < p->fds.end; fd++) {
		if (fd_kind(p, (int)fd) == FD_FILE)
			passed_note(t, (int)fd);
	}
}

/*
 * libc has asked for the first thread's id before there was a session, and names it in calls about
 * that thread: it is to be the leader's. A kernel that doesn't say where it is kept leaves it so.
 */
static void rename_thread(const struct process *p)
{
	uint64_t address = 0;
	int32_t tid = 0;

	if (sys(SYS_prctl, PR_GET_TID_ADDRESS, &address) == 0 && address &&
	    user_read(&tid, (const void *)address, sizeof(tid)) == 0 && tid == p->pid)
		user_write((void *)address, &p->vpid, sizeof(p->vpid));
}

/* STARTER_ENV: "DESCRIPTOR:LENGTH:PATH:AT_EXECFN". */
static void note_program(struct process *p, const char *start)
{
	size_t length = 0;

	if (!start)
		return;
	while (*start && *start++ != ':')
		;
	while (*start >= '0' && *start <= '9')
		length = length * 10 + (size_t)(*start++ - '0');
	if (*start == ':' && length < sizeof(p->program))
		memcpy(p->program, start + 1, length);
}

static void activate(const struct handle *h, char **envp)
{
	struct process *p;
	struct thread *t;
	int error;

	gate_init();
	allocator_start();
	loader_start();
	loader_load_unwinder();
	random_start();
	stack_start();
	call_init();
	p = memory_map(sizeof(*p));
	if (!p)
		stop_internal("no memory to start", -ENOMEM);
	open_session(p, h);
	restore_preload(envp, p->session->preload[p->variant]);
	if (p->session->gate) {
		error = gate_move(p->session->gate, h->exec);
		if (error < 0)
			stop_internal("the gate can't be mapped at its address", error);
	}
	note_program(p, take_variable(envp, STARTER_ENV));
	p->alone = true;
	p->next_tag = 1;
	p->pid = (int32_t)sys(SYS_getpid);
	t = thread_new(p);
	if (!t)
		stop_internal("no memory to start", -ENOMEM);
	p->threads = t;
	t->tid = p->pid;
	sys(SYS_rt_sigprocmask, SIG_BLOCK, 0, &t->mask, sizeof(t->mask));
	if (h->exec)
		t->mask = h->mask;
	error = thread_register_set(t);
	if (error < 0)
		stop_internal("the thread's register for the monitor can't be set", error);
	variant.running = true;
	error = process_attach(p, (uint32_t)h->stream);
	if (error < 0)
		stop_internal("the stream can't be mapped", error);
	signals_init(p);
	if (p->leader)
		leader_start(p, t, h);
	else
		follower_start(p, t);
	rename_thread(p);
	t->vtid = p->vpid;
	if (!p->leader && !h->exec)
		process_tell_kin(p, 0);
	signals_thread_init(t);
	if (!p->leader)
		tick_on(t);
	equal_random(p->session);
	error = patch_init((uintptr_t)monitor_entry);
	if (error < 0)
		stop_internal("sites can't be patched", error);
	error = vdso_patch(getauxval(AT_SYSINFO_EHDR), &vdso_original);
	if (error < 0)
		stop_internal("the vDSO can't be redirected", error);
	p->state->pid = p->pid;
	p->state->vpid = p->vpid;
	atomic_store(&p->state->threads, 1);
	atomic_store(&p->state->phase, PHASE_RUNNING);
	supervisor_ring();
	error = trap_init(p->session->trap, h->exec);
	if (error < 0)
		stop_internal("the trap can't be switched on", error);
}

typedef int main_fn(int, char **, char **);
typedef int start_fn(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void),
		     void *);

__attribute__((visibility("default"))) int
__libc_start_main(main_fn *program, int argc, char **argv, void (*init)(void), void (*fini)(void),
		  void (*rtld_fini)(void), void *stack_end)
{
	start_fn *start = libc_symbol("__libc_start_main");
	char **envp = argv + argc + 1;
	const char *session = take_variable(envp, SESSION_ENV);
	struct handle h;

	if (session) {
		gate_init();
		if (!parse(session, &h))
			stop_internal(SESSION_ENV " is malformed; start programs with tandem run",
				      -EINVAL);
		/* A child of a process that isn't known yet has no stream, and would write to its
		 * parent's. */
		if (h.pid != (uint64_t)sys(SYS_getpid))
			stop_internal("a library runs a program before main, which isn't supported",
				      -EOPNOTSUPP);
		activate(&h, envp);
	}
	return start(program, argc, argv, init, fini, rtld_fini, stack_end);
}
