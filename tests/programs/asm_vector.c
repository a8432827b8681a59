/* SPDX-License-Identifier: MIT */
/* Vector registers, the direction flag's being clear and MXCSR are kept across system calls. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/uio.h>

#ifdef __x86_64__
/* Loads xmm0-xmm15 from in, makes the call with the arguments behind, stores them to out. */
__asm__(".text\n.type call_with_xmm,@function\ncall_with_xmm:\n"
	"	push %rbx\n	push %r12\n"
	"	mov %rsi, %rbx\n	mov %rdx, %rax\n	mov %rcx, %r12\n"
	"	movups 0(%rdi), %xmm0\n	movups 16(%rdi), %xmm1\n	movups 32(%rdi), %xmm2\n"
	"	movups 48(%rdi), %xmm3\n	movups 64(%rdi), %xmm4\n	movups 80(%rdi), "
	"%xmm5\n"
	"	movups 96(%rdi), %xmm6\n	movups 112(%rdi), %xmm7\n	movups 128(%rdi), "
	"%xmm8\n"
	"	movups 144(%rdi), %xmm9\n	movups 160(%rdi), %xmm10\n	movups 176(%rdi), "
	"%xmm11\n"
	"	movups 192(%rdi), %xmm12\n	movups 208(%rdi), %xmm13\n	movups 224(%rdi), "
	"%xmm14\n"
	"	movups 240(%rdi), %xmm15\n"
	"	mov %r12, %rdi\n	mov %r8, %rsi\n	mov %r9, %rdx\n"
	"	syscall\n"
	"	movups %xmm0, 0(%rbx)\n	movups %xmm1, 16(%rbx)\n	movups %xmm2, 32(%rbx)\n"
	"	movups %xmm3, 48(%rbx)\n	movups %xmm4, 64(%rbx)\n	movups %xmm5, "
	"80(%rbx)\n"
	"	movups %xmm6, 96(%rbx)\n	movups %xmm7, 112(%rbx)\n	movups %xmm8, "
	"128(%rbx)\n"
	"	movups %xmm9, 144(%rbx)\n	movups %xmm10, 160(%rbx)\n	movups %xmm11, "
	"176(%rbx)\n"
	"	movups %xmm12, 192(%rbx)\n	movups %xmm13, 208(%rbx)\n	movups %xmm14, "
	"224(%rbx)\n"
	"	movups %xmm15, 240(%rbx)\n"
	"	pop %r12\n	pop %rbx\n	ret\n");
long call_with_xmm(const void *in, void *out, long nr, long a, const void *b, long c);

int main(void)
{
	unsigned char in[256], out[256];
	char text[100] = "some text that is copied and compared", back[100];
	struct iovec iov = {text, sizeof(text)};
	unsigned before, after;
	int i, p[2];

	CHECK_EQ(pipe(p), 0);
	for (i = 0; i < 256; i++)
		in[i] = i * 7 + 1;
	before = __builtin_ia32_stmxcsr() ^ 0x6000; /* another rounding mode */
	__builtin_ia32_ldmxcsr(before);
	for (i = 0; i < 20; i++) {
		memset(out, 0, sizeof(out));
		CHECK_EQ(call_with_xmm(in, out, SYS_write, p[1], text, 100), 100);
		CHECK(memcmp(in, out, 256) == 0);
		memset(out, 0, sizeof(out));
		CHECK_EQ(call_with_xmm(in, out, SYS_writev, p[1], &iov, 1), 100);
		CHECK(memcmp(in, out, 256) == 0);
		CHECK_EQ(call_with_xmm(in, out, SYS_read, p[0], back, 100), 100);
		CHECK(memcmp(in, out, 256) == 0);
		CHECK_EQ(read(p[0], back, 100), 100);
		CHECK(memcmp(back, text, 100) == 0);
		after = __builtin_ia32_stmxcsr();
		CHECK_EQ(after & 0xffc0, before & 0xffc0);
	}
	return done();
}
#else
int main(void)
{
	SKIP("for x86-64");
}
#endif
