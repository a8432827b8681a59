/* SPDX-License-Identifier: MIT */
/* The 128 bytes below the stack pointer are in use across a system call. */
#include "check.h"
#include <sys/syscall.h>

#ifdef __x86_64__
__asm__(".text\n.type red_zone,@function\nred_zone:\n"
	"	mov $16, %ecx\n"
	"1:	mov %rcx, %rax\n"
	"	imul $0x1234567, %rax, %rax\n"
	"	neg %rcx\n"
	"	mov %rax, (%rsp,%rcx,8)\n"
	"	neg %rcx\n"
	"	dec %ecx\n"
	"	jnz 1b\n"
	"	mov %rdi, %rax\n"
	"	syscall\n"
	"	mov %rax, %r8\n"
	"	mov $16, %ecx\n"
	"2:	mov %rcx, %rax\n"
	"	imul $0x1234567, %rax, %rax\n"
	"	neg %rcx\n"
	"	cmp %rax, (%rsp,%rcx,8)\n"
	"	jne 3f\n"
	"	neg %rcx\n"
	"	dec %ecx\n"
	"	jnz 2b\n"
	"	mov %r8, %rax\n"
	"	ret\n"
	"3:	mov $-1, %rax\n"
	"	ret\n");
long red_zone(long nr);

int main(void)
{
	int i;

	for (i = 0; i < 20; i++)
		CHECK_EQ(red_zone(SYS_getppid), getppid());
	return done();
}
#else
int main(void)
{
	SKIP("for x86-64");
}
#endif
