/* SPDX-License-Identifier: MIT */
/*
 * execve: lockstep under every policy. The leader goes first; its new image
 * reports success with the record that is still owed (init.c), and then each
 * follower executes its own.
 *
 * What the monitor can't follow into is refused before the old image is lost:
 * static programs, and those that change credentials (the loader ignores
 * LD_PRELOAD for them).
 *
 * Under seccomp the kernel executes the starter (starter/starter.h), which gets
 * the program as an open descriptor: whatever can be wrong with the program is
 * found out here.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "../fd.h"
#include "../program.h"
#include "../signals.h"
#include "../starter/starter.h"
#include "../text.h"
#include "hooks.h"

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

/* Made anew for each exec. One mapping, which goes with the thread if it isn't dropped before. */
struct environment {
	const char **entries; /* of the new image */
	const char **compared;
	size_t count;
	size_t preload;         /* which of the entries is LD_PRELOAD */
	const char **arguments; /* room for those of a script */
	char *text, *end;
};

/*
 * The session's handle, and LD_PRELOAD with the monitor in front of what the program passes, if it
 * passes one (else NULL): the new image takes that off again (init.c).
 */
static void handles(struct call *c, struct environment *e, const char *theirs)
{
	const struct process *p = c->process;
	const uint64_t numbers[] = {(uint64_t)variant.base,
				    p->variant,
				    p->follower,
				    p->stream,
				    (uint64_t)p->vpid,
				    (c->call + 1ull) | (uint64_t)c->thread->tag << 32,
				    c->thread->mask,
				    (uint64_t)p->pid};
	char *at = e->text;

	e->entries[e->preload] = at;
	at = text_put(at, "LD_PRELOAD=");
	at = text_put(at, p->session->preload[p->variant]);
	if (theirs) {
		at = text_put(at, ":");
		at = text_put(at, theirs);
	}
	*at++ = 0;
	e->entries[0] = at;
	at = text_put(at, SESSION_ENV "=");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (i)
			*at++ = ':';
		at = text_put_number(at, numbers[i]);
	}
	*at++ = 0;
	e->end = at;
}

/* Of what the monitor adds: two handles, the starter's one, paths of the program among them. */
#define OWN_ENTRIES 3
#define STRING_MOST 131072 /* the kernel's MAX_ARG_STRLEN */
#define OWN_TEXT (1024 + PROGRAM_PATH + SESSION_PROGRAM)

/* The program's next string, NULL at the end of its vector, and how long it is. */
static int look(const char **vector, size_t at, const char **string, size_t *length)
{
	long n;

	if (user_read(string, &vector[at], sizeof(*string)) < 0)
		return -EFAULT;
	if (!*string)
		return 0;
	n = user_strnlen(*string, STRING_MOST);
	if (n < 0 || n == STRING_MOST)
		return n < 0 ? -EFAULT : -E2BIG;
	*length = (size_t)n;
	return 0;
}

/*
 * The environment of the new image: the program's strings are copied once, and what is compared is
 * what will be executed, though others may write to the program's memory meanwhile.
 */
static int build(struct call *c, const char **argv, const char **envp, struct environment *e)
{
	size_t count = 0, n = 1, compared = 0, strings = 0, arguments = 0, length, pointers, own;
	const struct session *session = c->process->session;
	struct thread *t = c->thread;
	const char *theirs = NULL, *entry;
	char *at, *end;
	bool preload;
	int error;

	*e = (struct environment){0};
	for (; envp; count++) {
		error = look(envp, count, &entry, &length);
		if (error)
			return error;
		if (!entry)
			break;
		strings += length + 1;
	}
	do {
		entry = NULL; /* no vector is an empty one */
		if (argv && user_read(&entry, &argv[arguments], sizeof(entry)) < 0)
			return -EFAULT;
		arguments++;
	} while (entry);
	arguments += 2 * PROGRAM_SCRIPTS + 1;
	pointers = (2 * (count + 1) + OWN_ENTRIES + arguments) * sizeof(char *);
	/* One of the program's strings may be an LD_PRELOAD, which then is there twice. */
	own = OWN_TEXT + sizeof(session->preload[0]) + strings;
	t->environment_bytes = pointers + own + strings;
	t->environment = memory_map(t->environment_bytes);
	if (!t->environment)
		return -ENOMEM;
	e->entries = t->environment;
	e->compared = e->entries + count + 1 + OWN_ENTRIES;
	e->arguments = e->compared + count + 1;
	e->text = (char *)t->environment + pointers;
	at = e->text + own;
	end = at + strings;
	for (size_t i = 0; i < count; i++, at += length + 1) {
		error = look(envp, i, &entry, &length);
		if (!error && entry && length >= (size_t)(end - at))
			error = -E2BIG; /* it has become longer */
		if (!error && entry && user_read(at, entry, length) < 0)
			error = -EFAULT;
		if (error)
			return error;
		if (!entry)
			break;
		if (starts(at, SESSION_ENV) || starts(at, STARTER_ENV))
			continue;
		/* Of several the last counts. The monitor's never reaches the program. */
		preload = starts(at, "LD_PRELOAD");
		if (preload) {
			theirs = at + sizeof("LD_PRELOAD");
			e->preload = n;
		}
		e->entries[n++] = at;
		if (preload || !varies(session, at))
			e->compared[compared++] = at;
	}
	if (!theirs)
		e->preload = n++;
	e->count = n;
	handles(c, e, theirs);
	return 0;
}

static void drop(struct thread *t)
{
	if (t->environment)
		memory_unmap(t->environment, t->environment_bytes);
	t->environment = NULL;
}

/* The starter's handle, behind what the program passes. */
static int add_start(struct environment *e, const struct program *g)
{
	char *at = e->end, link[32], path[SESSION_PROGRAM];
	long n;

	*text_put_number(text_put(link, "self/fd/"), (uint64_t)g->fd) = 0;
	n = sys(SYS_readlinkat, variant.base + SESSION_FD_PROC, link, path, sizeof(path));
	if (n < 0)
		return (int)n;
	if (n == sizeof(path))
		return -ENAMETOOLONG;
	path[n] = 0;
	e->entries[e->count++] = at;
	at = text_put(at, STARTER_ENV "=");
	at = text_put_number(at, (uint64_t)g->fd);
	*at++ = ':';
	at = text_put_number(at, (uint64_t)n);
	*at++ = ':';
	at = text_put(at, path);
	*at++ = ':';
	at = text_put(at, g->name);
	*at++ = 0;
	e->end = at;
	return 0;
}

/* A script's interpreter, what its line says and its path stand in place of argv[0]. */
static const char **script_arguments(const struct program *g, const char **argv,
				     struct environment *e)
{
	size_t room = (size_t)((const char **)e->text - e->arguments) - g->count - 1;
	const char **to = e->arguments + g->count;

	memcpy(e->arguments, g->words, g->count * sizeof(*to));
	for (size_t i = 1; argv && argv[0] && argv[i] && i <= room; i++)
		*to++ = argv[i];
	*to = NULL;
	return e->arguments;
}

/* Executes the starter in the program's stead. Returns only if the kernel refuses. */
static long start(const struct program *g, const char **argv, struct environment *e)
{
	int error = add_start(e, g);

	if (error)
		return error;
	return sys(SYS_execveat, variant.base + SESSION_FD_STARTER, "",
		   g->count ? script_arguments(g, argv, e) : argv, e->entries, AT_EMPTY_PATH);
}

/* Path and arguments are those that were compared. */
static long execute(struct call *c, struct environment *e)
{
	bool at = c->call == CALL_execveat;
	const uint64_t *exec = c->pack.exec;
	const char **argv = (const char **)exec[at ? 2 : 1];
	struct process *p = c->process;
	struct program_place place = {
		.dirfd = AT_FDCWD, .shown = AT_FDCWD, .path = (const char *)exec[at ? 1 : 0]};
	struct program g;
	long result;
	int error;

	if (c->bad_address)
		return -EFAULT;
	if (at) {
		int real = fd_real(p, (int)c->args[0]);

		place.shown = (int)c->args[0];
		place.dirfd = real >= 0 ? real : place.shown;
		place.flags = (int)c->args[4];
		place.closes = p->leader && place.shown != AT_FDCWD &&
			       sys(SYS_fcntl, place.dirfd, F_GETFD) == FD_CLOEXEC;
		if (fd_reserved(place.dirfd))
			return -EBADF;
		if (place.flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
			return -EINVAL;
	}
	error = program_open(&g, &place);
	if (g.unfit)
		stop_unsupported(c, g.unfit);
	if (error && p->session->trap == TRAP_SECCOMP)
		return error;
	atomic_store(&p->state->phase, PHASE_EXECUTING);
	/* The new image finds its mask in the handle, and a caught signal with the kernel. */
	signals_block();
	signals_give_back(c->thread);
	if (p->session->trap == TRAP_SECCOMP) {
		result = start(&g, argv, e);
	} else if (!p->leader && g.fd >= 0 && g.count && place.dirfd != AT_FDCWD) {
		/* The interpreter is to be told the program's descriptor, not this one. */
		sys(SYS_fcntl, g.fd, F_SETFD, FD_CLOEXEC);
		result = sys(SYS_execveat, g.fd, "", script_arguments(&g, argv, e), e->entries,
			     AT_EMPTY_PATH);
	} else {
		program_close(&g); /* the kernel finds it again, and the same errors */
		result = sys(SYS_execveat, place.dirfd, place.path, argv, e->entries, place.flags);
	}
	signals_unblock(signals_real_mask(c->thread));
	atomic_store(&p->state->phase, PHASE_RUNNING);
	program_close(&g);
	return result;
}

void hook_exec(struct call *c)
{
	unsigned argv = c->call == CALL_execveat ? 2 : 1, envp = argv + 1;
	struct process *p = c->process;
	struct environment e;
	int error = build(c, (const char **)c->args[argv], (const char **)c->args[envp], &e);

	if (error == -ENOMEM)
		stop_internal("no memory for the environment of a new image", error);
	if (error == 0)
		c->args[envp] = (uint64_t)e.compared;
	c->hold = true; /* no other thread forks while the program's descriptor is open */
	call_enter(c);
	if (!p->leader) {
		call_leave(c);
		if (call_failed(c->result) || c->restart) {
			drop(c->thread);
			call_finish(c);
			return;
		}
		follower_finish_last(c);
	}
	/* Without the environment that was built no image may start: it would run unseen. */
	c->result = error ? error : execute(c, &e);
	if (!p->leader)
		diverge(c->thread, DIVERGENCE_RESULT, c, NULL,
			"this variant can't execute what the leader executes");
	call_leave(c);
	drop(c->thread);
}
