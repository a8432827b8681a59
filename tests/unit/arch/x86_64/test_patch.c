/* SPDX-License-Identifier: MIT */
/* Sites by hand, in generated code, and all of libc's; under threads; forgotten ones. */
#include "../../patch_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum where { BEHIND, BEFORE, TRAPS };

#define EACH_SITE(X)                                                                               \
	X(s_cmp, BEHIND, 0, 1)                                                                     \
	X(s_mov, BEHIND, 0, 1)                                                                     \
	X(s_ret, BEHIND, 0, 1)                                                                     \
	X(s_ret_tight, BEFORE, 0, 1)                                                               \
	X(s_stuck, TRAPS, PATCH_SHORT, 1)                                                          \
	X(s_jcc, BEHIND, 0, 1)                                                                     \
	X(s_jcc_far, BEHIND, 0, 1)                                                                 \
	X(s_jmp, BEHIND, 0, 1)                                                                     \
	X(s_address, BEHIND, 0, 1)                                                                 \
	X(s_address_immediate, BEHIND, 0, 1)                                                       \
	X(s_target, BEFORE, 0, 1)                                                                  \
	X(s_target_stuck, TRAPS, PATCH_BRANCH, 1)                                                  \
	X(s_target_far, TRAPS, PATCH_BRANCH, 1)                                                    \
	X(s_loop, BEHIND, 0, 3)                                                                    \
	X(s_two, BEHIND, 0, 2)                                                                     \
	X(s_adjacent, BEFORE, 0, 2)                                                                \
	X(s_red_zone, BEHIND, 0, 1)                                                                \
	X(s_call, BEFORE, 0, 1)                                                                    \
	X(s_rex, BEFORE, 0, 1)

#define DECLARE(name, ...)                                                                         \
	long name(void);                                                                           \
	extern char name##_site[], name##_end[];
EACH_SITE(DECLARE)
extern char patch_sites_begin[], patch_sites_end[], s_second_site[], s_adjacent_second_site[],
	s_exit_site[];
long s_behind_exit(void);

static const struct by_hand {
	const char *name;
	long (*f)(void);
	char *site;
	enum where where;
	enum patch_reason reason;
	unsigned calls; /* the function's, through its sites */
} by_hand[] = {
#define ENTRY(name, where, reason, calls) {#name, name, name##_site, where, reason, calls},
	EACH_SITE(ENTRY)};
#define BY_HAND (sizeof by_hand / sizeof *by_hand)

static void start(void)
{
	CHECK(patch_init((uintptr_t)entry) == 0);
}

static unsigned failures;

static void expect(bool ok, const char *site, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "# %s: %s\n", site, what);
	failures++;
}

static void sites_by_hand(void)
{
	start();
	for (unsigned i = 0; i < BY_HAND; i++) {
		const struct by_hand *b = &by_hand[i];
		long before = b->f(), after;
		struct patch_stats s = stats_now(), n;
		uint64_t calls;

		expect(site_stub((uintptr_t)b->site, 39, true), b->name, "no stub");
		n = stats_now();
		if (b->where == TRAPS) {
			expect(n.trapping == s.trapping + 1, b->name, "isn't refused");
			expect(n.refused[b->reason] == s.refused[b->reason] + 1, b->name,
			       "refused for another reason");
		} else {
			expect(n.patched == s.patched + 1, b->name, "isn't patched");
			expect(n.before == s.before + (b->where == BEFORE), b->name,
			       "patched at the wrong place");
		}
		if (b->f == s_two)
			site_stub((uintptr_t)s_second_site, 39, true);
		if (b->f == s_adjacent)
			site_stub((uintptr_t)s_adjacent_second_site, -ENOSYS, true);
		for (int k = 0; k < 3; k++) {
			calls = entry_calls;
			after = b->f();
			expect(before == after, b->name, "gives another result");
			expect(entry_calls == calls + (b->where == TRAPS ? 0 : b->calls), b->name,
			       "doesn't come to the entry, or too often");
		}
	}
	CHECK(!failures);
	CHECK(stats_now().unprotected == 0);
}

static void test_sites_by_hand(void **state)
{
	(void)state;
	in_child(sites_by_hand);
}

/* The trap leads to the stub, the second call through the jump (or the trap). */
static void sites_trapped(void)
{
	start();
	trap_alone = 1;
	trap_on();
	for (unsigned i = 0; i < BY_HAND; i++) {
		const struct by_hand *b = &by_hand[i];
		uint64_t calls = entry_calls, trapped = traps;
		long first = b->f(), second = b->f();

		CHECK(first == second);
		CHECK(entry_calls == calls + 2 * b->calls);
		if (b->where == TRAPS)
			CHECK(traps == trapped + 2);
	}
	trap_off();
}

static void test_sites_trapped(void **state)
{
	(void)state;
	in_child(sites_trapped);
}

/* What doesn't return isn't patched: a function may follow. Until it does return. */
static void no_return(void)
{
	struct patch_stats s;
	uintptr_t head;

	start();
	head = site_stub((uintptr_t)s_exit_site, SYS_exit, true);
	CHECK(head && head == site_stub((uintptr_t)s_exit_site, SYS_exit_group, true));
	CHECK(s_behind_exit() == 77);
	head = site_stub((uintptr_t)s_cmp_site, SYS_exit, true);
	s = stats_now();
	CHECK(s.patched == 0 && s.trapping == 0 && s.sites == 2);
	CHECK(head != site_stub((uintptr_t)s_cmp_site, SYS_getpid, true));
	CHECK(stats_now().patched == 1);
	CHECK(s_cmp() == getpid() && entry_calls == 1);
}

static void test_no_return(void **state)
{
	(void)state;
	in_child(no_return);
}

static void origins(void)
{
	uintptr_t head, tail;

	start();
	head = site_stub((uintptr_t)s_mov_site, 39, true);
	tail = head + STUB_HEAD_SIZE;
	CHECK(stub_site(tail) == (uintptr_t)s_mov_site);
	CHECK(patch_origin(head) == (uintptr_t)s_mov_site);
	CHECK(patch_origin(tail) == (uintptr_t)s_mov_site + 2);
	CHECK(patch_origin(tail + 2) == (uintptr_t)s_mov_site + 4);
	CHECK(patch_origin(tail + 9) == (uintptr_t)s_mov_site + 11);
	CHECK(patch_resume((uintptr_t)s_mov_site + 2) == tail);
	CHECK(patch_resume((uintptr_t)s_mov_site + 4) == tail + 2);
	CHECK(patch_resume((uintptr_t)s_mov_site) == (uintptr_t)s_mov_site);
	CHECK(patch_resume(patch_origin(tail + 2)) == tail + 2);
	CHECK(patch_origin((uintptr_t)s_mov) == (uintptr_t)s_mov);
	head = site_stub((uintptr_t)s_call_site, 39, true);
	tail = head + STUB_HEAD_SIZE;
	CHECK(patch_origin(tail) == (uintptr_t)s_call_site + 2);
	CHECK(patch_origin(tail + 5) == (uintptr_t)s_call);
	CHECK(patch_origin(tail + 10) == (uintptr_t)s_call_site);
	/* a jump that became longer: test, js (2 -> 6), then the jump back */
	head = site_stub((uintptr_t)s_jcc_site, 39, true);
	tail = head + STUB_HEAD_SIZE;
	CHECK(patch_origin(tail + 2) == (uintptr_t)s_jcc_site + 4);
	CHECK(patch_origin(tail + 8) == (uintptr_t)s_jcc_site + 6);
}

static void test_origins(void **state)
{
	(void)state;
	in_child(origins);
}

#define REGION 65536

static unsigned char *code_map(void)
{
	unsigned char *p =
		mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 0x90, REGION);
	return p;
}

static void code_ready(unsigned char *p)
{
	CHECK(!mprotect(p, REGION, PROT_READ | PROT_EXEC));
}

static long (*put(unsigned char *p, const struct guise *g))(void)
{
	memcpy(p, g->code, g->size);
	return (long (*)(void))p;
}

/* Each guise at each place of a cache line, and across the boundary of two pages. */
static void every_offset(void)
{
	long (*f[64 * 8])(void);

	start();
	for (unsigned g = 0; g < guises_count; g++) {
		for (unsigned alone = 0; alone < 2; alone++) {
			unsigned char *p = code_map();
			struct patch_stats s = stats_now();
			unsigned patched = 0, count = 0;

			for (unsigned at = 4096 - 32; at < REGION - 64 && count < 512; at += 65)
				f[count++] = put(p + at, &guises[g]);
			code_ready(p);
			for (unsigned i = 0; i < count; i++) {
				uint64_t calls = entry_calls;

				CHECK(site_stub((uintptr_t)f[i] + guises[g].site, 39, alone));
				for (int k = 0; k < 2; k++)
					CHECK(f[i]() == getpid());
				patched += entry_calls == calls + 2;
			}
			printf("# %s%s: %u of %u patched\n", guises[g].name, alone ? ", alone" : "",
			       patched, count);
			CHECK(stats_now().patched == s.patched + patched);
			/* the live kind can't be replaced where it begins a word's last byte */
			CHECK(patched == count ||
			      (!alone && guises[g].code[7] == 0xe8 && patched > count * 3 / 4));
		}
	}
	fflush(stdout);
}

static void test_every_offset(void **state)
{
	(void)state;
	in_child(every_offset);
}

/* The last instruction of a mapping: what follows is another mapping. */
static void page_end(void)
{
	static const unsigned char with_mov[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05};
	unsigned char *p = code_map(), *end = p + 4096;

	start();
	memcpy(end - sizeof with_mov, with_mov, sizeof with_mov);
	*end = 0xc3;
	code_ready(p);
	CHECK(!mprotect(end, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	CHECK(site_stub((uintptr_t)end - 2, 39, false));
	CHECK(stats_now().before == 1);
	CHECK(((long (*)(void))(end - 7))() == getpid() && entry_calls == 1);
	/* code that the program may write at any time is left alone */
	memcpy(end + 8, guises[0].code, guises[0].size);
	CHECK(site_stub((uintptr_t)end + 8 + 5, 39, false));
	CHECK(stats_now().refused[PATCH_MAPPING] == 1);
}

static void test_page_end(void **state)
{
	(void)state;
	in_child(page_end);
}

static void forget(void)
{
	static const struct guise next = {
		"add", {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x48, 0x83, 0xc0, 1, 0xc3}, 12, 5};
	unsigned char *p = code_map(), *again;
	long (*f)(void) = put(p, &guises[0]);

	start();
	code_ready(p);
	site_stub((uintptr_t)f + 5, 39, true);
	CHECK(f() == getpid() && entry_calls == 1);
	patch_forget((uintptr_t)p + REGION, REGION);
	patch_forget((uintptr_t)p - REGION, REGION);
	CHECK(stats_now().sites == 1);
	munmap(p, REGION);
	patch_forget((uintptr_t)p, REGION);
	CHECK(stats_now().sites == 0);
	again = mmap(p, REGION, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(again == p);
	put(p, &next);
	code_ready(p);
	CHECK(f() == getpid() + 1 && entry_calls == 1);
	site_stub((uintptr_t)f + 5, 39, true);
	CHECK(f() == getpid() + 1 && entry_calls == 2);
	/* overwritten behind our back: the site traps again, and its old stub won't do */
	mprotect(p, REGION, PROT_READ | PROT_WRITE);
	put(p, &guises[0]);
	code_ready(p);
	site_stub((uintptr_t)f + 5, 39, true);
	CHECK(f() == getpid() && entry_calls == 3);
	/* the table survives many such rounds */
	for (unsigned i = 0; i < 3000; i++) {
		patch_forget((uintptr_t)p, REGION);
		mprotect(p, REGION, PROT_READ | PROT_WRITE);
		put(p, &guises[0]);
		code_ready(p);
		CHECK(site_stub((uintptr_t)f + 5, 39, true));
	}
	CHECK(f() == getpid() && stats_now().sites == 1);
}

static void test_forget(void **state)
{
	(void)state;
	in_child(forget);
}

#define THREADS 4
#define ROUNDS 40u
#define CALLS 20
#define FUNCTIONS 400

static long (*function[FUNCTIONS])(void);
static pthread_barrier_t barrier;
static _Atomic uint64_t wrong;

static void *hammer(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg;
	long pid = getpid();

	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		trap_on();
		/* two threads together, from either end */
		for (unsigned i = 0; i < FUNCTIONS; i++)
			for (unsigned k = 0; k < CALLS; k++)
				wrong += function[first & 1 ? i : FUNCTIONS - 1 - i]() != pid;
		trap_off();
	}
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];
	unsigned char *p = NULL;

	start();
	trap_alone = 0;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, hammer, (void *)i));
	for (unsigned round = 0; round <= ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		CHECK(entry_calls == (uint64_t)round * THREADS * FUNCTIONS * CALLS);
		if (p) {
			munmap(p, REGION);
			patch_forget((uintptr_t)p, REGION);
		}
		if (round == ROUNDS)
			break;
		p = code_map();
		for (unsigned i = 0; i < FUNCTIONS; i++)
			function[i] = put(p + 4000 + i * 67, &guises[i % guises_count]);
		code_ready(p);
		pthread_barrier_wait(&barrier);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CHECK(!wrong);
	printf("# %lu of %u patched, %lu traps, %lu calls\n", (unsigned long)stats_now().patched,
	       ROUNDS * FUNCTIONS, (unsigned long)traps, (unsigned long)entry_calls);
	fflush(stdout);
	CHECK(stats_now().patched > ROUNDS * FUNCTIONS * 9 / 10);
}

static void test_threads(void **state)
{
	(void)state;
	in_child(threads);
}

/* A fork while other threads patch: the child has to find the lock free, and whole patches. */
static _Atomic bool stop;

static void *patch_on(void *arg)
{
	(void)arg;
	while (!stop)
		for (unsigned i = 0; i < FUNCTIONS && !stop; i++) {
			site_stub((uintptr_t)function[i] + guises[0].site, 39, false);
			if (i == FUNCTIONS - 1)
				patch_forget((uintptr_t)function[0], REGION);
			/* The lock isn't fair: without a pause the forking thread starves. */
			sched_yield();
		}
	return NULL;
}

static void forks(void)
{
	unsigned char *p = code_map();
	pthread_t thread[2];
	int status;

	start();
	for (unsigned i = 0; i < FUNCTIONS; i++)
		function[i] = put(p + i * 67, &guises[0]);
	code_ready(p);
	for (unsigned i = 0; i < 2; i++)
		CHECK(!pthread_create(&thread[i], NULL, patch_on, NULL));
	for (unsigned round = 0; round < 50; round++) {
		pid_t pid;

		patch_hold();
		pid = fork();
		patch_release();
		if (!pid) {
			pid = getpid();
			for (unsigned i = 0; i < FUNCTIONS; i += 7) {
				CHECK(site_stub((uintptr_t)function[i] + 5, 39, true));
				CHECK(function[i]() == pid);
			}
			CHECK(stats_now().unprotected == 0);
			_exit(0);
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
	}
	stop = true;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static void test_forks(void **state)
{
	(void)state;
	in_child(forks);
}

static bool writable(const char *address)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");

	CHECK(f);
	while (!found && fgets(line, sizeof line, f)) {
		unsigned long from, to;
		char w;

		CHECK(sscanf(line, "%lx-%lx %*c%c", &from, &to, &w) == 3);
		if ((unsigned long)address < from || (unsigned long)address >= to)
			continue;
		found = w == 'w';
	}
	fclose(f);
	return found;
}

/* The kernel refuses writable code: no stub, the code is as it was. */
static void denied(void)
{
	start();
	CHECK(site_stub((uintptr_t)s_cmp_site, 39, true));
	CHECK(!writable(s_cmp_site));
	if (gate_call(SYS_prctl, 65 /* PR_SET_MDWE */, 1, 0, 0, 0, 0) < 0) {
		printf("# not tested: no PR_SET_MDWE\n");
		fflush(stdout);
		return;
	}
	CHECK(!site_stub((uintptr_t)s_mov_site, 39, true));
	CHECK(!writable(s_mov_site));
	CHECK(s_mov() == getpid() && entry_calls == 0);
	CHECK(s_cmp() == getpid() && entry_calls == 1);
	CHECK(site_stub((uintptr_t)s_cmp_site, 39, true));
	CHECK(stats_now().sites == 1);
}

static void test_denied(void **state)
{
	(void)state;
	in_child(denied);
}

struct segment {
	const char *library;
	uintptr_t start, end;
};

static int find_segment(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct segment *s = arg;

	(void)size;
	if (!strstr(info->dlpi_name, s->library))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && p->p_flags & PF_X) {
			s->start = info->dlpi_addr + p->p_vaddr;
			s->end = s->start + p->p_memsz;
		}
	}
	return 1;
}

static uint64_t microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Every site of a library. */
static unsigned patch_library(const char *library, unsigned percent)
{
	struct segment s = {library, 0, 0};
	struct patch_stats a = stats_now(), b;
	static uintptr_t site[2048];
	unsigned count = 0;
	uint64_t t, first = 0;
	struct insn i;

	dl_iterate_phdr(find_segment, &s);
	CHECK(s.end);
	for (uintptr_t at = s.start; at < s.end; at += i.length) {
		if (!insn_decode(at, s.end, &i))
			i.length = 1;
		else if (i.kind == INSN_SYSCALL && count < 2048)
			site[count++] = at;
	}
	t = microseconds();
	for (unsigned k = 0; k < count; k++) {
		CHECK(site_stub(site[k], -1, true));
		if (!k)
			first = microseconds() - t;
	}
	t = microseconds() - t;
	b = stats_now();
	printf("# %s: %u sites, %lu patched (%lu in front), %lu refused; first %lu us, all %lu us, "
	       "%lu bytes of stubs\n",
	       library, count, b.patched - a.patched, b.before - a.before, b.trapping - a.trapping,
	       first, t, b.stub_bytes - a.stub_bytes);
	for (int r = 0; r < PATCH_REASONS; r++)
		if (b.refused[r] != a.refused[r])
			printf("#   %s: %lu\n", patch_reason_name(r), b.refused[r] - a.refused[r]);
	fflush(stdout);
	CHECK(b.patched - a.patched + b.trapping - a.trapping == count);
	CHECK((b.patched - a.patched) * 100 >= count * percent);
	CHECK(b.unprotected == 0);
	return count;
}

static _Atomic int handled;

static void on_signal(int n)
{
	handled += n;
}

static void *in_thread(void *arg)
{
	usleep(1000);
	return arg;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void ordinary_life(void)
{
	char path[] = "/tmp/patch-XXXXXX", line[64];
	int status, fd = mkstemp(path), numbers[1000];
	struct addrinfo *info;
	pthread_t thread;
	FILE *f;
	DIR *d;

	CHECK(fd >= 0);
	f = fdopen(fd, "r+");
	for (int i = 0; i < 1000; i++)
		CHECK(fprintf(f, "%d\n", numbers[i] = i * 7919 % 1000) > 0);
	rewind(f);
	for (int i = 0; i < 1000; i++)
		CHECK(fgets(line, sizeof line, f) && atoi(line) == numbers[i]);
	fclose(f);
	unlink(path);
	qsort(numbers, 1000, sizeof *numbers, compare);
	d = opendir("/");
	CHECK(d && readdir(d));
	closedir(d);
	for (int i = 0; i < 8; i++) {
		void *result;

		CHECK(!pthread_create(&thread, NULL, in_thread, numbers));
		CHECK(!pthread_join(thread, &result) && result == numbers);
	}
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	CHECK(handled == SIGUSR1);
	f = popen("echo hello", "r"); /* posix_spawn: clone with CLONE_VFORK */
	CHECK(f && fgets(line, sizeof line, f) && !strcmp(line, "hello\n"));
	CHECK(pclose(f) == 0);
	fd = fork();
	if (!fd)
		_exit(system("exit 3") == 3 << 8 ? 5 : 6);
	CHECK(waitpid(fd, &status, 0) == fd && WEXITSTATUS(status) == 5);
	fd = vfork();
	if (!fd)
		_exit(4);
	CHECK(waitpid(fd, &status, 0) == fd && WEXITSTATUS(status) == 4);
	CHECK(!getaddrinfo("127.0.0.1", "80", NULL, &info));
	freeaddrinfo(info);
	free(malloc(1 << 24));
	errno = 0;
	CHECK(open("/nonexistent", O_RDONLY) == -1 && errno == ENOENT);
	CHECK(syscall(SYS_getpid) == getpid());
}

static void libc_sites(void)
{
	uint64_t calls;

	start();
	patch_library("libc.so", 97);
	patch_library("ld-linux", 90);
	calls = entry_calls;
	ordinary_life();
	printf("# %lu calls\n", (unsigned long)(entry_calls - calls));
	CHECK(entry_calls > calls + 100);
}

static void test_libc_sites(void **state)
{
	(void)state;
	in_child(libc_sites);
}

/* Nothing is patched in advance: site by site, as the program comes by. */
static void libc_trapped(void)
{
	start();
	trap_alone = 0; /* the process has threads now and then */
	trap_on();
	ordinary_life();
	trap_off();
	printf("# %lu traps, %lu calls\n", (unsigned long)traps, (unsigned long)entry_calls);
	fflush(stdout);
}

static void test_libc_trapped(void **state)
{
	(void)state;
	in_child(libc_trapped);
}

/* Without /proc the mapping isn't known: the site works, and traps. */
static void no_proc(void)
{
	uintptr_t head;

	start();
	CHECK(!chroot("/tmp") && !chdir("/"));
	head = site_stub((uintptr_t)s_cmp_site, 39, true);
	CHECK(head && stats_now().refused[PATCH_NO_MAPPING] == 1);
	patch_forget((uintptr_t)s_cmp, 4096);
	CHECK(stats_now().sites == 0);
}

static void test_no_proc(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	in_child(no_proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sites_by_hand), cmocka_unit_test(test_sites_trapped),
		cmocka_unit_test(test_no_return),     cmocka_unit_test(test_origins),
		cmocka_unit_test(test_every_offset),  cmocka_unit_test(test_page_end),
		cmocka_unit_test(test_forget),        cmocka_unit_test(test_threads),
		cmocka_unit_test(test_libc_sites),    cmocka_unit_test(test_libc_trapped),
		cmocka_unit_test(test_no_proc),       cmocka_unit_test(test_forks),
		cmocka_unit_test(test_denied),
	};

	return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
