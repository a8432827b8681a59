/* SPDX-License-Identifier: MIT */
/* System V message queues: by type, too long for the buffer, a reader that waits, state. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
	long type;
	char text[64];
};

static void put(int id, long type, const char *text)
{
	struct message m = {.type = type};

	strcpy(m.text, text);
	CHECK_EQ(msgsnd(id, &m, strlen(text) + 1, 0), 0);
}

static void get(int id, long type, const char *text)
{
	struct message m = {0};

	CHECK_EQ(msgrcv(id, &m, sizeof(m.text), type, 0), strlen(text) + 1);
	CHECK(strcmp(m.text, text) == 0);
	CHECK(type <= 0 || m.type == type);
}

int main(void)
{
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	struct msqid_ds state;
	struct message m = {0};
	pid_t pid;

	if (id < 0 && errno == ENOSYS)
		SKIP("this kernel has no System V message queues");
	CHECK(id >= 0);
	CHECK_ERR(msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT), ENOMSG);
	put(id, 3, "three");
	put(id, 1, "one");
	put(id, 2, "two");
	CHECK_EQ(msgctl(id, IPC_STAT, &state), 0);
	CHECK_EQ(state.msg_qnum, 3);
	CHECK_EQ(state.msg_lspid, getpid());
	get(id, 2, "two");
	get(id, -3, "one");
	CHECK_ERR(msgrcv(id, &m, 2, 0, 0), E2BIG);
	CHECK_EQ(msgrcv(id, &m, 2, 0, MSG_NOERROR), 2);
	CHECK(m.type == 3 && memcmp(m.text, "th", 2) == 0);
	m.type = 0;
	CHECK_ERR(msgsnd(id, &m, 1, 0), EINVAL);
	state.msg_qbytes = 100;
	CHECK_EQ(msgctl(id, IPC_SET, &state), 0);
	m.type = 1;
	CHECK_EQ(msgsnd(id, &m, 64, IPC_NOWAIT), 0);
	CHECK_ERR(msgsnd(id, &m, 64, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(msgrcv(id, &m, 64, 1, 0), 64);

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		get(id, 5, "for the child");
		put(id, 6, "from the child");
		_exit(0);
	}
	put(id, 5, "for the child");
	get(id, 6, "from the child");
	CHECK_EXIT(pid, 0);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
	CHECK_ERR(msgrcv(id, &m, sizeof(m.text), 0, 0), EINVAL);
	return done();
}
