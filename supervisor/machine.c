/* SPDX-License-Identifier: MIT */
/* machine.c - tries what the machine offers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../transport/rdma_device.h"
#include "machine.h"
#include "program.h"

/* Since Linux 5.11; older C libraries don't know them. */
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0
#define SYSCALL_DISPATCH_FILTER_BLOCK 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

/* A probe that hangs is ended by SIGALRM. */
#define PROBE_SECONDS 10

static void say(struct machine_answer *answer, bool yes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct machine_answer *answer, bool yes, const char *format, ...)
{
	va_list args;

	answer->yes = yes;
	va_start(args, format);
	vsnprintf(answer->detail, sizeof(answer->detail), format, args);
	va_end(args);
}

/*
 * Runs the probe in a child, so that neither filters nor crashes stay with us. It begins with the
 * answer as it is.
 */
static void in_child(struct machine_answer *answer, void (*probe)(struct machine_answer *))
{
	struct machine_answer *shared;
	int status;
	pid_t child;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		say(answer, false, "it could not be tried: mmap: %s", strerror(errno));
		return;
	}
	*shared = *answer;
	child = fork();
	if (child == 0) {
		alarm(PROBE_SECONDS);
		probe(shared);
		_exit(0);
	}
	if (child < 0) {
		say(answer, false, "it could not be tried: fork: %s", strerror(errno));
	} else {
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status))
			say(answer, false, "the attempt died of signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
		else
			*answer = *shared;
	}
	munmap(shared, sizeof(*shared));
}

/* Reads the beginning of a small file without its last newline; "" when it can't be read. */
static void read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void probe_kernel(struct machine_answer *answer)
{
	struct utsname name;

	uname(&name);
	say(answer, true, "%s %s, %s", name.sysname, name.release, name.machine);
}

static void probe_cpus(struct machine_answer *answer)
{
	char online[80];
	cpu_set_t set;

	read_text("/sys/devices/system/cpu/online", online, sizeof(online));
	if (sched_getaffinity(0, sizeof(set), &set) < 0) {
		say(answer, false, "sched_getaffinity: %s", strerror(errno));
		return;
	}
	say(answer, true, "%d usable, %s online", CPU_COUNT(&set), online);
}

static void probe_locked_memory(struct machine_answer *answer)
{
	struct rlimit limit;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		say(answer, true, "unlimited");
	else
		say(answer, true, "%llu KiB", (unsigned long long)limit.rlim_cur >> 10);
}

/* Trap back ends: a call is made, and has to arrive in the handler. */

static volatile char selector;
static volatile int trapped;

static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	/* First of all: the handler's own return is a system call too. */
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	trapped = info->si_code;
}

static bool catch_sigsys(struct machine_answer *answer)
{
	struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};

	if (sigaction(SIGSYS, &action, NULL) == 0)
		return true;
	say(answer, false, "sigaction: %s", strerror(errno));
	return false;
}

static void probe_sud(struct machine_answer *answer)
{
	if (!catch_sigsys(answer))
		return;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0UL, 0UL, &selector) < 0) {
		say(answer, false,
		    errno == EINVAL ? "the kernel has no Syscall User Dispatch" : "prctl: %s",
		    strerror(errno));
		return;
	}
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	syscall(SYS_getppid);
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	if (trapped == SYS_USER_DISPATCH)
		say(answer, true, "%s", "");
	else
		say(answer, false, "switched on, but a call was not trapped");
}

static void probe_seccomp(struct machine_answer *answer)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (!catch_sigsys(answer))
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		say(answer, false, "no_new_privs: %s", strerror(errno));
		return;
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0) {
		say(answer, false, "a filter cannot be installed: %s", strerror(errno));
		return;
	}
	syscall(SYS_getppid);
	if (trapped)
		say(answer, true, "%s", "");
	else
		say(answer, false, "installed, but a call was not trapped");
}

static void probe_module(struct machine_answer *answer)
{
	int fd = open("/dev/tandem", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		say(answer, true, "%s", "");
	} else if (errno == ENOENT) {
		say(answer, false, "the module is not loaded");
	} else {
		say(answer, false, "/dev/tandem: %s", strerror(errno));
	}
}

static bool find_vdso(unsigned long start, unsigned long *end)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		unsigned long from;

		found = sscanf(line, "%lx-%lx", &from, end) == 2 && from == start;
	}
	if (maps)
		fclose(maps);
	return found;
}

static void probe_vdso(struct machine_answer *answer)
{
	unsigned long start = getauxval(AT_SYSINFO_EHDR);
	volatile char *code = (volatile char *)start;
	unsigned long end;

	if (!start) {
		say(answer, false, "the kernel gives programs none");
		return;
	}
	if (!find_vdso(start, &end)) {
		say(answer, false, "it is at %#lx, but not in /proc/self/maps", start);
		return;
	}
	if (mprotect((void *)start, end - start, PROT_READ | PROT_WRITE | PROT_EXEC) < 0) {
		say(answer, false, "it cannot be made writable: %s", strerror(errno));
		return;
	}
	/* Writing what is there already is enough to get a private copy of the page. */
	code[0] = code[0];
	say(answer, true, "%lu KiB, can be patched", (end - start) >> 10);
}

static void probe_pku(struct machine_answer *answer)
{
	long key = syscall(SYS_pkey_alloc, 0UL, 0UL);

	if (key >= 0) {
		syscall(SYS_pkey_free, key);
		say(answer, true, "%s", "");
	} else if (errno == ENOSYS) {
		say(answer, false, "the kernel has no memory keys");
	} else if (errno == ENOSPC || errno == EINVAL) {
		say(answer, false, "the processor has no memory keys");
	} else {
		say(answer, false, "pkey_alloc: %s", strerror(errno));
	}
}

static void probe_memfd(struct machine_answer *answer)
{
	int fd = memfd_create("tandem-check", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		say(answer, false, "memfd_create: %s", strerror(errno));
	else if (ftruncate(fd, 4096) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		say(answer, false, "it cannot be sized and sealed: %s", strerror(errno));
	else
		say(answer, true, "%s", "");
	if (fd >= 0)
		close(fd);
}

static void probe_membarrier(struct machine_answer *answer)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	bool sync_core = commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE;

	if (commands < 0)
		say(answer, false, "membarrier: %s", strerror(errno));
	else if (!(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		say(answer, false, "the kernel has no expedited membarrier");
	else
		say(answer, true, "%s", sync_core ? "expedited, core-serialising" : "expedited");
}

static void probe_hugepages(struct machine_answer *answer)
{
	struct statfs fs;
	char total[32];
	void *page;
	int fd;

	read_text("/proc/sys/vm/nr_hugepages", total, sizeof(total));
	if (!strcmp(total, "0")) {
		say(answer, false, "none are reserved (vm.nr_hugepages = 0)");
		return;
	}
	fd = memfd_create("tandem-check", MFD_CLOEXEC | MFD_HUGETLB);
	/* hugetlbfs tells its page size as the block size. */
	if (fd < 0 || fstatfs(fd, &fs) < 0 || ftruncate(fd, fs.f_bsize) < 0) {
		say(answer, false, "memfd_create: %s", strerror(errno));
		return;
	}
	page = mmap(NULL, (size_t)fs.f_bsize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		say(answer, false, "mmap: %s", strerror(errno));
	else
		say(answer, true, "%s of %ld KiB", total, (long)fs.f_bsize >> 10);
}

static void probe_io_uring(struct machine_answer *answer)
{
	struct io_uring_params params = {.flags = 0};
	char disabled[8];
	long fd = syscall(SYS_io_uring_setup, 8, &params);

	if (fd >= 0) {
		close((int)fd);
		say(answer, true, "%s", "");
		return;
	}
	say(answer, false,
	    errno == ENOSYS  ? "the kernel has none"
	    : errno == EPERM ? "forbidden, as by a container's seccomp filter (io_uring_setup: %s)"
			     : "io_uring_setup: %s",
	    strerror(errno));
	read_text("/proc/sys/kernel/io_uring_disabled", disabled, sizeof(disabled));
	if (*disabled && strcmp(disabled, "0") != 0)
		say(answer, false, "switched off (kernel.io_uring_disabled = %s)", disabled);
}

/* "port 1 ACTIVE, port 2 DOWN"; the kernel's states begin with their numbers. */
static void list_ports(const char *in, const char *device, char *to, size_t size)
{
	size_t n = 0;

	*to = '\0';
	for (unsigned port = 1; n < size; port++) {
		char path[PATH_MAX], state[32];
		const char *word;

		snprintf(path, sizeof(path), "%s/%s/ports/%u/state", in, device, port);
		if (port > 1 && access(path, F_OK) < 0)
			return;
		read_text(path, state, sizeof(state));
		word = strchr(state, ' ');
		n += (size_t)snprintf(to + n, size - n, "%sport %u %s", n ? ", " : "", port,
				      word     ? word + 1
				      : *state ? state
					       : "unknown");
	}
}

/* All there are, with their states. */
static void list_rdma(const char *in, struct machine_answer *answer)
{
	DIR *directory = opendir(in);
	const struct dirent *entry;
	size_t n = 0;

	while (directory && (entry = readdir(directory))) {
		char ports[64];

		if (entry->d_name[0] == '.')
			continue;
		list_ports(in, entry->d_name, ports, sizeof(ports));
		if (n < sizeof(answer->detail))
			n += (size_t)snprintf(answer->detail + n, sizeof(answer->detail) - n,
					      "%s%s (%s)", n ? ", " : "", entry->d_name, ports);
	}
	if (directory)
		closedir(directory);
	answer->yes = n > 0;
	if (n == 0)
		say(answer, false, "there is no RDMA device");
}

struct machine_answer machine_rdma_device(const char *directory, const char *name)
{
	struct machine_answer answer = {.yes = false}, all = {.yes = false};
	char path[PATH_MAX], ports[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (access(path, F_OK) == 0) {
		list_ports(directory, name, ports, sizeof(ports));
		say(&answer, true, "%s", ports);
		return answer;
	}
	list_rdma(directory, &all);
	if (all.yes)
		say(&answer, false, "there is no such device here; there is %.100s", all.detail);
	else
		say(&answer, false, "there is no such device here, nor any other");
	return answer;
}

/* answer->detail: the one that is wished for, or "". */
static void try_rdma(struct machine_answer *answer)
{
	char why[sizeof(answer->detail)];

	if (rdma_device_try(answer->detail, why, sizeof(why)))
		say(answer, false, "%s", why);
	else
		answer->yes = true;
}

struct machine_answer machine_rdma(const char *name)
{
	struct machine_answer is = {.yes = false}, tried = {.yes = false};

	if (name)
		is = machine_rdma_device(MACHINE_RDMA_DEVICES, name);
	else
		list_rdma(MACHINE_RDMA_DEVICES, &is);
	if (!is.yes)
		return is;
	snprintf(tried.detail, sizeof(tried.detail), "%s", name ?: "");
	in_child(&tried, try_rdma);
	return tried.yes ? is : tried;
}

static void probe_rdma(struct machine_answer *answer)
{
	*answer = machine_rdma(NULL);
}

static void probe_criu(struct machine_answer *answer)
{
	char *argv[] = {"criu", "--version", NULL};
	char out[256];
	int ret = program_capture(argv, environ, 1, out, sizeof(out));
	const char *version = strncmp(out, "Version: ", 9) == 0 ? out + 9 : out;

	if (ret == -ENOENT)
		say(answer, false, "it is not installed");
	else if (ret < 0)
		say(answer, false, "it cannot be run: %s", strerror(-ret));
	else if (ret != 0)
		say(answer, false, "criu --version ended with status %d", ret);
	else
		say(answer, true, "version %.*s", (int)strcspn(version, "\n"), version);
}

static const struct {
	const char *name;
	void (*probe)(struct machine_answer *answer);
	bool in_child;
} features[] = {
	[MACHINE_KERNEL] = {"kernel", probe_kernel, false},
	[MACHINE_CPUS] = {"cpus", probe_cpus, false},
	[MACHINE_LOCKED_MEMORY] = {"locked memory", probe_locked_memory, false},
	[MACHINE_SUD] = {"sud", probe_sud, true},
	[MACHINE_SECCOMP] = {"seccomp", probe_seccomp, true},
	[MACHINE_MODULE] = {"module", probe_module, false},
	[MACHINE_VDSO] = {"vdso", probe_vdso, true},
	[MACHINE_PKU] = {"pku", probe_pku, false},
	[MACHINE_MEMFD] = {"memfd", probe_memfd, false},
	[MACHINE_MEMBARRIER] = {"membarrier", probe_membarrier, false},
	[MACHINE_HUGEPAGES] = {"huge pages", probe_hugepages, true},
	[MACHINE_IO_URING] = {"io_uring", probe_io_uring, false},
	[MACHINE_RDMA] = {"rdma", probe_rdma, false},
	[MACHINE_CRIU] = {"criu", probe_criu, false},
};

const char *machine_feature_name(enum machine_feature feature)
{
	return features[feature].name;
}

struct machine_answer machine_probe(enum machine_feature feature)
{
	static struct machine_answer known[sizeof(features) / sizeof(features[0])];
	static bool asked[sizeof(features) / sizeof(features[0])];

	if (!asked[feature] && features[feature].in_child)
		in_child(&known[feature], features[feature].probe);
	else if (!asked[feature])
		features[feature].probe(&known[feature]);
	asked[feature] = true;
	return known[feature];
}
