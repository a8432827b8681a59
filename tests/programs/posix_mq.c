/* SPDX-License-Identifier: MIT */
/* cc: -lrt */
/* POSIX message queues: priorities, attributes, full and empty, time-outs, a reader that waits. */
#include "check.h"
#include <mqueue.h>

int main(void)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 32}, old;
	struct timespec past = {1, 0};
	char name[64], buf[64] = "";
	unsigned priority;
	pid_t pid;
	mqd_t q;

	snprintf(name, sizeof(name), "/program-test-%d", getpid());
	q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (q == (mqd_t)-1 && (errno == ENOSYS || errno == EACCES))
		SKIP("this kernel has no message queues");
	CHECK(q != (mqd_t)-1);
	CHECK_ERR(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr), EEXIST);
	CHECK_EQ(mq_getattr(q, &attr), 0);
	CHECK(attr.mq_maxmsg == 2 && attr.mq_msgsize == 32 && attr.mq_curmsgs == 0);
	CHECK_EQ(mq_send(q, "later", 6, 1), 0);
	CHECK_EQ(mq_send(q, "first", 6, 9), 0);
	CHECK_ERR(mq_timedsend(q, "full", 5, 0, &past), ETIMEDOUT);
	CHECK_ERR(mq_send(q, buf, 33, 0), EMSGSIZE);
	CHECK_EQ(mq_receive(q, buf, 32, &priority), 6);
	CHECK(strcmp(buf, "first") == 0 && priority == 9);
	CHECK_ERR(mq_receive(q, buf, 31, NULL), EMSGSIZE);
	CHECK_EQ(mq_receive(q, buf, 32, NULL), 6);
	CHECK(strcmp(buf, "later") == 0);
	attr.mq_flags = O_NONBLOCK;
	CHECK_EQ(mq_setattr(q, &attr, &old), 0);
	CHECK_EQ(old.mq_flags, 0);
	CHECK_ERR(mq_receive(q, buf, 32, NULL), EAGAIN);
	attr.mq_flags = 0;
	CHECK_EQ(mq_setattr(q, &attr, &old), 0);
	CHECK_EQ(old.mq_flags, O_NONBLOCK);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(mq_receive(q, buf, 32, NULL), 6);
		CHECK(strcmp(buf, "child") == 0);
		_exit(0);
	}
	CHECK_EQ(mq_send(q, "child", 6, 0), 0);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(mq_unlink(name), 0);
	CHECK_ERR(mq_unlink(name), ENOENT);
	CHECK_EQ(mq_close(q), 0);
	CHECK_ERR(mq_getattr(q, &attr), EBADF);
	return done();
}
