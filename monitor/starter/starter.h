/* SPDX-License-Identifier: MIT */
/*
 * The starter: the image that exec really executes under the seccomp trap.
 *
 * A filter outlives exec, so it would kill the new image's loader, whose system
 * calls come from outside the gate. The starter is a small static image that
 * lies at the session's own address and begins with the gate page: the kernel
 * itself maps the gate. In user space it then does what the kernel's exec does:
 * maps the program and its loader where mmap chooses, corrects the auxiliary
 * vector that the kernel has made, passes calls that trap through the gate, and
 * jumps to the loader. The monitor takes over as it does in a first image.
 *
 * It is position-independent and is linked at 0; the supervisor puts it at the
 * session's address (supervisor/starter.c) in a sealed memory file that all
 * variants have open. What it can't do, or what would fail, the monitor has found out
 * before (program.h), while execve could still return an error.
 */
#ifndef TANDEM_STARTER_H
#define TANDEM_STARTER_H

/*
 * Environment variable for the starter and the monitor of the new image; removed before main.
 * Its value: descriptor ':' length ':' path of the program in as many bytes ':' AT_EXECFN.
 */
#define STARTER_ENV "TANDEM_START"

/* What /proc/PID/exe names where the starter was executed. */
#define STARTER_NAME "tandem-starter"
#define STARTER_EXE "/memfd:" STARTER_NAME " (deleted)"

#endif
