/* SPDX-License-Identifier: MIT */
/*
 * Memory. Anonymous memory is each variant's own and not logged. Files are
 * opened by the leader; a follower maps its own copy, and never shares it with
 * the world. Code that becomes executable is lockstep under every policy.
 *
 * A follower opens the file by the name that was compared when the leader opened it. That may be
 * another file's by now, so the leader says behind the call which one it has mapped, and by which
 * name that can be found. A file that has no name (any more), or the memory file of a process that
 * isn't this one, a follower can't open: what is mapped of it follows the call. Not so code: what a
 * follower executes is never the leader's word alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../allocator.h"
#include "../execute.h"
#include "../fd.h"
#include "../interpose/patch.h"
#include "../signals.h"
#include "../text.h"
#include "hooks.h"

static void forget(uint64_t start, uint64_t bytes)
{
	uint64_t old = signals_block();

	patch_forget(start, bytes);
	signals_unblock(old);
}

enum mapped_kind {
	MAPPED_OTHER,    /* no regular file, or each variant's own */
	MAPPED_NAMED,    /* its name follows */
	MAPPED_NAMELESS, /* its bytes follow */
};

/* The leader's word on a mapped file, as extra output; more in RECORD_CONTENTs. */
struct mapped_file {
	uint64_t kind;
	uint64_t bytes; /* of all of it */
	uint64_t device, inode;
};

#define NAME_BYTES 4096

/* The name of an open file, as the kernel knows it now; 0: none. */
static size_t name_of(int fd, char *name)
{
	char link[32];
	long n;

	*text_put_number(text_put(link, "self/fd/"), (uint64_t)fd) = 0;
	n = sys(SYS_readlinkat, variant.base + SESSION_FD_PROC, link, name, NAME_BYTES - 1);
	name[n > 0 ? n : 0] = 0;
	return n > 0 && *name == '/' ? (size_t)n + 1 : 0;
}

static bool is_mapped(const struct mapped_file *file, const struct stat *st)
{
	return st->st_dev == file->device && st->st_ino == file->inode;
}

static size_t look_at_file(const struct call *c, struct mapped_file *file, char *name)
{
	int fd = (int)c->args[4];
	struct stat st;
	size_t bytes;

	*file = (struct mapped_file){0};
	if (fd_kind(c->process, fd) == FD_MEMFD || sys(SYS_fstat, fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	*file = (struct mapped_file){.kind = MAPPED_NAMELESS,
				     .bytes = (uint64_t)st.st_size,
				     .device = st.st_dev,
				     .inode = st.st_ino};
	bytes = st.st_nlink ? name_of(fd, name) : 0;
	/* A follower looks at what it executes itself. */
	if (!bytes || (!(c->args[2] & PROT_EXEC) &&
		       (sys(SYS_newfstatat, AT_FDCWD, name, &st, 0) < 0 || !is_mapped(file, &st))))
		return 0;
	file->kind = MAPPED_NAMED;
	return bytes;
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

/*
 * Follower: the leader's name for what it has mapped, behind the call. Unless the file that this
 * variant finds by its own name is the same, it opens that; but it doesn't execute it.
 */
static void take_name(struct call *c, const struct mapped_file *file)
{
	struct process *p = c->process;
	struct fd_entry *e = fd_get(p, (int)c->args[4]);
	bool code = c->args[2] & PROT_EXEC;
	char name[NAME_BYTES], own[NAME_BYTES];
	struct record header;
	const struct record *r = follower_next(c->thread, &header);
	size_t bytes = (size_t)header.result;
	struct stat st;
	int real;
	long fd;

	if (header.kind != RECORD_CONTENT || bytes == 0 || bytes > sizeof(name) ||
	    bytes > header.size - sizeof(header))
		stop_garbage(c->thread, "the name of a mapped file is missing");
	memcpy(name, r + 1, bytes);
	name[bytes - 1] = 0;
	follower_resume(c->thread, &header);
	if (!e || e->shadow)
		return;
	real = fd_real(p, (int)c->args[4]);
	if (real >= 0 && sys(SYS_fstat, real, &st) == 0 && is_mapped(file, &st))
		return;
	/* On another host numbers say nothing, and links may lead elsewhere. */
	if (real >= 0 && p->session->apart &&
	    (code || (name_of(real, own) && !strncmp(own, name, bytes))))
		return;
	if (code)
		diverge(c->thread, DIVERGENCE_RESULT, c, NULL,
			"the leader maps code from a file that was renamed or replaced since it "
			"was opened");
	fd = sys(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return; /* its own, or none */
	if (e->real)
		sys(SYS_close, e->real - 1);
	e->real = (int32_t)fd + 1;
}

/* The same mapping from a descriptor of this follower's own. */
static void map_own(struct call *c, const struct mapped_file *file, const struct record *leader)
{
	struct process *p = c->process;
	bool shared = (c->args[3] & MAP_TYPE) != MAP_PRIVATE;
	bool writes = shared && (c->args[2] & PROT_WRITE);
	bool there = file->kind != MAPPED_NAMELESS || take_content(c, file);
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
	char name[NAME_BYTES];
	struct mapped_file file;
	size_t bytes = 0;

	if (!code)
		c->level = LEVEL_NONSOCKET_RO;
	c->extra_bytes = sizeof(file);
	call_enter(c);
	if (p->leader) {
		bytes = look_at_file(c, &file, name);
		if (code && file.kind == MAPPED_NAMELESS)
			stop_unsupported(c, "code is mapped from a file that has no name");
		call_execute(c);
		memcpy(c->extra, &file, sizeof(file));
	}
	call_leave(c);
	memcpy(&file, c->extra, sizeof(file));
	if (call_failed(c->result) || file.kind == MAPPED_OTHER) {
		if (!p->leader && !call_failed(c->result))
			map_own(c, &file, c->record);
		call_finish(c);
		return;
	}
	call_finish(c);
	if (p->leader && file.kind == MAPPED_NAMED) {
		leader_note(c->thread, RECORD_CONTENT, 0, (int64_t)bytes, name, bytes, false);
	} else if (p->leader) {
		say_content(c, &file);
	} else {
		if (file.kind == MAPPED_NAMED)
			take_name(c, &file);
		else if (code)
			stop_garbage(c->thread, "the leader gives code to map");
		map_own(c, &file, NULL);
	}
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

/* libc and allocators use these functions of libc's as well. */
static bool programs_own(const struct call *c)
{
	uintptr_t site = stub_site(regs_ip(c->regs));

	if (is_libc((void *)site))
		user_read(&site, (void *)regs_stack(c->regs), sizeof(site));
	return !is_libc((void *)site) && !is_allocator((void *)site);
}

/*
 * A private call. That it succeeds isn't said, since it costs nothing then; when it fails a variant
 * says so, or expects the leader to: memory that only one of them has is found at once.
 */
static void call_agreed(struct call *c)
{
	struct thread *t = c->thread;
	struct record header;
	const struct record *r;

	call_private(c);
	if (likely(!call_failed(c->result)) || !programs_own(c))
		return;
	if (c->process->leader) {
		leader_note(t, RECORD_SYNC, 0, c->result, NULL, 0, false);
		return;
	}
	call_pack_own(c);
	r = follower_next(t, &header);
	if (header.kind == RECORD_SIGNAL)
		signals_before(c);
	if (header.kind != RECORD_SYNC || header.result != c->result)
		diverge(t, DIVERGENCE_RESULT, c, r, "the same call had another result here");
	follower_resume(t, &header);
}

void hook_munmap(struct call *c)
{
	call_agreed(c);
	if (call_failed(c->result))
		return;
	forget(c->args[0], c->args[1]);
	if (c->call == CALL_mremap)
		forget((uint64_t)c->result, c->args[2]);
}

void hook_mprotect(struct call *c)
{
	if (!(c->args[2] & PROT_EXEC))
		call_agreed(c);
	else
		call_both(c);
	if ((c->args[2] & PROT_WRITE) && !call_failed(c->result))
		forget(c->args[0], c->args[1]);
}
