/* SPDX-License-Identifier: MIT */
/* Descriptors that only their message holds: the sender has closed its own, or has ended. */
#include "scm.h"

#include <sys/mman.h>

#define BYTES 8192

static int pair[2];

static void send_one(int fd)
{
	scm_send(pair[0], &fd, 1);
	CHECK_EQ(close(fd), 0);
}

static int receive_one(void)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *h;
	int fd;

	CHECK_EQ(recvmsg(pair[1], &m, 0), 1);
	h = CMSG_FIRSTHDR(&m);
	CHECK(h);
	memcpy(&fd, CMSG_DATA(h), sizeof(int));
	return fd;
}

static int new_memory(const char *text)
{
	int fd = memfd_create("m", MFD_CLOEXEC);
	char *map;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, BYTES), 0);
	map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	strcpy(map + 4096, text);
	CHECK_EQ(munmap(map, BYTES), 0);
	return fd;
}

/* What was written through a mapping that is gone, and by write(2), is there. */
static void look(int fd, const char *text)
{
	struct stat st;
	char *map;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, BYTES);
	CHECK_EQ(pwrite(fd, "written", 8, 0), 8);
	map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(strcmp(map, "written") == 0);
	CHECK(strcmp(map + 4096, text) == 0);
	CHECK_EQ(munmap(map, BYTES), 0);
	CHECK_EQ(close(fd), 0);
}

int main(void)
{
	pid_t pid;
	char *map;
	int fd;

	enter_scratch();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	send_one(new_memory("closed by its sender"));
	look(receive_one(), "closed by its sender");

	/* The number is another's by the time it is received. */
	fd = new_memory("first");
	send_one(fd);
	CHECK_EQ(new_memory("second"), fd);
	look(receive_one(), "first");
	look(fd, "second");

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		send_one(new_memory("of a child that has ended"));
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	look(receive_one(), "of a child that has ended");

	/* A file without a name. */
	write_file("f", "nameless");
	fd = open("f", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(unlink("f"), 0);
	send_one(fd);
	fd = receive_one();
	map = mmap(NULL, 8, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(memcmp(map, "nameless", 8) == 0);
	return done();
}
