/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct table {
	struct tree_process *p;
	bool *below; /* of us */
	size_t count, capacity;
};

struct pids {
	int *pid;
	size_t count;
};

int tree_look(int pid, struct tree_process *p)
{
	char path[64], line[1024], *end;
	uint64_t user, system;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	line[n] = 0;
	/* The name may contain anything; it ends at the last parenthesis. */
	end = strrchr(line, ')');
	*p = (struct tree_process){.pid = pid, .status = -1};
	if (!end || sscanf(end + 1,
			   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			   " %*d %*d %*d %*d %d",
			   &p->state, &p->parent, &user, &system, &p->threads) != 5)
		return -EPROTO;
	p->cpu = user + system;
	end = strrchr(line, ' '); /* the last field is the exit code, 0 for whom we may not trace */
	if (p->state == 'Z' && end)
		p->status = atoi(end + 1);
	return 0;
}

bool tree_below(int pid)
{
	struct tree_process p = {.parent = pid};

	for (int depth = 0; p.parent > 1 && depth < 4096; depth++) {
		if (tree_look(p.parent, &p))
			return false;
		if (p.parent == getpid())
			return true;
	}
	return false;
}

static int by_pid(const void *a, const void *b)
{
	const struct tree_process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int add(struct table *t, const struct tree_process *p)
{
	if (t->count == t->capacity) {
		size_t more = t->capacity ? 2 * t->capacity : 256;
		struct tree_process *grown = realloc(t->p, more * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		t->p = grown;
		t->capacity = more;
	}
	t->p[t->count++] = *p;
	return 0;
}

/* Marks whoever has a marked parent until nothing changes: as many rounds as the tree is deep. */
static void mark(struct table *t)
{
	int self = getpid();
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < t->count; i++) {
			const struct tree_process key = {.pid = t->p[i].parent};
			const struct tree_process *parent;

			if (t->below[i])
				continue;
			if (key.pid != self) {
				parent = bsearch(&key, t->p, t->count, sizeof(key), by_pid);
				if (!parent || !t->below[parent - t->p])
					continue;
			}
			t->below[i] = changed = true;
		}
	}
}

static void discard(struct table *t)
{
	free(t->p);
	free(t->below);
	*t = (struct table){0};
}

static int scan(struct table *t)
{
	DIR *d = opendir("/proc");
	struct tree_process p;
	struct dirent *e;
	int error = 0;

	*t = (struct table){0};
	if (!d)
		return -errno;
	while (!error && (e = readdir(d))) {
		int pid = atoi(e->d_name);

		if (pid > 0 && tree_look(pid, &p) == 0)
			error = add(t, &p);
	}
	closedir(d);
	if (!error && t->count == 0)
		error = -ENOENT; /* not even ourselves: this isn't a /proc */
	t->below = calloc(t->count + 1, sizeof(*t->below));
	if (!t->below)
		error = -ENOMEM;
	if (error) {
		discard(t);
		return error;
	}
	qsort(t->p, t->count, sizeof(*t->p), by_pid);
	mark(t);
	return 0;
}

static bool has(const struct pids *list, int pid)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->pid[i] == pid)
			return true;
	}
	return false;
}

/*
 * A stopped process makes no children, so a round in which nobody new turns up is the last one.
 */
int tree_freeze(void)
{
	struct pids stopped = {0};
	bool news = true;
	int error = 0;

	while (news && !error) {
		struct table t;

		news = false;
		error = scan(&t);
		for (size_t i = 0; !error && i < t.count; i++) {
			int *grown;

			if (!t.below[i] || has(&stopped, t.p[i].pid))
				continue;
			kill(t.p[i].pid, SIGSTOP);
			news = true;
			grown = realloc(stopped.pid, (stopped.count + 1) * sizeof(*grown));
			if (!grown) {
				error = -ENOMEM;
				break;
			}
			stopped.pid = grown;
			stopped.pid[stopped.count++] = t.p[i].pid;
		}
		discard(&t);
	}
	free(stopped.pid);
	return error;
}

/*
 * Each round kills whoever is there, so at least one child of ours dies of it and can be waited
 * for. A round may miss the children of a process that dies while we look; they are ours in the
 * next one.
 */
int tree_kill(void)
{
	int error;

	/* Whoever isn't frozen is killed in a later round. */
	tree_freeze();
	for (;;) {
		struct table t;
		size_t killed = 0;

		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return 0;
		error = scan(&t);
		if (error)
			return error;
		for (size_t i = 0; i < t.count; i++) {
			if (t.below[i]) {
				kill(t.p[i].pid, SIGKILL);
				killed++;
			}
		}
		discard(&t);
		if (killed && waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return 0;
	}
}
