/* SPDX-License-Identifier: MIT */
/* System call instructions by hand: a jump target right behind, ret behind, two in a row, a loop.
 */
#include "check.h"
#include <sys/syscall.h>

#ifdef __x86_64__
/* Jumps to the instruction behind the syscall without having executed it, if asked to. */
__asm__(".text\n.type skip_or_call,@function\nskip_or_call:\n"
	"	mov %rdi, %rax\n"
	"	test %esi, %esi\n"
	"	jnz 1f\n"
	"	syscall\n"
	"1:	add $1, %rax\n"
	"	ret\n");
__asm__(".type ret_behind,@function\nret_behind:\n"
	"	mov %rdi, %rax\n"
	"	syscall\n"
	"	ret\n"
	"	.byte 0x0f, 0x0b\n"); /* ud2: nobody may get here */
__asm__(".type twice,@function\ntwice:\n"
	"	mov %rdi, %rax\n"
	"	syscall\n"
	"	mov %rax, %r8\n"
	"	mov %rdi, %rax\n"
	"	syscall\n"
	"	sub %r8, %rax\n"
	"	ret\n");
__asm__(".type in_a_row,@function\nin_a_row:\n" /* nothing between; 0 is the number of read */
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	xor %esi, %esi\n"
	"	xor %edx, %edx\n"
	"	syscall\n"
	"	syscall\n"
	"	ret\n");
__asm__(".type looped,@function\nlooped:\n" /* jumps back to the syscall itself */
	"	mov %rdi, %r9\n"
	"	xor %r8d, %r8d\n"
	"	mov %r9, %rax\n"
	"2:	syscall\n"
	"	add %rax, %r8\n"
	"	mov %r9, %rax\n"
	"	dec %esi\n"
	"	jnz 2b\n"
	"	mov %r8, %rax\n"
	"	ret\n");
__asm__(".type rip_relative,@function\nrip_relative:\n" /* what follows depends on its place */
	"	mov %rdi, %rax\n"
	"	syscall\n"
	"	lea 3f(%rip), %rdx\n"
	"	jmp *%rdx\n"
	"	.byte 0x0f, 0x0b\n"
	"3:	ret\n");
__asm__(".type branch_behind,@function\nbranch_behind:\n" /* flags survive the call */
	"	mov %rdi, %rax\n"
	"	cmp %rsi, %rsi\n"
	"	syscall\n"
	"	jne 4f\n"
	"	ret\n"
	"4:	mov $-1, %rax\n"
	"	ret\n");
long skip_or_call(long nr, int skip), ret_behind(long nr), twice(long nr),
	in_a_row(long nr, long a);
long looped(long nr, int count), rip_relative(long nr), branch_behind(long nr, long any);

int main(void)
{
	long pid = getpid();
	int i, fd = open("/proc/self/exe", O_RDONLY);

	CHECK(fd >= 0);

	for (i = 0; i < 6; i++) {
		CHECK_EQ(skip_or_call(SYS_getpid, 0), pid + 1);
		CHECK_EQ(skip_or_call(SYS_getpid, 1), SYS_getpid + 1);
		CHECK_EQ(ret_behind(SYS_getpid), pid);
		CHECK_EQ(twice(SYS_getpid), 0);
		CHECK_EQ(looped(SYS_getpid, 50), 50 * pid);
		CHECK_EQ(rip_relative(SYS_getpid), pid);
		CHECK_EQ(branch_behind(SYS_getpid, 5), pid);
		/* lseek(fd, 0, SEEK_SET) gives 0, so the next one is read(fd, NULL, 0). */
		CHECK_EQ(in_a_row(SYS_lseek, fd), 0);
	}
	return done();
}
#else
int main(void)
{
	SKIP("for x86-64");
}
#endif
