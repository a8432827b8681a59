/* SPDX-License-Identifier: MIT */
/* Key files: which are made and read, which are refused, and in what words. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "transport/key.h"

#define DIGITS "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
#define SOMEBODY 4242u /* a user */

static char dir[] = "/tmp/key.XXXXXX", file[64], other[64], why[KEY_WHY];
static struct key key;

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/key.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/key", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	unlink(other);
	return rmdir(dir);
}

static void contains(const void *bytes, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Refused with that error, in one line that names the file and has these words. */
static void refused(const char *path, int error, const char *words)
{
	memset(why, 'x', sizeof(why));
	assert_int_equal(key_load(path, &key, why), error);
	assert_true(memchr(why, 0, sizeof(why)) && !strchr(why, '\n'));
	if (strncmp(why, path, strlen(path)) || !strstr(why, words))
		fail_msg("not what was expected: %s", why);
}

static void made_and_read(void **state)
{
	struct key again;
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	assert_int_equal(key_generate(file, why), 0);
	umask(0777);
	assert_int_equal(key_generate(other, why), 0);
	umask(mask);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 2 * KEY_BYTES + 1);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(key_load(file, &key, why), 0);
	assert_int_equal(key_load(file, &again, why), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	assert_int_equal(key_load(other, &again, why), 0);
	assert_memory_not_equal(&key, &again, sizeof(key));
	key_forget(&again);
	for (size_t i = 0; i < sizeof(again.bytes); i++)
		assert_int_equal(again.bytes[i], 0);
}

static void never_overwritten(void **state)
{
	struct stat st;

	(void)state;
	contains("mine", 4);
	assert_int_equal(key_generate(file, why), -EEXIST);
	assert_non_null(strstr(why, "left alone"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 4);
	/* Nor what a link points to, nor what isn't there behind one. */
	assert_int_equal(symlink(file, other), 0);
	assert_int_equal(key_generate(other, why), -EEXIST);
	unlink(file);
	assert_int_equal(key_generate(other, why), -EEXIST);
	assert_int_equal(access(file, F_OK), -1);
	/* Nor is a file left that holds no key. */
	unlink(other);
	snprintf(other, sizeof(other), "%s/no/key", dir);
	assert_int_equal(key_generate(other, why), -ENOENT);
	assert_non_null(strstr(why, other));
	assert_int_equal(key_generate("/dev/full", why), -EEXIST);
}

static void modes(void **state)
{
	(void)state;
	contains(DIGITS, 64);
	for (unsigned mode = 0; mode < 01000; mode++) {
		char text[16];

		assert_int_equal(chmod(file, mode), 0);
		snprintf(text, sizeof(text), "mode %03o", mode);
		if (mode & 077)
			refused(file, geteuid() && !(mode & 0400) ? -EACCES : -EPERM,
				geteuid() && !(mode & 0400) ? "" : text);
		else if (geteuid() == 0 || (mode & 0400))
			assert_int_equal(key_load(file, &key, why), 0);
		else
			refused(file, -EACCES, "Permission denied");
	}
	assert_int_equal(chmod(file, 0640), 0);
	refused(file, -EPERM, "chmod 600");
}

static void owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return; /* only root gives files away */
	contains(DIGITS, 64);
	assert_int_equal(chown(file, SOMEBODY, SOMEBODY), 0);
	refused(file, -EPERM, "another user");
	/* Root's own, and one's own, are read by others than root. */
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	assert_int_equal(key_load(file, &key, why), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(file, 0, 0), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	refused(file, -EACCES, "Permission denied");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(key_load(file, &key, why), 0);
	assert_int_equal(chown(file, SOMEBODY + 1, 0), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	refused(file, -EACCES, "Permission denied");
	assert_int_equal(seteuid(0), 0);
}

static void lengths(void **state)
{
	char text[200];

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		memset(text, 'a', sizeof(text));
		contains(text, n);
		if (n == 64)
			assert_int_equal(key_load(file, &key, why), 0);
		else
			refused(file, -EINVAL, "64 hexadecimal digits");
		text[n ? n - 1 : 0] = '\n';
		contains(text, n);
		if (n == 65)
			assert_int_equal(key_load(file, &key, why), 0);
		else
			refused(file, -EINVAL, "tandem keygen");
	}
}

static void digits(void **state)
{
	char text[] = DIGITS;

	(void)state;
	contains(text, 64);
	assert_int_equal(key_load(file, &key, why), 0);
	for (size_t i = 0; i < sizeof(key.bytes); i++)
		assert_int_equal(key.bytes[i], 0x01 + i % 8 * 0x22);
	for (unsigned at = 0; at < 64; at++) {
		for (unsigned c = 0; c < 256; c++) {
			bool good = c && strchr("0123456789abcdefABCDEF", (int)c);

			/* All of them at one place, a few at each. */
			if (at && at != 63 && c != 0 && c != ' ' && c != ':' && c != '\n')
				continue;
			memcpy(text, DIGITS, sizeof(text));
			text[at] = (char)c;
			contains(text, 64);
			assert_int_equal(key_load(file, &key, why), good ? 0 : -EINVAL);
		}
	}
}

static void other_files(void **state)
{
	char name[600];

	(void)state;
	refused(file, -ENOENT, "tandem keygen");
	refused("", -ENOENT, "");
	refused(dir, -EPERM, "regular file");
	refused("/dev/null", -EPERM, "regular file");
	assert_int_equal(mkfifo(file, 0600), 0);
	refused(file, -EPERM, "regular file"); /* and it doesn't wait for a writer */
	unlink(file);
	snprintf(other, sizeof(other), "%s/key/x", dir);
	contains(DIGITS, 64);
	refused(other, -ENOTDIR, "Not a directory");
	/* What counts is what a link points to. */
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(symlink(file, other), 0);
	assert_int_equal(key_load(other, &key, why), 0);
	assert_int_equal(chmod(file, 0644), 0);
	refused(other, -EPERM, "mode 644");
	unlink(file);
	refused(other, -ENOENT, "tandem keygen");
	assert_int_equal(symlink(other, file), 0);
	refused(other, -ELOOP, "symbolic links");
	/* Names of any length. */
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_int_equal(key_load(name, &key, why), -ENAMETOOLONG);
	assert_true(strlen(why) < KEY_WHY);
	assert_int_equal(key_generate(name, why), -ENAMETOOLONG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(made_and_read), TEST(never_overwritten), TEST(modes),
		TEST(owners),        TEST(lengths),           TEST(digits),
		TEST(other_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
