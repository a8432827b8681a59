/* SPDX-License-Identifier: MIT */
/* cc: -lrt */
/* POSIX asynchronous input and output, which libc does with threads; its kinds of notice. */
#include "check.h"
#include <aio.h>

static volatile sig_atomic_t hits;

static void hit(int signal)
{
	(void)signal;
	hits++;
}

static void finish(struct aiocb *cb, ssize_t want)
{
	const struct aiocb *list[1] = {cb};

	while (aio_error(cb) == EINPROGRESS)
		(void)aio_suspend(list, 1, NULL);
	CHECK_EQ(aio_error(cb), 0);
	CHECK_EQ(aio_return(cb), want);
}

int main(void)
{
	struct aiocb cb[4], *list[4];
	char buf[4][8];
	int fd;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0);
	memset(cb, 0, sizeof(cb));
	for (int i = 0; i < 4; i++) {
		snprintf(buf[i], sizeof(buf[i]), "part %d\n", i);
		cb[i].aio_fildes = fd;
		cb[i].aio_buf = buf[i];
		cb[i].aio_nbytes = 7;
		cb[i].aio_offset = 7 * i;
		cb[i].aio_lio_opcode = LIO_WRITE;
		cb[i].aio_sigevent.sigev_notify = SIGEV_NONE;
		list[i] = &cb[i];
	}
	CHECK_EQ(lio_listio(LIO_WAIT, list, 4, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(aio_return(&cb[i]), 7);
	check_file("f", "part 0\npart 1\npart 2\npart 3\n");

	CHECK(signal(SIGUSR1, hit) != SIG_ERR);
	memset(buf, 0, sizeof(buf));
	cb[2].aio_sigevent.sigev_notify = SIGEV_SIGNAL;
	cb[2].aio_sigevent.sigev_signo = SIGUSR1;
	CHECK_EQ(aio_read(&cb[2]), 0);
	finish(&cb[2], 7);
	CHECK(memcmp(buf[2], "part 2\n", 7) == 0);
	while (!hits)
		pause_ms(1);
	CHECK_EQ(aio_fsync(O_SYNC, &cb[0]), 0);
	finish(&cb[0], 0);
	CHECK_EQ(aio_cancel(fd, NULL), AIO_ALLDONE);
	return done();
}
