/* SPDX-License-Identifier: MIT */
/* shm_open between two mappings and a child; System V shared memory if there is any. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

int main(void)
{
	char name[64], *a, *b;
	int fd, id;
	pid_t pid;

	snprintf(name, sizeof(name), "/program-test-shm-%d", getpid());
	fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_ERR(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_EQ(ftruncate(fd, 4096), 0);
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(a != MAP_FAILED && b != MAP_FAILED);
	CHECK_EQ(shm_unlink(name), 0);
	strcpy(a, "seen twice");
	CHECK(strcmp(b, "seen twice") == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		strcpy(a, "by the child");
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(strcmp(b, "by the child") == 0);

	id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	if (id < 0)
		return done();
	a = shmat(id, NULL, 0);
	CHECK(a != (void *)-1);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	strcpy(a, "system five");
	CHECK_EQ(shmdt(a), 0);
	return done();
}
