/* SPDX-License-Identifier: MIT */
/* system() and popen() in both directions. */
#include "check.h"

int main(void)
{
	char line[64];
	FILE *f;
	int status;

	enter_scratch();
	CHECK(system(NULL) != 0);
	status = system("exit 12");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 12);
	CHECK_EQ(system("echo made by the shell >made; cat made"), 0);
	check_file("made", "made by the shell\n");
	status = system("kill -USR1 $$");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	status = system("no-such-program-anywhere 2>/dev/null");
	CHECK_EQ(WEXITSTATUS(status), 127);
	f = popen("for i in 1 2 3; do echo line $i; done; exit 2", "r");
	CHECK(f);
	CHECK(fgets(line, sizeof(line), f) && strcmp(line, "line 1\n") == 0);
	CHECK(fgets(line, sizeof(line), f) && strcmp(line, "line 2\n") == 0);
	CHECK(fgets(line, sizeof(line), f) && strcmp(line, "line 3\n") == 0);
	CHECK(!fgets(line, sizeof(line), f));
	CHECK_EQ(WEXITSTATUS(pclose(f)), 2);
	f = popen("tr a-z A-Z >upper", "w");
	CHECK(f);
	CHECK(fputs("shout", f) >= 0);
	CHECK_EQ(pclose(f), 0);
	check_file("upper", "SHOUT");
	return done();
}
