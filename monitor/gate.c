/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "interpose/vdso.h"
#include "monitor.h"

extern char gate_begin[], gate_end[], gate_look[], gate_enter[], gate_interrupted[];
extern char gate_code_call[], gate_code_wait[], gate_code_clone[], gate_code_sigreturn[],
	gate_code_restorer[], gate_code_private[], gate_private_over[], gate_private_end[];

struct gate gate;

#define GATE_BYTES 4096

static void gate_set(uintptr_t base)
{
	intptr_t move = (intptr_t)(base - (uintptr_t)gate_begin);

#define MOVED(symbol) ((uintptr_t)(symbol) + (uintptr_t)move)
	gate.call = (void *)MOVED(gate_code_call);
	gate.wait = (void *)MOVED(gate_code_wait);
	gate.clone = (void *)MOVED(gate_code_clone);
	gate.sigreturn = (void *)MOVED(gate_code_sigreturn);
	gate.restorer = (void *)MOVED(gate_code_restorer);
	monitor_gate_private = (void *)MOVED(gate_code_private);
	gate.look = MOVED(gate_look);
	gate.enter = MOVED(gate_enter);
	gate.interrupted = MOVED(gate_interrupted);
	gate.private_over = MOVED(gate_private_over);
	gate.private_end = MOVED(gate_private_end);
	gate.begin = base;
	gate.end = base + (uintptr_t)(gate_end - gate_begin);
#undef MOVED
}

void gate_init(void)
{
	gate_set((uintptr_t)gate_begin);
}

int gate_move(uintptr_t address, bool present)
{
	long p;

	if (present) {
		if (memcmp((void *)address, gate_begin, GATE_BYTES))
			return -EPROTO;
		gate_set(address);
		return 0;
	}
	p = sys(SYS_mmap, address, GATE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (p < 0)
		return (int)p;
	if ((uintptr_t)p != address)
		return -EEXIST;
	user_write((void *)p, gate_begin, GATE_BYTES);
	p = sys(SYS_mprotect, address, GATE_BYTES, PROT_READ | PROT_EXEC);
	if (p < 0)
		return (int)p;
	gate_set(address);
	return 0;
}

long gate_call(long nr, long a, long b, long c, long d, long e, long f)
{
	return sys(nr, a, b, c, d, e, f);
}

/* The ring's own system calls (transport/ring.h). */

long tnd_futex(const _Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return sys(SYS_futex, word, op, value, timeout);
}

int64_t tnd_monotonic(void)
{
	struct timespec now = {0};

	if (!vdso_original.clock_gettime || vdso_original.clock_gettime(CLOCK_MONOTONIC, &now))
		sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}
