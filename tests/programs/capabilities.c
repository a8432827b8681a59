/* SPDX-License-Identifier: MIT */
/* needs: root */
/* Capabilities read and given up, and what then isn't allowed; identities for the file system. */
#include "check.h"
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

static int get(struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data);
}

static int set(const struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &header, data);
}

static void give_up(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2], now[2];

	CHECK_EQ(get(data), 0);
	data[0].effective &= ~(1u << CAP_CHOWN);
	data[0].permitted &= ~(1u << CAP_CHOWN);
	CHECK_EQ(set(data), 0);
	header.pid = gettid(); /* which is as good as 0 */
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
	CHECK_EQ(get(now), 0);
	CHECK(memcmp(data, now, sizeof(now)) == 0);
	CHECK_ERR(chown("f", 1, 1), EPERM);
	data[0].permitted |= 1u << CAP_CHOWN;
	CHECK_ERR(set(data), EPERM);
}

static void file_system(void)
{
	write_file("own", "root's");
	CHECK_EQ(chmod("own", 0600), 0);
	CHECK_EQ(setfsgid(12345), 0);
	CHECK_EQ(setfsuid(12345), 0);
	CHECK_EQ(setfsuid(-1), 12345);
	CHECK_EQ(setfsgid(-1), 12345);
	CHECK_ERR(open("own", O_RDONLY), EACCES);
	CHECK_EQ(setfsuid(0), 12345);
	CHECK_EQ(setfsgid(0), 12345);
	check_file("own", "root's");
	CHECK_EQ(setresgid(3, 3, 3), 0);
	CHECK(getgid() == 3 && getegid() == 3);
}

int main(void)
{
	struct __user_cap_header_struct wrong = {.version = 7};
	pid_t pid;

	enter_scratch();
	write_file("f", "x");
	CHECK_EQ(syscall(SYS_capget, &wrong, NULL), 0);
	CHECK_EQ(wrong.version, _LINUX_CAPABILITY_VERSION_3);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		give_up();
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		file_system();
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(chown("f", 1, 1), 0);
	return done();
}
