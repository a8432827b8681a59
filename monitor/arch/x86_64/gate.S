/* SPDX-License-Identifier: MIT */
/*
 * The gate: the only instructions of the process whose system calls reach the
 * kernel unseen. Position-independent and without references to anything
 * outside, because under seccomp it is copied to the session's gate page.
 *
 * A call comes in as the kernel expects it, with the address to go back to in %r12: gate_pass() (arch.h).
 * No stack, and no ret: a kernel that protects its own returns from wrong speculation (SRSO) leaves the
 * processor's stack of return addresses full of them. Then each ret behind a system call whose call was
 * in front of it is predicted wrongly, which costs 10 to 40 ns. So the path of a call has as
 * few such returns as can be (call.c).
 */
#include "numbers.h"

	.section .gate, "ax", @progbits
	.globl gate_begin, gate_end
	.hidden gate_begin, gate_end
	.balign 4096
gate_begin:
/*
 * Not at the start of the page: some virtual machines take 100 ns longer for what is executed there
 * right behind a system call.
 */
	.fill 256, 1, 0xcc

	.globl gate_code_call
	.hidden gate_code_call
gate_code_call:
	syscall
	jmp *%r12

/*
 * A call of class private, straight from the entry (entry.S) and back to the program with what the
 * instruction leaves: the flags, also in %r11, and in %rcx the address behind the site.
 */
	.globl gate_code_private, gate_private_over, gate_private_end
	.hidden gate_code_private, gate_private_over, gate_private_end
gate_code_private:
	syscall
gate_private_over: /* context_finish_private() does the rest as well */
	movq %gs:THREAD_PRIVATE, %rcx
	leaq 1(%rcx), %rcx
	movq %rcx, %gs:THREAD_PRIVATE
	movq %gs:THREAD_RESUME, %rcx
	movq STUB_INFO(%rcx), %rcx
	leaq 2(%rcx), %rcx
	jmp *%gs:THREAD_RESUME
gate_private_end:

/*
 * The same for calls that may sleep. A signal that arrives after the look at
 * `pending` and before the kernel is entered must not be slept over: the
 * signal handler moves a thread that it finds between gate_look and gate_enter
 * to gate_interrupted (signals.c). musl's cancellation points are the idea.
 */
	.globl gate_code_wait, gate_look, gate_enter, gate_interrupted
	.hidden gate_code_wait, gate_look, gate_enter, gate_interrupted
gate_code_wait:
gate_look:
	cmpl $0, %gs:THREAD_PENDING
	jne gate_interrupted
	syscall
gate_enter:
	jmp *%r12
gate_interrupted:
	movq $-4, %rax /* -EINTR */
	jmp *%r12

/* The restorer of the monitor's own signal handlers. */
	.globl gate_code_restorer
	.hidden gate_code_restorer
gate_code_restorer:
	movl $15, %eax /* rt_sigreturn */
	syscall
	hlt

/* gate_sigreturn(rsp): lets the kernel restore a frame that the monitor built. */
	.globl gate_code_sigreturn
	.hidden gate_code_sigreturn
gate_code_sigreturn:
	movq %rdi, %rsp
	movl $15, %eax
	syscall
	hlt

/*
 * A new thread or vfork child: it starts on a stack of the monitor's own, where
 * its creator has put a function and its argument.
 * long gate_clone(flags, stack, parent_tid, child_tid, tls)
 */
	.globl gate_code_clone
	.hidden gate_code_clone
gate_code_clone:
	movq %rcx, %r10
	movl $56, %eax /* clone */
	syscall
	testq %rax, %rax
	jne 1f
	xorl %ebp, %ebp
	popq %rax
	popq %rdi
	call *%rax
	hlt
1:	ret

/* munmap of the stack it runs on, then exit: the end of a thread. */
	.balign 16
gate_end:
	.skip 4096 - (gate_end - gate_begin)

	.section .note.GNU-stack, "", @progbits
