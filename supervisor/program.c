/* SPDX-License-Identifier: MIT */
/* program.c - looks at programs and libraries before a variant is started with them. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

int program_capture(char *const argv[], char *const env[], int from, char *out, size_t size)
{
	posix_spawn_file_actions_t actions;
	size_t length = 0;
	ssize_t n = 1;
	int ends[2];
	int status;
	int ret;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, from == 1 ? 2 : 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], from);
	ret = -posix_spawnp(&pid, argv[0], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (ret == 0 && n > 0) {
		char rest[256];
		bool full = length + 1 == size;

		n = read(ends[0], full ? rest : out + length,
			 full ? sizeof(rest) : size - length - 1);
		if (n > 0 && !full)
			length += (size_t)n;
		if (n < 0 && errno == EINTR)
			n = 1;
	}
	out[length] = '\0';
	close(ends[0]);
	if (ret < 0)
		return ret;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int program_find_library(const char *name, const char *library_path, char *why, size_t size)
{
	char self[PATH_MAX];
	char preload[PATH_MAX];
	char path[PATH_MAX];
	char *argv[] = {self, NULL};
	char *env[] = {"LD_TRACE_LOADED_OBJECTS=1", preload, path, NULL};
	char out[1024];
	const char *begin;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int ret;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	/* A static program would run instead of being listed. */
	ret = program_check(self, why, size);
	if (ret < 0)
		return ret == -ENOEXEC ? -EOPNOTSUPP : ret;
	if ((size_t)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", name) >= sizeof(preload) ||
	    (size_t)snprintf(path, sizeof(path), "LD_LIBRARY_PATH=%s",
			     library_path ? library_path : "") >= sizeof(path))
		return -ENAMETOOLONG;
	if (!library_path)
		env[2] = NULL;
	ret = program_capture(argv, env, 2, out, sizeof(out));
	if (ret < 0)
		return ret;
	begin = strstr(out, "cannot be preloaded");
	if (!begin)
		return 0;
	begin = strchr(begin, '(') ? strchr(begin, '(') + 1 : begin;
	snprintf(why, size, "%.*s", (int)strcspn(begin, ")\n"), begin);
	return -ENOENT;
}

#define SCRIPTS_MOST 5 /* that execve follows, one the interpreter of the other */

/* Whether one of the program headers names a dynamic linker. */
static int has_interpreter(int fd, const ElfW(Ehdr) * header)
{
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		ElfW(Phdr) segment;
		ssize_t n = pread(fd, &segment, sizeof(segment),
				  (off_t)(header->e_phoff + i * sizeof(segment)));

		if (n != (ssize_t)sizeof(segment))
			return n < 0 ? -errno : -EIO;
		if (segment.p_type == PT_INTERP)
			return 1;
	}
	return 0;
}

/* The interpreter that a script names, as the kernel reads it; false for another file. */
static bool script_interpreter(int fd, char path[PATH_MAX])
{
	char line[256 + 1]; /* no kernel looks at more */
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	char *at = line + 2;

	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return false;
	line[n] = '\0';
	at += strspn(at, " \t");
	snprintf(path, PATH_MAX, "%.*s", (int)strcspn(at, " \t\n"), at);
	return true;
}

static int check_file(int fd, char *why, size_t size)
{
	ElfW(Ehdr) own;
	ElfW(Ehdr) header;
	struct stat st;
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t n = self < 0 ? -1 : pread(self, &own, sizeof(own), 0);
	int ret;

	if (self >= 0)
		close(self);
	if (n != (ssize_t)sizeof(own))
		return n < 0 ? -errno : -EIO;
	if (fstat(fd, &st) < 0)
		return -errno;
	n = pread(fd, &header, sizeof(header), 0);
	if (n != (ssize_t)sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	if (header.e_machine != own.e_machine ||
	    header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS]) {
		snprintf(why, size, "it is built for another kind of processor");
		return -ENOEXEC;
	}
	ret = has_interpreter(fd, &header);
	if (ret < 0)
		return ret;
	if (ret == 0) {
		snprintf(why, size,
			 "it is statically linked, so the monitor cannot be loaded into it");
		return -ENOEXEC;
	}
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid()) {
		snprintf(why, size,
			 "it is set-user-ID, so the dynamic linker would leave the monitor out");
		return -ENOEXEC;
	}
	return 0;
}

int program_check(const char *path, char *why, size_t size)
{
	char interpreter[PATH_MAX], reason[128] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	snprintf(interpreter, sizeof(interpreter), "%s", path);
	for (unsigned depth = 0; fd >= 0 && depth < SCRIPTS_MOST; depth++) {
		int script = fd;

		if (!script_interpreter(script, interpreter))
			break;
		fd = open(interpreter, O_RDONLY | O_CLOEXEC);
		close(script);
	}
	if (fd < 0)
		return -errno;
	ret = check_file(fd, reason, sizeof(reason));
	if (ret == -ENOEXEC && strcmp(interpreter, path) != 0)
		snprintf(why, size, "its interpreter %s: %s", interpreter, reason);
	else
		snprintf(why, size, "%s", reason);
	close(fd);
	return ret;
}
