/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "report.h"
#include "run.h"

static int usage(void)
{
	fputs("usage: tandem run -c FILE [--id N] [-v] [--] PROGRAM ARGS...\n"
	      "       tandem check [-c FILE] [--json]\n"
	      "       tandem explain [-c FILE | FILE]\n",
	      stderr);
	return STATUS_SETUP;
}

/* Beside the binary (a build tree), or where make install puts it. */
static const char *library(void)
{
	static char path[PATH_MAX + 64];
	const char *override = getenv("TANDEM_LIBRARY");
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (override)
		return override;
	if (n < 0)
		return NULL;
	path[n] = 0;
	slash = strrchr(path, '/');
	strcpy(slash, "/libtandem.so");
	if (access(path, R_OK) == 0)
		return path;
	strcpy(slash, "/../lib/tandem/libtandem.so");
	return access(path, R_OK) == 0 ? path : NULL;
}

static bool load(const char *file, struct config *c)
{
	struct config_error e;

	if (config_load(file, c, &e) < 0) {
		fprintf(stderr, "tandem: %s\n", e.text);
		return false;
	}
	for (size_t i = 0; i < c->n_notes; i++)
		fprintf(stderr, "tandem: %s\n", c->notes[i]);
	return true;
}

static void complain(void *arg, bool problem, const char *line)
{
	(void)arg;
	if (problem)
		fprintf(stderr, "tandem: %s\n", line);
}

static int command_run(const struct config *c, long id, char **argv, bool verbose)
{
	const char *lib = library();

	if (id >= 0 && (!config_variant(c, (int)id) || c->n_variants > 1)) {
		fprintf(stderr, "tandem: --id %ld: variants on several hosts aren't built yet; "
				"leave --id out to run all of them here\n", id);
		return STATUS_SETUP;
	}
	if (!lib) {
		fputs("tandem: libtandem.so is neither beside tandem nor in ../lib/tandem; "
		      "set TANDEM_LIBRARY\n", stderr);
		return STATUS_SETUP;
	}
	if (check_config(c, complain, NULL))
		return STATUS_SETUP;
	return run(c, lib, argv, verbose);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"id", required_argument, NULL, 'i'},
						{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	bool verbose = false, json = false;
	const char *file = NULL;
	struct config c = {0};
	char directory[64];
	long id = -1;
	int o;

	if (argc < 2)
		return usage();
	optind = 2;
	while ((o = getopt_long(argc, argv, "+c:v", options, NULL)) != -1) {
		if (o == 'c')
			file = optarg;
		else if (o == 'v')
			verbose = true;
		else if (o == 'j')
			json = true;
		else if (o == 'i')
			id = strtol(optarg, NULL, 10);
		else
			return usage();
	}
	if (file && !load(file, &c))
		return STATUS_SETUP;
	if (!strcmp(argv[1], "run"))
		return file && optind < argc ? command_run(&c, id, argv + optind, verbose) : usage();
	if (!strcmp(argv[1], "check"))
		return check_machine(stdout, file ? &c : NULL, json);
	if (!strcmp(argv[1], "explain") && !json) {
		snprintf(directory, sizeof(directory), "/var/tmp/tandem-%u", (unsigned)getuid());
		return report_explain(file ? c.report_dir : directory, argv[optind]);
	}
	return usage();
}
