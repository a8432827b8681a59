/* SPDX-License-Identifier: MIT */
/*
 * The vDSO: functions that answer without a system call, and so without the
 * trap. Each is redirected, at its first bytes, to a stub that enters the
 * monitor as if the program had made the call of that name (with its first three
 * arguments; what is in place of the others has no meaning); the stub's tail returns.
 * That reaches programs that look the functions up themselves, too.
 *
 * The functions go on to exist for the monitor: `original` has entry points
 * that behave as the vDSO did, with one exception. Where the vDSO would fall
 * back to a system call, an original returns -ENOSYS and makes none. So it
 * may be called in the monitor without danger, and the caller then makes the
 * call through the gate. When that happens:
 *   clock_gettime, clock_getres: clocks other than REALTIME, MONOTONIC, BOOTTIME,
 *       TAI, MONOTONIC_RAW and the COARSE ones (CPU time, dynamic, invalid ids)
 *   clock_gettime, gettimeofday: any clock while the machine's clock source
 *       isn't readable in user space (hpet, acpi_pm; it may change at run time)
 *   getrandom: always with no state of its own, before the pool is ready, and flags
 *       that it doesn't know
 * time and getcpu never fall back. A bad pointer faults in the original as it
 * did in the vDSO: give it the monitor's own memory.
 *
 * __vdso_getrandom's query for the size of its state (fifth argument -1) gets
 * -ENOSYS without entering the monitor: libc then uses the plain call.
 */
#ifndef TANDEM_INTERPOSE_VDSO_H
#define TANDEM_INTERPOSE_VDSO_H

#include <stddef.h>
#include <stdint.h>

/* NULL: not there, or it can't be kept; make the call through the gate. Results: 0, -errno. */
struct vdso_original {
	int (*clock_gettime)(int clock, void *timespec);
	int (*gettimeofday)(void *timeval, void *timezone);
	long (*time)(long *t);
	int (*clock_getres)(int clock, void *timespec);
	long (*getcpu)(unsigned *cpu, unsigned *node, void *unused);
	long (*getrandom)(void *buf, size_t len, unsigned flags, void *state, size_t state_len);
};

/*
 * Redirects all of them. header: the vDSO's address (AT_SYSINFO_EHDR); patch_init()
 * comes first; the process must have one thread. The number of functions
 * redirected, or -errno:
 *   -ENOEXEC  it isn't a vDSO we can read
 *   -EACCES   its memory can't be changed
 *   -ENOMEM   no memory within reach for stubs
 * A failure may leave some functions redirected, all of them in working order.
 */
int vdso_patch(uintptr_t header, struct vdso_original *original);

/* The originals of this image (init.c). */
extern struct vdso_original vdso_original;

#endif
