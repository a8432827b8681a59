/* SPDX-License-Identifier: MIT */
/* cc: -Wl,--no-as-needed -l:libcrypto.so.3 */
/* OpenSSL's random numbers, of a library that the program is linked with; in a child, too. */
#include "check.h"
#include <sys/wait.h>

extern int RAND_bytes(unsigned char *bytes, int n);
extern int RAND_priv_bytes(unsigned char *bytes, int n);
extern int RAND_status(void);
extern void RAND_seed(const void *bytes, int n);

static void draw(void)
{
	unsigned char a[48], b[48];

	CHECK_EQ(RAND_bytes(a, sizeof(a)), 1);
	CHECK_EQ(RAND_priv_bytes(b, sizeof(b)), 1);
	CHECK(memcmp(a, b, sizeof(a)));
	disclose(a, sizeof(a));
	disclose(b, sizeof(b));
}

int main(void)
{
	int status;
	pid_t pid;

	CHECK_EQ(RAND_status(), 1);
	draw();
	RAND_seed("seed", 4);
	draw();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		draw();
		return done();
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	return done();
}
