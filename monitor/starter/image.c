/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <elf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "calls.h"

#define PAGE 4096ull
#define DOWN(n) ((n) & ~(PAGE - 1))
#define UP(n) DOWN((n) + PAGE - 1)

struct elf {
	int fd;
	const Elf64_Phdr *ph; /* a mapping for as long as it is needed */
	unsigned count;
	uint64_t low, high, align; /* of what is to be loaded, at link addresses */
};

static uint64_t map(uint64_t at, uint64_t bytes, int protection, int flags, int fd, uint64_t offset)
{
	long p = sys(SYS_mmap, at, bytes, protection, flags, fd, offset);

	if (p < 0 && p > -4096)
		starter_die("no memory for the program or its loader");
	return (uint64_t)p;
}

static void extent(struct elf *e)
{
	e->low = UINT64_MAX;
	e->high = 0;
	e->align = PAGE;
	for (unsigned i = 0; i < e->count; i++) {
		const Elf64_Phdr *ph = &e->ph[i];
		uint64_t low = DOWN(ph->p_vaddr), high = UP(ph->p_vaddr + ph->p_memsz);

		if (ph->p_type != PT_LOAD)
			continue;
		e->low = low < e->low ? low : e->low;
		e->high = high > e->high ? high : e->high;
		if (ph->p_align > e->align && !(ph->p_align & (ph->p_align - 1)))
			e->align = ph->p_align;
	}
	if (e->low >= e->high)
		starter_die("the program or its loader has no segment to load");
}

/* Room for all segments, so that nothing else comes between them. Returns the bias. */
static uint64_t reserve(const struct elf *e, bool anywhere)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint64_t bytes = e->high - e->low, slack = e->align - PAGE, p, at;

	if (!anywhere) {
		if (map(e->low, bytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0) != e->low)
			starter_die("the address that the program is linked at isn't free");
		return 0;
	}
	p = map(0, bytes + slack, PROT_NONE, flags, -1, 0);
	/* Addresses are congruent to link addresses modulo the alignment. */
	at = p + ((e->low - p) & (e->align - 1));
	if (at > p)
		sys(SYS_munmap, p, at - p);
	if (at < p + slack)
		sys(SYS_munmap, at + bytes, p + slack - at);
	return at - e->low;
}

static void load(const struct elf *e, const Elf64_Phdr *ph, uint64_t bias)
{
	int protection = (ph->p_flags & PF_R ? PROT_READ : 0) |
			 (ph->p_flags & PF_W ? PROT_WRITE : 0) |
			 (ph->p_flags & PF_X ? PROT_EXEC : 0);
	uint64_t start = bias + ph->p_vaddr, file = start + ph->p_filesz;
	uint64_t end = UP(start + ph->p_memsz), zero = DOWN(start);

	if (ph->p_filesz) {
		map(DOWN(start), file - DOWN(start), protection, MAP_PRIVATE | MAP_FIXED, e->fd,
		    DOWN(ph->p_offset));
		zero = UP(file);
	}
	if (ph->p_memsz > ph->p_filesz && ph->p_filesz && (protection & PROT_WRITE)) {
		for (uint64_t at = file; at < zero; at++)
			*(volatile uint8_t *)at = 0;
	}
	if (end > zero)
		map(zero, end - zero, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void note(struct image *m, const Elf64_Ehdr *header, const Elf64_Phdr *ph)
{
	switch (ph->p_type) {
	case PT_LOAD:
		if (header->e_phoff - ph->p_offset < ph->p_filesz)
			m->headers = m->bias + ph->p_vaddr + header->e_phoff - ph->p_offset;
		break;
	case PT_INTERP:
		m->loader = (const char *)(m->bias + ph->p_vaddr);
		break;
	case PT_GNU_STACK:
		m->executable_stack = ph->p_flags & PF_X;
		break;
	default:
		break;
	}
}

void image_map(int fd, struct image *m)
{
	struct elf e = {.fd = fd};
	uint64_t start, bytes;
	Elf64_Ehdr header;

	if (sys(SYS_pread64, fd, &header, sizeof(header), 0) != sizeof(header))
		starter_die("the program or its loader can't be read any more");
	bytes = header.e_phoff % PAGE + header.e_phnum * sizeof(Elf64_Phdr);
	start = map(0, bytes, PROT_READ, MAP_PRIVATE, fd, DOWN(header.e_phoff));
	e.ph = (const void *)(start + header.e_phoff % PAGE);
	e.count = header.e_phnum;
	extent(&e);
	m->bias = reserve(&e, header.e_type == ET_DYN);
	m->entry = m->bias + header.e_entry;
	m->low = m->bias + e.low;
	m->high = m->bias + e.high;
	m->count = header.e_phnum;
	m->headers = 0;
	m->loader = NULL;
	m->executable_stack = false;
	for (unsigned i = 0; i < e.count; i++) {
		if (e.ph[i].p_type == PT_LOAD)
			load(&e, &e.ph[i], m->bias);
		note(m, &header, &e.ph[i]);
	}
	sys(SYS_munmap, start, bytes);
}
