/* SPDX-License-Identifier: MIT */
/*
 * Signal frames, byte for byte as the kernel makes them (arch/x86/kernel/signal_64.c):
 * programs look into them, and the kernel itself takes them back at rt_sigreturn.
 */
#include <errno.h>

#include "../../interpose/patch.h"
#include "../../signals.h"

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define XSTATE_MAGIC1 0x46505853u
#define XSTATE_MAGIC2 0x46505845u
#define XSTATE_LEGACY 512
#define XSTATE_HEADER 64
#define XSTATE_SW 464 /* struct software, in the legacy area */
#define RED_ZONE 128

struct context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};

struct frame {
	uint64_t return_address;
	uint64_t uc_flags;
	uint64_t uc_link;
	stack_t uc_stack;
	struct context context;
	uint64_t uc_sigmask;
	siginfo_t info;
};

struct software {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t size;
	uint32_t padding[7];
};

static uint32_t xstate_size; /* 0: no xsave, fxsave's area only */
static uint64_t xstate_features;

void frame_init(void)
{
	uint32_t a, b, c, d;

	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
	if (!(c & (1u << 27)))
		return;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	xstate_features = ((uint64_t)d << 32) | a;
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0xd), "c"(0));
	xstate_size = b;
}

static uint32_t state_bytes(void)
{
	return xstate_size ? xstate_size + 4 : XSTATE_LEGACY;
}

static bool writable(void *p, size_t bytes)
{
	static const uint8_t zeros[256];
	uint8_t *at = p;

	while (bytes) {
		size_t n = bytes < sizeof(zeros) ? bytes : sizeof(zeros);

		if (user_write(at, zeros, n) < 0)
			return false;
		at += n;
		bytes -= n;
	}
	return true;
}

static void save_state(uint8_t *fp)
{
	struct software sw = {
		.magic1 = XSTATE_MAGIC1,
		.extended_size = xstate_size + 4,
		.features = xstate_features,
		.size = xstate_size,
	};
	uint32_t magic2 = XSTATE_MAGIC2;

	if (!xstate_size) {
		__asm__ volatile("fxsave64 %0" : "=m"(*(uint8_t(*)[XSTATE_LEGACY])fp));
		return;
	}
	__asm__ volatile("xsave64 (%0)" : : "r"(fp), "a"(-1), "d"(-1) : "memory");
	__builtin_memcpy(fp + XSTATE_SW, &sw, sizeof(sw));
	__builtin_memcpy(fp + xstate_size, &magic2, 4);
}

static void context_of_call(struct context *c, const struct regs *r)
{
	c->r8 = r->r8, c->r9 = r->r9, c->r10 = r->r10, c->r11 = r->r11;
	c->r12 = r->r12, c->r13 = r->r13, c->r14 = r->r14, c->r15 = r->r15;
	c->di = r->rdi, c->si = r->rsi, c->bp = r->rbp, c->bx = r->rbx;
	c->dx = r->rdx, c->ax = r->rax, c->cx = r->rcx;
	c->sp = r->rsp, c->ip = patch_origin(r->rip);
	c->flags = r->r11;
	c->cs = 0x33;
	c->ss = 0x2b;
}

static bool on_altstack(const struct thread *t, uint64_t sp)
{
	return !(t->altstack.ss_flags & SS_DISABLE) && sp > (uint64_t)t->altstack.ss_sp &&
	       sp - (uint64_t)t->altstack.ss_sp <= t->altstack.ss_size;
}

int frame_push(struct thread *t, struct regs *regs, const siginfo_t *info,
	       const struct signal_action *action, ucontext_t *context)
{
	uint64_t sp = regs->rsp, top;
	uint32_t fp_bytes = state_bytes();
	struct frame *f;
	uint8_t *fp;

	if ((action->flags & SA_ONSTACK) && !on_altstack(t, sp) &&
	    !(t->altstack.ss_flags & SS_DISABLE) && t->altstack.ss_size)
		top = (uint64_t)t->altstack.ss_sp + t->altstack.ss_size;
	else
		top = sp - RED_ZONE;
	fp = (uint8_t *)((top - fp_bytes) & ~63ull);
	f = (struct frame *)((((uint64_t)fp - sizeof(*f)) & ~15ull) - 8);
	if (!writable(f, (size_t)((uint8_t *)top - (uint8_t *)f)))
		return -EFAULT;
	f->return_address = action->restorer;
	f->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (xstate_size ? UC_FP_XSTATE : 0);
	f->uc_stack = t->altstack;
	f->uc_stack.ss_flags = t->altstack.ss_flags | (on_altstack(t, sp) ? SS_ONSTACK : 0);
	f->uc_sigmask = t->mask;
	f->info = *info;
	if (context) {
		__builtin_memcpy(&f->context, &context->uc_mcontext, sizeof(f->context));
		f->context.ip = patch_origin(f->context.ip);
		if (context->uc_mcontext.fpregs)
			user_read(fp, context->uc_mcontext.fpregs, fp_bytes);
	} else {
		context_of_call(&f->context, regs);
		save_state(fp);
	}
	f->context.fpstate = (uint64_t)fp;

	regs->rsp = (uint64_t)f;
	regs->rip = action->handler;
	regs->rdi = (uint64_t)info->si_signo;
	regs->rsi = (uint64_t)&f->info;
	regs->rdx = (uint64_t)&f->uc_flags;
	regs->rax = 0;
	regs->r11 &= ~(uint64_t)0x500; /* direction and trap flags */
	if (context) {
		greg_t *g = context->uc_mcontext.gregs;

		g[REG_RSP] = (greg_t)regs->rsp;
		g[REG_RIP] = (greg_t)regs->rip;
		g[REG_RDI] = (greg_t)regs->rdi;
		g[REG_RSI] = (greg_t)regs->rsi;
		g[REG_RDX] = (greg_t)regs->rdx;
		g[REG_RAX] = 0;
		g[REG_EFL] &= ~0x500; /* direction and trap flags */
	}
	return 0;
}

static struct frame *frame_of(const struct regs *regs)
{
	return (struct frame *)(regs->rsp - 8);
}

int frame_read(const struct regs *regs, uint64_t *mask, stack_t *altstack)
{
	const struct frame *f = frame_of(regs);

	if (user_read(mask, &f->uc_sigmask, sizeof(*mask)) < 0 ||
	    user_read(altstack, &f->uc_stack, sizeof(*altstack)) < 0)
		return -EFAULT;
	altstack->ss_flags &= ~SS_ONSTACK;
	return 0;
}

/* The kernel is to restore the monitor's stack and mask, and addresses in stubs. */
void frame_return(struct thread *t, const struct regs *regs)
{
	struct frame *f = frame_of(regs);
	stack_t real = {.ss_sp = (uint8_t *)t + THREAD_SIGNAL_STACK, .ss_size = SIGNAL_STACK};
	uint64_t mask = signals_real_mask(t), ip;

	user_read(&ip, &f->context.ip, sizeof(ip));
	ip = patch_resume(ip);
	user_write(&f->context.ip, &ip, sizeof(ip));
	user_write(&f->uc_sigmask, &mask, sizeof(mask));
	user_write(&f->uc_stack, &real, sizeof(real));
	gate.sigreturn((void *)regs->rsp);
}

/* The next frame may take the place of this one, so what lies behind it is saved. */
void frame_interrupt(struct thread *t, struct regs *regs, ucontext_t *context)
{
	const struct frame *f = frame_of(regs);
	struct context old;

	if (user_read(&old, &f->context, sizeof(old)) < 0)
		signals_die(SIGSEGV);
	__builtin_memcpy(&context->uc_mcontext, &old, sizeof(old));
	if (memory_grow((void **)&t->scratch, &t->scratch_size, state_bytes()))
		stop_internal("no memory for a signal's frame", -ENOMEM);
	if (!old.fpstate)
		save_state(t->scratch);
	else if (user_read(t->scratch, (void *)old.fpstate, state_bytes()) < 0)
		signals_die(SIGSEGV);
	context->uc_mcontext.fpregs = (fpregset_t)t->scratch;
	regs->rsp = old.sp;
}
