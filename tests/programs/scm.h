/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_SCM_H
#define TANDEM_TEST_SCM_H

#include "check.h"

#include <sys/socket.h>

#define SCM_MOST 8

/* Sends n descriptors, at most SCM_MOST, in one message of one byte. */
static inline void scm_send(int socket, const int *fds, int n)
{
	char control[CMSG_SPACE(SCM_MOST * sizeof(int))] = {0}, c = 'x';
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	CHECK_EQ(sendmsg(socket, &m, 0), 1);
}

#endif
