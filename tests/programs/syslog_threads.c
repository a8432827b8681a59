/* SPDX-License-Identifier: MIT */
/* Threads that write to the system's log, and to stderr with it, and ask for the time of day. */
#include "check.h"
#include <pthread.h>
#include <syslog.h>
#include <time.h>

enum { THREADS = 4, LINES = 40 };

static void *work(void *name)
{
	for (int i = 0; i < LINES; i++) {
		time_t then = 86400 * (time_t)i;
		char day[80], text[80];
		struct tm tm;

		CHECK(localtime_r(&then, &tm) == &tm && gmtime_r(&then, &tm) == &tm);
		CHECK_EQ(strftime(day, sizeof(day), "%d", &tm), 2);
		snprintf(text, sizeof(text), "%02d", 1 + i % 31);
		CHECK(i >= 31 || !strcmp(day, text));
		if (i % 10 == 0)
			openlog("syslog_threads", LOG_PERROR | LOG_NDELAY, LOG_USER);
		syslog(LOG_DEBUG, "line %d of %s", i, (const char *)name);
		CHECK(getppid() > 0);
	}
	return NULL;
}

int main(void)
{
	static const char *const name[THREADS] = {"a", "b", "c", "d"};
	char file[] = "log.XXXXXX", line[200];
	pthread_t thread[THREADS];
	int lines = 0;
	FILE *f;

	CHECK(mkstemp(file) == 3 || access(file, F_OK) == 0);
	CHECK(freopen(file, "w", stderr) != NULL);
	openlog("syslog_threads", LOG_PERROR, LOG_USER);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)name[i]), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	closelog();
	f = fopen(file, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		lines += strstr(line, "line ") != NULL;
	CHECK_EQ(lines, THREADS * LINES);
	fclose(f);
	CHECK_EQ(unlink(file), 0);
	return done();
}
