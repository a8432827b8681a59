/* SPDX-License-Identifier: MIT */
/* Says N lines of different lengths, a system call each: what crosses a link must be all of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char line[16384];

	for (int i = 0; argc > 1 && i < atoi(argv[1]); i++) {
		int n = i * 37 % 8000;

		memset(line, 'a' + i % 26, (size_t)n);
		n += sprintf(line + n, " %d\n", i);
		if (write(1, line, (size_t)n) != n)
			return 1;
	}
	return 0;
}
