/* SPDX-License-Identifier: MIT */
/* Arguments into canonical bytes. */
#include <linux/fcntl.h>
#include <linux/msg.h>
#include <linux/sem.h>

#include "pack_item.h"

static void put_mark(struct packer *k, uint64_t mark, uint64_t *exec)
{
	put_u64(&k->out, mark);
	*exec = mark == PACK_NULL ? 0 : BAD_ADDRESS;
}

/* The bytes of the last item have arrived, so the call can be given them. */
static bool arrived(const struct packer *k, uint64_t exec)
{
	return exec != 0 && exec != BAD_ADDRESS && k->out.size <= k->out.capacity;
}

void put_user(struct packer *k, uint64_t user, uint64_t bytes, uint64_t *exec)
{
	size_t at = k->out.size;
	uint8_t *p;

	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	put_u64(&k->out, bytes);
	p = cursor_take(&k->out, bytes);
	*exec = (uintptr_t)p;
	if (p && bytes && user_read(p, (const void *)user, bytes) < 0) {
		k->out.size = at;
		put_mark(k, PACK_FAULT, exec);
	}
}

static void put_string(struct packer *k, uint64_t user, size_t max, uint64_t *exec)
{
	size_t bytes;
	long length;

	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	length = user_strnlen((const char *)user, max);
	if (length < 0) {
		put_mark(k, PACK_FAULT, exec);
		return;
	}
	bytes = (size_t)length < max ? (size_t)length + 1 : max;
	put_user(k, user, bytes, exec);
	/* Another thread may have written to the string between the two looks. */
	if ((size_t)length < max && arrived(k, *exec))
		((char *)*exec)[length] = 0;
}

static void put_strings(struct packer *k, uint64_t user, uint64_t *exec)
{
	size_t at = k->out.size, vector = k->scratch.size;
	uint64_t pointer, where, count = 0;

	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	put_u64(&k->out, 0);
	for (;; count++) {
		if (user_read(&pointer, (const void *)(user + 8 * count), 8) < 0) {
			k->out.size = at;
			put_mark(k, PACK_FAULT, exec);
			return;
		}
		if (pointer == 0)
			break;
		put_string(k, pointer, STRING_MAX, &where);
		put_u64(&k->scratch, where);
	}
	put_u64(&k->scratch, 0);
	set_u64(&k->out, at, count);
	*exec = (uintptr_t)(k->scratch.buf + vector);
}

void put_sockaddr(struct packer *k, uint64_t user, uint64_t bytes, uint64_t *exec)
{
	uint16_t family;
	uint8_t *p;

	if (user != 0 && bytes > NAME_MAX_BYTES) {
		put_mark(k, PACK_FAULT, exec);
		return;
	}
	put_user(k, user, bytes, exec);
	if (!arrived(k, *exec) || bytes < sizeof(family))
		return;
	p = (uint8_t *)*exec;
	__builtin_memcpy(&family, p, sizeof(family));
	switch (family) {
	case 1: /* AF_UNIX: a path ends at its NUL, an abstract name at the length */
		for (size_t i = 2, end = 0; i < bytes && (bytes < 3 || p[2] != 0); i++) {
			if (end)
				p[i] = 0;
			else if (p[i] == 0)
				end = i;
		}
		break;
	case 2: /* AF_INET: sin_zero */
		for (size_t i = 8; i < bytes && i < 16; i++)
			p[i] = 0;
		break;
	case 16: /* AF_NETLINK: nl_pad */
		for (size_t i = 2; i < bytes && i < 4; i++)
			p[i] = 0;
		break;
	default:
		break;
	}
}

/* A structure of which only the beginning means something; room: of its copy in scratch. */
static void put_prefix(struct packer *k, uint64_t user, unsigned bytes, unsigned prefix,
		       unsigned room, uint64_t *exec)
{
	size_t at = k->out.size;
	uint8_t *s, *p;

	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	put_u64(&k->out, prefix);
	p = cursor_take(&k->out, prefix);
	s = cursor_take(&k->scratch, room);
	*exec = (uintptr_t)s;
	if (!s)
		return;
	if (user_read(s, (const void *)user, bytes) < 0) {
		k->out.size = at;
		put_mark(k, PACK_FAULT, exec);
	} else if (p) {
		__builtin_memcpy(p, s, prefix);
	}
}

/* Compared in the packed bytes, executed from a copy in scratch that the kernel updates. */
static void put_inout(struct packer *k, uint64_t user, const struct arg_desc *arg, uint64_t *exec)
{
	unsigned bytes = arg->size, room = 2 * (unsigned)SCRATCH_ORIGINAL(bytes);
	uint8_t *s;

	put_prefix(k, user, bytes, arg->aux ? arg->aux : bytes, room, exec);
	s = (uint8_t *)*exec;
	if (s && *exec != BAD_ADDRESS)
		__builtin_memcpy(s + SCRATCH_ORIGINAL(bytes), s, bytes);
}

static void put_socklen(struct packer *k, uint64_t user, uint64_t *exec)
{
	uint64_t *s;
	uint32_t value;

	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	if (user_read(&value, (const void *)user, sizeof(value)) < 0) {
		put_mark(k, PACK_FAULT, exec);
		return;
	}
	put_u64(&k->out, value);
	s = (uint64_t *)cursor_take(&k->scratch, 16);
	*exec = (uintptr_t)s;
	if (s)
		s[0] = s[1] = value;
}

static void put_pollfds(struct packer *k, uint64_t user, uint64_t count, uint64_t *exec)
{
	size_t at = k->out.size, bytes = count * sizeof(struct poll_entry);
	struct poll_entry *s, *p;

	if (user == 0 || count > DESCRIPTORS_MAX) {
		put_mark(k, user == 0 ? PACK_NULL : PACK_FAULT, exec);
		return;
	}
	put_u64(&k->out, bytes);
	p = (void *)cursor_take(&k->out, bytes);
	s = (void *)cursor_take(&k->scratch, bytes);
	*exec = (uintptr_t)s;
	if (!s)
		return;
	if (user_read(s, (const void *)user, bytes) < 0) {
		k->out.size = at;
		put_mark(k, PACK_FAULT, exec);
		return;
	}
	for (size_t i = 0; p && i < count; i++)
		p[i] = (struct poll_entry){.fd = s[i].fd, .events = s[i].events};
}

static void put_fdset(struct packer *k, uint64_t user, uint64_t count, uint64_t *exec)
{
	uint64_t bytes = (count + 63) / 64 * 8, where, *last;
	uint8_t *s;

	if (user == 0 || count > DESCRIPTORS_MAX) {
		put_mark(k, user == 0 ? PACK_NULL : PACK_FAULT, exec);
		return;
	}
	put_user(k, user, bytes, &where);
	*exec = where;
	if (where == BAD_ADDRESS)
		return;
	s = cursor_take(&k->scratch, bytes);
	if (!s || !arrived(k, where))
		return;
	if (count % 64) {
		last = (uint64_t *)(where + bytes - 8);
		*last &= (1ull << count % 64) - 1;
	}
	__builtin_memcpy(s, (const void *)where, bytes);
	*exec = (uintptr_t)s;
}

static void put_sigset_arg(struct packer *k, uint64_t user, uint64_t *exec)
{
	struct sigset_arg arg, *s;
	uint64_t where;

	if (user != 0 && user_read(&arg, (const void *)user, sizeof(arg)) < 0) {
		put_mark(k, PACK_FAULT, exec);
		return;
	}
	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	put_user(k, arg.set, 8, &where);
	s = (void *)cursor_take(&k->scratch, sizeof(*s));
	*exec = (uintptr_t)s;
	if (s)
		*s = (struct sigset_arg){.set = where, .bytes = arg.bytes};
}

static void put_file_handle(struct packer *k, uint64_t user, uint64_t *exec)
{
	struct file_handle_head head;
	uint8_t *s;

	if (user == 0) {
		put_mark(k, PACK_NULL, exec);
		return;
	}
	if (user_read(&head, (const void *)user, sizeof(head)) < 0) {
		put_mark(k, PACK_FAULT, exec);
		return;
	}
	put_u64(&k->out, head.bytes);
	s = cursor_take(&k->scratch, 8 + sizeof(head) + HANDLE_MAX);
	*exec = s ? (uintptr_t)s + 8 : 0;
	if (s) {
		__builtin_memcpy(s, &head, sizeof(head));
		__builtin_memcpy(s + 8, &head, sizeof(head));
	}
}

#define IPC_COMMANDS(X)                                                                            \
	X(sem, IPC_RMID, NONE, 0)                                                                  \
	X(sem, IPC_SET, IN_FIXED, sizeof(struct semid64_ds))                                       \
	X(sem, IPC_STAT, OUT_FIXED, sizeof(struct semid64_ds))                                     \
	X(sem, IPC_INFO, OUT_FIXED, sizeof(struct seminfo))                                        \
	X(sem, GETPID, NONE, 0)                                                                    \
	X(sem, GETVAL, NONE, 0)                                                                    \
	X(sem, GETNCNT, NONE, 0)                                                                   \
	X(sem, GETZCNT, NONE, 0)                                                                   \
	X(sem, SETVAL, INT, 0)                                                                     \
	X(sem, SEM_STAT, OUT_FIXED, sizeof(struct semid64_ds))                                     \
	X(sem, SEM_STAT_ANY, OUT_FIXED, sizeof(struct semid64_ds))                                 \
	X(sem, SEM_INFO, OUT_FIXED, sizeof(struct seminfo))                                        \
	X(msg, IPC_RMID, NONE, 0)                                                                  \
	X(msg, IPC_SET, IN_FIXED, sizeof(struct msqid64_ds))                                       \
	X(msg, IPC_STAT, OUT_FIXED, sizeof(struct msqid64_ds))                                     \
	X(msg, IPC_INFO, OUT_FIXED, sizeof(struct msginfo))                                        \
	X(msg, MSG_STAT, OUT_FIXED, sizeof(struct msqid64_ds))                                     \
	X(msg, MSG_STAT_ANY, OUT_FIXED, sizeof(struct msqid64_ds))                                 \
	X(msg, MSG_INFO, OUT_FIXED, sizeof(struct msginfo))

/* GETALL and SETALL have a hook (hook_semctl). */
struct ipc_arg ipc_arg(const struct call_row *row, uint64_t command)
{
	enum call_number call = (enum call_number)(row - call_table);

#define COMMAND(area, name, type, size)                                                            \
	if (call == CALL_##area##ctl && command == (name))                                         \
		return (struct ipc_arg){ARG_##type, size};
	IPC_COMMANDS(COMMAND)
#undef COMMAND
	return (struct ipc_arg){ARG_NONE, 0}; /* the kernel doesn't know it either */
}

static void put_ipc(struct packer *k, const struct call_row *row, uint64_t command, uint64_t user,
		    uint64_t *exec)
{
	struct ipc_arg arg = ipc_arg(row, command);

	*exec = user;
	switch (arg.type) {
	case ARG_INT:
		put_u64(&k->out, 8);
		put_u64(&k->out, scalar(ARG_INT, user));
		break;
	case ARG_OUT_FIXED:
		put_u64(&k->out, user ? 0 : PACK_NULL);
		break;
	case ARG_IN_FIXED:
		put_user(k, user, arg.size, exec);
		break;
	default:
		put_u64(&k->out, 0);
		break;
	}
}

/* The types that aren't one word. Out of line, so that the loop over scalars stays small. */
static int __attribute__((noinline))
put_memory(struct packer *k, const struct call_row *row, const uint64_t args[6], unsigned i)
{
	const struct arg_desc *arg = &row->arg[i];
	uint64_t *exec = &k->pack->exec[i], user = args[i], n;

	switch (arg->type) {
	case ARG_IN:
		n = said_by(row, args, arg);
		if ((int64_t)n < 0 && user != 0)
			put_mark(k, PACK_FAULT, exec);
		else
			put_user(k, user, (n < RW_MAX ? n : RW_MAX) + arg->size, exec);
		break;
	case ARG_PATH:
		put_string(k, user, PATH_BYTES, exec);
		break;
	case ARG_IN_FIXED:
		if (arg->aux)
			put_prefix(k, user, arg->size, arg->aux, arg->size, exec);
		else
			put_user(k, user, arg->size, exec);
		break;
	case ARG_IOV_IN:
		n = said_by(row, args, arg);
		if (n > 0 && n <= IOV_MAX_COUNT)
			k->one_iov = arg->aux;
		put_iov_in(k, user, n, exec);
		break;
	case ARG_IOV_OUT:
		put_iov_out(k, user, said_by(row, args, arg), exec);
		break;
	case ARG_SOCKADDR_IN:
		put_sockaddr(k, user, said_by(row, args, arg), exec);
		break;
	case ARG_SOCKLEN:
		put_socklen(k, user, exec);
		break;
	case ARG_MSG_IN:
	case ARG_MSG_OUT:
		put_msg(k, user, arg->type == ARG_MSG_OUT, exec);
		break;
	case ARG_MMSG_IN:
	case ARG_MMSG_OUT:
		put_mmsg(k, user, said_by(row, args, arg), arg->type == ARG_MMSG_OUT, exec);
		break;
	case ARG_STRINGS:
		put_strings(k, user, exec);
		break;
	case ARG_IN_VECTOR:
		n = said_by(row, args, arg);
		if (n > RW_MAX / arg->size && user != 0)
			put_mark(k, PACK_FAULT, exec);
		else
			put_user(k, user, n * arg->size, exec);
		break;
	case ARG_SIGSET_IN:
		put_sigset_arg(k, user, exec);
		break;
	case ARG_INOUT_FIXED:
		put_inout(k, user, arg, exec);
		break;
	case ARG_POLLFDS:
		put_pollfds(k, user, said_by(row, args, arg), exec);
		break;
	case ARG_FDSET:
		put_fdset(k, user, said_by(row, args, arg), exec);
		break;
	case ARG_FILE_HANDLE:
		put_file_handle(k, user, exec);
		break;
	case ARG_IPC:
		put_ipc(k, row, said_by(row, args, arg), user, exec);
		break;
	default:
		return -ENOSYS;
	}
	return 0;
}

int pack_args(const struct call_row *row, const uint64_t args[6], struct pack *p)
{
	struct packer k = {
		.out = {p->buf, 0, p->capacity},
		.scratch = {p->scratch, 0, p->scratch_capacity},
		.pack = p,
		.one_iov = -1,
	};
	int error;

	for (unsigned i = 0; i < 6; i++) {
		const struct arg_desc *arg = &row->arg[i];
		uint64_t value = args[i];

		switch (arg->type) {
		case ARG_NONE:
			for (; i < 6; i++)
				p->exec[i] = 0;
			break;
		case ARG_IGNORE:
			p->exec[i] = value;
			break;
		case ARG_INT:
		case ARG_FD:
		case ARG_DIRFD:
		case ARG_PID:
		case ARG_SIGNAL:
			value = (uint64_t)(int64_t)(int32_t)value;
			p->exec[i] = value;
			put_u64(&k.out, value);
			break;
		case ARG_MODE:
			/* open() passes whatever the register holds when no file is made */
			if (arg->aux && !(args[arg->aux] & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY))
				value = 0;
			/* fall through */
		case ARG_UINT:
		case ARG_FLAGS:
			value = (uint32_t)value;
			p->exec[i] = value;
			put_u64(&k.out, value);
			break;
		case ARG_LONG:
			p->exec[i] = value;
			put_u64(&k.out, value);
			break;
		case ARG_PTR:
		case ARG_OUT_RET:
		case ARG_OUT_LEN:
		case ARG_OUT_FIXED:
		case ARG_OUT_STAT:
		case ARG_OUT_VECTOR:
		case ARG_OUT_VALUE:
		case ARG_SOCKADDR_OUT:
			p->exec[i] = value;
			put_u64(&k.out, value != 0);
			break;
		default:
			error = put_memory(&k, row, args, i);
			if (error)
				return error;
			break;
		}
	}
	if (k.one_iov >= 0)
		p->exec[k.one_iov] = 1;
	p->size = k.out.size;
	if (__builtin_expect(k.out.size <= k.out.capacity && k.scratch.size <= k.scratch.capacity,
			     1))
		return 0;
	p->needed = k.out.size;
	p->needed_scratch = k.scratch.size;
	return -ENOSPC;
}
