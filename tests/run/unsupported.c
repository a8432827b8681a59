/* SPDX-License-Identifier: MIT */
/*
 * What tandem doesn't run: unsupported WHAT [FILE [WHO]]. WHO: leader or follower, when that
 * variant alone does it. Exits with 1 when it runs, or with 2 where the kernel is said to lack the
 * call.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
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

/* getpid of 32-bit x86. */
static void other_interface(void)
{
	long number = 20;

	__asm__ volatile("int $0x80" : "+a"(number) : : "memory");
}

static void *trace(void *does)
{
	if (*(bool *)does)
		ptrace(PTRACE_TRACEME, 0, NULL, does);
	return NULL;
}

static void trace_in_thread(bool does)
{
	pthread_t t;

	if (pthread_create(&t, NULL, trace, &does) == 0)
		pthread_join(t, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *file = argc > 2 ? argv[2] : "";
	const char *who = argc > 3 ? argv[3] : getenv("TWIN") ? "follower" : "leader";
	bool does = !strcmp(who, getenv("TWIN") ? "follower" : "leader");
	/* struct io_uring_params fits; an address of its own in each variant. */
	char *parameters = calloc(1, 256);

	if (!strcmp(what, "thread"))
		trace_in_thread(does);
	else if (!does)
		(void)!write(1, "other\n", 6);
	else if (!strcmp(what, "number"))
		syscall(500, 1, 2, parameters, 4, 5, 6);
	else if (!strcmp(what, "ptrace"))
		ptrace(PTRACE_TRACEME, 0, NULL, parameters);
	else if (!strcmp(what, "interface"))
		other_interface();
	else if (!strcmp(what, "optional"))
		return syscall(SYS_io_uring_setup, 8, parameters) < 0 && errno == ENOSYS ? 2 : 1;
	else if (!strcmp(what, "files"))
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
