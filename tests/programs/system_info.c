/* SPDX-License-Identifier: MIT */
/* uname, sysinfo, sysconf, gethostname, getloadavg: sane, and written out. */
#include "check.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname u;
	struct sysinfo si;
	char host[256] = "";
	double load[3] = {-1, -1, -1};

	CHECK_EQ(uname(&u), 0);
	CHECK(strcmp(u.sysname, "Linux") == 0);
	CHECK(u.release[0] >= '0' && u.release[0] <= '9');
	disclose(&u, sizeof(u));
	CHECK_EQ(gethostname(host, sizeof(host)), 0);
	CHECK(strcmp(host, u.nodename) == 0);
	CHECK_EQ(sysinfo(&si), 0);
	CHECK(si.uptime > 0 && si.totalram > 0 && si.freeram <= si.totalram && si.procs > 0);
	disclose(&si, sizeof(si));
	CHECK_EQ(getloadavg(load, 3), 3);
	CHECK(load[0] >= 0);
	disclose(load, sizeof(load));
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	CHECK(get_nprocs() >= 1);
	return done();
}
