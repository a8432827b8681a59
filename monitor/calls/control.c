/* SPDX-License-Identifier: MIT */
/* fcntl, ioctl, prctl: one call with many meanings. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../execute.h"
#include "../fd.h"
#include "../process.h"
#include "../segment.h"
#include "../supervisor.h"
#include "hooks.h"

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif
#define F_GETOWNER_UIDS_ 17
#define F_SETOWN_EX_ 15
#define F_GETOWN_EX_ 16
#define KERNEL_TERMIOS 36  /* the kernel's struct termios, which isn't libc's */
#define RW_HINT_FIRST 1035 /* F_GET_RW_HINT */

static struct arg_desc fcntl_argument(unsigned command)
{
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_SETFD:
	case F_SETFL:
	case F_SETOWN:
	case 10:   /* F_SETSIG */
	case 1024: /* F_SETLEASE */
	case 1026: /* F_NOTIFY */
	case 1031: /* F_SETPIPE_SZ */
	case 1033: /* F_ADD_SEALS */
		return (struct arg_desc){.type = ARG_INT};
	case F_SETOWN_EX_:
		return (struct arg_desc){.type = ARG_IN_FIXED, .size = 8};
	case F_GETOWN_EX_:
		return (struct arg_desc){.type = ARG_OUT_FIXED, .aux = OUT_ON_SUCCESS, .size = 8};
	case F_GETOWNER_UIDS_:
		return (struct arg_desc){.type = ARG_OUT_FIXED, .aux = OUT_ON_SUCCESS, .size = 8};
	case RW_HINT_FIRST:
	case RW_HINT_FIRST + 2:
		return (struct arg_desc){.type = ARG_OUT_FIXED, .aux = OUT_ON_SUCCESS, .size = 8};
	case RW_HINT_FIRST + 1:
	case RW_HINT_FIRST + 3:
		return (struct arg_desc){.type = ARG_IN_FIXED, .size = 8};
	default:
		return (struct arg_desc){.type = ARG_IGNORE};
	}
}

static bool is_lock(unsigned command)
{
	return command == F_GETLK || command == F_SETLK || command == F_SETLKW ||
	       command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/*
 * A lock's structure has a hole, and l_pid means something to the OFD commands only: its first
 * words are compared where they are, start and length as if they were arguments of their own.
 */
static void lock_argument(struct call *c, struct call_row *row)
{
	struct flock lock = {0};

	user_read(&lock, (const void *)c->args[2], sizeof(lock));
	row->arg[2] =
		(struct arg_desc){.type = ARG_INOUT_FIXED,
				  .aux = offsetof(struct flock, l_whence) + sizeof(lock.l_whence),
				  .size = sizeof(lock)};
	row->arg[3] = row->arg[4] = (struct arg_desc){.type = ARG_LONG};
	c->args[3] = (uint64_t)lock.l_start;
	c->args[4] = (uint64_t)lock.l_len;
	if (c->args[1] >= F_OFD_GETLK) {
		row->arg[5] = (struct arg_desc){.type = ARG_INT};
		c->args[5] = (uint64_t)lock.l_pid;
	}
}

/* Leader: another thread of the program may have changed the structure before it was copied. */
static bool lock_changed(const struct call *c)
{
	struct flock lock;

	return user_read(&lock, (const void *)c->pack.exec[2], sizeof(lock)) == 0 &&
	       ((uint64_t)lock.l_start != c->args[3] || (uint64_t)lock.l_len != c->args[4]);
}

void hook_fcntl(struct call *c)
{
	unsigned command = (unsigned)c->args[1];
	bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
	struct call_row row;

	call_refine(c, &row);
	row.arg[2] = fcntl_argument(command);
	if (is_lock(command))
		lock_argument(c, &row);
	c->hold = duplicates;
	if (command != F_SETLKW && command != F_OFD_SETLKW)
		row.flags &= (uint8_t)~CALL_BLOCKS;
	call_enter(c);
	if (c->process->leader) {
		c->bad_address |= is_lock(command) && lock_changed(c);
		call_execute(c);
		if (duplicates && !call_failed(c->result))
			fd_duplicate(c->process, (int)c->args[0], (int)c->result);
	}
	call_leave(c);
	if (command == F_SETFL && c->result == 0)
		fd_set_nonblocking(c->process, (int)c->args[0], c->args[2] & O_NONBLOCK);
	if (!c->process->leader && duplicates && !call_failed(c->result))
		fd_duplicate(c->process, (int)c->args[0], (int)c->result);
	call_finish(c);
}

/* Requests from before _IOC() encoded direction and size. */
static const struct {
	uint32_t request;
	uint8_t type;
	uint16_t size;
} ioctl_table[] = {
	{FIONBIO, ARG_IN_FIXED, 4},
	{FIOASYNC, ARG_IN_FIXED, 4},
	{FIOCLEX, ARG_IGNORE, 0},
	{FIONCLEX, ARG_IGNORE, 0},
	{FIONREAD, ARG_OUT_FIXED, 4},
	{FIOQSIZE, ARG_OUT_FIXED, 8},
	{TIOCOUTQ, ARG_OUT_FIXED, 4},
	{TCGETS, ARG_OUT_FIXED, KERNEL_TERMIOS},
	{TCSETS, ARG_IN_FIXED, KERNEL_TERMIOS},
	{TCSETSW, ARG_IN_FIXED, KERNEL_TERMIOS},
	{TCSETSF, ARG_IN_FIXED, KERNEL_TERMIOS},
	{TIOCGWINSZ, ARG_OUT_FIXED, sizeof(struct winsize)},
	{TIOCSWINSZ, ARG_IN_FIXED, sizeof(struct winsize)},
	{TIOCGPGRP, ARG_OUT_FIXED, 4},
	{TIOCSPGRP, ARG_IN_FIXED, 4},
	{TIOCGSID, ARG_OUT_FIXED, 4},
	{TIOCSCTTY, ARG_INT, 0},
	{TIOCNOTTY, ARG_IGNORE, 0},
	{TCSBRK, ARG_INT, 0},
	{TCFLSH, ARG_INT, 0},
	{TCXONC, ARG_INT, 0},
	{SIOCATMARK, ARG_OUT_FIXED, 4},
	{TIOCGPTPEER, ARG_INT, 0},
	{TIOCPKT, ARG_IN_FIXED, 4},
	{TIOCGETD, ARG_OUT_FIXED, 4},
	{FICLONE, ARG_FD, 0}, /* whose number says that it's a pointer */
	{SIOCGIFNAME, ARG_OUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFINDEX, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFFLAGS, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFADDR, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFNETMASK, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFBRDADDR, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFHWADDR, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFMTU, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFDSTADDR, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFMETRIC, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFTXQLEN, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGIFMAP, ARG_INOUT_FIXED, sizeof(struct ifreq)},
	{SIOCGARP, ARG_INOUT_FIXED, sizeof(struct arpreq)},
};

static bool ioctl_argument(uint32_t request, struct arg_desc *arg)
{
	static const uint8_t by_direction[] = {
		[_IOC_NONE] = ARG_IGNORE,
		[_IOC_WRITE] = ARG_IN_FIXED,
		[_IOC_READ] = ARG_OUT_FIXED,
		[_IOC_READ | _IOC_WRITE] = ARG_INOUT_FIXED,
	};

	for (size_t i = 0; i < sizeof(ioctl_table) / sizeof(*ioctl_table); i++) {
		if (ioctl_table[i].request == request) {
			*arg = (struct arg_desc){.type = ioctl_table[i].type,
						 .size = ioctl_table[i].size};
			return true;
		}
	}
	if (_IOC_SIZE(request) == 0 || _IOC_TYPE(request) == 0)
		return false;
	*arg = (struct arg_desc){.type = by_direction[_IOC_DIR(request)],
				 .size = (uint16_t)_IOC_SIZE(request)};
	return true;
}

/* An interface is asked about by its name, or for it; the rest of the structure is uninitialised.
 */
static void interface_argument(struct call *c, struct call_row *row)
{
	uint64_t address = c->args[2];
	int32_t index = 0;
	long name;

	if (c->args[1] == SIOCGIFNAME) {
		user_read(&index, (void *)(address + offsetof(struct ifreq, ifr_ifindex)),
			  sizeof(index));
		c->args[3] = (uint64_t)index;
		row->arg[3] = (struct arg_desc){.type = ARG_INT};
		return;
	}
	name = user_strnlen((void *)address, IFNAMSIZ - 1);
	row->arg[2].aux = name < 0 ? IFNAMSIZ : (uint8_t)(name + 1);
}

/*
 * SIOCGIFCONF: the list of interfaces. How much room there is for it and where are taken for
 * arguments of their own.
 */
static void list_interfaces(struct call *c, struct call_row *row)
{
	uint64_t *exec = c->pack.exec;
	struct ifconf conf = {0};

	_Static_assert(offsetof(struct ifconf, ifc_len) == 0, "its address is the structure's");
	row->arg[2] = (struct arg_desc){.type = ARG_IGNORE};
	if (user_read(&conf, (const void *)c->args[2], sizeof(conf)) < 0) {
		call_generic(c);
		return;
	}
	row->arg[3] = (struct arg_desc){.type = ARG_OUT_VALUE, .aux = 4};
	row->arg[4] = (struct arg_desc){.type = ARG_SOCKLEN};
	c->args[3] = (uint64_t)conf.ifc_buf;
	c->args[4] = c->args[2];
	call_enter(c);
	if (c->process->leader) {
		conf.ifc_buf = (void *)exec[3];
		user_read(&conf.ifc_len, (const void *)exec[4], sizeof(conf.ifc_len));
		exec[2] = (uint64_t)&conf;
		call_execute(c);
		user_write((void *)exec[4], &conf.ifc_len, sizeof(conf.ifc_len));
	}
	call_leave(c);
	call_finish(c);
}

void hook_ioctl(struct call *c)
{
	struct call_row row;
	int on;

	call_refine(c, &row);
	if ((uint32_t)c->args[1] == SIOCGIFCONF) {
		list_interfaces(c, &row);
		return;
	}
	if (!ioctl_argument((uint32_t)c->args[1], &row.arg[2]))
		call_unsupported(c, "an ioctl request whose argument tandem doesn't know");
	row.flags &= (uint8_t)~CALL_BLOCKS;
	if (_IOC_TYPE(c->args[1]) == _IOC_TYPE(SIOCGIFNAME) &&
	    row.arg[2].size == sizeof(struct ifreq))
		interface_argument(c, &row);
	if ((uint32_t)c->args[1] == SIOCGARP) /* the address that is asked about */
		row.arg[2].aux = offsetof(struct arpreq, arp_ha);
	if (c->args[1] == TIOCGPTPEER) {
		row.result = RESULT_FD;
		row.kind = FD_OTHER;
	}
	call_generic(c);
	if ((uint32_t)c->args[1] == FIONBIO && c->result == 0 &&
	    user_read(&on, (void *)c->args[2], sizeof(on)) == 0)
		fd_set_nonblocking(c->process, (int)c->args[0], on);
}

/* Compared: what the option takes as numbers or a name. The rest are addresses, or left as it was.
 */
static void prctl_arguments(struct call *c, struct call_row *row)
{
	switch ((int)c->args[0]) {
	case PR_CAP_AMBIENT:
		row->arg[2].type = ARG_LONG;
		/* fall through */
	case PR_SET_PDEATHSIG:
	case PR_SET_DUMPABLE:
	case PR_SET_KEEPCAPS:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_SET_SECUREBITS:
	case PR_SET_TIMERSLACK:
	case PR_SET_CHILD_SUBREAPER:
	case PR_SET_NO_NEW_PRIVS:
	case PR_SET_THP_DISABLE:
		row->arg[1].type = ARG_LONG;
		break;
	case PR_SET_NAME:
		row->arg[1].type = ARG_PATH;
		break;
	}
}

void hook_prctl(struct call *c)
{
	struct call_row row;

	call_refine(c, &row);
	prctl_arguments(c, &row);
	switch ((int)c->args[0]) {
	case PR_SET_SECCOMP:
	case PR_SET_SYSCALL_USER_DISPATCH:
	case PR_SET_TSC:
		call_unsupported(c, "it would take the monitor's place");
	case PR_GET_NAME:
	case PR_SET_VMA:
		call_private(c);
		return;
	case PR_SET_PDEATHSIG:
		if (c->process->leader && (int)c->args[1] == SIGKILL)
			supervisor_note_death(c->process->pid, DEATH_SENT);
		call_both(c);
		return;
	default:
		call_both(c);
	}
}

/* Limits on a process's own memory; others a follower would feel in what only the leader does. */
static bool limits_memory(unsigned resource)
{
	return resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_STACK ||
	       resource == RLIMIT_RSS || resource == RLIMIT_MEMLOCK || resource == RLIMIT_CORE;
}

/* A limit of this process, of a child (the program names the leader's), or of a stranger. */
void hook_rlimit(struct call *c)
{
	struct process *p = c->process;
	bool old_form = c->call == CALL_setrlimit;
	int32_t pid = old_form ? 0 : (int32_t)c->args[0];
	unsigned resource = (unsigned)c->args[old_form ? 0 : 1];
	uint64_t limits = c->args[old_form ? 1 : 2];

	call_enter(c);
	if (p->leader)
		call_execute(c);
	call_leave(c);
	if (!p->leader && c->result == 0 && limits && limits_memory(resource)) {
		pid = pid == 0 || pid == p->vpid ? 0 : process_child(p, pid);
		if (pid >= 0 && sys(SYS_prlimit64, pid, resource, limits, 0) < 0)
			diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
				"this variant can't set the limit that the leader has set");
	}
	call_finish(c);
}

/* The kernel lets a thread change its own only. */
void hook_capset(struct call *c)
{
	struct __user_cap_header_struct header;
	long own;

	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	if (!c->process->leader && !call_failed(c->result)) {
		user_read(&header, (const void *)c->args[0], sizeof(header));
		header.pid = 0;
		own = sys(SYS_capset, &header, c->args[1]);
		if (own != c->result)
			diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
				"this variant can't set the capabilities that the leader has set");
	}
	call_finish(c);
}

void hook_rseq(struct call *c)
{
	call_private(c);
}

void hook_ftruncate(struct call *c)
{
	call_generic(c);
}

void hook_readlink(struct call *c)
{
	call_generic(c);
}

void hook_select(struct call *c)
{
	call_generic(c);
}

#define SCHED_LEAST 48 /* sizeof(struct sched_attr) at first, and where it says 0 */

void hook_yield(struct call *c)
{
	struct process *p = c->process;
	struct thread *t = c->thread;

	if (!p->alone && !t->apart && !t->within && !t->held) {
		if (!p->leader)
			follower_yield(t);
		else if (segment_yield(t))
			leader_note(t, RECORD_YIELD, 0, 0, NULL, 0, false);
	}
	call_private(c);
}

/* What the kernel would refuse is one word, which it writes the right size to. */
void hook_sched(struct call *c)
{
	uint32_t said = 0, copied = 0;
	struct call_row row;

	call_refine(c, &row);
	if (c->args[1])
		user_read(&said, (const void *)c->args[1], sizeof(said));
	row.arg[1].size = (uint16_t)(!said                               ? SCHED_LEAST
				     : said < SCHED_LEAST || said > 4096 ? sizeof(said)
									 : said);
	call_enter(c);
	if (c->process->leader) {
		/* Another thread of the program may have changed it meanwhile. */
		if (user_read(&copied, (const void *)c->pack.exec[1], sizeof(copied)) == 0 &&
		    copied != said)
			c->bad_address = true;
		call_execute(c);
	}
	call_leave(c);
	call_finish(c);
}
