/* SPDX-License-Identifier: MIT */
#include "vdso.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "patch.h"
#include "vdso_functions.h"

static const struct {
	char name[24];
	uint32_t nr;
	enum stub_kind kind;
	size_t original;
} functions[] = {
#define FUNCTION(name, kind)                                                                       \
	{VDSO_PREFIX #name, SYS_##name, kind, offsetof(struct vdso_original, name)},
	VDSO_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

#define FUNCTIONS (sizeof functions / sizeof *functions)

struct image {
	uintptr_t bias;
	const Elf64_Sym *symbol;
	const char *string;
	uint32_t symbols;
};

/* How many symbols a GNU hash table covers: one more than the end of the last chain. */
static uint32_t gnu_symbols(const uint32_t *table)
{
	uint32_t buckets = table[0], offset = table[1], bloom = table[2], last = 0;
	const uint32_t *bucket = table + 4 + 2 * (size_t)bloom;
	const uint32_t *chain = bucket + buckets;

	for (uint32_t i = 0; i < buckets; i++)
		if (bucket[i] > last)
			last = bucket[i];
	if (last < offset)
		return offset;
	while (!(chain[last - offset] & 1))
		last++;
	return last + 1;
}

static int image_open(uintptr_t header, struct image *image)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)header;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(header + e->e_phoff);
	const Elf64_Dyn *d = NULL;

	if (__builtin_memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_ident[EI_CLASS] != ELFCLASS64 ||
	    e->e_phentsize != sizeof *p)
		return -ENOEXEC;
	image->bias = header;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && p[i].p_offset == 0)
			image->bias = header - p[i].p_vaddr;
		else if (p[i].p_type == PT_DYNAMIC)
			d = (const Elf64_Dyn *)(header + p[i].p_offset);
	}
	for (; d && d->d_tag != DT_NULL; d++) {
		uintptr_t value = image->bias + d->d_un.d_ptr;

		if (d->d_tag == DT_SYMTAB)
			image->symbol = (const Elf64_Sym *)value;
		else if (d->d_tag == DT_STRTAB)
			image->string = (const char *)value;
		else if (d->d_tag == DT_HASH)
			image->symbols = ((const uint32_t *)value)[1];
		else if (d->d_tag == DT_GNU_HASH && !image->symbols)
			image->symbols = gnu_symbols((const uint32_t *)value);
	}
	return image->symbol && image->string && image->symbols ? 0 : -ENOEXEC;
}

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static const Elf64_Sym *image_find(const struct image *image, const char *name)
{
	for (uint32_t i = 0; i < image->symbols; i++) {
		const Elf64_Sym *s = &image->symbol[i];

		if (s->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
		    equal(image->string + s->st_name, name))
			return s;
	}
	return NULL;
}

/* In place of the system call, -ENOSYS. */
static bool cut_fallback(struct text *t, uintptr_t site)
{
	struct stub_plan p = {.kind = STUB_FAIL, .site = site};
	struct stub_code c;

	if (plan_behind(t, site, &p) == PATCH_OK)
		return patch_place(&p, t, true, &c) == PATCH_OK;
	/* In front of it is as good if there's no other way to get to it. */
	return plan_before(t, site, &p) == PATCH_OK &&
	       !text_branch_into(t, site - 1, site + 1, true) &&
	       patch_place(&p, t, true, &c) == PATCH_OK;
}

/*
 * All of a function's. False: there is one where that can't be done, or the code
 * can't be followed. The search ends before the first change: behind it the code reads differently.
 */
static bool cut_fallbacks(struct text *t, uintptr_t start, uintptr_t end)
{
	uintptr_t site[8], at = start;
	unsigned count = 0;

	while ((at = text_next_syscall(t, at, end))) {
		if (at == (uintptr_t)-1 || count == sizeof site / sizeof *site)
			return false;
		site[count++] = at;
		at += STUB_SYSCALL;
	}
	while (count--)
		if (!cut_fallback(t, site[count]))
			return false;
	return true;
}

/* The copy of the displaced start, or 0. */
static uintptr_t keep_original(struct text *t, uintptr_t start, uintptr_t end,
			       struct stub_plan *window)
{
	struct stub_plan p = {.kind = STUB_COPY, .site = start};
	struct stub_code c;

	if (end - start < STUB_JUMP || !cut_fallbacks(t, start, end) ||
	    plan_function(t, start, &p) != PATCH_OK)
		return 0;
	*window = p;
	p.window = 0; /* a stub only: nothing leads there from the program */
	return patch_place(&p, t, true, &c) == PATCH_OK ? c.head : 0;
}

/*
 * If there is no original, nobody is left to run the function's body: its first
 * bytes may go even if they are branched to.
 */
static enum patch_reason redirect(struct text *t, uintptr_t start, uintptr_t end, unsigned which,
				  struct vdso_original *original)
{
	struct stub_plan window = {.at = start, .window = STUB_JUMP};
	uintptr_t kept = keep_original(t, start, end, &window);
	struct stub_plan p = {.kind = functions[which].kind,
			      .site = start,
			      .at = start,
			      .window = window.window,
			      .nr = functions[which].nr};
	struct stub_code c;

	__builtin_memcpy((char *)original + functions[which].original, &kept, sizeof kept);
	return patch_place(&p, t, true, &c);
}

int vdso_patch(uintptr_t header, struct vdso_original *original)
{
	struct image image = {0};
	int done = 0, r = image_open(header, &image);

	__builtin_memset(original, 0, sizeof *original);
	if (r < 0)
		return r;
	patch_hold();
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		const Elf64_Sym *s = image_find(&image, functions[i].name);
		uintptr_t start = s ? image.bias + s->st_value : 0;
		enum patch_reason why = PATCH_OK;
		struct text *t;

		if (!s)
			continue;
		t = patch_text(start, &why);
		if (t)
			why = redirect(t, start, start + s->st_size, i, original);
		if (why != PATCH_OK) {
			r = why == PATCH_REACH ? -ENOMEM : -EACCES;
			break;
		}
		done++;
	}
	patch_release();
	return r < 0 ? r : done;
}
