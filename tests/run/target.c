/* SPDX-License-Identifier: MIT */
/* What the tests of `tandem run` run: target MODE [ARGUMENT [FILE]]. Says "ready" when it is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t hits;

static void hit(int signal)
{
	(void)signal;
	hits++;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void sleep_on(void)
{
	for (;;)
		pause();
}

/* A tree: each process makes two more, `depth` levels deep. */
static void tree(int depth)
{
	for (int i = 0; depth > 0 && i < 2; i++) {
		if (fork() == 0) {
			tree(depth - 1);
			sleep_on();
		}
	}
}

/* Processes that come and go all the time. */
static void churn(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			if (fork() == 0)
				usleep(20000);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* A tree whose processes stop themselves. */
static void stopped(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			raise(SIGSTOP);
			sleep_on();
		}
	}
	while (waitpid(-1, NULL, WNOHANG | WUNTRACED) >= 0 && ++hits < 3)
		usleep(50000);
}

/* Nobody's user in an empty root, and a tree there. */
static void confined(const char *root)
{
	if (chroot(root) < 0 || chdir("/") < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		exit(77);
	tree(2);
}

/* Processes that become another image, over and over. */
static void exec_on(char **argv)
{
	ready();
	for (int i = 0; i < 3 && fork(); i++)
		;
	execv("/proc/self/exe", argv);
	exit(1);
}

/* Ends its children by SIGKILL: that is the program's own doing. */
static int killer(void)
{
	int status;

	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			setpgid(0, 0);
			sleep_on();
		}
		setpgid(pid, pid);
		if (kill(i % 2 ? -pid : pid, SIGKILL) < 0 || waitpid(pid, &status, 0) != pid ||
		    !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			return 1;
	}
	return 0;
}

static void stream(void)
{
	char bytes[512] = "";

	for (;;) {
		int ends[2];

		if (pipe(ends) < 0 || write(ends[1], bytes, sizeof(bytes)) < 0 ||
		    read(ends[0], bytes, sizeof(bytes)) < 0)
			_exit(1);
		close(ends[0]);
		close(ends[1]);
	}
}

/* Three processes that write and read, and one that makes others. */
static void load(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			stream();
	}
}

/* Takes time, without a call. */
static void spin(long times)
{
	for (volatile long i = 0; i < times; i++)
		;
}

/*
 * Executes itself with arguments that the leader's other process changes as soon as it can, while
 * the leader waits for the follower, which lets it wait.
 */
static int swaps(char *self, bool twin)
{
	struct {
		volatile int asked;
		char said[8], setting[16];
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	char *args[] = {self, (char *)"says", shared->said, NULL};
	char *settings[] = {shared->setting, NULL};

	strcpy(shared->said, "said");
	strcpy(shared->setting, "SETTING=set");
	if (fork() == 0) {
		while (!shared->asked)
			;
		spin(twin ? 0 : 100000000);
		if (!twin)
			shared->said[0] = shared->setting[8] = 'S';
		_exit(0);
	}
	shared->asked = 1;
	spin(twin ? 2000000000 : 0);
	execve("/proc/self/exe", args, settings);
	return 1;
}

/* Counts a signal until there have been none for a while. */
static int count(void)
{
	struct sigaction sa = {.sa_handler = hit};

	sigaction(SIGUSR1, &sa, NULL);
	ready();
	while (!hits)
		usleep(10000);
	usleep(600000);
	printf("%d\n", (int)hits);
	return 0;
}

/* Reads clocks, which makes no call in the leader, around calls that make no record, and differs.
 */
static void clocks(bool twin)
{
	struct timespec now;
	struct timeval old;

	for (int i = 0; i < 4; i++) {
		gettimeofday(&old, NULL);
		getpid();
		clock_gettime(CLOCK_MONOTONIC, &now);
		clock_gettime(CLOCK_REALTIME, &now);
		getppid();
		umask(077);
		time(NULL);
		getpgrp();
	}
	puts(twin ? "right" : "left");
}

/* Both variants write 100000 bytes, or open a path of 3000, that differ near the end. */
static void far(bool bytes, bool twin)
{
	const char *word = twin ? "right" : "left/";
	char text[100001] = "";

	for (size_t i = 0; i < (bytes ? sizeof(text) - 1 : 3000); i++)
		text[i] = i % 2 ? '/' : 'd';
	for (size_t i = 0; word[i]; i++)
		text[(bytes ? 60000 : 2900) + i] = word[i];
	(void)!(bytes ? write(1, text, strlen(text)) : open(text, O_RDONLY));
}

static int daemonise(const char *file)
{
	FILE *out;

	if (fork() == 0) {
		setsid();
		usleep(300000);
		out = fopen(file, "w");
		fputs("done\n", out);
		fclose(out);
		_exit(0);
	}
	return 3;
}

/* Which of the standard descriptors are open, by bits. */
static int standard(void)
{
	int open = 0;

	for (int fd = 0; fd < 3; fd++)
		open |= (fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
	bool twin = getenv("TWIN") != NULL;

	if (!strcmp(mode, "exit"))
		return atoi(argument);
	if (!strcmp(mode, "signal"))
		return kill(getpid(), atoi(argument));
	if (!strcmp(mode, "standard"))
		return standard();
	if (!strcmp(mode, "count"))
		return count();
	if (!strcmp(mode, "daemon"))
		return daemonise(argument);
	if (!strcmp(mode, "tree"))
		tree(atoi(argument));
	if (!strncmp(mode, "call", 4)) {
		for (int i = atoi(argument); i > 0; i--)
			(void)(argc > 3 ? close(creat(argv[3], 0600)) : access("/", F_OK));
		if (!strcmp(mode, "calls"))
			return 0;
	}
	if (!strcmp(mode, "touch"))
		return creat(argument, 0600) < 0;
	if (!strcmp(mode, "stopped"))
		stopped();
	if (!strcmp(mode, "killer"))
		return killer();
	if (!strcmp(mode, "load"))
		load();
	if (!strcmp(mode, "confined"))
		confined(argument);
	if (!strcmp(mode, "swaps"))
		return swaps(argv[0], twin);
	if (!strcmp(mode, "says"))
		return printf("%s, %s\n", argument, getenv("SETTING")) < 0;
	if (!strcmp(mode, "exec"))
		exec_on((char *[]){argv[0], (char *)"again", NULL});
	if (!strcmp(mode, "again")) {
		usleep(20000);
		execv("/proc/self/exe", argv);
		return 1;
	}
	if (!strncmp(mode, "far", 3))
		far(!strcmp(mode, "farbytes"), twin);
	if (!strcmp(mode, "differ") && puts(twin ? "right" : "left") && fflush(stdout))
		return 1;
	if (!strcmp(mode, "clocks"))
		clocks(twin);
	if (!strcmp(mode, "hang") && twin) {
		for (;;)
			hits++;
	}
	if (!strcmp(mode, "leaderhang") && !twin) {
		for (;;)
			hits++;
	}
	if (!strcmp(mode, "hang")) {
		for (int i = 0; i < 3; i++)
			(void)!access("/", F_OK);
	}
	if (!strcmp(mode, "ignored"))
		return signal(SIGCHLD, SIG_DFL) == SIG_IGN ? 1 : 0;
	ready();
	if (!strcmp(mode, "churn") || !strcmp(mode, "load"))
		churn();
	if (!strcmp(mode, "stream"))
		stream();
	sleep_on();
}
