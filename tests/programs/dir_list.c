/* SPDX-License-Identifier: MIT */
/* Directory listing in many getdents calls, rewinddir, telldir and seekdir, mkdir, rmdir. */
#include "check.h"
#include <dirent.h>

#define FILES 700

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(void)
{
	struct dirent *e, **sorted;
	char name[64], after[256] = "";
	int i, n;
	long pos;
	DIR *d;

	enter_scratch();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(mkdir("d", 0755), EEXIST);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "d/a-file-with-a-rather-long-name-%04d", i);
		write_file(name, "");
	}
	d = opendir("d");
	CHECK(d);
	for (n = 0; readdir(d); n++)
		;
	CHECK_EQ(n, FILES + 2);
	rewinddir(d);
	for (i = 0; i < 300; i++)
		CHECK(readdir(d));
	pos = telldir(d);
	e = readdir(d);
	CHECK(e);
	snprintf(after, sizeof(after), "%s", e->d_name);
	while (readdir(d))
		;
	seekdir(d, pos);
	e = readdir(d);
	CHECK(e && strcmp(e->d_name, after) == 0);
	CHECK_EQ(closedir(d), 0);

	n = scandir("d", &sorted, NULL, by_name);
	CHECK_EQ(n, FILES + 2);
	CHECK(strcmp(sorted[2]->d_name, "a-file-with-a-rather-long-name-0000") == 0);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	for (i = 2; i < n; i++) {
		snprintf(name, sizeof(name), "d/%.50s", sorted[i]->d_name);
		CHECK_EQ(unlink(name), 0);
	}
	for (i = 0; i < n; i++)
		free(sorted[i]);
	free(sorted);
	CHECK_EQ(rmdir("d"), 0);
	CHECK(!opendir("d") && errno == ENOENT);
	return done();
}
