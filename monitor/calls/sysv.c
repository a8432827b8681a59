/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory, and sets of semaphores. The leader's segments are the world's. A
 * follower's lie in a file that its processes share, at a place that the leader's number says; so
 * whoever attaches one there sees what the others of its variant have stored. What strangers store
 * in a segment escapes the log.
 *
 * A segment's memory at a follower is given back when the session ends, or when another segment
 * gets its number.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "../execute.h"
#include "../signals.h"
#include "hooks.h"

#define PAGE 4096ull
#define PAGES(bytes) (((bytes) + PAGE - 1) & ~(PAGE - 1))

/* The leader's word, as extra output: shmget: made now; shmat: its size. */
struct segment_record {
	uint64_t value;
};

static long file(void)
{
	return variant.base + SESSION_FD_ACK;
}

/* Makes it if it isn't there, and says whether it has. */
static void leader_get(struct call *c, struct segment_record *r)
{
	long key = (int32_t)c->args[0], size = (long)c->args[1], flags = (int32_t)c->args[2];

	r->value = key == IPC_PRIVATE || (flags & IPC_CREAT);
	c->result = sys(SYS_shmget, key, size, r->value ? flags | IPC_EXCL : flags);
	if (c->result == -EEXIST && !(flags & IPC_EXCL)) {
		r->value = 0;
		c->result = sys(SYS_shmget, key, size, flags);
	}
}

static void follower_get(struct call *c, const struct segment_record *r)
{
	if (r->value)
		sys(SYS_fallocate, file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    segment_offset((int32_t)c->result), SEGMENT_MOST);
}

static void leader_attach(struct call *c, struct segment_record *r)
{
	struct shmid_ds ds;

	c->result = call_execute_own(c);
	if (call_failed(c->result))
		return;
	if (sys(SYS_shmctl, c->args[0], IPC_STAT, &ds) < 0)
		stop_internal("the size of a shared memory segment can't be read", 0);
	r->value = ds.shm_segsz;
}

static void follower_attach(struct call *c, const struct segment_record *r)
{
	struct process *p = c->process;
	uint64_t offset = segment_offset((int32_t)c->args[0]), bytes = PAGES(r->value);
	uint64_t flags = c->args[2], at = c->args[1], slots;
	long own;

	if (bytes == 0 || bytes > SEGMENT_MOST)
		stop_garbage(c->thread, "a segment of shared memory has an impossible size");
	if (flags & SHM_RND)
		at &= ~(PAGE - 1); /* SHMLBA is a function of libc's */
	/* The file must reach beyond the segment, whatever else it holds. */
	own = sys(SYS_fallocate, file(), 0, offset + bytes - 1, 1);
	if (own == 0)
		own = sys(SYS_mmap, at, bytes,
			  flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE,
			  MAP_SHARED | (!at                 ? 0
					: flags & SHM_REMAP ? MAP_FIXED
							    : MAP_FIXED_NOREPLACE),
			  file(), offset);
	slots = p->segments_bytes / sizeof(struct segment);
	if (p->segments_used == slots && memory_grow((void **)&p->segments, &p->segments_bytes,
						     (slots + 1) * sizeof(struct segment)))
		stop_internal("no memory for the table of segments", -ENOMEM);
	if (call_failed(own))
		diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
			"this variant can't attach the shared memory that the leader has attached");
	p->segments[p->segments_used++] = (struct segment){(uint64_t)own, bytes};
	c->result = own;
}

static void follower_detach(struct call *c)
{
	struct process *p = c->process;

	for (uint32_t i = 0; i < p->segments_used; i++) {
		struct segment *s = &p->segments[i];

		if (s->start != c->args[0])
			continue;
		sys(SYS_munmap, s->start, s->bytes);
		*s = p->segments[--p->segments_used];
		return;
	}
	diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
		"this variant has no shared memory where the leader has detached some");
}

static struct arg_desc control_argument(int command)
{
	switch (command) {
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return (struct arg_desc){.type = ARG_OUT_FIXED, .size = sizeof(struct shmid_ds)};
	case IPC_SET:
		return (struct arg_desc){.type = ARG_IN_FIXED, .size = sizeof(struct shmid_ds)};
	case IPC_INFO:
		return (struct arg_desc){.type = ARG_OUT_FIXED, .size = sizeof(struct shminfo)};
	case SHM_INFO:
		return (struct arg_desc){.type = ARG_OUT_FIXED, .size = sizeof(struct shm_info)};
	default:
		return (struct arg_desc){.type = ARG_IGNORE};
	}
}

void hook_shm(struct call *c)
{
	struct process *p = c->process;
	struct segment_record *r = (void *)c->extra;
	bool get = c->call == CALL_shmget, attach = c->call == CALL_shmat;
	struct call_row row;

	if (attach && (c->args[2] & SHM_EXEC))
		call_unsupported(c, "shared memory with code in it");
	call_refine(c, &row);
	if (c->call == CALL_shmctl)
		row.arg[2] = control_argument((int)c->args[1]);
	if (attach)
		p->maps = p->shares = true;
	call_enter(c);
	c->extra_bytes = get || attach ? sizeof(*r) : 0;
	if (p->leader) {
		if (get)
			leader_get(c, r);
		else if (attach)
			leader_attach(c, r);
		else if (c->call == CALL_shmdt)
			c->result = call_execute_own(c);
		else
			call_execute(c);
	}
	call_leave(c);
	if (!p->leader && !call_failed(c->result)) {
		if (get)
			follower_get(c, r);
		else if (attach)
			follower_attach(c, r);
		else if (c->call == CALL_shmdt)
			follower_detach(c);
	}
	call_finish(c);
}

/*
 * How many semaphores there are in a set: asked in the stream, as a call of the program's, since
 * its number is the leader's. 0: there is none, or none that may be read.
 */
static uint64_t set_size(struct call *c)
{
	struct semid_ds set = {0};
	struct call ask = {
		.thread = c->thread,
		.process = c->process,
		.regs = c->regs,
		.row = c->row,
		.call = c->call,
		.level = c->level,
		.number = c->number,
		.args = {c->args[0], 0, IPC_STAT, (uint64_t)&set},
	};

	call_generic(&ask);
	c->signalled = ask.signalled;
	return call_failed(ask.result) ? 0 : set.sem_nsems;
}

void hook_semctl(struct call *c)
{
	int command = (int)c->args[2];
	struct call_row row;
	uint64_t bytes;

	if (command != GETALL && command != SETALL) {
		call_generic(c);
		return;
	}
	bytes = set_size(c) * sizeof(uint16_t);
	if (bytes > UINT16_MAX)
		call_unsupported(c, "all values of a set of more than 32767 semaphores");
	if (c->signalled) { /* now; then all of it once more */
		c->restart = true;
		return;
	}
	call_refine(c, &row);
	row.arg[3] = (struct arg_desc){.type = ARG_PTR};
	if (bytes) {
		row.arg[3].type = command == SETALL ? ARG_IN_FIXED : ARG_OUT_FIXED;
		row.arg[3].size = (uint16_t)bytes;
	}
	call_generic(c);
}
