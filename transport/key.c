/* SPDX-License-Identifier: MIT */
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS (2 * KEY_BYTES)

static int fail(int error, char why[KEY_WHY], const char *file, const char *text)
{
	snprintf(why, KEY_WHY, "%.400s: %s", file, text);
	return error;
}

/* NULL: it is another error. */
static const char *no_room(int error)
{
	return error == -ENOSPC ? "No space left on device: free some, or write it elsewhere"
	       : error == -EDQUOT
		       ? "Disk quota exceeded: free some of your files, or write it elsewhere"
		       : NULL;
}

int key_generate(const char *file, char why[KEY_WHY])
{
	char text[DIGITS + 2];
	uint8_t bytes[KEY_BYTES];
	int fd, error = 0;

	if (sodium_init() < 0)
		return fail(-EIO, why, file, "no random numbers are to be had");
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return fail(-EEXIST, why, file,
			    "exists already and is left alone; remove it first, or choose another "
			    "name");
	if (fd < 0)
		return fail(-errno, why, file, no_room(-errno) ?: strerror(errno));
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
	text[DIGITS] = '\n';
	/* Whatever the umask is. */
	if (fchmod(fd, 0600) || write(fd, text, DIGITS + 1) != DIGITS + 1 || fsync(fd))
		error = errno ? -errno : -EIO;
	close(fd);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(bytes, sizeof(bytes));
	if (!error)
		return 0;
	unlink(file);
	return fail(error, why, file, no_room(error) ?: strerror(-error));
}

static int check(int fd, const char *file, char why[KEY_WHY])
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(-errno, why, file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(-EPERM, why, file, "is not a regular file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail(-EPERM, why, file,
			    "belongs to another user; it must be yours or root's");
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		snprintf(why, KEY_WHY,
			 "%.400s: its mode %03o lets others at it; run 'chmod 600' on it (and make "
			 "a new key with 'tandem keygen' if others had the chance to read it)",
			 file, st.st_mode & 0777);
		return -EPERM;
	}
	return 0;
}

int key_load(const char *file, struct key *key, char why[KEY_WHY])
{
	char text[DIGITS + 2];
	size_t length = 0;
	ssize_t n;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error;

	if (fd < 0 && errno == ENOENT)
		return fail(
			-ENOENT, why, file,
			"isn't there; make it with 'tandem keygen' on one host and copy it to the "
			"others");
	if (fd < 0)
		return fail(-errno, why, file, strerror(errno));
	error = check(fd, file, why);
	if (error) {
		close(fd);
		return error;
	}
	n = read(fd, text, sizeof(text));
	error = errno;
	close(fd);
	if (n < 0)
		return fail(-error, why, file, strerror(error));
	if ((n != DIGITS && !(n == DIGITS + 1 && text[DIGITS] == '\n')) ||
	    sodium_hex2bin(key->bytes, KEY_BYTES, text, DIGITS, NULL, &length, NULL) ||
	    length != KEY_BYTES)
		error = fail(
			-EINVAL, why, file,
			"holds no key of 64 hexadecimal digits; make one with 'tandem keygen'");
	else
		error = 0;
	sodium_memzero(text, sizeof(text));
	return error;
}

void key_forget(struct key *key)
{
	sodium_memzero(key, sizeof(*key));
}
