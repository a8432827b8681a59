/* SPDX-License-Identifier: MIT */
/* Calls that few programs make: kcmp, handles of files, ranges written back, old ones. */
#include "check.h"
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>

static volatile sig_atomic_t value;

static void hit(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	value = info->si_value.sival_int;
}

static void descriptors(void)
{
	int fd = open("f", O_RDWR), same = dup(fd), other = open("f", O_RDONLY), mount = -1;
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = {.handle = {.handle_bytes = 0}};
	pid_t pid = getpid();

	CHECK(fd >= 0 && same >= 0 && other >= 0);
	CHECK_EQ(syncfs(fd), 0);
	CHECK_EQ(sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE), 0);
	CHECK_ERR(sync_file_range(fd, 0, 1, 0x100), EINVAL);
	if (syscall(SYS_kcmp, pid, pid, KCMP_FILE, fd, same) == 0)
		CHECK(syscall(SYS_kcmp, pid, pid, KCMP_FILE, fd, other) > 0);
	CHECK(name_to_handle_at(AT_FDCWD, "f", &h.handle, &mount, 0) < 0);
	if (errno == EOVERFLOW) {
		CHECK(h.handle.handle_bytes > 0 && h.handle.handle_bytes <= MAX_HANDLE_SZ);
		CHECK_EQ(name_to_handle_at(AT_FDCWD, "f", &h.handle, &mount, 0), 0);
		disclose(h.handle.f_handle, h.handle.handle_bytes);
	}
}

static void attributes(void)
{
	char buf[64];

	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_ERR(lgetxattr("l", "user.none", buf, sizeof(buf)), ENODATA);
	CHECK(lsetxattr("l", "user.none", "x", 1, 0) < 0);
	CHECK(lremovexattr("l", "user.none") < 0);
	CHECK(llistxattr("l", buf, sizeof(buf)) >= 0);
	CHECK(flistxattr(open("f", O_RDONLY), buf, sizeof(buf)) >= 0);
}

static void signals(void)
{
	struct sigaction action = {.sa_sigaction = hit, .sa_flags = SA_SIGINFO};
	siginfo_t info = {.si_code = SI_QUEUE, .si_pid = getpid(), .si_value.sival_int = 5};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(syscall(SYS_tkill, gettid(), SIGUSR1), 0);
	CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info), 0);
	CHECK_EQ(value, 5);
	CHECK_ERR(syscall(SYS_tkill, gettid(), 99), EINVAL);
}

static void old_ones(void)
{
	struct timeval times[2] = {{1000, 0}, {2000, 0}};
	struct stat st;
	char device[32];
	void *head;
	size_t bytes;

	CHECK_EQ(futimesat(AT_FDCWD, "f", times), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_atime == 1000 && st.st_mtime == 2000);
	CHECK_EQ(mknod("fifo", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(stat("fifo", &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERR(mknod("fifo", S_IFREG | 0600, 0), EEXIST);
#ifdef SYS_ustat
	CHECK(syscall(SYS_ustat, (unsigned)-1, device) < 0);
#else
	(void)device;
#endif
	CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &bytes), 0);
	CHECK(bytes >= 3 * sizeof(void *));
}

int main(void)
{
	enter_scratch();
	write_file("f", "x");
	descriptors();
	attributes();
	signals();
	old_ones();
	CHECK_EQ(personality(0xffffffff), 0);
	CHECK_EQ(unshare(CLONE_FILES | CLONE_FS), 0);
	return done();
}
