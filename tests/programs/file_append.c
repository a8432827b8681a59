/* SPDX-License-Identifier: MIT */
/* O_APPEND: two descriptions of one file write behind each other whatever their offsets. */
#include "check.h"

int main(void)
{
	int a, b;

	enter_scratch();
	a = open("log", O_CREAT | O_WRONLY | O_APPEND, 0644);
	b = open("log", O_WRONLY | O_APPEND);
	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(write(a, "one ", 4), 4);
	CHECK_EQ(write(b, "two ", 4), 4);
	CHECK_EQ(lseek(a, 0, SEEK_SET), 0);
	CHECK_EQ(write(a, "three ", 6), 6);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 14);
	CHECK_EQ(fcntl(b, F_SETFL, 0), 0);
	CHECK_EQ(lseek(b, 0, SEEK_SET), 0);
	CHECK_EQ(write(b, "ONE", 3), 3);
	check_file("log", "ONE two three ");
	return done();
}
