/* SPDX-License-Identifier: MIT */
/*
 * What every program here shares: checks that say where they failed, and a scratch directory.
 *
 * A failed check ends the whole process at once with status 1 (by _exit, so that a forked child
 * does not write its parent's buffered output a second time). Status 77 means "can't be tested
 * here", with the reason on stderr.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(cond) ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond, errno))
#define CHECK_EQ(a, b) check_eq(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))
/* The call must fail with this errno. */
#define CHECK_ERR(call, err)                                                                       \
	check_err(__FILE__, __LINE__, #call " fails with " #err, (long long)(call), err)
/* The child must end by itself with this exit status. */
#define CHECK_EXIT(pid, code) check_exit(__FILE__, __LINE__, pid, code)
#define SKIP(reason) (fprintf(stderr, "skip: %s\n", reason), exit(77))

static inline void check_failed(const char *file, int line, const char *what, int err)
{
	dprintf(2, "%s:%d: check failed: %s (errno %d: %s)\n", file, line, what, err,
		strerror(err));
	_exit(1);
}

static inline void check_eq(const char *file, int line, const char *what, long long a, long long b)
{
	int err = errno;

	if (a == b)
		return;
	dprintf(2, "%s:%d: values are %lld and %lld\n", file, line, a, b);
	check_failed(file, line, what, err);
}

static inline void check_err(const char *file, int line, const char *what, long long ret, int want)
{
	int err = errno;

	if (ret == -1 && err == want)
		return;
	dprintf(2, "%s:%d: returned %lld\n", file, line, ret);
	check_failed(file, line, what, err);
}

static inline void check_exit(const char *file, int line, pid_t pid, int code)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got == pid && WIFEXITED(status) && WEXITSTATUS(status) == code)
		return;
	dprintf(2, "%s:%d: wait status 0x%x, exit status %d wanted\n", file, line, status, code);
	check_failed(file, line, "child's exit status", errno);
}

/* Makes a fresh directory below $TMPDIR and goes there; whoever set TMPDIR removes it. */
static inline void enter_scratch(void)
{
	const char *base = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/test.XXXXXX", base ? base : "/tmp");
	CHECK(mkdtemp(path));
	CHECK_EQ(chdir(path), 0);
}

/*
 * Lets a value leave the process without printing it: for values that are right whatever they
 * are (random bytes, times), which stdout must not show.
 */
static inline void disclose(const void *data, size_t len)
{
	int fd = open("/dev/null", O_WRONLY);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, len), len);
	CHECK_EQ(close(fd), 0);
}

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(close(fd), 0);
}

static inline void check_file(const char *path, const char *text)
{
	char buf[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, buf, sizeof(buf));
	CHECK_EQ(n, strlen(text));
	CHECK(memcmp(buf, text, n) == 0);
	CHECK_EQ(close(fd), 0);
}

/* Pauses for some milliseconds, whatever signals arrive. */
static inline void pause_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) < 0)
		CHECK_EQ(errno, EINTR);
}

/* For diverge/: is this run told to differ from the others? */
static inline int twin(void)
{
	const char *value = getenv("TWIN");

	return value && strcmp(value, "1") == 0;
}

/* For diverge/: the same of the leader; a native run is neither. */
static inline int leader_twin(void)
{
	const char *value = getenv("TWIN");

	return value && strcmp(value, "0") == 0;
}

static inline int done(void)
{
	puts("ok");
	return 0;
}

#endif
