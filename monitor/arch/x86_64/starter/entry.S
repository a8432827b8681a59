/* SPDX-License-Identifier: MIT */
/* The first instructions of the starter, and its last. */
	.text

/* The kernel's stack is the program's: the loader finds it, and its registers, as after exec. */
	.globl starter_entry
	.hidden starter_entry
	.type starter_entry, @function
starter_entry:
	xorl %ebp, %ebp
	movq %rsp, %rbx
	movq %rsp, %rdi
	andq $-16, %rsp
	call starter_main
	movq %rbx, %rsp
	pushq %rax
	xorl %eax, %eax
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	xorl %r12d, %r12d
	xorl %r13d, %r13d
	xorl %r14d, %r14d
	xorl %r15d, %r15d
	ret
	.size starter_entry, . - starter_entry

	.section .note.GNU-stack, "", @progbits
