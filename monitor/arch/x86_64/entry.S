/* SPDX-License-Identifier: MIT */
/*
 * Where the program's calls arrive. A stub (interpose/patch.h) has put the
 * address to resume at into %rcx, which the syscall instruction would have
 * overwritten too; all other registers are the program's.
 *
 * %gs points to the thread's struct thread: %gs is free in user space on x86-64,
 * so the monitor needs neither the program's TLS nor its stack. Offsets are
 * checked against the structure in thread.c.
 */
#define THREAD_USER_RSP 8
#define THREAD_STACK 16

	.text

/* struct regs (arch.h), from its end to its start. */
	.globl monitor_entry
	.hidden monitor_entry
	.type monitor_entry, @function
monitor_entry:
	movq %rsp, %gs:THREAD_USER_RSP
	movq %gs:THREAD_STACK, %rsp
	pushq %rcx
	pushq %gs:THREAD_USER_RSP
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	call monitor_call
	movq %rsp, %rdi
	/* fall through */

/* regs_resume(struct regs *): continue in the program with these registers. */
	.globl regs_resume
	.hidden regs_resume
regs_resume:
	movq %rdi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	addq $8, %rsp
	popq %rax
	movq 8(%rsp), %rcx
	movq (%rsp), %rsp
	jmp *%rcx
	.size monitor_entry, . - monitor_entry

/*
 * Copies that survive a bad address: a fault between user_fault_begin and
 * user_fault_end continues at user_fault, which returns -EFAULT. No stack is
 * used in between.
 *
 * int user_read(void *dst, const void *src, size_t n), user_write alike
 */
	.globl user_read, user_write, user_strnlen
	.globl user_fault_begin, user_fault_end, user_fault
	.hidden user_read, user_write, user_strnlen
	.hidden user_fault_begin, user_fault_end, user_fault
	.type user_read, @function
	.type user_write, @function
	.type user_strnlen, @function
user_fault_begin:
user_read:
user_write:
	cmpq $16, %rdx
	ja 2f
	cmpq $8, %rdx
	jae 3f
	testq %rdx, %rdx
	je 4f
1:	movb -1(%rsi,%rdx), %al
	movb %al, -1(%rdi,%rdx)
	decq %rdx
	jne 1b
4:	xorl %eax, %eax
	ret
3:	movq (%rsi), %rax
	movq -8(%rsi,%rdx), %rcx
	movq %rax, (%rdi)
	movq %rcx, -8(%rdi,%rdx)
	xorl %eax, %eax
	ret
2:	movq %rdx, %rcx
	rep movsb
	xorl %eax, %eax
	ret

/* long user_strnlen(const char *s, size_t max) */
user_strnlen:
	xorl %eax, %eax
5:	cmpq %rsi, %rax
	jae 6f
	cmpb $0, (%rdi,%rax)
	je 6f
	incq %rax
	jmp 5b
6:	ret
user_fault_end:
user_fault:
	movq $-14, %rax
	ret

	.section .note.GNU-stack, "", @progbits
