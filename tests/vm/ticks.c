/* SPDX-License-Identifier: MIT */
/* Says a number ten times a second, and as much behind it as fills a small ring in two seconds. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	const struct timespec tenth = {.tv_nsec = 100000000};
	static char line[4000];

	for (int i = 0;; i++) {
		int n = sprintf(line, "%d ", i);

		memset(line + n, '.', sizeof(line) - (size_t)n);
		line[sizeof(line) - 1] = '\n';
		if (write(1, line, sizeof(line)) != sizeof(line))
			return 1;
		nanosleep(&tenth, NULL);
	}
}
