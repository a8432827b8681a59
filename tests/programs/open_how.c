/* SPDX-License-Identifier: MIT */
/* openat2: what a path may not resolve to, and structures of other sizes. */
#include "check.h"
#include <linux/openat2.h>
#include <sys/syscall.h>

static long open_how(int dir, const char *path, struct open_how how, size_t size)
{
	struct {
		struct open_how how;
		uint64_t more;
	} large = {how, 0};

	return syscall(SYS_openat2, dir, path, &large, size);
}

int main(void)
{
	struct open_how read_only = {.flags = O_RDONLY | O_CLOEXEC};
	struct open_how beneath = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
	struct open_how no_links = {.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};
	struct open_how create = {.flags = O_CREAT | O_RDWR | O_EXCL, .mode = 0640};
	struct stat st;
	int dir, fd;

	enter_scratch();
	CHECK_EQ(mkdir("d", 0755), 0);
	write_file("f", "outside");
	write_file("d/f", "inside");
	CHECK_EQ(symlink("f", "d/link"), 0);
	dir = open("d", O_PATH | O_DIRECTORY);
	CHECK(dir >= 0);
	fd = open_how(dir, "f", read_only, sizeof(read_only));
	if (fd < 0 && errno == ENOSYS)
		SKIP("this kernel has no openat2");
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(close(fd), 0);
	CHECK_ERR(open_how(dir, "../f", beneath, sizeof(beneath)), EXDEV);
	fd = open_how(dir, "link", beneath, sizeof(beneath));
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 6);
	CHECK_EQ(close(fd), 0);
	CHECK_ERR(open_how(dir, "link", no_links, sizeof(no_links)), ELOOP);
	fd = open_how(dir, "new", create, sizeof(create) + 8);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "made", 4), 4);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	CHECK_EQ(close(fd), 0);
	check_file("d/new", "made");
	CHECK_ERR(open_how(dir, "new", create, sizeof(create)), EEXIST);
	CHECK_ERR(open_how(dir, "f", read_only, 8), EINVAL);
	CHECK_ERR(open_how(dir, "f", (struct open_how){.resolve = 1 << 20}, sizeof(beneath)),
		  EINVAL);
	return done();
}
