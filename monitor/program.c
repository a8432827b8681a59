/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exe.h"
#include "text.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif
#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif

#define HEADERS_MOST 65536 /* bytes of program headers, as the kernel has it */

static bool by_descriptor(const struct program_place *at)
{
	return (at->flags & AT_EMPTY_PATH) && !*at->path;
}

/* /dev/fd/N or /dev/fd/N/PATH where a path alone doesn't say it. */
static int name(struct program *g, const struct program_place *at)
{
	long length = user_strnlen(at->path, PROGRAM_PATH);
	char *to = g->name;

	if (length < 0)
		return -EFAULT;
	if (length + 32 >= PROGRAM_PATH)
		return -ENAMETOOLONG;
	if (by_descriptor(at) || (at->shown != AT_FDCWD && *at->path != '/')) {
		to = text_put(to, "/dev/fd/");
		to = text_put_number(to, (uint64_t)at->shown);
		if (length)
			*to++ = '/';
	}
	if (user_read(to, at->path, (size_t)length) < 0)
		return -EFAULT;
	to[length] = 0;
	return length || by_descriptor(at) ? 0 : -ENOENT;
}

static int open_again(int fd)
{
	char path[32];
	long new;

	*text_put_number(text_put(path, "self/fd/"), (uint64_t)fd) = 0;
	new = sys(SYS_openat, variant.base + SESSION_FD_PROC, path, O_RDONLY | O_NONBLOCK);
	return (int)(new == -ENOENT ? -EBADF : new);
}

static int open_file(struct program *g, const struct program_place *at)
{
	int nofollow = at->flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
	const struct process *p = thread_self()->process;
	char program[SESSION_PROGRAM];
	const char *path = at->path;
	long fd;

	if (p->session->gate && !nofollow && exe_find(p, at->dirfd, path, program))
		path = program;
	fd = by_descriptor(at) ? open_again(at->dirfd)
			       : sys(SYS_openat, at->dirfd, path, O_RDONLY | O_NONBLOCK | nofollow);

	if (fd == -EACCES && !by_descriptor(at) &&
	    sys(SYS_faccessat2, at->dirfd, at->path, X_OK, AT_EACCESS) == 0)
		g->unfit = "the program to execute can't be read";
	return (int)fd;
}

/* May it be executed, and does nobody have it open for writing? */
static int permitted(int fd)
{
	const char *none[] = {"", NULL};
	struct stat st;
	long error = sys(SYS_fstat, fd, &st);

	if (error < 0)
		return (int)error;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	error = sys(SYS_execveat, fd, "", none, none + 1, AT_EMPTY_PATH | AT_EXECVE_CHECK);
	/* Before Linux 6.14 there is no such question; ETXTBSY isn't found out then. */
	if (error == -EINVAL)
		error = sys(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS);
	return (int)error;
}

static int check_loader(const char *path)
{
	const struct program_place at = {.dirfd = AT_FDCWD, .shown = AT_FDCWD, .path = path};
	struct program loader = {.fd = -1};
	uint8_t head[sizeof(Elf64_Ehdr)];
	int error;

	loader.fd = open_file(&loader, &at);
	if (loader.fd < 0)
		return loader.fd;
	error = permitted(loader.fd);
	if (!error && sys(SYS_pread64, loader.fd, head, sizeof(head), 0) != sizeof(head))
		error = -EIO;
	if (!error && memcmp(head, ELFMAG, SELFMAG))
		error = -ELIBBAD;
	program_close(&loader);
	return error;
}

static int check_elf(struct program *g, const uint8_t *head)
{
	char path[PROGRAM_PATH];
	struct stat st;
	Elf64_Ehdr e;
	Elf64_Phdr ph;

	__builtin_memcpy(&e, head, sizeof(e));
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != ARCH_ELF_MACHINE) {
		g->unfit = "the program to execute is of another architecture";
		return 0;
	}
	if ((e.e_type != ET_EXEC && e.e_type != ET_DYN) || e.e_phentsize != sizeof(ph) ||
	    !e.e_phnum || e.e_phnum > HEADERS_MOST / sizeof(ph))
		return -ENOEXEC;
	if (sys(SYS_fstat, g->fd, &st) == 0 && (st.st_mode & S_ISUID) &&
	    st.st_uid != (uid_t)sys(SYS_geteuid)) {
		g->unfit = "the program to execute changes its user id (set-user-id)";
		return 0;
	}
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (sys(SYS_pread64, g->fd, &ph, sizeof(ph), e.e_phoff + i * sizeof(ph)) !=
		    sizeof(ph))
			return -ENOEXEC;
		if (ph.p_type != PT_INTERP)
			continue;
		if (ph.p_filesz < 2 || ph.p_filesz > sizeof(path))
			return -ENOEXEC;
		if (sys(SYS_pread64, g->fd, path, ph.p_filesz, ph.p_offset) != (long)ph.p_filesz)
			return -EIO;
		return path[ph.p_filesz - 1] ? -ENOEXEC : check_loader(path);
	}
	g->unfit = "the program to execute is statically linked";
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * "#! INTERPRETER ARGUMENT", one argument at most. Without a newline among the first bytes the last
 * of them isn't used, and the interpreter at least must be whole.
 */
static int parse_line(char *line, const char **interpreter, const char **argument)
{
	char *at = line + 2, *end = line;

	while (end < line + PROGRAM_LINE && *end != '\n')
		end++;
	if (end == line + PROGRAM_LINE)
		end--;
	while (at < end && blank(*at))
		at++;
	*interpreter = at;
	*argument = NULL;
	while (at < end && *at && !blank(*at))
		at++;
	if (at == *interpreter || (at == end && *end && *end != '\n' && !blank(*end)))
		return -ENOEXEC;
	while (end > at && blank(end[-1]))
		end--;
	*end = 0;
	if (at < end && *at) {
		*at++ = 0;
		while (blank(*at))
			at++;
		*argument = at;
	}
	return 0;
}

/* The interpreter takes the script's place, which becomes its argument. */
static int script(struct program *g, char *line, const char **path)
{
	const char *interpreter, *argument;
	int error = parse_line(line, &interpreter, &argument);

	if (error)
		return error;
	if (!g->count) {
		g->words = g->word + sizeof(g->word) / sizeof(*g->word) - 1;
		*--g->words = g->name;
		g->count = 1;
	}
	if (argument) {
		*--g->words = argument;
		g->count++;
	}
	*--g->words = interpreter;
	g->count++;
	*path = interpreter;
	return 0;
}

int program_open(struct program *g, const struct program_place *place)
{
	struct program_place at = *place;
	int error;

	g->fd = -1;
	g->unfit = NULL;
	g->count = 0;
	g->word[sizeof(g->word) / sizeof(*g->word) - 1] = NULL;
	error = name(g, &at);
	for (unsigned depth = 0; !error; depth++) {
		char head[PROGRAM_LINE + 1] = {0};
		long n;

		program_close(g);
		g->fd = open_file(g, &at);
		error = g->fd < 0 ? g->fd : permitted(g->fd);
		if (error)
			break;
		n = sys(SYS_pread64, g->fd, head, PROGRAM_LINE, 0);
		if (n >= (long)sizeof(Elf64_Ehdr) && !memcmp(head, ELFMAG, SELFMAG)) {
			error = check_elf(g, (const uint8_t *)head);
			break;
		}
		if (n < 0 || head[0] != '#' || head[1] != '!') {
			error = n < 0 ? (int)n : -ENOEXEC;
			break;
		}
		if (depth == PROGRAM_SCRIPTS) {
			error = -ELOOP;
			break;
		}
		memcpy(g->line[depth], head, sizeof(head));
		error = depth == 0 && at.closes ? -ENOENT : script(g, g->line[depth], &at.path);
		at.dirfd = AT_FDCWD;
		at.flags = 0;
	}
	if (error)
		program_close(g);
	return error;
}

void program_close(struct program *g)
{
	if (g->fd >= 0)
		sys(SYS_close, g->fd);
	g->fd = -1;
}
