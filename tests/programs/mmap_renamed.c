/* SPDX-License-Identifier: MIT */
/* Mappings of files that have another name by now, while their old one is nobody's or another's. */
#include "check.h"
#include <sys/mman.h>

#define BYTES (3 * 4096)

static char page[4096];

static int new_file(const char *path, char first)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0);
	for (int i = 0; i < 3; i++) {
		memset(page, first + i, sizeof(page));
		CHECK_EQ(write(fd, page, sizeof(page)), sizeof(page));
	}
	return fd;
}

static void look(int fd, char first)
{
	char *p = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 3; i++)
		CHECK(p[i * 4096] == (char)(first + i) && p[i * 4096 + 4095] == (char)(first + i));
	CHECK_EQ(write(1, p, 1), 1);
	CHECK_EQ(munmap(p, BYTES), 0);
}

int main(void)
{
	int fd, other, again;
	char *p;

	enter_scratch();
	fd = new_file("a", 'a');
	CHECK_EQ(rename("a", "b"), 0);
	look(fd, 'a');
	other = new_file("a", 'k');
	look(fd, 'a');
	look(other, 'k');

	/* Found by the old name before, and mapped from there. */
	CHECK_EQ(rename("a", "c"), 0);
	CHECK_EQ(rename("b", "a"), 0);
	look(fd, 'a');
	look(other, 'k');
	again = open("a", O_RDONLY);
	look(again, 'a');

	/* Put in the place of one that has a second name, or none. */
	CHECK_EQ(link("a", "d"), 0);
	CHECK_EQ(rename("c", "a"), 0);
	look(fd, 'a');
	look(again, 'a');
	look(other, 'k');
	CHECK_EQ(close(again), 0);
	again = open("a", O_RDWR);
	CHECK_EQ(rename("d", "a"), 0);
	look(again, 'k');
	CHECK_EQ(close(again), 0);

	/* Shared and written. */
	fd = new_file("e", 'e');
	CHECK_EQ(rename("e", "f"), 0);
	other = new_file("e", 'o');
	p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK(p[4096] == 'f');
	memcpy(p, "text", 4);
	CHECK_EQ(pread(fd, page, 4, 0), 4);
	CHECK(memcmp(page, "text", 4) == 0);
	CHECK_EQ(pread(other, page, 4, 0), 4);
	CHECK(memcmp(page, "oooo", 4) == 0);
	CHECK_EQ(write(1, p, 5), 5);
	return done();
}
