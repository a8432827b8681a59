/* SPDX-License-Identifier: MIT */
/*
 * execve: lockstep under every policy. The leader goes first; its new image
 * reports success with the record that is still owed (init.c), and then each
 * follower executes its own.
 *
 * What the monitor can't follow into is refused before the old image is lost:
 * static programs, and those that change credentials (the loader ignores
 * LD_PRELOAD for them).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../supervisor.h"
#include "hooks.h"

#define INTERPRETERS 5

static const char *unfit_elf(int fd, const uint8_t *head, const struct stat *st)
{
	Elf64_Ehdr e;
	Elf64_Phdr ph;

	__builtin_memcpy(&e, head, sizeof(e));
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != EM_X86_64)
		return "the program to execute is of another architecture";
	if ((st->st_mode & S_ISUID) && st->st_uid != (uid_t)sys(SYS_geteuid))
		return "the program to execute changes its user id (set-user-id)";
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (sys(SYS_pread64, fd, &ph, sizeof(ph), e.e_phoff + i * sizeof(ph)) !=
		    sizeof(ph))
			break;
		if (ph.p_type == PT_INTERP)
			return NULL;
	}
	return "the program to execute is statically linked";
}

/* Why a program can't run monitored; NULL if it can, or if the kernel will refuse it anyway. */
static const char *unfit(int dirfd, const char *path, int flags)
{
	uint8_t head[256];
	const char *why = NULL;
	struct stat st;

	for (int depth = 0; depth < INTERPRETERS; depth++) {
		long fd = flags & AT_EMPTY_PATH && !*path
				  ? sys(SYS_dup, dirfd)
				  : sys(SYS_openat, dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		long n;

		if (fd < 0)
			return NULL;
		memset(head, 0, sizeof(head));
		n = sys(SYS_pread64, fd, head, sizeof(head) - 1, 0);
		if (n >= (long)sizeof(Elf64_Ehdr) && !memcmp(head, ELFMAG, SELFMAG) &&
		    sys(SYS_fstat, fd, &st) == 0)
			why = unfit_elf((int)fd, head, &st);
		sys(SYS_close, fd);
		if (n < 3 || head[0] != '#' || head[1] != '!')
			return why;
		path = (const char *)head + 2;
		while (*path == ' ' || *path == '\t')
			path++;
		for (char *end = (char *)path; *end; end++) {
			if (*end == ' ' || *end == '\t' || *end == '\n')
				*end = 0;
		}
		dirfd = AT_FDCWD;
		flags = 0;
	}
	return NULL;
}

static bool starts(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return user_strnlen(entry, n + 1) > (long)n && !memcmp(entry, name, n) && entry[n] == '=';
}

/* A variable that the configuration sets differently for each variant. */
static bool varies(const struct session *s, const char *entry)
{
	for (const char *name = s->variable_names; *name; name += strlen(name) + 1) {
		if (starts(entry, name))
			return true;
	}
	return false;
}

struct environment {
	const char **entries; /* of the new image */
	const char **compared;
	size_t bytes;
	char *text;
	size_t text_bytes;
};

static char *put(char *at, const char *s)
{
	while (*s)
		*at++ = *s++;
	return at;
}

static char *put_number(char *at, uint64_t n)
{
	char digits[20];
	int length = 0;

	do {
		digits[length++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (length)
		*at++ = digits[--length];
	return at;
}

/* LD_PRELOAD and the session's handle, in front of what the program passes. */
static void handles(struct call *c, struct environment *e, const char *theirs)
{
	const struct process *p = c->process;
	const uint64_t numbers[] = {(uint64_t)variant.base, p->variant, p->follower,
				    p->stream,		    (uint64_t)p->vpid, c->call + 1ull};
	char *at = e->text;

	e->entries[0] = at;
	at = put(at, "LD_PRELOAD=");
	at = put(at, p->session->preload[p->variant]);
	if (theirs && *theirs) {
		at = put(at, ":");
		at = put(at, theirs);
	}
	*at++ = 0;
	e->entries[1] = at;
	at = put(at, SESSION_ENV "=");
	for (int i = 0; i < 6; i++) {
		if (i)
			*at++ = ':';
		at = put_number(at, numbers[i]);
	}
	*at = 0;
}

static int build(struct call *c, const char **envp, struct environment *e)
{
	size_t count = 0, n = 2, compared = 0, preload = 0;
	const char *theirs = NULL, *entry;

	*e = (struct environment){0};
	for (; envp; count++) {
		if (user_read(&entry, &envp[count], sizeof(entry)) < 0)
			return -EFAULT;
		if (!entry)
			break;
		if (starts(entry, "LD_PRELOAD")) {
			theirs = entry + sizeof("LD_PRELOAD");
			preload = (size_t)user_strnlen(theirs, 4096);
		}
	}
	e->bytes = 2 * (count + 3) * sizeof(char *);
	e->text_bytes = 1024 + sizeof(c->process->session->preload[0]) + preload;
	e->entries = memory_map(e->bytes);
	e->text = memory_map(e->text_bytes);
	if (!e->entries || !e->text)
		return -ENOMEM;
	e->compared = e->entries + count + 3;
	for (size_t i = 0; i < count; i++) {
		entry = envp[i];
		if (starts(entry, "LD_PRELOAD") || starts(entry, SESSION_ENV))
			continue;
		e->entries[n++] = entry;
		if (!varies(c->process->session, entry))
			e->compared[compared++] = entry;
	}
	handles(c, e, theirs);
	return 0;
}

static void drop(struct environment *e)
{
	if (e->entries)
		memory_unmap(e->entries, e->bytes);
	if (e->text)
		memory_unmap(e->text, e->text_bytes);
}

void hook_exec(struct call *c)
{
	bool at = c->call == CALL_execveat;
	unsigned argv = at ? 2 : 1, envp = argv + 1;
	uint64_t own_argv = c->args[argv], own_envp = c->args[envp];
	struct process *p = c->process;
	struct environment e;
	const char *why;
	long result;
	int error = build(c, (const char **)own_envp, &e);

	if (error == -ENOMEM)
		stop_internal("no memory for the environment of a new image", error);
	if (error == 0)
		c->args[envp] = (uint64_t)e.compared;
	call_enter(c);
	if (!p->leader) {
		call_leave(c);
		if (call_failed(c->result) || c->restart) {
			drop(&e);
			call_finish(c);
			return;
		}
		call_finish(c);
	}
	if (!c->bad_address) {
		const char *path = (const char *)c->args[at ? 1 : 0];
		int dirfd = at ? (int)c->args[0] : AT_FDCWD;

		why = unfit(dirfd, path, at ? (int)c->args[4] : 0);
		if (why)
			stop_unsupported(c->thread, c->number, c->row, c->args, why);
		atomic_store(&p->state->phase, PHASE_EXECUTING);
		if (at)
			result = sys(SYS_execveat, dirfd, path, own_argv, e.entries, c->args[4]);
		else
			result = sys(SYS_execve, path, own_argv, e.entries);
		atomic_store(&p->state->phase, PHASE_RUNNING);
	} else {
		result = -EFAULT;
	}
	if (!p->leader)
		diverge(c->thread, DIVERGENCE_RESULT, c, NULL,
			"this variant can't execute what the leader executes");
	c->result = result;
	call_leave(c);
	drop(&e);
}
