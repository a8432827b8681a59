/* SPDX-License-Identifier: MIT */
#include "flags.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../monitor/syscalls/table.h"

struct name {
	uint64_t value;
	const char *text;
};

/* A field (mask) holds one value; what is left are bits. */
struct set {
	uint64_t mask;
	const struct name *values; /* of the field; ends with NULL */
	const struct name *bits;
	const char *none; /* for 0; NULL: "0" */
};

#define N(name)                                                                                    \
	{                                                                                          \
		(uint64_t)(name), #name                                                            \
	}
#define END                                                                                        \
	{                                                                                          \
		0, NULL                                                                            \
	}

/* The kernel's, where libc pretends it is 0. */
#define O_LARGEFILE_KERNEL 0100000
#define MSG_CMSG_COMPAT_KERNEL 0x80000000
#define WNOTHREAD_KERNEL 0x20000000

static const struct name open_modes[] = {N(O_RDONLY), N(O_WRONLY), N(O_RDWR), END};
static const struct name open_bits[] = {N(O_CREAT),
					N(O_EXCL),
					N(O_NOCTTY),
					N(O_TRUNC),
					N(O_APPEND),
					N(O_NONBLOCK),
					N(O_SYNC),
					N(O_DSYNC),
					N(O_ASYNC),
					N(O_DIRECT),
					{O_LARGEFILE_KERNEL, "O_LARGEFILE"},
					N(O_TMPFILE),
					N(O_DIRECTORY),
					N(O_NOFOLLOW),
					N(O_NOATIME),
					N(O_CLOEXEC),
					N(O_PATH),
					END};
static const struct name at_bits[] = {
	N(AT_SYMLINK_NOFOLLOW), {0x200, "AT_REMOVEDIR"} /* or AT_EACCESS */,
	N(AT_SYMLINK_FOLLOW),   N(AT_NO_AUTOMOUNT),
	N(AT_EMPTY_PATH),       END};
static const struct name prot_bits[] = {N(PROT_READ),      N(PROT_WRITE),   N(PROT_EXEC),
					N(PROT_GROWSDOWN), N(PROT_GROWSUP), END};
static const struct name map_types[] = {N(MAP_SHARED), N(MAP_PRIVATE), N(MAP_SHARED_VALIDATE), END};
static const struct name map_bits[] = {N(MAP_FIXED),           N(MAP_ANONYMOUS),
				       N(MAP_GROWSDOWN),       N(MAP_DENYWRITE),
				       N(MAP_EXECUTABLE),      N(MAP_LOCKED),
				       N(MAP_NORESERVE),       N(MAP_POPULATE),
				       N(MAP_NONBLOCK),        N(MAP_STACK),
				       N(MAP_HUGETLB),         N(MAP_SYNC),
				       N(MAP_FIXED_NOREPLACE), END};
static const struct name socket_types[] = {
	N(SOCK_STREAM),    N(SOCK_DGRAM),  N(SOCK_RAW), N(SOCK_RDM),
	N(SOCK_SEQPACKET), N(SOCK_PACKET), END};
static const struct name socket_bits[] = {N(SOCK_NONBLOCK), N(SOCK_CLOEXEC), END};
static const struct name msg_bits[] = {N(MSG_OOB),
				       N(MSG_PEEK),
				       N(MSG_DONTROUTE),
				       N(MSG_CTRUNC),
				       N(MSG_TRUNC),
				       N(MSG_DONTWAIT),
				       N(MSG_EOR),
				       N(MSG_WAITALL),
				       N(MSG_CONFIRM),
				       N(MSG_ERRQUEUE),
				       N(MSG_NOSIGNAL),
				       N(MSG_MORE),
				       N(MSG_WAITFORONE),
				       N(MSG_ZEROCOPY),
				       N(MSG_FASTOPEN),
				       N(MSG_CMSG_CLOEXEC),
				       {MSG_CMSG_COMPAT_KERNEL, "MSG_CMSG_COMPAT"},
				       END};
static const struct name clone_bits[] = {N(CLONE_VM),
					 N(CLONE_FS),
					 N(CLONE_FILES),
					 N(CLONE_SIGHAND),
					 N(CLONE_PIDFD),
					 N(CLONE_PTRACE),
					 N(CLONE_VFORK),
					 N(CLONE_PARENT),
					 N(CLONE_THREAD),
					 N(CLONE_NEWNS),
					 N(CLONE_SYSVSEM),
					 N(CLONE_SETTLS),
					 N(CLONE_PARENT_SETTID),
					 N(CLONE_CHILD_CLEARTID),
					 N(CLONE_DETACHED),
					 N(CLONE_UNTRACED),
					 N(CLONE_CHILD_SETTID),
					 N(CLONE_NEWCGROUP),
					 N(CLONE_NEWUTS),
					 N(CLONE_NEWIPC),
					 N(CLONE_NEWUSER),
					 N(CLONE_NEWPID),
					 N(CLONE_NEWNET),
					 N(CLONE_IO),
					 END};
static const struct name epoll_create_bits[] = {N(EPOLL_CLOEXEC), END};
static const struct name epoll_ops[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD), END};
static const struct name access_bits[] = {N(R_OK), N(W_OK), N(X_OK), END};
static const struct name wait_bits[] = {N(WNOHANG),
					N(WUNTRACED),
					N(WEXITED),
					N(WCONTINUED),
					N(WNOWAIT),
					{WNOTHREAD_KERNEL, "__WNOTHREAD"},
					{0x40000000, "__WALL"},
					{0x80000000, "__WCLONE"},
					END};
static const struct name seeks[] = {N(SEEK_SET),  N(SEEK_CUR),  N(SEEK_END),
				    N(SEEK_DATA), N(SEEK_HOLE), END};
static const struct name fcntls[] = {
	N(F_DUPFD),         N(F_GETFD),       N(F_SETFD),       N(F_GETFL),
	N(F_SETFL),         N(F_GETLK),       N(F_SETLK),       N(F_SETLKW),
	N(F_SETOWN),        N(F_GETOWN),      N(F_SETSIG),      N(F_GETSIG),
	N(F_SETOWN_EX),     N(F_GETOWN_EX),   N(F_OFD_GETLK),   N(F_OFD_SETLK),
	N(F_OFD_SETLKW),    N(F_SETLEASE),    N(F_GETLEASE),    N(F_NOTIFY),
	N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ),  N(F_GETPIPE_SZ),  N(F_ADD_SEALS),
	N(F_GET_SEALS),     N(F_GET_RW_HINT), N(F_SET_RW_HINT), END};
static const struct name families[] = {N(AF_UNSPEC),    N(AF_UNIX),   N(AF_INET), N(AF_INET6),
				       N(AF_NETLINK),   N(AF_PACKET), N(AF_ALG),  N(AF_VSOCK),
				       N(AF_BLUETOOTH), N(AF_KEY),    END};
static const struct name eventfd_bits[] = {N(EFD_SEMAPHORE), N(EFD_NONBLOCK), N(EFD_CLOEXEC), END};
static const struct name timerfd_bits[] = {N(TFD_NONBLOCK), N(TFD_CLOEXEC), END};
static const struct name splice_bits[] = {N(SPLICE_F_MOVE), N(SPLICE_F_NONBLOCK), N(SPLICE_F_MORE),
					  N(SPLICE_F_GIFT), END};
static const struct name rename_bits[] = {N(RENAME_NOREPLACE), N(RENAME_EXCHANGE),
					  N(RENAME_WHITEOUT), END};

static const struct name epoll_events[] = {
	N(EPOLLIN),     N(EPOLLPRI),     N(EPOLLOUT),    N(EPOLLERR),
	N(EPOLLHUP),    N(EPOLLRDNORM),  N(EPOLLRDBAND), N(EPOLLWRNORM),
	N(EPOLLWRBAND), N(EPOLLMSG),     N(EPOLLRDHUP),  N(EPOLLEXCLUSIVE),
	N(EPOLLWAKEUP), N(EPOLLONESHOT), N(EPOLLET),     END};

#define VALUE UINT64_MAX /* no bits: one value */

static const struct set sets[FLAGS_COUNT] = {
	[FLAGS_OPEN] = {O_ACCMODE, open_modes, open_bits, NULL},
	[FLAGS_AT] = {0, NULL, at_bits, NULL},
	[FLAGS_MMAP_PROT] = {0, NULL, prot_bits, "PROT_NONE"},
	[FLAGS_MMAP] = {MAP_TYPE, map_types, map_bits, NULL},
	[FLAGS_SOCKET_TYPE] = {0xf, socket_types, socket_bits, NULL},
	[FLAGS_MSG] = {0, NULL, msg_bits, NULL},
	[FLAGS_CLONE] = {0, NULL, clone_bits, NULL},
	[FLAGS_EPOLL_CREATE] = {0, NULL, epoll_create_bits, NULL},
	[FLAGS_EPOLL_OP] = {VALUE, epoll_ops, NULL, NULL},
	[FLAGS_ACCESS] = {0, NULL, access_bits, "F_OK"},
	[FLAGS_WAIT] = {0, NULL, wait_bits, NULL},
	[FLAGS_SEEK] = {VALUE, seeks, NULL, NULL},
	[FLAGS_FCNTL] = {VALUE, fcntls, NULL, NULL},
	[FLAGS_SOCKET_FAMILY] = {VALUE, families, NULL, NULL},
	[FLAGS_EVENTFD] = {0, NULL, eventfd_bits, NULL},
	[FLAGS_TIMERFD] = {0, NULL, timerfd_bits, NULL},
	[FLAGS_SPLICE] = {0, NULL, splice_bits, NULL},
	[FLAGS_EPOLL_EVENTS] = {0, NULL, epoll_events, NULL},
	[FLAGS_RENAME] = {0, NULL, rename_bits, NULL},
};

struct text {
	char *to;
	size_t size, used;
};

static void add(struct text *t, const char *word)
{
	if (t->used < t->size)
		t->used += (size_t)snprintf(t->to + t->used, t->size - t->used, "%s%s",
					    t->used ? "|" : "", word);
}

static void add_number(struct text *t, uint64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), value < 10 ? "%" PRIu64 : "0x%" PRIx64, value);
	add(t, number);
}

/* The signal that a child's end sends is in clone's lowest byte. */
static uint64_t add_exit_signal(struct text *t, uint64_t value)
{
	const char *name = sigabbrev_np((int)(value & 0xff));
	char word[24];

	if (!name)
		return value;
	snprintf(word, sizeof(word), "SIG%s", name);
	add(t, word);
	return value & ~0xffull;
}

void flags_text(unsigned set, uint64_t value, char *to, size_t size)
{
	const struct set *s = set < FLAGS_COUNT ? &sets[set] : &sets[FLAGS_NONE];
	struct text t = {to, size, 0};
	const struct name *n;

	*to = 0;
	for (n = s->values; n && n->text; n++) {
		if ((value & s->mask) == n->value) {
			add(&t, n->text);
			value &= ~s->mask;
			break;
		}
	}
	for (n = s->bits; n && n->text; n++) {
		if ((value & n->value) == n->value) {
			add(&t, n->text);
			value &= ~n->value;
		}
	}
	if (set == FLAGS_CLONE && value & 0xff)
		value = add_exit_signal(&t, value);
	if (value)
		add_number(&t, value);
	else if (!t.used)
		add(&t, s->none ? s->none : "0");
}
