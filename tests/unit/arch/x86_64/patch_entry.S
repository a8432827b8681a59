/* SPDX-License-Identifier: MIT */
/*
 * A monitor for tests: counts the calls that arrive and makes them. What lies
 * between entry_begin and entry_end is let through by the trap.
 */
	.text
	.globl entry_begin, entry_end, entry, entry_restorer, gate_call
	.p2align 4
entry_begin:

	/* The red zone is the program's. A new thread has another stack: its tail is in %r9. */
	.type entry, @function
entry:
	leaq -128(%rsp), %rsp
	pushfq
	lock incq entry_calls(%rip)
	cmpl $15, %eax /* rt_sigreturn */
	je 1f
	cmpl $56, %eax /* clone */
	je 1f
	cmpl $58, %eax /* vfork */
	je 1f
	cmpl $435, %eax /* clone3 */
	je 1f
	cmpl $14, %eax /* rt_sigprocmask */
	je 2f
	popfq
	pushq %rcx
	syscall
	popq %rcx
	leaq 128(%rsp), %rsp
	jmp *%rcx
1:	popfq
	leaq 128(%rsp), %rsp
	movq %rcx, %r9
	syscall
	jmp *%r9

	/* SIGSYS is ours: taken out of the program's mask again */
2:	pushq %rcx
	syscall
	pushq %rax
	pushq %rdi
	pushq %rsi
	pushq %rdx
	movl $14, %eax
	movl $1, %edi /* SIG_UNBLOCK */
	leaq sigsys(%rip), %rsi
	xorl %edx, %edx
	syscall
	popq %rdx
	popq %rsi
	popq %rdi
	popq %rax
	popq %rcx
	popfq
	leaq 128(%rsp), %rsp
	jmp *%rcx

	.type entry_restorer, @function
entry_restorer:
	movl $15, %eax
	syscall

	.type gate_call, @function
gate_call:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 8(%rsp), %r9
	syscall
	ret
entry_end:

	.section .rodata
sigsys:	.quad 1 << 30

	.bss
	.p2align 3
	.globl entry_calls
entry_calls:
	.quad 0

	.section .note.GNU-stack, "", @progbits
