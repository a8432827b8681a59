/* SPDX-License-Identifier: MIT */
/* inotify: creating, writing, renaming and removing files, the watch's own end. */
#include "check.h"
#include <sys/inotify.h>

int main(void)
{
	_Alignas(struct inotify_event) char buf[4096];
	int fd, wd, i = 0;
	ssize_t n;
	char *at;
	static const struct {
		uint32_t mask;
		const char *name;
	} want[] = {{IN_CREATE, "a"},     {IN_CLOSE_WRITE, "a"}, {IN_MOVED_FROM, "a"},
		    {IN_MOVED_TO, "bcd"}, {IN_DELETE, "bcd"},    {IN_IGNORED, ""}};

	enter_scratch();
	CHECK_EQ(mkdir("d", 0700), 0);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_ERR(read(fd, buf, sizeof(buf)), EAGAIN);
	wd = inotify_add_watch(fd, "d", IN_CREATE | IN_CLOSE_WRITE | IN_MOVE | IN_DELETE);
	CHECK(wd >= 0);
	write_file("d/a", "x");
	CHECK_EQ(rename("d/a", "d/bcd"), 0);
	CHECK_EQ(unlink("d/bcd"), 0);
	CHECK_EQ(inotify_rm_watch(fd, wd), 0);
	n = read(fd, buf, sizeof(buf));
	CHECK(n > 0);
	for (at = buf; at < buf + n; i++) {
		struct inotify_event *e = (void *)at;

		CHECK(i < 6);
		CHECK_EQ(e->wd, wd);
		CHECK_EQ(e->mask, want[i].mask);
		CHECK(strcmp(e->len ? e->name : "", want[i].name) == 0);
		at += sizeof(*e) + e->len;
	}
	CHECK_EQ(i, 6);
	CHECK_ERR(inotify_rm_watch(fd, wd), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "none", IN_CREATE), ENOENT);
	return done();
}
