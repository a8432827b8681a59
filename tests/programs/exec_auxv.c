/* SPDX-License-Identifier: MIT */
/* What exec tells the new program: auxiliary vector, name, arguments, layout in memory. */
#include "check.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

extern void _start(void);
static char zeros[100000];

static int first(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(struct dl_phdr_info *)arg = *info;
	return 1;
}

static void read_file(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, to, size - 1);
	CHECK(n >= 0);
	to[n] = 0;
	CHECK_EQ(close(fd), 0);
}

/* Where the program's first segment is, as the leader of all that look has it. */
static unsigned long long base(void)
{
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long long at = 0;

	CHECK(maps);
	while (!at && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "/exec_auxv\n"))
			at = strtoull(line, NULL, 16);
	}
	fclose(maps);
	CHECK(at);
	return at;
}

/* The kernel's copy; addresses in it are the leader's. */
static void headers_by_file(void)
{
	ElfW(auxv_t) auxv[64];
	int fd = open("/proc/self/auxv", O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, auxv, sizeof(auxv));
	CHECK(n > 0);
	CHECK_EQ(close(fd), 0);
	for (size_t i = 0; i < n / sizeof(*auxv); i++) {
		if (auxv[i].a_type == AT_PHNUM)
			CHECK_EQ(auxv[i].a_un.a_val, getauxval(AT_PHNUM));
	}
}

static void check(char **argv)
{
	struct dl_phdr_info own = {0};
	char name[17] = "", text[8192];
	const unsigned char *random = (void *)getauxval(AT_RANDOM);
	const ElfW(Ehdr) *vdso = (void *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *loader = (void *)getauxval(AT_BASE);
	int same = 1;

	dl_iterate_phdr(first, &own);
	CHECK((const void *)getauxval(AT_PHDR) == (const void *)own.dlpi_phdr);
	CHECK_EQ(getauxval(AT_PHNUM), own.dlpi_phnum);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(ElfW(Phdr)));
	CHECK(getauxval(AT_ENTRY) == (unsigned long)_start);
	CHECK(strcmp((const char *)getauxval(AT_EXECFN), "./name of it") == 0);
	CHECK(memcmp(loader->e_ident, ELFMAG, SELFMAG) == 0);
	CHECK(memcmp(vdso->e_ident, ELFMAG, SELFMAG) == 0);
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_PAGESZ), sysconf(_SC_PAGESIZE));
	for (int i = 1; i < 16; i++)
		same &= random[i] == random[0];
	CHECK(!same);
	headers_by_file();
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "name of it") == 0);
	read_file("/proc/self/comm", text, sizeof(text));
	CHECK(strcmp(text, "name of it\n") == 0);
	read_file("/proc/self/cmdline", text, sizeof(text));
	CHECK(strcmp(text, argv[0]) == 0);
	CHECK(strcmp(argv[0], "another name") == 0);
	for (size_t i = 0; i < sizeof(zeros); i++)
		CHECK(zeros[i] == 0);
	CHECK(sbrk(1 << 20) != (void *)-1);
}

int main(int argc, char **argv)
{
	char *args[] = {"another name", "1", NULL}, path[4096];
	unsigned long long seen[2];
	int p[2];

	if (argc > 1) {
		check(argv);
		seen[0] = base();
		CHECK_EQ(write(3, seen, sizeof(*seen)), sizeof(*seen));
		return 0;
	}
	CHECK(realpath(argv[0], path));
	enter_scratch();
	CHECK_EQ(symlink(path, "name of it"), 0);
	CHECK_EQ(pipe(p), 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK_EQ(dup2(p[1], 3), 3);
			execv("./name of it", args);
			_exit(99);
		}
		CHECK_EXIT(pid, 0);
		CHECK_EQ(read(p[0], &seen[i], sizeof(*seen)), sizeof(*seen));
	}
	/* Addresses are chosen at random each time. */
	CHECK(seen[0] != seen[1]);
	return done();
}
