/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "gate.h"
#include "maps.h"

/* Longest line that must fit: 73 bytes and a path of PATH_MAX, escaped at worst. */
static char buffer[20 * 1024];

static const char *hex(const char *s, uintptr_t *out)
{
	uintptr_t v = 0;

	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			v = v << 4 | (uintptr_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			v = v << 4 | (uintptr_t)(*s - 'a' + 10);
		else
			break;
	}
	*out = v;
	return s;
}

static bool starts(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

/* start-end rwxp offset major:minor inode   name, ended by a zero byte */
static bool parse(const char *s, struct mapping *m)
{
	s = hex(s, &m->start);
	if (*s != '-')
		return false;
	s = hex(s + 1, &m->end);
	if (*s != ' ' || m->end <= m->start)
		return false;
	s++;
	for (int i = 0; i < 4; i++)
		if (!s[i])
			return false;
	m->prot = (s[0] == 'r' ? PROT_READ : 0) | (s[1] == 'w' ? PROT_WRITE : 0) |
		  (s[2] == 'x' ? PROT_EXEC : 0);
	m->shared = s[3] != 'p';
	s += 4;
	for (int field = 0; field < 3; field++) {
		while (*s == ' ')
			s++;
		while (*s && *s != ' ')
			s++;
	}
	while (*s == ' ')
		s++;
	m->special = starts(s, "[v"); /* vdso, vvar, vvar_vclock, vsyscall */
	m->stack = starts(s, "[stack");
	return true;
}

int maps_each(int (*each)(const struct mapping *m, void *arg), void *arg)
{
	long fd = gate_call(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC, 0,
			    0, 0);
	size_t have = 0;
	int r = 0;

	if (fd < 0)
		return (int)fd;
	for (;;) {
		long n = gate_call(SYS_read, fd, (long)(buffer + have),
				   (long)(sizeof buffer - have), 0, 0, 0);
		size_t line = 0;

		if (n == -EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? (int)n : have ? -EPROTO : 0;
			break;
		}
		have += (size_t)n;
		for (size_t i = have - (size_t)n; i < have; i++) {
			struct mapping m;

			if (buffer[i] != '\n')
				continue;
			buffer[i] = 0;
			if (!parse(buffer + line, &m)) {
				r = -EPROTO;
				goto out;
			}
			if (each(&m, arg))
				goto out;
			line = i + 1;
		}
		if (!line && have == sizeof buffer) {
			r = -ENAMETOOLONG;
			break;
		}
		for (size_t i = line; i < have; i++)
			buffer[i - line] = buffer[i];
		have -= line;
	}
out:
	gate_call(SYS_close, fd, 0, 0, 0, 0, 0);
	return r;
}
