/* SPDX-License-Identifier: MIT */
/* After a call the flags are what they were, %r11 holds them and %rcx the address behind it. */
#include <sys/syscall.h>

#include "check.h"

#ifdef __x86_64__
#define CARRY 0x001
#define PARITY 0x004
#define ADJUST 0x010
#define ZERO 0x040
#define SIGN 0x080
#define DIRECTION 0x400
#define OVERFLOW 0x800

struct after {
	uint64_t flags, r11, rcx, behind;
};

__asm__(".type with_flags,@function\nwith_flags:\n" /* (number, flags, struct after *) */
	"	mov %rdi, %rax\n"
	"	mov %rdx, %r8\n"
	"	push %rsi\n"
	"	popf\n"
	"	syscall\n"
	"5:	pushf\n"
	"	cld\n"
	"	pop %rax\n"
	"	mov %rax, 0(%r8)\n"
	"	mov %r11, 8(%r8)\n"
	"	mov %rcx, 16(%r8)\n"
	"	lea 5b(%rip), %rax\n"
	"	mov %rax, 24(%r8)\n"
	"	ret\n");
void with_flags(long nr, uint64_t flags, struct after *after);

int main(void)
{
	static const uint64_t sets[] = {0,
					CARRY,
					PARITY,
					ADJUST,
					ZERO,
					SIGN,
					OVERFLOW,
					CARRY | OVERFLOW,
					ZERO | PARITY,
					DIRECTION,
					CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW,
					CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW |
						DIRECTION};
	static const long calls[] = {SYS_getpid, SYS_sched_yield, SYS_getuid};
	struct after after;

	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
			for (int k = 0; k < 3; k++) {
				/* 0x202: interrupts are on, and one bit always is */
				with_flags(calls[k], sets[i] | 0x202, &after);
				CHECK_EQ(after.flags, sets[i] | 0x202);
				CHECK_EQ(after.r11, sets[i] | 0x202);
				CHECK_EQ(after.rcx, after.behind);
			}
		}
	}
	return done();
}
#else
int main(void)
{
	SKIP("for x86-64");
}
#endif
