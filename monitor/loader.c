/* SPDX-License-Identifier: MIT */
/*
 * The dynamic loader's locks. They are held across calls (dlopen reads files, what
 * dl_iterate_phdr calls may do anything), so their acquisitions must have the leader's order as
 * those of any lock. Nothing can be done around dlopen itself, since it looks at its
 * caller; but the loader gets at its mutexes through a pointer of its own to pthread_mutex_lock,
 * which libc has filled in. That is found in its data by the value, and bent to the function below.
 * Where it isn't found, two threads that load libraries at once may end the session.
 *
 * Which mutexes these are is learnt by provoking them. dl_iterate_phdr is libc's, and acquires the
 * lock of the list directly; it can be held around it, since it nests. dlsym acquires that of
 * all that is loaded directly, too, but makes no calls meanwhile. The loader's third, of
 * thread-local storage, lies behind that of the list: dlopen has it while it reads files, and
 * pthread_create waits for it.
 */
#include "loader.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "order.h"

typedef int lock_fn(pthread_mutex_t *);

static struct {
	uintptr_t inside; /* an address in the loader's code */
	lock_fn **pointer;
	bool read_only;
	unsigned found;
	pthread_mutex_t *all;  /* of everything that is loaded */
	pthread_mutex_t *list; /* of the list of it */
	pthread_mutex_t *tls;  /* of thread-local storage */
} loader;

/* The program's headers of one object: finds the pointer, if the object is the loader. */
static int search(struct dl_phdr_info *object, size_t size, void *unused)
{
	const ElfW(Phdr) *ph = object->dlpi_phdr, *end = ph + object->dlpi_phnum, *h;
	lock_fn *wanted = REAL(pthread_mutex_lock);

	(void)size, (void)unused;
	for (h = ph; h < end; h++) {
		if (h->p_type == PT_LOAD &&
		    loader.inside - object->dlpi_addr - h->p_vaddr < h->p_memsz)
			break;
	}
	if (h == end)
		return 0;
	for (h = ph; h < end; h++) {
		lock_fn **at = (void *)(object->dlpi_addr + h->p_vaddr);

		if (h->p_type != PT_LOAD || !(h->p_flags & PF_W))
			continue;
		for (size_t i = 0; i < h->p_memsz / sizeof(*at); i++) {
			if (at[i] == wanted) {
				loader.pointer = &at[i];
				loader.found++;
			}
		}
	}
	for (h = ph; h < end; h++) {
		if (h->p_type == PT_GNU_RELRO &&
		    (uintptr_t)loader.pointer - object->dlpi_addr - h->p_vaddr < h->p_memsz)
			loader.read_only = true;
	}
	return 1;
}

static bool point_to(lock_fn *function)
{
	void *page = (void *)((uintptr_t)loader.pointer & ~4095ul);

	if (call_failed(sys(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE)))
		return false;
	*loader.pointer = function;
	if (loader.read_only)
		sys(SYS_mprotect, page, 4096, PROT_READ);
	return true;
}

static int learn(pthread_mutex_t *m)
{
	if (!loader.all)
		loader.all = m;
	return REAL(pthread_mutex_lock)(m);
}

static int lock(pthread_mutex_t *m)
{
	bool own = variant.running && thread_self()->within;

	if (!own && (m == loader.all || m == loader.list || m == loader.tls))
		return pthread_mutex_lock(m);
	return REAL(pthread_mutex_lock)(m);
}

/* The lock that is held here is the next in memory, and behind it is the third. */
static int learn_list(struct dl_phdr_info *object, size_t size, void *unused)
{
	pthread_mutex_t *next = loader.all + 1;

	(void)object, (void)size, (void)unused;
	if (next->__data.__owner == (int)sys(SYS_gettid)) {
		loader.list = next;
		if (next[1].__data.__kind == PTHREAD_MUTEX_RECURSIVE_NP)
			loader.tls = &next[1];
	}
	return 1;
}

static void release(void *m)
{
	REAL(pthread_mutex_unlock)(m);
}

/*
 * A library's own calls go to the functions of the monitor that stand in front of libc's by symbol,
 * unless it is loaded so that it looks for symbols behind itself first (RTLD_DEEPBIND, as PHP
 * does). So it isn't. Since dlopen looks at its caller, this has to become a jump.
 */
PUBLIC void *dlopen(const char *file, int mode)
{
	return REAL(dlopen)(file, mode & ~RTLD_DEEPBIND);
}

PUBLIC int dl_iterate_phdr(int (*each)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	struct _pthread_cleanup_buffer cleanup;
	int result;

	if (!ordered() || !loader.list)
		return REAL(dl_iterate_phdr)(each, arg);
	pthread_mutex_lock(loader.list);
	REAL(_pthread_cleanup_push)(&cleanup, release, loader.list);
	result = REAL(dl_iterate_phdr)(each, arg);
	REAL(_pthread_cleanup_pop)(&cleanup, 1);
	return result;
}

void loader_start(void)
{
	void *(*open)(const char *, int) = libc_symbol("dlopen");
	int (*close)(void *) = libc_symbol("dlclose");

	symbols_find();
	loader.inside = (uintptr_t)symbol_behind("__tls_get_addr");
	REAL(dl_iterate_phdr)(search, NULL);
	if (loader.found != 1 || !point_to(learn))
		return;
	close(open(NULL, RTLD_LAZY));
	point_to(lock);
	if (loader.all)
		REAL(dl_iterate_phdr)(learn_list, NULL);
}

/*
 * libc loads what unwinds stacks when it is first used, by pthread_exit for instance. Of two
 * threads that do so at once one unloads it again, and which one is decided by a lock that nobody
 * sees.
 */
void loader_load_unwinder(void)
{
	int (*trace)(void **, int) = symbol_behind("backtrace");
	void *frame;

	if (trace)
		trace(&frame, 1);
}
