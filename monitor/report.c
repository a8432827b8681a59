/* SPDX-License-Identifier: MIT */
/* The ends of a session, as a variant sees them. The first to report is heard. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "call.h"
#include "process.h"
#include "supervisor.h"

void supervisor_ring(void)
{
	uint64_t one = 1;

	sys(SYS_write, variant.base + SESSION_FD_BELL, &one, sizeof(one));
}

void tnd_bell(void)
{
	uint64_t one = 1;

	sys(SYS_write, variant.base + SESSION_FD_ENGINE, &one, sizeof(one));
}

void supervisor_note_death(int32_t pid, uint32_t status)
{
	struct variant_state *s = variant.state;
	uint32_t n = atomic_fetch_add(&s->deaths, 1);

	atomic_store(&s->death[n % DEATH_NOTES], death_note(pid, status));
}

/* Nothing but SIGKILL leads out of here. */
void park(void)
{
	struct process *p = thread_self()->process;
	uint64_t all = ~0ull;

	sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof(all));
	for (;;) {
		struct timespec second = {.tv_sec = 1};

		/* Not even a killed supervisor may leave us behind. */
		if (sys(SYS_kill, p->session->supervisor, 0) == -ESRCH)
			sys(SYS_exit_group, 113);
		sys(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &second, 0);
	}
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

static struct divergence *claim(void)
{
	if (!variant.state || atomic_exchange(&variant.state->claimed, 1))
		return NULL;
	return &variant.state->divergence;
}

static void where(struct divergence *d, const struct thread *t)
{
	if (!t)
		return;
	d->stream = t->process->stream;
	d->thread = t->tag;
	d->tid = t->tid;
	d->position = t->process->leader ? t->process->tx.head : t->process->rx.tail;
	d->site = t->site;
	if (t->regs) {
		d->site = regs_ip(t->regs);
		d->stack = regs_stack(t->regs);
		d->frame = regs_frame(t->regs);
	}
}

/* The leader must stop before its next call: it looks at this word at each. */
static void tell(struct divergence *d, uint32_t kind)
{
	atomic_store(&d->kind, kind);
	if (variant.ack) {
		atomic_store(&variant.ack->halt, 1);
		tnd_bell(); /* the leader may be on another host */
	}
	supervisor_ring();
}

static uint32_t keep(uint8_t *to, const uint8_t *from, size_t bytes)
{
	user_read(to, from, bytes < DIVERGENCE_BYTES ? bytes : DIVERGENCE_BYTES);
	return (uint32_t)bytes;
}

static uint32_t cut(size_t bytes, uint64_t from)
{
	size_t left = bytes > from ? bytes - from : 0;

	return left < DIVERGENCE_AROUND ? (uint32_t)left : DIVERGENCE_AROUND;
}

/* Where both differ first, which may be far behind what is kept of them. */
static void keep_difference(struct divergence *d, const uint8_t *own, size_t own_bytes,
			    const uint8_t *leader, size_t leader_bytes)
{
	size_t at = 0;

	while (at < own_bytes && at < leader_bytes && own[at] == leader[at])
		at++;
	d->differ_at = at;
	d->around_at = at / 8 * 8 > 16 ? at / 8 * 8 - 16 : 0;
	d->around_own = cut(own_bytes, d->around_at);
	d->around_leader = cut(leader_bytes, d->around_at);
	user_read(d->own_around, own + d->around_at, d->around_own);
	user_read(d->leader_around, leader + d->around_at, d->around_leader);
}

/* A call without a row was made one of syscall(): its own arguments are in the registers yet. */
static void keep_arguments(struct divergence *d, const struct call *c)
{
	for (int i = 0; i < 6; i++)
		d->args[i] = c->args[i];
	if (c->call == CALL_syscall)
		regs_args(c->regs, d->args);
	d->number = (uint64_t)(int)c->number;
}

void diverge(struct thread *t, enum divergence_kind kind, const struct call *own,
	     const struct record *leader, const char *text)
{
	struct divergence *d = claim();

	if (!d)
		park();
	where(d, t);
	d->own_call = d->leader_call = CALL_COUNT;
	if (own) {
		d->own_call = own->call;
		d->own_result = own->result;
		d->own_bytes = keep(d->own, own->pack.buf, own->pack.size);
		keep_arguments(d, own);
		for (int i = 0; i < 6; i++)
			d->own_arg[i] = own->row->arg[i];
	}
	if (leader) {
		const struct record h = *leader;
		const uint8_t *bytes = (const uint8_t *)(leader + 1);
		size_t size = h.args;

		if (h.kind == RECORD_CALL || h.kind == RECORD_ENTER || h.kind == RECORD_LEAVE)
			d->leader_call = h.call;
		d->leader_result = h.result;
		d->leader_flags = h.flags;
		d->leader_kind = h.kind;
		if ((uint32_t)h.extra) {
			bytes = t->parts;
			size = (uint32_t)h.extra;
		}
		d->leader_bytes = keep(d->leader, bytes, size);
		if (kind == DIVERGENCE_ARGUMENTS && own && !(h.flags & RECORD_HASHED))
			keep_difference(d, own->pack.buf, own->pack.size, bytes, size);
	}
	/* Whoever makes a call has not crashed: then it is the leader that has. */
	if (kind == DIVERGENCE_CRASH)
		d->number = own && leader ? (uint64_t)d->leader_result : t->process->state->fault;
	copy_text(d->text, sizeof(d->text), text);
	tell(d, kind);
	park();
}

void stop_unsupported(const struct call *c, const char *why)
{
	struct divergence *d = claim();

	if (!d)
		park();
	where(d, c->thread);
	d->own_call = c->call;
	d->leader_call = CALL_COUNT;
	keep_arguments(d, c);
	copy_text(d->text, sizeof(d->text), why);
	tell(d, STOP_UNSUPPORTED);
	park();
}

void stop_garbage(struct thread *t, const char *what)
{
	struct divergence *d = claim();

	if (!d)
		park();
	where(d, t);
	d->own_call = d->leader_call = CALL_COUNT;
	copy_text(d->text, sizeof(d->text), what);
	tell(d, STOP_GARBAGE);
	park();
}

static size_t append_number(char *to, long n)
{
	char digits[20];
	size_t length = 0, at = 0;
	unsigned long u = n < 0 ? (unsigned long)-n : (unsigned long)n;

	if (n < 0)
		to[at++] = '-';
	do {
		digits[length++] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	while (length)
		to[at++] = digits[--length];
	to[at] = 0;
	return at;
}

void stop_internal(const char *what, long error)
{
	static const char prefix[] = "tandem: the monitor can't go on: ";
	struct divergence *d = claim();
	char line[400] = "", *at = line;

	copy_text(line, sizeof(line) - 40, what);
	while (*at)
		at++;
	copy_text(at, 10, " (error ");
	at += 8;
	at += append_number(at, error);
	copy_text(at, 2, ")");
	if (!d) {
		/* Before there is a session to tell, or after somebody else has: standard error. */
		sys(SYS_write, 2, prefix, sizeof(prefix) - 1);
		sys(SYS_write, 2, line, at + 1 - line);
		sys(SYS_write, 2, "\n", 1);
		sys(SYS_exit_group, 111);
	}
	where(d, variant.running ? thread_self() : NULL);
	d->own_call = d->leader_call = CALL_COUNT;
	copy_text(d->text, sizeof(d->text), line);
	tell(d, STOP_INTERNAL);
	park();
}
