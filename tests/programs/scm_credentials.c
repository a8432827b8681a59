/* SPDX-License-Identifier: MIT */
/* SCM_CREDENTIALS and SO_PEERCRED name the sender. */
#include "check.h"
#include <sys/socket.h>

int main(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct ucred cred;
	struct cmsghdr *c;
	socklen_t len = sizeof(cred);
	int s[2], one = 1;
	pid_t pid;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &len), 0);
	CHECK_EQ(cred.pid, getpid());
	CHECK_EQ(cred.uid, geteuid());
	CHECK_EQ(cred.gid, getegid());
	CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(write(s[1], "c", 1), 1);
		_exit(0);
	}
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	CHECK_EQ(recvmsg(s[0], &msg, 0), 1);
	c = CMSG_FIRSTHDR(&msg);
	CHECK(c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS);
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	CHECK_EQ(cred.pid, pid);
	CHECK_EQ(cred.uid, getuid());
	CHECK_EXIT(pid, 0);
	return done();
}
