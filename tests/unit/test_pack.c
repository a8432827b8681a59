/* SPDX-License-Identifier: MIT */
/* Packing of scalars, paths, bytes, vectors, what waits, programs and the System V calls. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pack_host.h"

static void scalars(void **state)
{
	(void)state;
	/* what the kernel ignores isn't compared: the upper half of an int */
	same(ROW(close), ARGS(0x100000003), ARGS(3));
	same(ROW(close), ARGS(0xffffffff), ARGS(UINT64_MAX));
	same(ROW(setuid), ARGS(UINT64_MAX), ARGS(0xffffffff));
	different(ROW(lseek), ARGS(3, 1, 0), ARGS(3, 1ull << 40 | 1, 0), 1, 5);
	different(ROW(close), ARGS(3), ARGS(4), 0, 0);
	same(ROW(ioctl), ARGS(3, 5, 77), ARGS(3, 5, 78));
	same(ROW(rt_sigaction), ARGS(3, 5, 77, 8), ARGS(3, 500, 770, 8));
	different(ROW(rt_sigaction), ARGS(3, 5, 77, 8), ARGS(3, 0, 770, 8), 1, 0);
	/* a mode counts only where a file may be made */
	same(ROW(openat), ARGS(3, P("a"), O_RDONLY, 077), ARGS(3, P("a"), O_RDONLY, 0));
	different(ROW(openat), ARGS(3, P("a"), O_CREAT, 077), ARGS(3, P("a"), O_CREAT, 0), 3, 0);
	different(ROW(openat), ARGS(3, P("a"), O_TMPFILE, 077), ARGS(3, P("a"), O_TMPFILE, 0), 3,
		  0);
	same(ROW(openat), ARGS(3, P("a"), O_DIRECTORY, 077), ARGS(3, P("a"), O_DIRECTORY, 0));
}

static void paths(void **state)
{
	static char one[8192], other[8192];
	char name[] = "/tmp/tandem-pack-XXXXXX";
	struct packed k;
	int fd;

	(void)state;
	memset(one, 'a', sizeof(one) - 1);
	memset(other, 'a', sizeof(other) - 1);
	same(ROW(chdir), ARGS(P(one)), ARGS(P(other)));
	assert_int_equal(lead(&k, ROW(chdir), ARGS(P(one))), -ENAMETOOLONG);
	packed_free(&k);
	one[4095] = other[4095] = 0;
	other[4000] = 'b';
	different(ROW(chdir), ARGS(P(one)), ARGS(P(other)), 0, 4000);
	different(ROW(chdir), ARGS(P("abc")), ARGS(P("abcd")), 0, 3);
	different(ROW(chdir), ARGS(P("abc")), ARGS(0), 0, 0);
	assert_int_equal(lead(&k, ROW(chdir), ARGS(0)), -EFAULT);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(chdir), ARGS(P(BAD))), -EFAULT);
	packed_free(&k);

	fd = mkstemp(name);
	assert_true(fd >= 0);
	close(fd);
	fd = (int)lead(&k, ROW(openat), ARGS((uint64_t)AT_FDCWD, P(name), O_RDWR, 0));
	assert_true(fd >= 0);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)fd, P("hello"), 5)), 5);
	packed_free(&k);

	/* statistics, and a position that the call moves */
	struct stat st[2];
	int64_t at[2] = {1, 1};
	int pipes[2];
	char text[8] = "";

	memset(st, 0x55, sizeof(st));
	assert_int_equal(
		both(ROW(fstat), ARGS((uint64_t)fd, P(&st[0])), ARGS((uint64_t)fd, P(&st[1]))), 0);
	assert_memory_equal(&st[0], &st[1], sizeof(st[0]));
	assert_int_equal(st[1].st_size, 5);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(both(ROW(sendfile), ARGS((uint64_t)pipes[1], (uint64_t)fd, P(&at[0]), 3),
			      ARGS((uint64_t)pipes[1], (uint64_t)fd, P(&at[1]), 3)),
			 3);
	assert_int_equal(at[0], 4);
	assert_int_equal(at[1], 4);
	assert_int_equal(read(pipes[0], text, 8), 3);
	assert_memory_equal(text, "ell", 3);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	unlink(name);
}

static void reading_and_writing(void **state)
{
	char a[16], b[16], big[3] = "";
	struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
	struct iovec whole = {"abcde", 5};
	struct iovec in_a[12], in_b[12];
	struct packed k;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	/* one datagram of bytes, however it is cut up, and how many pieces isn't compared */
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 3)), 5);
	assert_int_equal(k.p.exec[2], 1);
	packed_free(&k);
	same(ROW(writev), ARGS(1, P(out), 3), ARGS(1, P(&whole), 1));
	different(ROW(writev), ARGS(1, P(out), 3), ARGS(1, P(out), 2), 1, 2);
	same(ROW(readv), ARGS(1, P(out), 3), ARGS(1, P(&whole), 1));
	different(ROW(readv), ARGS(1, P(out), 3), ARGS(1, P(out), 2), 1, 0);
	memset(a, 0x11, sizeof(a));
	memset(b, 0x22, sizeof(b));
	assert_int_equal(
		both(ROW(read), ARGS((uint64_t)p[0], P(a), 16), ARGS((uint64_t)p[0], P(b), 16)), 5);
	assert_memory_equal(a, "abcde\x11", 6);
	assert_memory_equal(b, "abcde\x22", 6);
	assert_int_equal(
		both(ROW(read), ARGS((uint64_t)p[0], P(a), 16), ARGS((uint64_t)p[0], P(b), 16)),
		-EAGAIN);
	assert_memory_equal(a, "abcde\x11", 6);

	/* more vectors than are read in one batch; the last stays untouched */
	for (int i = 0; i < 12; i++) {
		in_a[i] = (struct iovec){a + i, 1};
		in_b[i] = (struct iovec){b + i, 1};
	}
	memset(a, 0x11, sizeof(a));
	memset(b, 0x22, sizeof(b));
	assert_int_equal(write(p[1], "0123456789A", 11), 11);
	assert_int_equal(both(ROW(readv), ARGS((uint64_t)p[0], P(in_a), 12),
			      ARGS((uint64_t)p[0], P(in_b), 12)),
			 11);
	assert_memory_equal(a, "0123456789A\x11", 12);
	assert_memory_equal(b, "0123456789A\x22", 12);

	/* the kernel's own errors */
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 1025)), -EINVAL);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), UINT64_MAX)), -EINVAL);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(readv), ARGS((uint64_t)p[0], P(out), 1025)), -EINVAL);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(BAD), 1)), -EFAULT);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], 0, 1)), -EFAULT);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 0)), 0);
	packed_free(&k);
	out[1] = (struct iovec){big, (size_t)-1};
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 3)), -EINVAL);
	packed_free(&k);
	out[1] = (struct iovec){BAD, 1};
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 3)), -EFAULT);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], P(BAD), 1)), -EFAULT);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], P(big), UINT64_MAX)), -EFAULT);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)-1, P(BAD), 1)), -EBADF);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], P(big), 0)), 0);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], 0, 0)), 0);
	packed_free(&k);
	close(p[0]);
	close(p[1]);
}

static void waiting(void **state)
{
	struct pollfd one[300] = {0}, other[300] = {0};
	struct timespec left[2] = {{5, 0}, {5, 0}}, nap = {0, 1};
	fd_set r[2];
	sigset_t set;
	uint64_t set_a[2] = {P(&set), 8}, set_b[2] = {P(&set), 8};
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	for (int i = 0; i < 300; i++) {
		one[i] = (struct pollfd){i ? -1 : p[0], POLLIN, 0x55};
		other[i] = (struct pollfd){i ? -1 : p[0], POLLIN, 0x66};
	}
	sigemptyset(&set);
	assert_int_equal(both(ROW(poll), ARGS(P(one), 300, 0), ARGS(P(other), 300, 0)), 1);
	assert_memory_equal(one, other, sizeof(one));
	assert_int_equal(other[0].revents, POLLIN);
	assert_int_equal(other[299].revents, 0);
	assert_int_equal(both(ROW(ppoll), ARGS(P(one), 1, P(&left[0]), P(&set), 8),
			      ARGS(P(other), 1, P(&left[1]), P(&set), 8)),
			 1);
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_true(left[1].tv_sec < 5);
	different(ROW(ppoll), ARGS(P(one), 2, P(&nap), 0, 8), ARGS(P(one), 2, 0, 0, 8), 2, 0);

	for (int i = 0; i < 2; i++) {
		FD_ZERO(&r[i]);
		FD_SET(p[0], &r[i]);
		FD_SET(p[1], &r[i]);
		left[i] = (struct timespec){5, 0};
	}
	FD_SET(p[1] + 1, &r[0]); /* beyond the end */
	assert_int_equal(both(ROW(pselect6),
			      ARGS((uint64_t)p[1] + 1, P(&r[0]), 0, 0, P(&left[0]), P(set_a)),
			      ARGS((uint64_t)p[1] + 1, P(&r[1]), 0, 0, P(&left[1]), P(set_b))),
			 1);
	assert_true(FD_ISSET(p[0], &r[1]));
	assert_false(FD_ISSET(p[1], &r[1]));
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_int_equal(both(ROW(pselect6), ARGS((uint64_t)-1, P(&r[0]), 0, 0, 0, 0),
			      ARGS((uint64_t)-1, P(&r[1]), 0, 0, 0, 0)),
			 -EINVAL);
	assert_int_equal(both(ROW(nanosleep), ARGS(P(&nap), P(&left[0])), ARGS(P(&nap), 1)), 0);
	close(p[0]);
	close(p[1]);
}

static void ignore(int number)
{
	(void)number;
}

static void interrupted(void **state)
{
	struct timespec nap = {60, 0}, left[2] = {{7, 7}, {8, 8}};
	struct sigaction sa = {.sa_handler = ignore};
	siginfo_t info[2];
	struct packed k;
	int status[2] = {7, 8};
	timer_t timer;
	pid_t pid;

	(void)state;
	/* a period, so that the signal can't come before the sleep alone */
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC,
				      &(struct sigevent){.sigev_notify = SIGEV_SIGNAL,
							 .sigev_signo = SIGUSR1},
				      &timer),
			 0);
	assert_int_equal(
		timer_settime(timer, 0, &(struct itimerspec){{0, 50000000}, {0, 50000000}}, NULL),
		0);
	assert_int_equal(lead(&k, ROW(nanosleep), ARGS(P(&nap), P(&left[0]))), -EINTR);
	timer_delete(timer);
	outputs(&k, ROW(nanosleep), ARGS(P(&nap), P(&left[0])));
	assert_int_equal(unpack_outputs(ROW(nanosleep), ARGS(P(&nap), P(&left[1])), -EINTR, k.out,
					(size_t)k.out_bytes),
			 0);
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_int_equal(left[1].tv_sec, 59);
	packed_free(&k);

	/* nobody to wait for: only waitid writes something */
	memset(info, 0x55, sizeof(info));
	assert_int_equal(both(ROW(wait4), ARGS((uint64_t)-1, P(&status[0]), WNOHANG, 0),
			      ARGS((uint64_t)-1, P(&status[1]), WNOHANG, 0)),
			 -ECHILD);
	assert_int_equal(status[1], 8);
	assert_int_equal(both(ROW(waitid), ARGS(P_ALL, 0, P(&info[0]), WEXITED, 0),
			      ARGS(P_ALL, 0, P(&info[1]), WEXITED, 0)),
			 -ECHILD);
	assert_int_equal(info[1].si_signo, 0);
	assert_memory_equal(&info[0], &info[1], sizeof(info[0]));
	pid = fork();
	if (pid == 0)
		_exit(3);
	assert_int_equal(both(ROW(wait4), ARGS((uint64_t)pid, P(&status[0]), 0, 0),
			      ARGS((uint64_t)pid, P(&status[1]), 0, 0)),
			 pid);
	assert_true(WIFEXITED(status[1]) && WEXITSTATUS(status[1]) == 3);
}

static void rest(void **state)
{
	char cwd[2][4096] = {"", ""};
	gid_t groups[2][65] = {{0}, {0}};
	struct sembuf ops[2] = {{0, 1, 0}, {0, -1, IPC_NOWAIT}};
	struct semid_ds ds[2];
	struct {
		long type;
		char text[8];
	} m[3] = {{5, "hello"}, {0, ""}, {0, ""}};
	struct {
		unsigned bytes;
		int type;
		uint8_t handle[128];
	} h[2];
	siginfo_t info[2];
	int mount[2] = {-1, -2};
	struct packed k;
	long id, result;

	(void)state;
	result = both(ROW(getcwd), ARGS(P(cwd[0]), 4096), ARGS(P(cwd[1]), 4096));
	assert_int_equal(result, strlen(cwd[0]) + 1);
	assert_string_equal(cwd[0], cwd[1]);
	assert_int_equal(both(ROW(getcwd), ARGS(P(cwd[0]), 1), ARGS(P(cwd[1]), 1)), -ERANGE);
	result = both(ROW(getgroups), ARGS(65, P(groups[0])), ARGS(65, P(groups[1])));
	assert_true(result >= 0);
	assert_memory_equal(groups[0], groups[1], sizeof(groups[0]));
	assert_int_equal(both(ROW(getgroups), ARGS(0, 0), ARGS(0, 0)), result);
	different(ROW(setgroups), ARGS(2, P(groups[0])), ARGS(3, P(groups[1])), 0, 0);

	/* System V: what the fourth argument is depends on the command */
	id = lead(&k, ROW(semget), ARGS(IPC_PRIVATE, 1, 0600));
	packed_free(&k);
	if (id >= 0) {
		assert_int_equal(both(ROW(semctl), ARGS((uint64_t)id, 0, SETVAL, 3),
				      ARGS((uint64_t)id, 0, SETVAL, 3)),
				 0);
		different(ROW(semctl), ARGS(1, 0, SETVAL, 3), ARGS(1, 0, SETVAL, 4), 3, 0);
		same(ROW(semctl), ARGS(1, 0, GETVAL, 3), ARGS(1, 0, GETVAL, 4));
		assert_int_equal(both(ROW(semop), ARGS((uint64_t)id, P(ops), 2),
				      ARGS((uint64_t)id, P(ops), 2)),
				 0);
		assert_int_equal(both(ROW(semctl), ARGS((uint64_t)id, 0, IPC_STAT, P(&ds[0])),
				      ARGS((uint64_t)id, 0, IPC_STAT, P(&ds[1]))),
				 0);
		assert_int_equal(ds[1].sem_nsems, 1);
		same(ROW(semctl), ARGS(1, 0, 99, 3), ARGS(1, 0, 99, 4)); /* no such command */
		semctl((int)id, 0, IPC_RMID);
	}
	id = lead(&k, ROW(msgget), ARGS(IPC_PRIVATE, 0600));
	packed_free(&k);
	if (id >= 0) {
		assert_int_equal(lead(&k, ROW(msgsnd), ARGS((uint64_t)id, P(&m[0]), 5, 0)), 0);
		packed_free(&k);
		assert_int_equal(both(ROW(msgrcv), ARGS((uint64_t)id, P(&m[1]), 8, 0, 0),
				      ARGS((uint64_t)id, P(&m[2]), 8, 0, 0)),
				 5);
		assert_memory_equal(&m[2], &m[0], sizeof(m[0]));
		msgctl((int)id, IPC_RMID, NULL);
	}

	/* a handle that doesn't fit tells its size */
	for (unsigned room = 0; room <= 128; room += 128) {
		memset(h, 0x55, sizeof(h));
		h[0].bytes = h[1].bytes = room;
		result = both(ROW(name_to_handle_at),
			      ARGS((uint64_t)AT_FDCWD, P("/tmp"), P(&h[0]), P(&mount[0]), 0),
			      ARGS((uint64_t)AT_FDCWD, P("/tmp"), P(&h[1]), P(&mount[1]), 0));
		if (result == -EOPNOTSUPP)
			break;
		assert_int_equal(result, room ? 0 : -EOVERFLOW);
		assert_memory_equal(&h[0], &h[1], sizeof(h[0]));
		assert_int_equal(mount[0], mount[1]);
	}

	/* the beginning of a siginfo is compared, all of it is sent */
	memset(info, 0, sizeof(info));
	info[0].si_signo = info[1].si_signo = SIGUSR1;
	info[0].si_code = info[1].si_code = SI_QUEUE;
	info[0].si_value.sival_ptr = &info[0];
	info[1].si_value.sival_ptr = &info[1];
	same(ROW(rt_sigqueueinfo), ARGS(1, 2, P(&info[0])), ARGS(1, 2, P(&info[1])));
	assert_int_equal(pack_call(&k, ROW(rt_sigqueueinfo), ARGS(1, 2, P(&info[0]))), 0);
	assert_memory_equal((void *)k.p.exec[2], &info[0], sizeof(info[0]));
	packed_free(&k);
}

static void programs(void **state)
{
	const char *argv[] = {"sh", "-c", "exit 7", NULL}, *empty[] = {NULL};
	const char *other[] = {"sh", "-c", "exit 8", NULL};
	uint64_t bad[2] = {P("a"), P(BAD)};
	struct packed k;
	int status;
	pid_t pid;

	(void)state;
	different(ROW(execve), ARGS(P("a"), P(argv), P(empty)), ARGS(P("a"), P(other), P(empty)), 1,
		  8 + 8 + 8 + 8 + 8 + 8 + 5);
	different(ROW(execve), ARGS(P("a"), P(argv), P(empty)), ARGS(P("a"), P(argv), 0), 2, 0);
	pid = fork();
	if (pid == 0) {
		lead(&k, ROW(execve), ARGS(P("/bin/sh"), P(argv), P(empty)));
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(pack_call(&k, ROW(execve), ARGS(P("/bin/sh"), P(bad), 0)), 0);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(execve), ARGS(P("/bin/sh"), P(BAD), 0)), -EFAULT);
	packed_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),
		cmocka_unit_test(paths),
		cmocka_unit_test(reading_and_writing),
		cmocka_unit_test(waiting),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(rest),
		cmocka_unit_test(programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
