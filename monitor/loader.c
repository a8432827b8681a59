/* SPDX-License-Identifier: MIT */
/*
 * The dynamic loader's locks. They are held across calls (dlopen reads files, what
 * dl_iterate_phdr calls may do anything), so their acquisitions must have the leader's order as
 * those of any lock. Nothing can stand in front of dlopen itself, since it looks at its
 * caller; but the loader gets at its mutexes through a pointer of its own to pthread_mutex_lock,
 * which libc has filled in. That is found in its data by the value, and bent to the function below.
 * Where it isn't found, two threads that load libraries at once may end the session.
 *
 * Which mutexes these are is learnt by provoking them. The loader's third, of thread-local
 * storage, is held across no calls that are logged, and taken when an allocator needs it.
 */
#include "loader.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "order.h"

#undef dl_iterate_phdr

typedef int lock_fn(pthread_mutex_t *);

static struct {
	uintptr_t inside; /* an address in the loader's code */
	lock_fn **pointer;
	bool read_only;
	unsigned found;
	pthread_mutex_t *lock[2]; /* of everything that is loaded; of the list of it */
	unsigned learnt;
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
	if (loader.learnt < 2 && !loader.lock[loader.learnt])
		loader.lock[loader.learnt] = m;
	return REAL(pthread_mutex_lock)(m);
}

static int lock(pthread_mutex_t *m)
{
	bool own = variant.running && thread_self()->within;

	if (!own && (m == loader.lock[0] || m == loader.lock[1]))
		return pthread_mutex_lock(m);
	return REAL(pthread_mutex_lock)(m);
}

static int pass_by(struct dl_phdr_info *object, size_t size, void *unused)
{
	(void)object, (void)size, (void)unused;
	return 1;
}

void loader_start(void)
{
	int (*each)(int (*)(struct dl_phdr_info *, size_t, void *), void *) =
		libc_symbol("dl_iterate_phdr");

	symbols_find();
	loader.inside = (uintptr_t)symbol_behind("__tls_get_addr");
	each(search, NULL);
	if (loader.found != 1 || !point_to(learn))
		return;
	symbol_behind("__tls_get_addr");
	loader.learnt++;
	each(pass_by, NULL);
	loader.learnt++;
	point_to(lock);
}
