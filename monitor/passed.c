/* SPDX-License-Identifier: MIT */
#include "passed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>

#include "call.h"
#include "fd.h"

/* What the leader's kernel knows of a descriptor that has arrived. */
struct passed {
	struct record_passed record;
	char path[4096];
};

/* Another descriptor that this process has of the same epoll or memory file; -1: none. */
static int same_description(const struct process *p, int fd)
{
	for (uint32_t i = 0; i < p->fds.end; i++) {
		const struct fd_entry *e = fd_get(p, (int)i);

		if (e && (e->kind == FD_EPOLL || e->kind == FD_MEMFD) && (int)i != fd &&
		    sys(SYS_kcmp, p->pid, p->pid, KCMP_FILE, fd, i) == 0)
			return (int)i;
	}
	return -1;
}

static void look_at(const struct process *p, int fd, struct passed *passed)
{
	char link[32] = "/proc/self/fd/", digits[12];
	size_t at = strlen(link), n = 0;
	long length = 0;

	passed->record = (struct record_passed){.fd = fd, .same = -1, .kind = fd_probe(fd)};
	passed->record.flags = (uint32_t)sys(SYS_fcntl, fd, F_GETFL);
	if (passed->record.kind == FD_FILE || passed->record.kind == FD_OTHER)
		passed->record.same = same_description(p, fd);
	if (passed->record.kind == FD_FILE) {
		for (uint32_t rest = (uint32_t)fd; n == 0 || rest; rest /= 10)
			digits[n++] = (char)('0' + rest % 10);
		while (n)
			link[at++] = digits[--n];
		length =
			sys(SYS_readlinkat, AT_FDCWD, link, passed->path, sizeof(passed->path) - 1);
	}
	passed->path[length > 0 ? length : 0] = 0;
}

static void listen_to(struct thread *t, struct passed *passed)
{
	struct record header;
	const struct record *r = follower_next(t, &header);
	size_t bytes = header.size - sizeof(header);

	if (header.kind != RECORD_PASSED || bytes <= sizeof(passed->record) ||
	    bytes > sizeof(*passed))
		stop_garbage(t, "what the leader knows of a passed descriptor is missing");
	memcpy(passed, r + 1, bytes);
	((char *)passed)[bytes - 1] = 0;
	follower_resume(t, &header);
}

void passed_note(struct thread *t, int fd)
{
	struct process *p = t->process;
	struct record_passed *r;
	struct passed passed;

	r = &passed.record;
	if (p->leader) {
		look_at(p, fd, &passed);
		leader_note(t, RECORD_PASSED, 0, 0, &passed, sizeof(*r) + strlen(passed.path) + 1,
			    false);
	} else {
		listen_to(t, &passed);
		if (r->fd != fd)
			stop_garbage(t, "the leader speaks of another descriptor");
	}
	if (r->same >= 0) {
		fd_duplicate(p, r->same, fd);
		return;
	}
	fd_set_kind(p, fd, r->kind < FD_OTHER ? r->kind : FD_OTHER)->shared = true;
	if (!p->leader && passed.path[0] == '/')
		fd_set_path(p, fd, AT_FDCWD, passed.path, r->flags);
}
