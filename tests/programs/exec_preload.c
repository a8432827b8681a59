/* SPDX-License-Identifier: MIT */
/* A program finds the LD_PRELOAD that it was executed with in its environment, where it was put. */
#include "check.h"

static char path[4096];

static const char *preload(void)
{
	const char *value = getenv("LD_PRELOAD");

	return value ? value : "none";
}

static void again(char **argv, const char *step, char **env)
{
	char *args[] = {argv[0], (char *)step, NULL};

	execve("/proc/self/exe", args, env);
	_exit(99);
}

int main(int argc, char **argv)
{
	char *none[] = {"FIRST=1", NULL}, *empty[] = {"LD_PRELOAD=", NULL};
	char entry[4200], directory[4200], command[8192], *two[] = {"LD_PRELOAD=::", entry, NULL};
	const char *libraries = getenv("TEST_LIB_DIR");
	char *some[] = {"FIRST=1", entry, "LAST=2", directory, NULL};

	if (argc == 1 && !libraries)
		SKIP("TEST_LIB_DIR isn't set");
	snprintf(path, sizeof(path), "%s/plain.so", libraries ? libraries : "");
	snprintf(entry, sizeof(entry), "LD_PRELOAD=%s", path);
	snprintf(directory, sizeof(directory), "TEST_LIB_DIR=%s", libraries ? libraries : "");
	switch (argc > 1 ? *argv[1] : '0') {
	case '0':
		again(argv, "1", some);
		break;
	case '1':
		CHECK(strcmp(preload(), path) == 0);
		CHECK(strcmp(environ[0], "FIRST=1") == 0);
		CHECK(strcmp(environ[1], entry) == 0);
		CHECK(strcmp(environ[2], "LAST=2") == 0);
		snprintf(command, sizeof(command), "test \"$LD_PRELOAD\" = '%s'", path);
		CHECK_EQ(system(command), 0);
		again(argv, "2", environ);
		break;
	case '2':
		CHECK(strcmp(preload(), path) == 0);
		CHECK_EQ(unsetenv("LD_PRELOAD"), 0);
		CHECK_EQ(system("test \"${LD_PRELOAD-none}\" = none"), 0);
		again(argv, "3", two);
		break;
	case '3':
		CHECK(strcmp(preload(), "::") == 0);
		CHECK(strncmp(environ[1], "LD_PRELOAD=/", 12) == 0);
		again(argv, "4", empty);
		break;
	case '4':
		CHECK(strcmp(preload(), "") == 0);
		again(argv, "5", none);
		break;
	default:
		CHECK(strcmp(preload(), "none") == 0);
		CHECK(environ[0] && !environ[1]);
	}
	return done();
}
