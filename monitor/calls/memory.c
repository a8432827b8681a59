/* SPDX-License-Identifier: MIT */
/*
 * Memory. Anonymous memory is each variant's own and not logged. Files are
 * opened by the leader; a follower maps its own copy, and never shares it with
 * the world. Code that becomes executable is lockstep under every policy.
 *
 * A file that has no name (any more), or the memory file of a process that isn't this one, a
 * follower can't open: what is mapped of it follows the call. Not so code: what a follower
 * executes is never the leader's word alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../fd.h"
#include "../interpose/patch.h"
#include "../signals.h"
#include "hooks.h"

static void forget(uint64_t start, uint64_t bytes)
{
	uint64_t old = signals_block();

	patch_forget(start, bytes);
	signals_unblock(old);
}

/* The leader's word on a mapped file, as extra output. */
struct mapped_file {
	uint64_t nameless; /* its bytes follow, in records of their own */
	uint64_t bytes;    /* of all of it */
};

static void look_at_file(const struct call *c, struct mapped_file *file)
{
	int fd = (int)c->args[4];
	struct stat st;

	*file = (struct mapped_file){0};
	if (fd_kind(c->process, fd) == FD_MEMFD || sys(SYS_fstat, fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	file->nameless = st.st_nlink == 0;
	file->bytes = (uint64_t)st.st_size;
}

/* Leader. Ends with an empty record: the file may have become shorter. */
static void say_content(struct call *c, const struct mapped_file *file)
{
	struct thread *t = c->thread;
	uint64_t at = c->args[5], end = file->bytes;
	size_t most =
		t->buffer_size < c->process->chunk / 2 ? t->buffer_size : c->process->chunk / 2;
	long n = 1;

	if (end > at && end - at > c->args[1])
		end = at + c->args[1];
	for (; n > 0; at += (uint64_t)n) {
		n = 0;
		if (at < end)
			n = sys(SYS_pread64, c->args[4], t->buffer,
				end - at < most ? end - at : most, at);
		n = n < 0 ? 0 : n;
		leader_note(t, RECORD_CONTENT, 0, n, t->buffer, (size_t)n, false);
	}
}

/* Follower: makes its copy of the file such as the leader says; false: that can't be done. */
static bool take_content(struct call *c, const struct mapped_file *file)
{
	int copy = fd_empty_shadow(c->process, (int)c->args[4]);
	uint64_t at = c->args[5];
	struct record header;
	bool done = copy >= 0 && sys(SYS_ftruncate, copy, file->bytes) == 0;
	long n;

	do {
		const struct record *r = follower_next(c->thread, &header);

		n = header.result;
		if (header.kind != RECORD_CONTENT || n < 0 ||
		    (uint64_t)n > header.size - sizeof(header))
			stop_garbage(c->thread, "the content of a mapped file is missing");
		if (n && sys(SYS_pwrite64, copy, r + 1, n, at) != n)
			done = false;
		at += (uint64_t)n;
		follower_resume(c->thread, &header);
	} while (n);
	return done;
}

/* The same mapping from a descriptor of this follower's own. */
static void map_own(struct call *c, const struct mapped_file *file, const struct record *leader)
{
	struct process *p = c->process;
	bool shared = (c->args[3] & MAP_TYPE) != MAP_PRIVATE;
	bool writes = shared && (c->args[2] & PROT_WRITE);
	bool there = !file->nameless || take_content(c, file);
	int fd = writes ? fd_shadow(p, (int)c->args[4]) : fd_real(p, (int)c->args[4]);
	struct fd_entry *e = fd_get(p, (int)c->args[4]);
	uint64_t flags = c->args[3];
	long own;

	if (!there || fd < 0)
		diverge(c->thread, DIVERGENCE_RESULT, c, leader,
			there ? "this variant can't open the file that the leader maps"
			      : "this variant can't copy the nameless file that the leader maps");
	if (shared && !e->shadow && e->kind != FD_MEMFD)
		flags = (flags & ~(uint64_t)MAP_TYPE) | MAP_PRIVATE;
	own = sys(SYS_mmap, c->args[0], c->args[1], c->args[2], flags, fd, c->args[5]);
	if (call_failed(own))
		diverge(c->thread, DIVERGENCE_RESULT, c, leader,
			"this variant can't map what the leader maps");
	c->result = own;
}

static void map_file(struct call *c)
{
	struct process *p = c->process;
	bool code = c->args[2] & PROT_EXEC;
	struct mapped_file file;

	if (!code)
		c->level = LEVEL_NONSOCKET_RO;
	c->extra_bytes = sizeof(file);
	call_enter(c);
	if (p->leader) {
		look_at_file(c, &file);
		if (code && file.nameless)
			stop_unsupported(c, "code is mapped from a file that has no name");
		call_execute(c);
		memcpy(c->extra, &file, sizeof(file));
	}
	call_leave(c);
	memcpy(&file, c->extra, sizeof(file));
	if (call_failed(c->result) || !file.nameless) {
		if (!p->leader && !call_failed(c->result))
			map_own(c, &file, c->record);
		call_finish(c);
		return;
	}
	call_finish(c);
	if (p->leader)
		say_content(c, &file);
	else if (code)
		stop_garbage(c->thread, "the leader gives code to map");
	else
		map_own(c, &file, NULL);
}

static void map_code(struct call *c)
{
	c->args[4] = (uint32_t)-1;
	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	if (!c->process->leader && !call_failed(c->result))
		c->result = call_execute_own(c);
	call_finish(c);
}

void hook_mmap(struct call *c)
{
	if (!(c->args[3] & MAP_ANONYMOUS))
		map_file(c);
	else if (c->args[2] & PROT_EXEC)
		map_code(c);
	else
		call_private(c);
	if ((c->args[3] & MAP_TYPE) != MAP_PRIVATE && (c->args[2] & PROT_WRITE) &&
	    !call_failed(c->result))
		c->process->maps = true;
	if ((c->args[3] & MAP_FIXED) && !call_failed(c->result))
		forget(c->args[0], c->args[1]);
}

void hook_munmap(struct call *c)
{
	call_private(c);
	if (call_failed(c->result))
		return;
	forget(c->args[0], c->args[1]);
	if (c->call == CALL_mremap)
		forget((uint64_t)c->result, c->args[2]);
}

void hook_mprotect(struct call *c)
{
	if (!(c->args[2] & PROT_EXEC))
		call_private(c);
	else
		call_both(c);
	if ((c->args[2] & PROT_WRITE) && !call_failed(c->result))
		forget(c->args[0], c->args[1]);
}
