/* SPDX-License-Identifier: MIT */
/*
 * Copies: memcpy(), and those of the program's memory, which survive a bad address. No stack is used
 * in between, and no vector register.
 */

/*
 * %rdx bytes from %rsi to %rdi; %rax stays as it is. rep takes 8 ns to begin, so up to 64 are moved in
 * words. The last of them overlaps the one before, and comes first.
 */
	.macro copy
	cmpq $64, %rdx
	ja 4f
	subq $8, %rdx
	jb 3f
	movq (%rsi,%rdx), %r8
	movq %r8, (%rdi,%rdx)
	xorl %ecx, %ecx
	jmp 2f
1:	movq (%rsi,%rcx), %r8
	movq %r8, (%rdi,%rcx)
	addq $8, %rcx
2:	cmpq %rdx, %rcx
	jb 1b
	jmp 7f
3:	addq $4, %rdx
	jnc 5f
	movl (%rsi,%rdx), %r8d
	movl (%rsi), %ecx
	movl %r8d, (%rdi,%rdx)
	movl %ecx, (%rdi)
	jmp 7f
4:	movq %rdx, %rcx
	rep movsb
	jmp 7f
5:	addq $4, %rdx
	je 7f
6:	movb -1(%rsi,%rdx), %cl
	movb %cl, -1(%rdi,%rdx)
	decq %rdx
	jne 6b
7:
	.endm

	.text

/* void *memcpy(void *dst, const void *src, size_t n) */
	.p2align 4
	.globl memcpy
	.hidden memcpy
	.type memcpy, @function
memcpy:
	movq %rdi, %rax
	copy
	ret
	.size memcpy, . - memcpy

/*
 * A fault between user_fault_begin and user_fault_end continues at user_fault, which returns -EFAULT.
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
	.p2align 4
user_fault_begin:
user_read:
user_write:
	copy
	xorl %eax, %eax
	ret

/* long user_strnlen(const char *s, size_t max) */
user_strnlen:
	xorl %eax, %eax
1:	cmpq %rsi, %rax
	jae 2f
	cmpb $0, (%rdi,%rax)
	je 2f
	incq %rax
	jmp 1b
2:	ret
user_fault_end:
user_fault:
	movq $-14, %rax
	ret

	.section .note.GNU-stack, "", @progbits
