/* SPDX-License-Identifier: MIT */
/*
 * Patching of system call sites.
 *
 * The trap (SUD or seccomp) catches a site the first time. Its handler asks
 * site_stub() for the site's stub and resumes the thread there, so that the
 * trapped and the patched path are one:
 *
 *   site:  jump -----> head:  to the entry, with the tail's address
 *                      tail:  displaced instructions, moved here
 *                             jump behind them
 *
 * The entry gets the call as the kernel would (number, arguments), the address
 * to resume at, and the program's stack untouched. To make the call once more,
 * it resumes at tail - STUB_HEAD_SIZE with the number where it was. The stub says
 * which site it serves (stub_site()). What they consist of: stub.h of arch/.
 *
 * Why other threads may run the code meanwhile: from its first trap on, a site
 * is always left through the stub's tail. Hence no thread is ever between the
 * syscall instruction and the end of what is displaced, unless it branches
 * there, and windows that something may branch into are refused. Those bytes
 * are dead when they are written; what commits the patch is one store.
 *
 * A window behind the site that can't be displaced is replaced by one in front
 * of it, if arch/ finds one.
 * A site where neither works keeps trapping; it has a stub all the same.
 *
 * Known limits: branches through tables or pointers into a window aren't seen
 * (compilers have no reason to put a label there). Unwinding tables don't know
 * stubs: show the program patch_origin(pc) instead of an address in one.
 *
 * Locks: one spin lock, taken by all functions here. All signals must be
 * blocked (the trap's handler has them blocked). Around a fork (a clone without CLONE_VM) by a
 * process with several threads, use patch_hold() and patch_release() in parent and child: otherwise
 * the child could inherit a lock that nobody opens and half a patch. Beyond that a child simply
 * inherits sites and stubs, copy on write. A vfork child shares everything, lock included.
 *
 * Memory: nothing here calls libc; system calls go through gate_call(). New
 * sites need openat, read and close of /proc/self/maps (a descriptor for a
 * moment, once for each executable mapping), mmap, mprotect and membarrier. A
 * process that has denied itself writable code (PR_SET_MDWE) or these calls
 * (seccomp) can run known sites only.
 *
 * The idea of displacing the instruction behind the syscall is rr's.
 */
#ifndef TANDEM_INTERPOSE_PATCH_H
#define TANDEM_INTERPOSE_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub.h"

/* Why a site isn't patched. The names for reports are in patch_reason_name(). */
enum patch_reason {
	PATCH_OK,
	PATCH_NO_RETURN,   /* exit, exit_group, rt_sigreturn: what follows need not belong to it */
	PATCH_NO_MAPPING,  /* /proc/self/maps not readable, or the site isn't in it */
	PATCH_MAPPING,     /* the mapping is shared, writable or not readable */
	PATCH_INSTRUCTION, /* an instruction in the window can't be moved */
	PATCH_SHORT,       /* the code ends before there is room for a jump */
	PATCH_BRANCH,      /* something may branch into the window */
	PATCH_OVERLAP,     /* the window touches another site's */
	PATCH_REACH,       /* no stub memory within reach of the site and its operands */
	PATCH_THREADS,     /* other threads run, and they can't be told of new code (membarrier) */
	PATCH_PROTECT,     /* the kernel refuses to make the code writable for a moment */
	PATCH_REASONS
};

struct patch_stats {
	uint64_t patched;                /* sites that were patched, those forgotten included */
	uint64_t before;                 /* of these: in front of the syscall instruction */
	uint64_t trapping;               /* sites that were refused */
	uint64_t refused[PATCH_REASONS]; /* the latter by reason */
	uint64_t sites;                  /* known now */
	uint64_t stub_bytes;             /* stub memory in use */
	uint64_t regions;                /* of 64 KiB, reserved for stubs */
	uint64_t unprotected; /* code that couldn't be made read-only again: should be 0 */
};

/* entry: where stubs go. Once, before anything else here. 0 or -errno. */
int patch_init(uintptr_t entry);

/*
 * The head of the stub of a site, made (and the site patched) if need be.
 *   site   address of the syscall instruction that trapped
 *   nr     the call's number
 *   alone  no other task runs in this memory (threads, other processes with CLONE_VM)
 * 0: there is no memory for a stub.
 */
uintptr_t site_stub(uintptr_t site, long nr, bool alone);

/*
 * The mapping of [start, start + len) is gone, replaced, or has another protection.
 * Call it behind munmap, mmap with MAP_FIXED, mremap, mprotect and pkey_mprotect.
 * Cheap when there is no code with sites in the range. Stubs are not reused.
 */
void patch_forget(uintptr_t start, size_t len);

void patch_hold(void);
void patch_release(void);

/*
 * Between addresses in the stub of a site and those of the program, for signal
 * frames and reports (not for the vDSO's stubs: pc remains). patch_origin(): the program's address
 * that stands for pc; pc if it isn't in a stub. patch_resume(): where a thread that is to continue
 * at pc has to go: into a stub if pc is in displaced code, else pc.
 */
uintptr_t patch_origin(uintptr_t pc);
uintptr_t patch_resume(uintptr_t pc);

/* For vdso.c, under patch_hold(). The executable mapping around address; NULL: see *why. */
struct text *patch_text(uintptr_t address, enum patch_reason *why);
/*
 * Makes the stub of a plan and writes its jump. *c describes the stub if there
 * is one (size isn't 0), which may be so even if the jump wasn't written.
 */
enum patch_reason patch_place(const struct stub_plan *plan, struct text *t, bool alone,
			      struct stub_code *c);

void patch_stats(struct patch_stats *out);
const char *patch_reason_name(enum patch_reason reason);

#endif
