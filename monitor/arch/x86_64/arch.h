/* SPDX-License-Identifier: MIT */
/* What the common code needs to know of x86-64. */
#ifndef TANDEM_ARCH_X86_64_H
#define TANDEM_ARCH_X86_64_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "cpu.h"
#include "numbers.h"

/* The program's registers at a call; entry.S has the same order. */
struct regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t rsp, rip;
};

static inline long regs_number(const struct regs *r)
{
	return (long)r->rax;
}

static inline void regs_args(const struct regs *r, uint64_t args[6])
{
	args[0] = r->rdi;
	args[1] = r->rsi;
	args[2] = r->rdx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
}

static inline void regs_set_result(struct regs *r, long result)
{
	r->rax = (uint64_t)result;
}

static inline uint64_t regs_stack(const struct regs *r)
{
	return r->rsp;
}

static inline void regs_set_stack(struct regs *r, uint64_t stack)
{
	r->rsp = stack;
}

static inline uint64_t regs_frame(const struct regs *r)
{
	return r->rbp;
}

static inline uint64_t regs_ip(const struct regs *r)
{
	return r->rip;
}

/* Makes the call again when these registers are resumed (rip is the tail of a stub). */
static inline void regs_restart(struct regs *r, long number)
{
	r->rip -= STUB_HEAD_SIZE;
	r->rax = (uint64_t)number;
}

/* The word on top of the program's stack: usually a libc wrapper's return address. */
int user_read(void *dst, const void *src, size_t n);

static inline void *thread_register(void)
{
	void *p;

	__asm__("movq %%gs:0, %0" : "=r"(p));
	return p;
}

/* Of the calling thread; 0 or -errno. */
struct thread;
int thread_register_set(struct thread *t);

/* What memmove and memset are made of: forwards, byte by byte. */
static inline void bytes_copy(void *dst, const void *src, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static inline void bytes_fill(void *dst, int byte, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(dst), "+c"(n) : "a"(byte) : "memory");
}

void monitor_entry(void);
extern uint8_t monitor_private[PRIVATE_NUMBERS];
extern void (*monitor_gate_private)(void);
long monitor_sync(void);
void regs_resume(struct regs *) __attribute__((noreturn));
extern char user_fault_begin[], user_fault_end[], user_fault[];

#define SYSCALL_BYTES 2

/* A system call at an entry of the gate; see gate.S. */
#ifdef __clang_analyzer__ /* to which assembly leaves memory as it is */
long gate_pass(void (*entry)(void), long nr, long a, long b, long c, long d, long e, long f);
#else
static inline __attribute__((always_inline)) long gate_pass(void (*entry)(void), long nr, long a,
							    long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("leaq 1f(%%rip), %%r12\n\tjmp *%[entry]\n1:"
			 : "+a"(nr)
			 : [entry] "r"(entry), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "r12", "cc", "memory");
	return nr;
}
#endif

/* The same as regs_resume(), but by a jump: the way out of monitor_call(), as that is entered. */
static inline __attribute__((noreturn)) void regs_leave(struct regs *r)
{
	__asm__ volatile("jmp regs_resume" : : "D"(r) : "memory");
	__builtin_unreachable();
}

/* Interrupted program state in a kernel signal frame. */
static inline uintptr_t context_ip(const ucontext_t *uc)
{
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

static inline void context_set_ip(ucontext_t *uc, uintptr_t ip)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)ip;
}

/* As much of them as a fault's report shows. */
static inline void context_regs(const ucontext_t *uc, struct regs *r)
{
	*r = (struct regs){.rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP],
			   .rsp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP],
			   .rbp = (uint64_t)uc->uc_mcontext.gregs[REG_RBP]};
}

/* What remains to be done behind the call in gate_code_private; resume: of its thread. */
static inline void context_finish_private(ucontext_t *uc, uint64_t resume)
{
	const uint64_t *site = (const void *)(resume + STUB_INFO);

	uc->uc_mcontext.gregs[REG_RCX] = (greg_t)*site + SYSCALL_BYTES;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)resume;
}

static inline uint64_t context_sp(const ucontext_t *uc)
{
	return (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
}

static inline void context_args(const ucontext_t *uc, uint64_t args[6])
{
	static const uint8_t registers[6] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

	for (int i = 0; i < 6; i++)
		args[i] = (uint64_t)uc->uc_mcontext.gregs[registers[i]];
}

/* fork, vfork and readlink become clone and readlinkat: returns the number to go on with. */
static inline long call_without_old(long number, uint64_t args[6])
{
	const long fork = 57, vfork = 58, clone = 56, readlink = 89, readlinkat = 267;
	const uint64_t child = 17, vm_vfork = 0x4100; /* SIGCHLD; CLONE_VM | CLONE_VFORK */

	if (number == readlink) {
		args[3] = args[2];
		args[2] = args[1];
		args[1] = args[0];
		args[0] = (uint64_t)-100; /* AT_FDCWD */
		return readlinkat;
	}
	if (number != fork && number != vfork)
		return number;
	args[0] = number == fork ? child : child | vm_vfork;
	args[1] = args[2] = args[3] = args[4] = 0;
	return clone;
}

static inline void context_set_result(ucontext_t *uc, long result)
{
	uc->uc_mcontext.gregs[REG_RAX] = result;
}

static inline void context_set_number(ucontext_t *uc, long number)
{
	uc->uc_mcontext.gregs[REG_RAX] = number;
}

/* Arguments of clone behind the stack, in the kernel's order; what the program gives, in ours. */
#define CLONE_ARGUMENTS(parent_tid, child_tid, tls) parent_tid, child_tid, tls
static inline void clone_arguments(uint64_t args[6])
{
	(void)args;
}

#define ARCH_ELF_MACHINE 62          /* EM_X86_64 */
#define ARCH_AUDIT AUDIT_ARCH_X86_64 /* what siginfo says of calls of the native interface */
#define ARCH_FOREIGN "a call of the 32-bit interface (int $0x80)"

#endif
