/* SPDX-License-Identifier: MIT */
/* cc: -lutil */
/* A pseudoterminal: made, set raw and back, its size, a session of its own, a hang-up. */
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <utmp.h>

static volatile sig_atomic_t hups;

static void hit(int signal)
{
	(void)signal;
	hups++;
}

static void child(int terminal)
{
	struct winsize size;
	char line[64];
	ssize_t n;

	CHECK_EQ(login_tty(terminal), 0);
	CHECK_EQ(getsid(0), getpid());
	CHECK_EQ(tcgetpgrp(0), getpgrp());
	CHECK(isatty(0) && ttyname(0));
	CHECK_EQ(ioctl(0, TIOCGWINSZ, &size), 0);
	CHECK(size.ws_row == 33 && size.ws_col == 99);
	CHECK(signal(SIGHUP, hit) != SIG_ERR);
	n = read(0, line, sizeof(line));
	CHECK_EQ(n, 6);
	CHECK(memcmp(line, "hello\n", 6) == 0);
	CHECK_EQ(write(1, "and back\n", 9), 9);
	while (!hups)
		pause_ms(2);
	_exit(7);
}

static void expect(int fd, const char *text)
{
	size_t got = 0, want = strlen(text);
	char buf[64];

	while (got < want) {
		ssize_t n = read(fd, buf + got, want - got);

		CHECK(n > 0);
		got += n;
	}
	CHECK(memcmp(buf, text, want) == 0);
}

int main(void)
{
	struct winsize size = {.ws_row = 33, .ws_col = 99};
	struct termios cooked, raw;
	int control, terminal, queued;
	char name[64];
	pid_t pid;

	if (openpty(&control, &terminal, name, NULL, &size) < 0)
		SKIP("no pseudoterminals here");
	CHECK(strncmp(name, "/dev/pts/", 9) == 0);
	CHECK_EQ(tcgetattr(terminal, &cooked), 0);
	raw = cooked;
	cfmakeraw(&raw);
	CHECK_EQ(tcsetattr(terminal, TCSANOW, &raw), 0);
	CHECK_EQ(write(control, "raw", 3), 3);
	expect(terminal, "raw");
	CHECK_EQ(ioctl(terminal, FIONREAD, &queued), 0);
	CHECK_EQ(queued, 0);
	CHECK_EQ(tcflush(terminal, TCIOFLUSH), 0);
	CHECK_EQ(tcsetattr(terminal, TCSANOW, &cooked), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(close(control), 0);
		child(terminal);
	}
	CHECK_EQ(close(terminal), 0);
	CHECK_EQ(write(control, "hello\n", 6), 6);
	expect(control, "hello\r\nand back\r\n");
	CHECK_EQ(close(control), 0);
	CHECK_EXIT(pid, 7);
	return done();
}
