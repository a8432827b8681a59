/* SPDX-License-Identifier: MIT */
#include "libraries.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

#define LIST_BYTES 65536
#define ENTRIES 1024

/* What one variant starts with. */
struct list {
	struct library {
		const char *name, *path;
	} entry[ENTRIES];
	size_t entries;
};

/* "	libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f...)" or "	/lib/x.so (0x...)"
 */
static void parse(struct list *l, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line && l->entries < ENTRIES;
	     line = strtok_r(NULL, "\n", &save)) {
		char *name = line + strspn(line, " \t");
		char *arrow = strstr(name, " => ");
		char *path = arrow ? arrow + 4 : name;
		char *end = strstr(path, " (0x");

		if (*path != '/' || !end)
			continue;
		*end = '\0';
		if (arrow)
			*arrow = '\0';
		l->entry[l->entries++] = (struct library){name, path};
	}
}

static char *joined_preload(const struct config_variant *v)
{
	size_t size = sizeof("LD_PRELOAD=");
	char *text, *at;

	for (size_t i = 0; i < v->n_preload; i++)
		size += strlen(v->preload[i]) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	at = stpcpy(text, "LD_PRELOAD=");
	for (size_t i = 0; i < v->n_preload; i++) {
		at = stpcpy(at, i ? ":" : "");
		at = stpcpy(at, v->preload[i]);
	}
	return text;
}

static bool is_set(const struct config_variant *v, const char *entry)
{
	size_t n = strcspn(entry, "=") + 1;

	if (!strncmp(entry, "LD_PRELOAD=", n))
		return true;
	for (size_t i = 0; i < v->n_env; i++) {
		if (!strncmp(v->env[i], entry, n))
			return true;
	}
	return false;
}

static int ask(const struct config_variant *v, char *program, char *text)
{
	char *argv[] = {program, NULL};
	size_t count = 0, n = 0;
	char **env;
	int status = -ENOMEM;

	while (environ[count])
		count++;
	env = calloc(count + v->n_env + 3, sizeof(*env));
	if (!env)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!is_set(v, environ[i]))
			env[n++] = environ[i];
	}
	for (size_t i = 0; i < v->n_env; i++)
		env[n++] = v->env[i];
	env[n++] = "LD_TRACE_LOADED_OBJECTS=1";
	env[n] = joined_preload(v);
	if (env[n]) {
		status = program_capture(argv, env, 1, text, LIST_BYTES);
		free(env[n]);
	}
	free(env);
	return status < 0 ? status : 0;
}

char *libraries_list(const struct config_variant *variant, char *program, int *error)
{
	char *text = calloc(1, LIST_BYTES);

	*error = text ? ask(variant, program, text) : -ENOMEM;
	if (!*error)
		return text;
	free(text);
	return NULL;
}

static bool has(const struct list *l, const char *path)
{
	for (size_t i = 0; i < l->entries; i++) {
		if (!strcmp(l->entry[i].path, path))
			return true;
	}
	return false;
}

static bool preloaded(const struct config *c, const struct library *l)
{
	for (size_t v = 0; v < c->n_variants; v++) {
		for (size_t i = 0; i < c->variants[v].n_preload; i++) {
			const char *name = c->variants[v].preload[i];

			if (!strcmp(name, l->name) || !strcmp(name, l->path))
				return true;
		}
	}
	return false;
}

/* Neither a file nor one of the directories above it is another's than root's to change. */
static int only_roots(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	for (const char *end = path; end; end = *end ? strchr(end + 1, '/') : NULL) {
		snprintf(part, sizeof(part), "%.*s", end == path ? 1 : (int)(end - path), path);
		if (lstat(part, &st) < 0)
			return -errno;
		if (st.st_uid != 0 || (!S_ISLNK(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH))))
			return -EPERM;
	}
	if (lstat(path, &st) < 0)
		return -errno;
	return st.st_uid == 0 && (S_ISLNK(st.st_mode) || !(st.st_mode & (S_IWGRP | S_IWOTH)))
		       ? 0
		       : -EPERM;
}

int libraries_allowed(const char *path, char *why, size_t size)
{
	char real[PATH_MAX];
	int error = -EINVAL;

	/* The dynamic linker would see two paths. */
	if (*path == '/' && strlen(path) < sizeof(real) && !strpbrk(path, ": ;"))
		error = only_roots(path);
	if (!error)
		error = realpath(path, real) ? only_roots(real) : -errno;
	if (error == -EPERM)
		snprintf(why, size,
			 "%.300s isn't root's alone: what another host names is loaded only from "
			 "where nobody else can write; name it in preload of the variant",
			 path);
	else if (error == -EINVAL)
		snprintf(why, size, "what another host starts with is no path of a library");
	else if (error)
		snprintf(why, size, "%.300s: %s; install it on this host", path, strerror(-error));
	return error;
}

/* What `from` starts with and `own` doesn't goes to the end of own's preload. */
static int add(const struct config *c, struct list *own, const struct list *from, char *preload,
	       size_t size)
{
	for (size_t i = 0; i < from->entries && own->entries < ENTRIES; i++) {
		size_t n = strlen(preload);

		if (has(own, from->entry[i].path) || preloaded(c, &from->entry[i]))
			continue;
		if ((size_t)snprintf(preload + n, size - n, ":%s", from->entry[i].path) >= size - n)
			return -ENAMETOOLONG;
		own->entry[own->entries++] = from->entry[i];
	}
	return 0;
}

/* What was added behind the first `from` bytes of the list may come from another host. */
static int check_added(const char *preload, size_t from, char *why, size_t size)
{
	char copy[sizeof(((struct session *)0)->preload[0])], *save = NULL;
	int error = 0;

	snprintf(copy, sizeof(copy), "%s", preload + from);
	for (char *path = strtok_r(copy, ":", &save); path && !error;
	     path = strtok_r(NULL, ":", &save))
		error = libraries_allowed(path, why, size);
	return error;
}

bool libraries_differ(const struct config *c)
{
	for (size_t v = 0; v < c->n_variants; v++) {
		if (c->variants[v].n_preload || c->variants[v].exec)
			return true;
	}
	return false;
}

int libraries_equalise(struct session *session, const struct config *config,
		       char *const lists[SESSION_VARIANTS], char *why, size_t size)
{
	struct list *parsed = calloc(SESSION_VARIANTS, sizeof(*parsed));
	size_t n = config->n_variants;
	int error = 0;

	if (!parsed) {
		snprintf(why, size, "no memory");
		return -ENOMEM;
	}
	for (size_t v = 0; v < n; v++)
		parse(&parsed[v], lists[v]);
	for (size_t v = 0; v < n && !error; v++) {
		char *preload = session->preload[v];

		for (size_t w = 0; w < n && !error; w++) {
			size_t before = strlen(preload);

			if (w == v)
				continue;
			error = add(config, &parsed[v], &parsed[w], preload,
				    sizeof(session->preload[v]));
			if (error)
				snprintf(why, size, "%s", strerror(-error));
			else if (config->variants[v].local && !config->variants[w].local)
				error = check_added(preload, before, why, size);
		}
	}
	free(parsed);
	return error;
}
