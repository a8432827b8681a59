/* SPDX-License-Identifier: MIT */
#include "parameters.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t current_mask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

struct parameters *parameters_gather(const struct session *session, uint64_t descriptors,
				     size_t *bytes)
{
	char cwd[PATH_MAX], *at;
	struct parameters *p;

	/* Where there is none any more, no path is relative to anything. */
	if (!getcwd(cwd, sizeof(cwd)))
		strcpy(cwd, "/");
	*bytes = sizeof(*p) + strlen(cwd) + 1;
	for (char **e = environ; *e; e++)
		*bytes += strlen(*e) + 1;
	p = calloc(1, *bytes);
	if (!p)
		return NULL;
	memcpy(p->random, session->random, sizeof(p->random));
	memcpy(p->hash_secret, session->hash_secret, sizeof(p->hash_secret));
	p->mask = current_mask();
	p->user = geteuid();
	p->group = getegid();
	p->descriptors = descriptors;
	p->strings = 1;
	at = stpcpy((char *)(p + 1), cwd) + 1;
	for (char **e = environ; *e; e++) {
		at = stpcpy(at, *e) + 1;
		p->strings++;
	}
	return p;
}

/* The next string; NULL: there is none. */
static const char *take(const char **at, size_t *left)
{
	const char *s = *at;
	size_t n = strnlen(s, *left);

	if (n == *left)
		return NULL;
	*at += n + 1;
	*left -= n + 1;
	return s;
}

/* As it is, in one go: setenv() would look through all of it for each. It stays allocated. */
static int apply_environment(uint32_t count, const char *at, size_t left)
{
	size_t pointers = ((size_t)count + 1) * sizeof(char *);
	char **list = count <= left ? calloc(1, pointers + left) : NULL;
	const char *from;

	if (!list)
		return -EPROTO;
	from = memcpy((char *)list + pointers, at, left);
	for (uint32_t i = 0; i < count; i++) {
		list[i] = (char *)take(&from, &left);
		if (!list[i]) {
			free(list);
			return -EPROTO;
		}
	}
	environ = list;
	return 0;
}

int parameters_apply(const void *bytes, size_t size, struct session *session, uint64_t *descriptors,
		     char *why, size_t room)
{
	struct parameters p;
	const char *at, *cwd = NULL;
	size_t left;

	if (size >= sizeof(p)) {
		memcpy(&p, bytes, sizeof(p));
		at = (const char *)bytes + sizeof(p);
		left = size - sizeof(p);
		cwd = p.strings ? take(&at, &left) : NULL;
	}
	if (!cwd) {
		snprintf(why, room, "its parameters make no sense");
		return -EPROTO;
	}
	if (p.user != geteuid() || p.group != getegid()) {
		snprintf(
			why, room,
			"user differs: the leader's host runs it as user %u, group %u, this one as "
			"%u, %u",
			p.user, p.group, geteuid(), getegid());
		return -EPERM;
	}
	if (chdir(cwd) < 0) {
		int error = -errno;

		snprintf(why, room,
			 "the leader's working directory, %s, can't be entered on this host: %s",
			 cwd, strerror(-error));
		return error;
	}
	if (apply_environment(p.strings - 1, at, left) < 0) {
		snprintf(why, room, "the leader's environment can't be taken over");
		return -EPROTO;
	}
	memcpy(session->random, p.random, sizeof(p.random));
	memcpy(session->hash_secret, p.hash_secret, sizeof(p.hash_secret));
	umask(p.mask & 0777);
	*descriptors = p.descriptors;
	return 0;
}
