/* SPDX-License-Identifier: MIT */
/* System V semaphores: values, several operations at once, waits for another process, time-outs. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
	int value;
	struct semid_ds *state;
	unsigned short *values;
};

static int change(int id, unsigned short which, short by, short flags)
{
	struct sembuf op = {which, by, flags};

	return semop(id, &op, 1);
}

static void values(int id)
{
	unsigned short set[3] = {1, 2, 3}, got[3];
	struct sembuf both[2] = {{0, -1, IPC_NOWAIT}, {2, -9, IPC_NOWAIT}};
	struct semid_ds state;

	CHECK_EQ(semctl(id, 0, SETALL, (union semun){.values = set}), 0);
	CHECK_EQ(semctl(id, 0, GETALL, (union semun){.values = got}), 0);
	CHECK(memcmp(set, got, sizeof(set)) == 0);
	CHECK_EQ(semctl(id, 1, SETVAL, (union semun){.value = 7}), 0);
	CHECK_EQ(semctl(id, 1, GETVAL), 7);
	CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.state = &state}), 0);
	CHECK_EQ(state.sem_nsems, 3);
	CHECK_EQ(state.sem_perm.mode & 0777, 0600);
	/* All or none. */
	CHECK_ERR(semop(id, both, 2), EAGAIN);
	CHECK_EQ(semctl(id, 0, GETVAL), 1);
	CHECK_ERR(change(id, 3, 1, 0), EFBIG);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_ERR(semctl(id, 0, 99), EINVAL);
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){.values = NULL}), EFAULT);
	CHECK_ERR(semctl(-1, 0, GETALL, (union semun){.values = got}), EINVAL);
}

static void waits(int id)
{
	struct timespec soon = {0, 20000000}, long_time = {20, 0};
	struct sembuf take = {0, -1, 0};
	pid_t pid;

	CHECK_EQ(semctl(id, 0, SETVAL, (union semun){.value = 0}), 0);
	CHECK_ERR(semtimedop(id, &take, 1, &soon), EAGAIN);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(change(id, 0, -2, 0), 0);
		CHECK_EQ(change(id, 1, 1, SEM_UNDO), 0);
		_exit(0);
	}
	while (semctl(id, 0, GETNCNT) != 1)
		pause_ms(1);
	CHECK_EQ(semctl(id, 1, SETVAL, (union semun){.value = 0}), 0);
	CHECK_EQ(change(id, 0, 3, 0), 0);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(semctl(id, 1, GETVAL), 0);
	CHECK_EQ(semtimedop(id, &take, 1, &long_time), 0);
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
}

int main(void)
{
	int id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
	pid_t pid;

	if (id < 0 && errno == ENOSYS)
		SKIP("this kernel has no System V semaphores");
	CHECK(id >= 0);
	values(id);
	waits(id);
	/* Who waits when it is removed is told. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_ERR(change(id, 2, -100, 0), EIDRM);
		_exit(0);
	}
	while (semctl(id, 2, GETNCNT) != 1)
		pause_ms(1);
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
	CHECK_EXIT(pid, 0);
	CHECK_ERR(semctl(id, 0, GETVAL), EINVAL);
	return done();
}
