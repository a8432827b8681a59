/* SPDX-License-Identifier: MIT */
/* SIGPIPE: a handler and EPIPE, ignored, MSG_NOSIGNAL, and a child that it kills. */
#include "check.h"
#include <sys/socket.h>

static volatile sig_atomic_t hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

int main(void)
{
	struct sigaction ignore;
	int p[2], s[2], status;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(close(p[0]), 0);
	CHECK_EQ(close(s[0]), 0);
	CHECK(signal(SIGPIPE, handler) != SIG_ERR);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	CHECK_EQ(hits, 1);
	CHECK_ERR(send(s[1], "x", 1, 0), EPIPE);
	CHECK_EQ(hits, 2);
	CHECK_ERR(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(hits, 2);
	/* Only the handler is set, as many programs do it. */
	memset(&ignore, (int)((uintptr_t)&ignore >> 8), sizeof(ignore));
	ignore.sa_handler = SIG_IGN;
	CHECK_EQ(sigaction(SIGPIPE, &ignore, NULL), 0);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	CHECK_EQ(hits, 2);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
		CHECK_EQ(write(p[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	return done();
}
