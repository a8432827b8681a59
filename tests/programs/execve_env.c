/* SPDX-License-Identifier: MIT */
/* expect: exit 33 */
/* execve: arguments (empty and long ones too) and environment arrive as they were given. */
#include "check.h"

int main(int argc, char **argv)
{
	static char big[20001], preload[100001] = "LD_PRELOAD=";
	char *args[] = {"my own name", "one", "", "three 3", big, NULL};
	char *env[] = {"FIRST=1", "EMPTY=", "SECOND=two words", preload, NULL};
	pid_t pid;

	memset(big, 'b', sizeof(big) - 1);
	memset(preload + 11, ':', sizeof(preload) - 12); /* no library, at length */
	if (argc > 1) {
		CHECK_EQ(argc, 5);
		CHECK(strcmp(argv[0], "my own name") == 0);
		CHECK(strcmp(argv[2], "") == 0);
		CHECK(strcmp(argv[3], "three 3") == 0);
		CHECK(strcmp(argv[4], big) == 0);
		CHECK(getenv("FIRST") && strcmp(getenv("FIRST"), "1") == 0);
		CHECK(getenv("EMPTY") && *getenv("EMPTY") == 0);
		CHECK(getenv("SECOND") && strcmp(getenv("SECOND"), "two words") == 0);
		CHECK(!getenv("TMPDIR") && !getenv("PATH"));
		puts("in the new program");
		return 33;
	}
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execve("/proc/self/exe", args, env);
		_exit(99);
	}
	CHECK_EXIT(pid, 33);
	/* And without a fork: this process itself goes on as the new program. */
	CHECK_EQ(setvbuf(stdout, NULL, _IONBF, 0), 0);
	args[1] = "last";
	execve("/proc/self/exe", args, env);
	return 99;
}
