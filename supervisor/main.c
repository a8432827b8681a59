/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../transport/key.h"
#include "check.h"
#include "explain.h"
#include "reports.h"
#include "run.h"
#include "show.h"

struct command {
	const char *file; /* -c */
	long id;          /* -1: none */
	bool verbose, json, watch;
	char **argv; /* what follows the options */
	bool ignores_children;
	struct config config;
};

static int usage(void)
{
	fputs("usage: tandem run -c FILE [--id N] [-v] [--] PROGRAM ARGS...\n"
	      "       tandem check [-c FILE [--id N]] [--json]\n"
	      "       tandem status [--watch] [--json]\n"
	      "       tandem explain [-c FILE] [--json] [REPORT]\n"
	      "       tandem keygen FILE\n",
	      stderr);
	return STATUS_SETUP;
}

static int help(void)
{
	puts("tandem run -c FILE [--id N] [-v] [--] PROGRAM ARGS...   run it as several variants\n"
	     "tandem check [-c FILE [--id N]] [--json]               what this machine can do\n"
	     "tandem status [--watch] [--json]                       what runs now\n"
	     "tandem explain [-c FILE] [--json] [REPORT]             why a run was ended\n"
	     "tandem keygen FILE                                     a key for several hosts");
	return fflush(stdout) == 0 ? 0 : STATUS_SETUP;
}

/*
 * Whoever starts us with closed standard streams must not find our own files there. The
 * placeholders are closed again on the way into the leader.
 */
static int fill_standard(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			return -1;
	}
	return 0;
}

/* Beside the binary (a build tree), or where make install puts it. */
static const char *library(void)
{
	static char path[PATH_MAX + 64];
	const char *override = getenv("TANDEM_LIBRARY");
	char *slash;
	ssize_t n;

	if (override && *override) {
		if (*override == '/' && access(override, R_OK) == 0)
			return override;
		fprintf(stderr, "tandem: TANDEM_LIBRARY=%s: %s\n", override,
			*override == '/' ? strerror(errno) : "an absolute path is needed");
		return NULL;
	}
	n = readlink("/proc/self/exe", path, PATH_MAX);
	if (n < 0) {
		fprintf(stderr, "tandem: /proc/self/exe: %s; is /proc mounted?\n", strerror(errno));
		return NULL;
	}
	path[n] = 0;
	slash = strrchr(path, '/');
	strcpy(slash, "/libtandem.so");
	if (access(path, R_OK) == 0)
		return path;
	strcpy(slash, "/../lib/tandem/libtandem.so");
	if (access(path, R_OK) == 0)
		return path;
	*slash = 0;
	fprintf(stderr,
		"tandem: libtandem.so is neither in %s nor in %s/../lib/tandem; set "
		"TANDEM_LIBRARY\n",
		path, path);
	return NULL;
}

static bool load(struct command *c, bool notes, bool place)
{
	struct config_error e;

	if (config_load(c->file, &c->config, &e) < 0 ||
	    (place && config_place(&c->config, (int)c->id, &e) < 0)) {
		fprintf(stderr, "tandem: %s\n", e.text);
		return false;
	}
	for (size_t i = 0; notes && i < c->config.n_notes; i++)
		fprintf(stderr, "tandem: %s\n", c->config.notes[i]);
	return true;
}

static void complain(void *arg, bool problem, const char *line)
{
	const struct command *c = arg;

	if (problem || c->verbose)
		fprintf(stderr, "tandem: %s\n", line);
}

static int command_run(struct command *c)
{
	const char *lib;

	if (!c->file || !*c->argv || c->json || c->watch)
		return usage();
	if (!load(c, true, true))
		return STATUS_SETUP;
	lib = library();
	if (!lib || check_config(&c->config, complain, c))
		return STATUS_SETUP;
	return run(&c->config, lib, c->argv, c->verbose, c->ignores_children);
}

static int command_check(struct command *c)
{
	if (*c->argv || c->watch || (c->id >= 0 && !c->file))
		return usage();
	if (c->file && !load(c, false, true))
		return STATUS_SETUP;
	return check_machine(stdout, c->file ? &c->config : NULL, c->json);
}

static int command_status(struct command *c)
{
	if (*c->argv || c->file || c->id >= 0)
		return usage();
	return show_status(stdout, c->watch, c->json);
}

static int command_explain(struct command *c)
{
	char directory[64];

	if ((*c->argv && c->argv[1]) || c->watch || c->id >= 0)
		return usage();
	if (c->file && !load(c, false, false))
		return STATUS_SETUP;
	reports_default(directory, sizeof(directory));
	return explain(stdout, c->file ? c->config.report_dir : directory, *c->argv, c->json);
}

static int command_keygen(struct command *c)
{
	char why[KEY_WHY];

	if (!*c->argv || c->argv[1] || c->file || c->json || c->watch || c->id >= 0)
		return usage();
	if (key_generate(*c->argv, why) < 0) {
		fprintf(stderr, "tandem: %s\n", why);
		return STATUS_SETUP;
	}
	return 0;
}

static bool parse_id(const char *text, long *id)
{
	char *end;

	errno = 0;
	*id = strtol(text, &end, 10);
	if (errno || *end || end == text || *id < 0 || *id > INT_MAX) {
		fprintf(stderr, "tandem: --id %s: a variant's id is a number\n", text);
		return false;
	}
	return true;
}

static bool options(struct command *c, int argc, char **argv)
{
	static const struct option names[] = {{"id", required_argument, NULL, 'i'},
					      {"json", no_argument, NULL, 'j'},
					      {"watch", no_argument, NULL, 'w'},
					      {NULL, 0, NULL, 0}};
	int o;

	/* The command takes the place of the program's name. */
	while ((o = getopt_long(argc - 1, argv + 1, "+c:v", names, NULL)) != -1) {
		if (o == 'c')
			c->file = optarg;
		else if (o == 'v')
			c->verbose = true;
		else if (o == 'j')
			c->json = true;
		else if (o == 'w')
			c->watch = true;
		else if (o != 'i' || !parse_id(optarg, &c->id))
			return false;
	}
	c->argv = argv + 1 + optind;
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct command *c);
	} commands[] = {{"run", command_run},
			{"check", command_check},
			{"status", command_status},
			{"explain", command_explain},
			{"keygen", command_keygen}};
	struct command c = {.id = -1};

	if (fill_standard() < 0)
		return STATUS_SETUP;
	/* Ignored, the kernel would reap our children itself, and their status be lost. */
	c.ignores_children = signal(SIGCHLD, SIG_DFL) == SIG_IGN;
	if (argc < 2)
		return usage();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return options(&c, argc, argv) ? commands[i].run(&c) : usage();
	}
	fprintf(stderr, "tandem: %s: no such command\n", argv[1]);
	return usage();
}
