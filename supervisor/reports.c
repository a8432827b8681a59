/* SPDX-License-Identifier: MIT */
#include "reports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void reports_default(char *to, size_t size)
{
	snprintf(to, size, "/var/tmp/tandem-%u", (unsigned)getuid());
}

bool reports_is_default(const char *directory)
{
	char path[64];

	reports_default(path, sizeof(path));
	return !strcmp(path, directory);
}

/* 2026-11-23T02:44:10.123456789-4711.json: 30 characters of time, so names sort by it. */
#define TIME_CHARACTERS 29

static int is_report(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > TIME_CHARACTERS + 6 && e->d_name[4] == '-' && e->d_name[10] == 'T' &&
	       e->d_name[19] == '.' && e->d_name[TIME_CHARACTERS] == '-' &&
	       !strcmp(e->d_name + n - 5, ".json");
}

/* Names by byte, whatever the locale says. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list(const char *directory, struct dirent ***entries)
{
	int n = scandir(directory, entries, is_report, by_name);

	return n < 0 ? -errno : n;
}

static void discard(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

static int path_of(char *path, const char *directory, const char *name)
{
	return snprintf(path, REPORT_PATH, "%s/%s", directory, name) < REPORT_PATH ? 0
										   : -ENAMETOOLONG;
}

/* Best effort: a report that can't be removed is in nobody's way. */
static void prune(const char *directory)
{
	struct dirent **entries = NULL;
	char path[REPORT_PATH];
	int n = list(directory, &entries);

	for (int i = 0; i < n - REPORTS_KEPT; i++) {
		if (path_of(path, directory, entries[i]->d_name) == 0)
			unlink(path);
	}
	if (n >= 0)
		discard(entries, n);
}

static int write_all(int fd, const char *text)
{
	for (size_t left = strlen(text); left;) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

static int make_name(const char *directory, char *path)
{
	char name[64], when[32];
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(name, sizeof(name), "%.19s.%09ld-%d.json", when, now.tv_nsec, (int)getpid());
	return path_of(path, directory, name);
}

int reports_store(const char *directory, const char *text, char *path)
{
	char temporary[REPORT_PATH + 4];
	int fd, error = make_name(directory, path);

	if (error)
		return error;
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return -errno;
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	/* The default directory's parent is everybody's: follow nothing that was put there. */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, text);
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (error)
		unlink(temporary);
	else
		prune(directory);
	return error;
}

int reports_newest(const char *directory, char *path)
{
	struct dirent **entries = NULL;
	int n = list(directory, &entries), error = -ENOENT;

	if (n < 0)
		return n;
	if (n > 0)
		error = path_of(path, directory, entries[n - 1]->d_name);
	discard(entries, n);
	return error;
}
