/* SPDX-License-Identifier: MIT */
#include "epoll.h"

#include <errno.h>

#include "monitor.h"

struct epoll *epoll_new(void)
{
	struct epoll *e = pool_alloc(sizeof(*e));

	if (e)
		e->references = 1;
	return e;
}

void epoll_share(struct epoll *e)
{
	e->references++;
}

void epoll_release(struct epoll *e)
{
	if (--e->references)
		return;
	if (e->registration)
		memory_unmap(e->registration, e->registration_bytes);
	if (e->by_fd)
		memory_unmap(e->by_fd, e->by_fd_bytes);
	pool_free(e, sizeof(*e));
}

long epoll_find(const struct epoll *e, int fd)
{
	if (fd < 0 || (size_t)fd * sizeof(uint32_t) >= e->by_fd_bytes || !e->by_fd[fd])
		return -ENOENT;
	return (long)e->by_fd[fd] - 1;
}

long epoll_register(struct epoll *e, int fd, uint64_t data, bool shared)
{
	long found = epoll_find(e, fd);
	uint32_t number;

	if (fd < 0)
		return -EBADF;
	if (found >= 0 && !e->registration[found].shared) {
		e->registration[found].shared = shared;
		return found;
	}
	if (memory_grow((void **)&e->by_fd, &e->by_fd_bytes, ((size_t)fd + 1) * sizeof(uint32_t)))
		return -ENOMEM;
	if (e->free) {
		number = e->free - 1;
		e->free = e->registration[number].next_free;
	} else {
		if (memory_grow((void **)&e->registration, &e->registration_bytes,
				((size_t)e->used + 1) * sizeof(*e->registration)))
			return -ENOMEM;
		number = e->used++;
	}
	e->registration[number] = (struct epoll_registration){.data = data, .shared = shared};
	e->by_fd[fd] = number + 1;
	return number;
}

void epoll_set(struct epoll *e, uint32_t number, uint64_t data)
{
	if (number < e->used)
		e->registration[number].data = data;
}

void epoll_mark_shared(struct epoll *e, int fd)
{
	long number = epoll_find(e, fd);

	if (number >= 0)
		e->registration[number].shared = 1;
}

void epoll_mark_all_shared(struct epoll *e)
{
	for (uint32_t i = 0; i < e->used; i++)
		e->registration[i].shared = 1;
}

void epoll_unregister(struct epoll *e, int fd)
{
	long number = epoll_find(e, fd);

	if (number < 0)
		return;
	e->by_fd[fd] = 0;
	e->registration[number].next_free = e->free;
	e->free = (uint32_t)number + 1;
}

void epoll_register_undo(struct epoll *e, int fd, long before, long number)
{
	if (before == number)
		return;
	epoll_unregister(e, fd);
	if (before >= 0)
		e->by_fd[fd] = (uint32_t)before + 1;
}

uint64_t epoll_data(const struct epoll *e, uint64_t number)
{
	return number < e->used ? e->registration[number].data : 0;
}
