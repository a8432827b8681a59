/* SPDX-License-Identifier: MIT */
/*
 * Code of the program, seen from the patcher: planning where a jump can go,
 * generating stubs, writing into code that runs. x86-64. All calls: under the
 * patch lock. For the protocol see interpose/patch.h.
 *
 * A stub in memory:
 *
 *   struct stub_info
 *   head    lea tail(%rip), %rcx; jmp *entry: 13 bytes
 *   tail    what was displaced behind the syscall instruction, jump back
 *   before  what was displaced in front of it, jump to head (if anything was)
 *
 * The address to resume at travels in %rcx, which the syscall instruction overwrites too; the
 * entry goes on with jmp *%rcx. The jump at the site is jmp rel32, over the syscall instruction and
 * three bytes behind it, or in place of the single instruction in front of it if that has 5 bytes
 * (usually mov $nr, %eax). What commits a patch is one byte of the syscall instruction, 0f -> e9:
 * the stub's address is chosen such that the other, 05, is the right first byte of the jump's
 * distance.
 */
#ifndef TANDEM_ARCH_X86_64_STUB_H
#define TANDEM_ARCH_X86_64_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numbers.h"

#define STUB_JUMP 5
#define STUB_SYSCALL 2
#define STUB_REACH ((uintptr_t)0x7fff0000) /* of a jump */
#define STUB_MAX 112
#define STUB_MOVED 4

/* In front of each head, unaligned. */
struct stub_info {
	uint64_t site;
	/*
	 * Places in the tail and what they stand for: offsets from tail and from
	 * the end of the syscall instruction. The first entry is 0, 0; 255 ends the list.
	 */
	uint8_t to[STUB_MOVED], from[STUB_MOVED];
} __attribute__((packed));

/* The site that a stub serves; tail as handed to the entry. */
static inline uint64_t stub_site(uintptr_t tail)
{
	return ((const struct stub_info *)(tail - STUB_HEAD_SIZE) - 1)->site;
}

struct branch {
	uintptr_t from, to;
};

/* Grows in mapped memory. */
struct branch_list {
	struct branch *item;
	size_t count, capacity;
};

/* An executable mapping. */
struct text {
	uintptr_t start, end;
	int prot;
	bool shared, special;
	bool indexed;
	struct branch_list far; /* branches that may lead behind syscall instructions */
};

enum stub_kind {
	STUB_ENTRY, /* calls the entry */
	STUB_FAIL,  /* the call's result is -ENOSYS; nothing is called */
	STUB_VDSO,  /* a function: calls the entry with a fixed number, then returns */
	STUB_QUERY, /* as STUB_VDSO, but -ENOSYS if the fifth argument is -1 (getrandom) */
	STUB_COPY,  /* the displaced start of a function, callable in its place */
};

/* What goes where. Filled in by plan_*(). */
struct stub_plan {
	enum stub_kind kind;
	bool far;       /* the stub may be anywhere */
	uintptr_t site; /* the syscall instruction, or the function's first */
	uintptr_t at;   /* where the jump is written */
	uint8_t window; /* bytes from there that it replaces; 0: nothing is written */
	uint8_t before; /* bytes in front of site to move */
	uint8_t behind; /* bytes behind the syscall instruction (STUB_COPY: from site) to move */
	bool ends;      /* the moved bytes end with a jump or return */
	uint32_t nr;    /* STUB_VDSO, STUB_QUERY */
};

struct stub_code {
	uint8_t bytes[STUB_MAX];
	size_t size;
	uintptr_t head;  /* where the trap's handler sends a thread; function: its address */
	uintptr_t enter; /* where the patched jump leads */
	uintptr_t branch[STUB_MOVED]; /* targets of the relative jumps that were moved */
	unsigned branches;
};

enum patch_reason;

void stub_init(void);

/* Windows behind and in front of the site; behind the start of a function. PATCH_OK or why not. */
enum patch_reason plan_behind(struct text *t, uintptr_t site, struct stub_plan *p);
enum patch_reason plan_before(struct text *t, uintptr_t site, struct stub_plan *p);
enum patch_reason plan_function(struct text *t, uintptr_t function, struct stub_plan *p);

/* The stub's code for memory at address; slot holds the entry's address. */
enum patch_reason stub_emit(const struct stub_plan *p, uintptr_t address, uintptr_t slot,
			    struct stub_code *c);

/* The low byte that a stub's address must have to be committed with one byte, or STUB_ANY. */
int stub_low_byte(const struct stub_plan *p);

/* Writes the jump. Others may be running the code unless alone. */
enum patch_reason stub_commit(const struct text *t, const struct stub_plan *p,
			      const struct stub_code *c, bool alone, uint64_t *unprotected);

/* The code still is what stub_commit() made of it. */
bool stub_committed(uintptr_t at);
/* Where the jump at `at` leads; 0: there is none. */
uintptr_t stub_target(uintptr_t at);

/* branch.c */

/* May an instruction start at address? False only when that's certain. */
bool text_boundary(const struct text *t, uintptr_t address);
/* The instruction that ends at address, or 0 if there may be several. */
uintptr_t text_before(const struct text *t, uintptr_t address);
/* Finds the far branches that lead behind syscall instructions, and remembers them. */
enum patch_reason text_index(struct text *t);
/* A branch that the text no longer shows: it has been moved to a stub. False: no memory. */
bool text_moved_branch(uintptr_t to);
/* May a branch lead to (start, end)? whole: search for far ones instead of using the index. */
bool text_branch_into(const struct text *t, uintptr_t start, uintptr_t end, bool whole);
void text_free(struct text *t);
/* Next syscall instruction of straight code in [from, end); 0: none. -1: not decodable. */
uintptr_t text_next_syscall(const struct text *t, uintptr_t from, uintptr_t end);

/* decode.c: a view of one instruction. */
enum insn_kind {
	INSN_MOVES, /* can be moved */
	INSN_ENDS,  /* likewise, and the code behind it isn't reached from it */
	INSN_STAYS, /* can't be moved */
	INSN_PADS,  /* nop or int3 */
	INSN_SYSCALL,
};

struct insn {
	uint8_t length;
	enum insn_kind kind;
	uint8_t address;   /* offset of a 32-bit displacement from the instruction's end, or 0 */
	uint8_t branch;    /* size of a relative jump's distance in bytes, or 0 */
	uint8_t condition; /* of a relative jump: low 4 bits of its opcode, or 16: always */
	uintptr_t target;
};

void insn_init(void);
/* False: not an instruction, or it doesn't end before `end`. */
bool insn_decode(uintptr_t at, uintptr_t end, struct insn *i);
uint8_t insn_length(uintptr_t at, uintptr_t end);

#endif
