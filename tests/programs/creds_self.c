/* SPDX-License-Identifier: MIT */
/* Identities read in all ways agree; setting them to what they are is allowed to everybody. */
#include "check.h"

int main(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[256];
	int n;

	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK(r == getuid() && e == geteuid());
	CHECK_EQ(getresgid(&gr, &ge, &gs), 0);
	CHECK(gr == getgid() && ge == getegid());
	CHECK_EQ(setuid(e), 0);
	CHECK_EQ(setgid(ge), 0);
	CHECK_EQ(setresuid(-1, -1, -1), 0);
	CHECK_EQ(setreuid(r, e), 0);
	CHECK_EQ(setregid(gr, ge), 0);
	n = getgroups(0, NULL);
	CHECK(n >= 0 && n <= 256);
	CHECK_EQ(getgroups(256, groups), n);
	if (n > 1)
		CHECK_ERR(getgroups(1, groups), EINVAL);
	if (e != 0)
		CHECK_ERR(setuid(0), EPERM);
	return done();
}
