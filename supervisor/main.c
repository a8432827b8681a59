/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
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
	const struct command_row *row;
	const char *file; /* -c */
	long id;          /* -1: none */
	bool verbose, json, watch;
	char **argv; /* what follows the options */
	bool ignores_children;
	struct config config;
};

static int command_run(struct command *c);
static int command_check(struct command *c);
static int command_status(struct command *c);
static int command_explain(struct command *c);
static int command_keygen(struct command *c);

static const struct command_row {
	const char *name;
	const char *options; /* their letters */
	const char *synopsis, *does;
	int least, most; /* words behind the options; most -1: any number */
	int (*run)(struct command *c);
} commands[] = {
	{"run", "civ", "-c FILE [--id N] [-v] [--] PROGRAM ARGS...",
	 "runs it as the variants that FILE describes", 1, -1, command_run},
	{"check", "cij", "[-c FILE [--id N]] [--json]",
	 "what this machine can do, and whether FILE can run on it", 0, 0, command_check},
	{"status", "jw", "[--watch] [--json]", "what runs now", 0, 0, command_status},
	{"explain", "cj", "[-c FILE] [--json] [REPORT]", "why a run was ended", 0, 1,
	 command_explain},
	{"keygen", "", "FILE", "makes a key for the hosts of a run", 1, 1, command_keygen},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct option_row {
	char letter;
	const char *text, *does;
} option_texts[] = {
	{'c', "-c FILE", "the configuration: tandem.cfg(5)"},
	{'i', "--id N", "run variant N here, whatever its address is"},
	{'v', "-v", "say more on standard error"},
	{'w', "--watch", "repeat every second"},
	{'j', "--json", "print JSON"},
};

/* Everything, or one command with its options. */
static int help(const struct command_row *only)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command_row *c = &commands[i];

		if (only && c != only)
			continue;
		printf("tandem %s %s\n    %s\n", c->name, c->synopsis, c->does);
		for (size_t j = 0; only && j < sizeof(option_texts) / sizeof(*option_texts); j++) {
			if (strchr(c->options, option_texts[j].letter))
				printf("    %-8s %s\n", option_texts[j].text, option_texts[j].does);
		}
	}
	puts(only ? "More: man tandem" : "More: tandem COMMAND --help, man tandem, man tandem.cfg");
	return fflush(stdout) == 0 ? 0 : STATUS_SETUP;
}

static int version(void)
{
	puts("tandem " TANDEM_VERSION);
	return fflush(stdout) == 0 ? 0 : STATUS_SETUP;
}

/* One line on what is wrong, and how it is written. c: the command, if one was named. */
static __attribute__((format(printf, 2, 3))) int usage(const struct command_row *c,
						       const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tandem%s%s: ", c ? " " : "", c ? c->name : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!c || c == &commands[i])
			fprintf(stderr, "usage: tandem %s %s\n", commands[i].name,
				commands[i].synopsis);
	}
	return STATUS_SETUP;
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

	if (!c->file)
		return usage(c->row, "a configuration is needed: -c FILE");
	if (!load(c, true, true))
		return STATUS_SETUP;
	lib = library();
	if (!lib || check_config(&c->config, complain, c))
		return STATUS_SETUP;
	return run(&c->config, lib, c->argv, c->verbose, c->ignores_children);
}

static int command_check(struct command *c)
{
	if (c->id >= 0 && !c->file)
		return usage(c->row, "--id means nothing without -c FILE");
	if (c->file && !load(c, false, true))
		return STATUS_SETUP;
	return check_machine(stdout, c->file ? &c->config : NULL, c->json);
}

static int command_status(struct command *c)
{
	return show_status(stdout, c->watch, c->json);
}

static int command_explain(struct command *c)
{
	char directory[64];

	if (c->file && !load(c, false, false))
		return STATUS_SETUP;
	reports_default(directory, sizeof(directory));
	return explain(stdout, c->file ? c->config.report_dir : directory, *c->argv, c->json);
}

static int command_keygen(struct command *c)
{
	char why[KEY_WHY];

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
	return !errno && !*end && end != text && *id >= 0 && *id <= INT_MAX;
}

/* Returns STATUS_GO_ON, or the exit status when all is said. */
static int options(struct command *c, int argc, char **argv)
{
	static const struct option names[] = {
		{"id", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
		{"watch", no_argument, NULL, 'w'},    {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},  {NULL, 0, NULL, 0}};
	const struct command_row *row = c->row;
	const char *word = argv[2];
	int o;

	/* The command takes the place of the program's name; word is what was looked at. */
	for (; (o = getopt_long(argc - 1, argv + 1, "+:c:vhV", names, NULL)) != -1;
	     word = argv[1 + optind]) {
		if (o == 'h')
			return help(row);
		if (o == 'V')
			return version();
		if (o == ':')
			return usage(row, "%s: what is to follow is missing", word);
		if (o == '?')
			return usage(row, "%s: no such option", word);
		if (!strchr(row->options, o))
			return usage(row, "%s: not an option of this command", word);
		if (o == 'c')
			c->file = optarg;
		else if (o == 'v')
			c->verbose = true;
		else if (o == 'j')
			c->json = true;
		else if (o == 'w')
			c->watch = true;
		else if (o == 'i' && !parse_id(optarg, &c->id))
			return usage(row, "--id %s: a variant's id is a number", optarg);
	}
	c->argv = argv + 1 + optind;
	return STATUS_GO_ON;
}

int main(int argc, char **argv)
{
	struct command c = {.id = -1};
	int words, status;

	if (fill_standard() < 0)
		return STATUS_SETUP;
	/* Ignored, the kernel would reap our children itself, and their status be lost. */
	c.ignores_children = signal(SIGCHLD, SIG_DFL) == SIG_IGN;
	if (argc < 2)
		return usage(NULL, "a command is needed");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(NULL);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return version();
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i].name))
			c.row = &commands[i];
	}
	if (!c.row)
		return usage(NULL, "%s: no such command", argv[1]);
	status = options(&c, argc, argv);
	if (status != STATUS_GO_ON)
		return status;
	words = (int)(argv + argc - c.argv);
	if (words < c.row->least)
		return usage(c.row, c.row->run == command_run ? "a program is needed"
							      : "a file's name is needed");
	if (c.row->most >= 0 && words > c.row->most)
		return usage(c.row, "%s: too many words", c.argv[c.row->most]);
	return c.row->run(&c);
}
