/* SPDX-License-Identifier: MIT */
/*
 * Functions with one syscall instruction each, to be patched: `long f(void)`.
 * f is the function, f_site its syscall instruction, f_end its end. Each
 * returns the process id unless its comment says otherwise.
 */
#define GETPID 39

	.section .text.patch_sites, "ax", @progbits
	.globl patch_sites_begin, patch_sites_end
	.p2align 12
patch_sites_begin:

	.macro function name
	.p2align 4
	.globl \name, \name\()_site, \name\()_end
	.type \name, @function
\name:
	.endm
	.macro site name
\name\()_site:
	syscall
	.endm
	.macro end name
\name\()_end:
	.size \name, . - \name
	.endm

	function s_cmp
	movl $GETPID, %eax
	site s_cmp
	cmpq $-4095, %rax
	jae 1f
	ret
1:	movq $-1, %rax
	ret
	end s_cmp

	/* several short instructions, then one that covers more than is needed */
	function s_mov
	movl $GETPID, %eax
	site s_mov
	movl %eax, %edx
	movq $-7, %rax
	movl %edx, %eax
	ret
	end s_mov

	function s_ret
	movl $GETPID, %eax
	site s_ret
	ret
	end s_ret

	/* no padding: the next function starts behind the ret */
	.p2align 4
	.skip 8, 0x90
	.globl s_ret_tight, s_ret_tight_site, s_ret_tight_end
s_ret_tight:
	movl $GETPID, %eax
	site s_ret_tight
	ret
s_ret_tight_end:

	/* neither behind nor in front */
	.p2align 4
	.globl s_stuck, s_stuck_site, s_stuck_end
	.skip 1, 0x90
s_stuck:
	pushq $GETPID
	popq %rax
	nop
	nop
	nop
	nop
	nop
	nop
	nop
	nop
	nop
	site s_stuck
	ret
s_stuck_end:

	function s_jcc
	movl $GETPID, %eax
	site s_jcc
	testl %eax, %eax
	js 1f
	ret
1:	movq $-1, %rax
	ret
	end s_jcc

	/* taken */
	function s_jcc_far
	movl $GETPID, %eax
	site s_jcc_far
	testl %eax, %eax
	.byte 0x0f, 0x8f /* jg, long form */
	.long 1f - . - 4
	xorl %eax, %eax
1:	ret
	end s_jcc_far

	function s_jmp
	movl $GETPID, %eax
	site s_jmp
	jmp 1f
	.p2align 4
1:	ret
	end s_jmp

	/* pid + 5 */
	function s_address
	movl $GETPID, %eax
	site s_address
	addq five(%rip), %rax
	ret
	end s_address

	/* address and immediate: 1 if five is 5 */
	function s_address_immediate
	movl $GETPID, %eax
	site s_address_immediate
	cmpl $5, five(%rip)
	sete %al
	movzbl %al, %eax
	ret
	end s_address_immediate

	/* behind the syscall instruction something branches in; it's the mov that goes */
	function s_target
	xorl %r8d, %r8d
	movl $GETPID, %eax
	site s_target
1:	incl %r8d
	cmpl $3, %r8d
	jne 1b
	ret
	end s_target

	/* the same with nothing in front that could go */
	function s_target_stuck
	xorl %r8d, %r8d
	pushq $GETPID
	popq %rax
	nop
	nop
	site s_target_stuck
1:	incl %r8d
	cmpl $3, %r8d
	jne 1b
	ret
	end s_target_stuck

	/* likewise, by a branch with a long distance */
	function s_target_far
	xorl %r8d, %r8d
	pushq $GETPID
	popq %rax
	nop
	nop
	site s_target_far
1:	incl %r8d
	cmpl $3, %r8d
	.byte 0x0f, 0x85 /* jne, long form */
	.long 1b - . - 4
	ret
	end s_target_far

	/* branches to the syscall instruction itself: number 39 in %eax each time */
	function s_loop
	xorl %r8d, %r8d
	movl $GETPID, %eax
1:	site s_loop
	movl %eax, %edx
	movl $GETPID, %eax
	incl %r8d
	cmpl $3, %r8d
	jne 1b
	movl %edx, %eax
	ret
	end s_loop

	/* two in a row */
	.globl s_second_site
	function s_two
	movl $GETPID, %eax
	site s_two
	movl $GETPID, %eax
s_second_site:
	syscall
	movl %eax, %r8d
	movl %r8d, %eax
	ret
	end s_two

	.globl s_adjacent_second_site
	/* no such call twice: -ENOSYS */
	function s_adjacent
	movl $1000, %eax
	site s_adjacent
s_adjacent_second_site:
	syscall
	cmpq $-4095, %rax
	ret
	end s_adjacent

	/* pid if the red zone, flags and all registers but rax, rcx, r11 survive, else 0 */
	function s_red_zone
	pushq %rbx
	pushq %rbp
	movq $0x1122334455667788, %rdx
	movq %rdx, -8(%rsp)
	movq %rdx, -64(%rsp)
	movq %rdx, -128(%rsp)
	movq %rdx, %rbx
	movq %rdx, %rbp
	movq %rdx, %rsi
	movq %rdx, %rdi
	movq %rdx, %r8
	movq %rdx, %r9
	movq %rdx, %r10
	movl $GETPID, %eax
	stc
	site s_red_zone
	movl %eax, %eax
	jnc 1f
	cmpq %rdx, -8(%rsp)
	jne 1f
	cmpq %rdx, -64(%rsp)
	jne 1f
	cmpq %rdx, -128(%rsp)
	jne 1f
	cmpq %rdx, %rbx
	jne 1f
	cmpq %rdx, %rbp
	jne 1f
	cmpq %rdx, %rsi
	jne 1f
	cmpq %rdx, %rdi
	jne 1f
	cmpq %rdx, %r8
	jne 1f
	cmpq %rdx, %r9
	jne 1f
	cmpq %rdx, %r10
	jne 1f
	popq %rbp
	popq %rbx
	ret
1:	xorl %eax, %eax
	popq %rbp
	popq %rbx
	ret
	end s_red_zone

	/* a call behind: stays; the mov goes */
	function s_call
	movl $GETPID, %eax
	site s_call
	call 1f
	ret
1:	ret
	end s_call

	/* the mov has a REX prefix: it is one instruction with 6 bytes */
	function s_rex
	movl $GETPID, %eax
	movl $GETPID, %r8d
	site s_rex
	call 1f
	ret
1:	cmpl $GETPID, %r8d
	je 2f
	xorl %eax, %eax
2:	ret
	end s_rex

	/* the next function is entered by address right behind the syscall instruction */
	function s_exit
	movl $60, %eax
	site s_exit
	end s_exit
	.globl s_behind_exit
s_behind_exit:
	movl $77, %eax
	ret

	.p2align 12
patch_sites_end:

	.section .rodata
five:	.quad 5

	.section .note.GNU-stack, "", @progbits
