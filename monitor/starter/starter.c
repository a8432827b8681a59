/* SPDX-License-Identifier: MIT */
#include "starter.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "arch.h"
#include "calls.h"
#include "image.h"

struct start {
	int fd;
	size_t length;
	const char *path, *execfn;
};

/* "DESCRIPTOR:LENGTH:PATH:AT_EXECFN", which the monitor has written. */
static void parse(const char *s, struct start *start)
{
	start->fd = 0;
	start->length = 0;
	while (*s != ':')
		start->fd = start->fd * 10 + (*s++ - '0');
	for (s++; *s != ':'; s++)
		start->length = start->length * 10 + (size_t)(*s - '0');
	start->path = s + 1;
	start->execfn = start->path + start->length + 1;
}

static const char *variable(char **envp, const char *name)
{
	for (; *envp; envp++) {
		const char *s = *envp, *n = name;

		while (*n && *s == *n) {
			s++;
			n++;
		}
		if (!*n && *s == '=')
			return s + 1;
	}
	return NULL;
}

static const char *base_name(const char *path, size_t length)
{
	const char *name = path;

	for (size_t i = 0; i < length; i++) {
		if (path[i] == '/')
			name = path + i + 1;
	}
	return name;
}

/* The last component of the path that was executed; of the file, if it was a descriptor. */
static void set_name(const struct start *start)
{
	static const char prefix[] = "/dev/fd/";
	char name[16] = {0};
	size_t length = 0, n = sizeof(prefix) - 1;
	const char *from;

	while (start->execfn[length])
		length++;
	from = base_name(start->execfn, length);
	if (from == start->execfn + n) {
		while (n && start->execfn[n - 1] == prefix[n - 1])
			n--;
		if (!n)
			from = base_name(start->path, start->length);
	}
	for (n = 0; n < sizeof(name) - 1 && from[n] && from + n != start->path + start->length; n++)
		name[n] = from[n];
	sys(SYS_prctl, PR_SET_NAME, name);
}

/* The kernel has made an entry of each of these for the starter itself. */
static void correct(Elf64_auxv_t *a, const struct start *start, const struct image *program,
		    const struct image *loader)
{
	for (; a->a_type != AT_NULL; a++) {
		switch (a->a_type) {
		case AT_PHDR:
			a->a_un.a_val = program->headers;
			break;
		case AT_PHNUM:
			a->a_un.a_val = program->count;
			break;
		case AT_BASE:
			a->a_un.a_val = loader->bias;
			break;
		case AT_ENTRY:
			a->a_un.a_val = program->entry;
			break;
		case AT_EXECFN:
			a->a_un.a_val = (uint64_t)start->execfn;
			break;
		default:
			break;
		}
	}
}

static uint64_t string_end(const char *s)
{
	while (*s)
		s++;
	return (uint64_t)s + 1;
}

/*
 * What /proc says of the process's memory, for debuggers, and for programs that look at
 * /proc/self/auxv. A kernel that can't be told says what is true of the starter.
 */
static void tell_kernel(uint64_t *stack, char **envp, char **end, const struct image *program)
{
	char **argv = (char **)(stack + 1);
	Elf64_auxv_t *auxv = (Elf64_auxv_t *)(end + 1), *a = auxv;
	uint64_t brk = (uint64_t)sys(SYS_brk, 0);
	struct prctl_mm_map map = {
		.start_code = program->low,
		.end_code = program->high,
		.start_data = program->low,
		.end_data = program->high,
		.start_brk = brk,
		.brk = brk,
		.start_stack = (uint64_t)stack,
		.auxv = (void *)auxv,
		.exe_fd = (uint32_t)-1,
	};

	if (!stack[0]) /* then nobody says where its strings are */
		return;
	while (a++->a_type != AT_NULL)
		;
	map.auxv_size = (uint32_t)((char *)a - (char *)auxv);
	map.arg_start = (uint64_t)argv[0];
	map.arg_end = string_end(argv[stack[0] - 1]);
	map.env_start = (uint64_t)envp[0]; /* the session's handle at least */
	map.env_end = string_end(end[-1]);
	sys(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map));
}

/* Returns where to go on: the loader's first instruction. */
uint64_t starter_main(uint64_t *stack)
{
	char **envp = (char **)(stack + 1 + stack[0] + 1), **end = envp;
	const char *value = variable(envp, STARTER_ENV);
	struct image program, loader;
	struct start start;
	long fd;

	if (!value)
		starter_die("there is no " STARTER_ENV ": programs are started with tandem run");
	while (*end)
		end++;
	parse(value, &start);
	image_map(start.fd, &program);
	sys(SYS_close, start.fd);
	fd = sys(SYS_openat, AT_FDCWD, program.loader, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		starter_die("the program's loader (PT_INTERP) is gone");
	image_map((int)fd, &loader);
	sys(SYS_close, fd);
	if (program.executable_stack)
		sys(SYS_mprotect, (uint64_t)stack & ~4095ull, 4096,
		    PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
	correct((Elf64_auxv_t *)(end + 1), &start, &program, &loader);
	tell_kernel(stack, envp, end, &program);
	set_name(&start);
	pass_calls(start.path, start.length);
	return loader.entry;
}
