/* SPDX-License-Identifier: MIT */
/* expect: exit 3 */
/* A program that somebody has open for writing isn't executed. */
#include "check.h"

int main(int argc, char **argv)
{
	char *args[] = {"copy", "1", NULL}, *env[] = {NULL}, path[4096], buf[65536];
	int from, to;
	ssize_t n;

	if (argc > 1)
		return 3;
	CHECK(realpath(argv[0], path));
	enter_scratch();
	from = open(path, O_RDONLY | O_CLOEXEC);
	to = open("copy", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	CHECK(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(to, buf, n), n);
	CHECK_EQ(n, 0);
	CHECK_ERR(execve("copy", args, env), ETXTBSY);
	CHECK_EQ(close(to), 0);
	execve("copy", args, env);
	return 99;
}
