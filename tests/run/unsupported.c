/* SPDX-License-Identifier: MIT */
/* What tandem doesn't run: unsupported WHAT [FILE]. Exits with 1 when it does. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));

static int child(void *arg)
{
	(void)arg;
	return 0;
}

static void start(int flags)
{
	clone(child, stack + sizeof(stack), flags | SIGCHLD, NULL);
}

/* A file that is gone, with the code of a return. */
static void run_nameless(const char *path)
{
	static const unsigned char code[] = {0xc3};
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0700);

	if (write(fd, code, sizeof(code)) != sizeof(code) || unlink(path) < 0)
		abort();
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *file = argc > 2 ? argv[2] : "";

	if (!strcmp(what, "files"))
		start(CLONE_FILES);
	else if (!strcmp(what, "handlers"))
		start(CLONE_SIGHAND | CLONE_VM);
	else if (!strcmp(what, "namespace"))
		start(CLONE_NEWUSER);
	else if (!strcmp(what, "code"))
		run_nameless(file);
	else if (!strcmp(what, "exec"))
		execl(file, file, NULL);
	return 1;
}
