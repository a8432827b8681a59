/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what this machine offers, found out by trying.
 *
 * A kernel's version says little: distributions back-port, containers forbid. So every probe
 * uses the thing itself, in a forked child where it changes state or may die. Probes allocate
 * no lasting resource and need no privilege. They fork: call from a single-threaded process.
 */
#ifndef TANDEM_SUPERVISOR_MACHINE_H
#define TANDEM_SUPERVISOR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

enum machine_feature {
	MACHINE_KERNEL,        /* always there; the detail is its version */
	MACHINE_CPUS,          /* always there; the detail says which this process may use */
	MACHINE_LOCKED_MEMORY, /* always there; the detail is the limit */
	MACHINE_SUD,           /* Syscall User Dispatch */
	MACHINE_SECCOMP,       /* a seccomp filter that traps */
	MACHINE_MODULE,        /* /dev/tandem */
	MACHINE_VDSO,          /* there, and its code can be changed */
	MACHINE_PKU,           /* memory keys */
	MACHINE_MEMFD,         /* sealable memory files */
	MACHINE_MEMBARRIER,    /* expedited */
	MACHINE_HUGEPAGES,     /* a shared huge page can be had */
	MACHINE_IO_URING,
	MACHINE_RDMA, /* a device that works; the detail is all there are, or why none does */
	MACHINE_CRIU,
	MACHINE_FEATURES
};

struct machine_answer {
	bool yes;
	char detail[240]; /* what is there, or why not; may be empty when it is there */
};

/* The feature's name in output: "sud", "io_uring" ... */
const char *machine_feature_name(enum machine_feature feature);

/*
 * Tries it, the first time. A probe that can't be made (no memory, no process) is answered with no
 * and why.
 */
struct machine_answer machine_probe(enum machine_feature feature);

#define MACHINE_RDMA_DEVICES "/sys/class/infiniband"

/* Is there an RDMA device of that name? The detail says how it is, or which there are instead. */
struct machine_answer machine_rdma_device(const char *directory, const char *name);

/* Does it work? NULL: does any? */
struct machine_answer machine_rdma(const char *name);

#endif
