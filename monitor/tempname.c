/* SPDX-License-Identifier: MIT */
/*
 * Names of temporary files: glibc mixes the address of a variable into them, which
 * differs by variant. These do the same with random bytes, which are the leader's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

#include "order.h"

extern ssize_t getrandom(void *, size_t, unsigned);
extern int mkdir(const char *, mode_t);
extern int open(const char *, int, ...);
extern int access(const char *, int);

#define TRIES 1000

static int fail(int error)
{
	*__errno_location() = error;
	return -1;
}

enum what { A_FILE, A_DIRECTORY, A_NAME };

static int make(char *template, int suffix, enum what what, int flags)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t length = strlen(template);
	uint8_t random[6];
	char *x;

	if (suffix < 0 || length < 6 + (size_t)suffix)
		return fail(EINVAL);
	x = template + length - (size_t)suffix - 6;
	if (strncmp(x, "XXXXXX", 6))
		return fail(EINVAL);
	for (int i = 0; i < TRIES; i++) {
		int result;

		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return -1;
		for (int k = 0; k < 6; k++)
			x[k] = letters[random[k] % (sizeof(letters) - 1)];
		if (what == A_FILE)
			result = open(template, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL,
				      0600);
		else if (what == A_DIRECTORY)
			result = mkdir(template, 0700);
		else
			result = access(template, F_OK) < 0 && *__errno_location() == ENOENT ? 0
											     : -1;
		if (result >= 0)
			return result;
		if (what != A_NAME && *__errno_location() != EEXIST)
			return -1;
	}
	return fail(EEXIST);
}

PUBLIC int mkstemp(char *template)
{
	return make(template, 0, A_FILE, 0);
}

PUBLIC int mkostemp(char *template, int flags)
{
	return make(template, 0, A_FILE, flags);
}

PUBLIC int mkstemps(char *template, int suffix)
{
	return make(template, suffix, A_FILE, 0);
}

PUBLIC int mkostemps(char *template, int suffix, int flags)
{
	return make(template, suffix, A_FILE, flags);
}

PUBLIC char *mkdtemp(char *template)
{
	return make(template, 0, A_DIRECTORY, 0) < 0 ? NULL : template;
}

PUBLIC char *mktemp(char *template)
{
	if (make(template, 0, A_NAME, 0) < 0)
		*template = 0;
	return template;
}

/* Programs built for large files use these names. */
PUBLIC int mkstemp64(char *template) __attribute__((alias("mkstemp")));
PUBLIC int mkostemp64(char *template, int flags) __attribute__((alias("mkostemp")));
PUBLIC int mkstemps64(char *template, int suffix) __attribute__((alias("mkstemps")));
PUBLIC int mkostemps64(char *template, int suffix, int flags) __attribute__((alias("mkostemps")));
