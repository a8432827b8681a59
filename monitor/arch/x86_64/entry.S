/* SPDX-License-Identifier: MIT */
/*
 * Where the program's calls arrive. A stub (interpose/patch.h) has put the
 * address to resume at into %rcx, which the syscall instruction would have
 * overwritten too; all other registers are the program's.
 *
 * %gs points to the thread's struct thread: %gs is free in user space on x86-64,
 * so the monitor needs neither the program's TLS nor its stack.
 */
#include "numbers.h"

#define DIRECTION 0x400

	.text

/*
 * Calls that every variant makes on itself, without a hook, go to the gate at once. What the look
 * at their number does to the flags is undone: lahf and sahf keep all but overflow, which is 1 in
 * %al, and 1 + 127 overflows.
 *
 * For the others: struct regs (arch.h), from its end to its start. */
	.globl monitor_entry
	.hidden monitor_entry
	.type monitor_entry, @function
monitor_entry:
	movq %rax, %r11
	lahf
	seto %al
	cmpq $PRIVATE_NUMBERS, %r11
	jae 5f
	movq %rcx, %gs:THREAD_RESUME
	leaq monitor_private(%rip), %rcx
	cmpb $0, (%rcx,%r11)
	movq %gs:THREAD_RESUME, %rcx
	je 5f
	addb $127, %al
	sahf
	movq %r11, %rax
	jmp *monitor_gate_private(%rip)
5:	addb $127, %al
	sahf
	movq %r11, %rax
	movq %rsp, %gs:THREAD_USER_STACK
	movq %gs:THREAD_STACK, %rsp
	pushfq
	popq %r11
	pushq %rcx
	pushq %gs:THREAD_USER_STACK
	pushq %rax
	movq STUB_INFO(%rcx), %rcx
	leaq 2(%rcx), %rcx
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
	testl $DIRECTION, %r11d
	jnz 2f
1:	movq %rsp, %rdi
	leaq 3f(%rip), %rax
	pushq %rax
	jmp monitor_call /* which mostly leaves by regs_leave(): see gate.S */
3:	movq %rsp, %rdi
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
	popq %rcx
	movq 16(%rsp), %rax
	movq %rax, %gs:THREAD_RESUME
	testl $DIRECTION, %r11d
	jnz 4f
	/* popfq is slow: overflow by an addition, the others by sahf. */
	movl %r11d, %eax
	movb %al, %ah
	btl $11, %r11d
	setc %al
	addb $0x7f, %al
	sahf
3:	popq %rax
	movq (%rsp), %rsp
	jmp *%gs:THREAD_RESUME
2:	cld
	jmp 1b
4:	pushq %r11
	popfq
	jmp 3b
	.size monitor_entry, . - monitor_entry

	.data
	.balign 8
	.globl monitor_gate_private
	.hidden monitor_gate_private
monitor_gate_private: /* in the gate that is in use */
	.quad gate_code_private

	.bss
	.globl monitor_private
	.hidden monitor_private
monitor_private: /* by number: is it such a call? */
	.skip PRIVATE_NUMBERS
	.text

/*
 * long monitor_sync(void): a call of the monitor's own (call.h, NUMBER_SYNC), made by what stands in
 * front of libc. Shaped like a stub, so that a signal can be delivered and the call made again.
 */
	.globl monitor_sync
	.hidden monitor_sync
	.type monitor_sync, @function
monitor_sync:
	movq $-2, %rax
	leaq 1f(%rip), %rcx
	jmp *sync_entry(%rip)
1:	ret
	.size monitor_sync, . - monitor_sync

	.section .data.rel.ro, "aw"
	.balign 8
sync_entry:
	.quad monitor_entry
	.text

	.section .note.GNU-stack, "", @progbits
