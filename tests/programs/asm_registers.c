/* SPDX-License-Identifier: MIT */
/* A system call changes rax, rcx and r11 and no other general register. */
#include "check.h"
#include <sys/syscall.h>

#ifdef __x86_64__
/* Loads known values, calls, and stores what the registers hold then. */
__asm__(".text\n.type call_with_pattern,@function\ncall_with_pattern:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	"
	"push %r15\n"
	"	push %rdi\n"
	"	mov %rsi, %rax\n"
	"	mov $0x1111111111111111, %rbx\n"
	"	mov $0x2222222222222222, %rdx\n"
	"	mov $0x3333333333333333, %rsi\n"
	"	mov $0x4444444444444444, %rdi\n"
	"	mov $0x5555555555555555, %rbp\n"
	"	mov $0x6666666666666666, %r8\n"
	"	mov $0x7777777777777777, %r9\n"
	"	mov $0x8888888888888888, %r10\n"
	"	mov $0x9999999999999999, %r12\n"
	"	mov $0xaaaaaaaaaaaaaaaa, %r13\n"
	"	mov $0xbbbbbbbbbbbbbbbb, %r14\n"
	"	mov $0xcccccccccccccccc, %r15\n"
	"	syscall\n"
	"	xchg %rdi, (%rsp)\n"
	"	mov %rax, 0(%rdi)\n	mov %rbx, 8(%rdi)\n	mov %rdx, 16(%rdi)\n"
	"	mov %rsi, 24(%rdi)\n	mov %rbp, 40(%rdi)\n	mov %r8, 48(%rdi)\n"
	"	mov %r9, 56(%rdi)\n	mov %r10, 64(%rdi)\n	mov %r12, 72(%rdi)\n"
	"	mov %r13, 80(%rdi)\n	mov %r14, 88(%rdi)\n	mov %r15, 96(%rdi)\n"
	"	pop %rax\n"
	"	mov %rax, 32(%rdi)\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	"
	"pop %rbx\n"
	"	ret\n");
void call_with_pattern(uint64_t out[13], long nr);

int main(void)
{
	static const int nr[] = {SYS_getpid, SYS_getuid, SYS_sched_yield, SYS_getppid, SYS_gettid};
	static const int place[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint64_t out[13];
	int round, i;

	for (round = 0; round < 20; round++) {
		memset(out, 0, sizeof(out));
		call_with_pattern(out, nr[round % 5]);
		for (i = 0; i < 12; i++)
			CHECK_EQ(out[place[i]], 0x1111111111111111u * (i + 1));
		if (round % 5 == 0)
			CHECK_EQ(out[0], getpid());
	}
	return done();
}
#else
int main(void)
{
	SKIP("for x86-64");
}
#endif
