/* SPDX-License-Identifier: MIT */
/* Mappings of files that have lost their name, never had one, or whose name is another's now. */
#include "check.h"

#include <sys/mman.h>

#define PAGES 40
#define BYTES (PAGES * 4096)

static char page[4096];

static void fill(int fd, char first)
{
	for (int i = 0; i < PAGES; i++) {
		memset(page, first + i, sizeof(page));
		CHECK_EQ(write(fd, page, sizeof(page)), sizeof(page));
	}
}

static int new_file(const char *path, char first)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0);
	fill(fd, first);
	return fd;
}

static char *map(int fd, int prot, int flags, off_t at, size_t bytes)
{
	char *p = mmap(NULL, bytes, prot, flags, fd, at);

	CHECK(p != MAP_FAILED);
	return p;
}

static void look(int fd, char first)
{
	char *p = map(fd, PROT_READ, MAP_PRIVATE, 0, BYTES);

	for (int i = 0; i < PAGES; i++)
		CHECK(p[i * 4096] == (char)(first + i) && p[i * 4096 + 4095] == (char)(first + i));
	CHECK_EQ(munmap(p, BYTES), 0);
}

int main(void)
{
	int fd, other;
	char *p, *q;
	pid_t pid;

	enter_scratch();
	fd = new_file("a", 1);
	CHECK_EQ(unlink("a"), 0);
	look(fd, 1);

	/* Shared and written: seen by read(2), by another mapping and by a child. */
	p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, 4096, 8192);
	CHECK(p[0] == 2 && p[4096] == 3);
	p[0] = 'x';
	CHECK_EQ(pread(fd, page, 1, 4096), 1);
	CHECK_EQ(page[0], 'x');
	CHECK_EQ(pwrite(fd, "y", 1, 8192), 1);
	q = map(fd, PROT_READ, MAP_SHARED, 0, BYTES);
	CHECK(q[4096] == 'x' && q[8192] == 'y' && p[4096] == 'y');
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		p[1] = 'z';
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(p[1] == 'z' && q[4097] == 'z');

	/* Shorter than what is mapped. */
	CHECK_EQ(ftruncate(fd, 100), 0);
	p = map(fd, PROT_READ, MAP_PRIVATE, 0, 8192);
	CHECK(p[99] == 1 && p[100] == 0);
	CHECK_EQ(close(fd), 0);

	/* Another file has its name. */
	fd = new_file("b", 50);
	other = new_file("c", 100);
	CHECK_EQ(rename("c", "b"), 0);
	look(fd, 50);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(close(other), 0);

	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0) { /* not every file system can */
		fill(fd, 7);
		look(fd, 7);
	}

	fd = new_file("empty", 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(unlink("empty"), 0);
	map(fd, PROT_READ, MAP_PRIVATE, 0, 4096);
	return done();
}
