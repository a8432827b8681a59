/* SPDX-License-Identifier: MIT */
/* A failed exec leaves the process as it was: handlers, memory, descriptors, threads. */
#include "check.h"

static volatile sig_atomic_t hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

int main(void)
{
	char *args[] = {"x", NULL}, *env[] = {NULL};
	int fd;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	CHECK_ERR(execve("missing", args, env), ENOENT);
	CHECK_ERR(execve("f", args, env), EACCES);
	write_file("garbage", "\177garbage");
	CHECK_EQ(chmod("garbage", 0755), 0);
	CHECK_ERR(execve("garbage", args, env), ENOEXEC);
	write_file("badshebang", "#!/no/such/interpreter\n");
	CHECK_EQ(chmod("badshebang", 0755), 0);
	CHECK_ERR(execve("badshebang", args, env), ENOENT);
	CHECK_ERR(execve(".", args, env), EACCES);
	CHECK_EQ(write(fd, "still here", 10), 10);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(hits, 1);
	return done();
}
