/* SPDX-License-Identifier: MIT */
/* check.c - judges a configuration against the machine, and prints both. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "machine.h"
#include "program.h"

#define STATUS_CANNOT_RUN 111

struct judge {
	const struct config *config;
	check_report *report;
	void *arg;
	size_t problems;
};

static void find(struct judge *judge, bool problem, const struct config_variant *variant,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void find(struct judge *judge, bool problem, const struct config_variant *variant,
		 const char *format, ...)
{
	char line[1024];
	va_list args;
	size_t n;

	if (variant)
		snprintf(line, sizeof(line), "%.200s:%d: variant %d: ", judge->config->file,
			 variant->line, variant->id);
	else
		snprintf(line, sizeof(line), "%.200s: ", judge->config->file);
	n = strlen(line);
	va_start(args, format);
	vsnprintf(line + n, sizeof(line) - n, format, args);
	va_end(args);
	judge->problems += problem;
	judge->report(judge->arg, problem, line);
}

static void judge_trap(struct judge *judge)
{
	static const enum machine_feature feature[] = {
		[CONFIG_TRAP_AUTO] = MACHINE_SUD,
		[CONFIG_TRAP_SUD] = MACHINE_SUD,
		[CONFIG_TRAP_SECCOMP] = MACHINE_SECCOMP,
	};
	enum config_trap trap = judge->config->trap;
	enum config_trap other =
		trap == CONFIG_TRAP_SECCOMP ? CONFIG_TRAP_SUD : CONFIG_TRAP_SECCOMP;
	struct machine_answer first = machine_probe(feature[trap]), second;

	if (first.yes)
		return;
	second = machine_probe(feature[other]);
	if (trap == CONFIG_TRAP_AUTO && !second.yes)
		find(judge, true, NULL, "system calls cannot be trapped here: sud: %s; seccomp: %s",
		     first.detail, second.detail);
	else if (trap != CONFIG_TRAP_AUTO && second.yes)
		find(judge, true, NULL,
		     "trap = \"%s\" is not possible here: %s; \"%s\" and \"auto\" would work",
		     config_trap_name(trap), first.detail, config_trap_name(other));
	else if (trap != CONFIG_TRAP_AUTO)
		find(judge, true, NULL, "trap = \"%s\" is not possible here: %s",
		     config_trap_name(trap), first.detail);
}

static size_t locals(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_variants; i++)
		n += config->variants[i].local;
	return n;
}

static void judge_memory(struct judge *judge)
{
	struct machine_answer memfd = machine_probe(MACHINE_MEMFD);
	long long pages = sysconf(_SC_AVPHYS_PAGES);
	long long page = sysconf(_SC_PAGESIZE);
	unsigned long long needed = judge->config->ring_size * locals(judge->config);

	if (!memfd.yes)
		find(judge, true, NULL, "shared memory cannot be had: %s", memfd.detail);
	if (pages > 0 && needed > (unsigned long long)pages * (unsigned long long)page)
		find(judge, false, NULL,
		     "ring_size = %llu: the rings of one process fill all free memory (%lld MiB)",
		     (unsigned long long)judge->config->ring_size, pages * page >> 20);
}

/* The nearest directory that exists must let us create the rest. */
static void judge_report_dir(struct judge *judge)
{
	char path[PATH_MAX];
	struct stat st;
	char *slash;

	if ((size_t)snprintf(path, sizeof(path), "%s", judge->config->report_dir) >= sizeof(path)) {
		find(judge, true, NULL, "report_dir: %s", strerror(ENAMETOOLONG));
		return;
	}
	while (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash || !path[1]) {
			find(judge, true, NULL,
			     "report_dir: reports cannot be written to %s: %s: %s",
			     judge->config->report_dir, path, strerror(errno));
			return;
		}
		slash[slash == path] = '\0';
	}
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		find(judge, true, NULL, "report_dir: reports cannot be written to %s: %s: %s",
		     judge->config->report_dir, path, strerror(ENOTDIR));
}

static void judge_write_paths(struct judge *judge)
{
	for (size_t i = 0; i < judge->config->n_write_paths; i++) {
		if (access(judge->config->write_paths[i], F_OK) < 0)
			find(judge, false, NULL, "write_paths: %s: %s",
			     judge->config->write_paths[i], strerror(errno));
	}
}

static void judge_cpus(struct judge *judge)
{
	const struct config *config = judge->config;
	cpu_set_t usable;
	size_t n;

	if (sched_getaffinity(0, sizeof(usable), &usable) < 0) {
		find(judge, true, NULL, "sched_getaffinity: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < config->n_variants; i++) {
		const struct config_variant *variant = &config->variants[i];

		for (int cpu = 0; variant->local && variant->cpus && cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, &variant->cpu_set) && !CPU_ISSET(cpu, &usable)) {
				find(judge, true, variant,
				     "cpus = \"%s\": CPU %d does not exist here or is not ours to "
				     "use",
				     variant->cpus, cpu);
				break;
			}
		}
	}
	n = (size_t)CPU_COUNT(&usable);
	if (locals(config) > n)
		find(judge, false, NULL,
		     "%zu variants share %zu CPU%s: they will wait for each other%s",
		     locals(config), n, n == 1 ? "" : "s",
		     config->wait == CONFIG_WAIT_SPIN ? ", and wait = \"spin\" makes that worse"
						      : "");
}

static const char *variant_getenv(const struct config_variant *variant, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < variant->n_env; i++) {
		if (!strncmp(variant->env[i], name, n) && variant->env[i][n] == '=')
			return variant->env[i] + n + 1;
	}
	return getenv(name);
}

/* What moves bytes between hosts by TCP. */
static void judge_tcp(struct judge *judge)
{
	bool needed = judge->config->tcp_io == CONFIG_TCP_IO_URING;
	struct machine_answer uring;

	if (judge->config->tcp_io == CONFIG_TCP_IO_SOCKETS)
		return;
	uring = machine_probe(MACHINE_IO_URING);
	if (!uring.yes && needed)
		find(judge, true, NULL,
		     "tcp_io = \"uring\" is not possible here: io_uring: %s; \"auto\" takes plain "
		     "sockets then",
		     uring.detail);
	else if (!uring.yes)
		find(judge, false, NULL,
		     "tcp_io = \"auto\": plain sockets, since io_uring is not possible here: %s",
		     uring.detail);
}

/* The variant for which this host meets others: the leader if it runs here, or else the one that
 * does. */
static const struct config_variant *meets(const struct config *config)
{
	const struct config_variant *variant = &config->variants[config->leader];

	for (size_t i = 0; i < config->n_variants && !variant->local; i++)
		variant = &config->variants[i];
	return variant;
}

static void judge_rdma(struct judge *judge)
{
	const struct config *c = judge->config;
	const char *device = meets(c)->rdma_device;
	bool needed = c->transport == CONFIG_TRANSPORT_RDMA;
	struct machine_answer answer;

	/* That a device isn't there at all, judge_device() says. */
	if (config_rdma_excluded(c) ||
	    (device && !machine_rdma_device(MACHINE_RDMA_DEVICES, device).yes))
		return;
	answer = device ? machine_rdma(device) : machine_probe(MACHINE_RDMA);
	if (!answer.yes && needed)
		find(judge, true, NULL,
		     "transport = \"rdma\" is not possible here: %s; \"auto\" takes TCP then",
		     answer.detail);
	else if (!answer.yes)
		find(judge, false, NULL,
		     "transport = \"auto\": TCP, since RDMA is not possible here: %s",
		     answer.detail);
}

static void judge_transport(struct judge *judge)
{
	const struct config *c = judge->config;
	char why[512];

	if (config_place_apart(c, why, sizeof(why)))
		find(judge, false, NULL, "%s", why);

	if (config_spans_hosts(c) && c->transport != CONFIG_TRANSPORT_RDMA)
		judge_tcp(judge);
	judge_rdma(judge);
	if (!config_spans_hosts(c) &&
	    (c->transport == CONFIG_TRANSPORT_TCP || c->transport == CONFIG_TRANSPORT_RDMA))
		find(judge, false, NULL,
		     "transport = \"%s\", but all variants run here and share memory; each started "
		     "with --id would use it",
		     config_transport_name(c->transport));
}

/* Whoever waits for a host that is gone should learn that before it loses patience. */
static void judge_timeouts(struct judge *judge)
{
	const struct config *c = judge->config;

	if (config_spans_hosts(c) && c->hang_timeout > 0 && c->peer_timeout >= c->hang_timeout)
		find(judge, false, NULL,
		     "peer_timeout = %g, hang_timeout = %g: a host that is lost will be taken for "
		     "a "
		     "variant that hangs",
		     c->peer_timeout, c->hang_timeout);
}

static void judge_device(struct judge *judge, const struct config_variant *variant)
{
	const struct config *c = judge->config;
	const char *why = config_rdma_excluded(c);
	struct machine_answer answer;

	if (!variant->rdma_device)
		return;
	answer = machine_rdma_device(MACHINE_RDMA_DEVICES, variant->rdma_device);
	if (why)
		find(judge, false, variant, "rdma_device = \"%s\" has no effect: %s",
		     variant->rdma_device, why);
	else if (!answer.yes)
		find(judge, true, variant, "rdma_device = \"%s\": %s", variant->rdma_device,
		     answer.detail);
}

static void judge_variant(struct judge *judge, const struct config_variant *variant)
{
	char why[160] = "";
	int ret;

	if (!variant->local)
		return;
	judge_device(judge, variant);
	if (variant->exec) {
		ret = program_check(variant->exec, why, sizeof(why));
		if (ret < 0)
			find(judge, true, variant, "exec = \"%s\": %s", variant->exec,
			     ret == -ENOEXEC ? why : strerror(-ret));
	}
	for (size_t i = 0; i < variant->n_preload; i++) {
		ret = program_find_library(variant->preload[i],
					   variant_getenv(variant, "LD_LIBRARY_PATH"), why,
					   sizeof(why));
		if (ret == -ENOENT)
			find(judge, true, variant, "preload: %s: %s%s", variant->preload[i], why,
			     strchr(variant->preload[i], '/') ? "" : "; is its package installed?");
		else if (ret < 0)
			find(judge, false, variant, "preload: %s: it could not be looked for: %s",
			     variant->preload[i], ret == -EOPNOTSUPP ? why : strerror(-ret));
	}
}

size_t check_config(const struct config *config, check_report *report, void *arg)
{
	struct judge judge = {.config = config, .report = report, .arg = arg};

	judge_trap(&judge);
	judge_memory(&judge);
	judge_report_dir(&judge);
	judge_write_paths(&judge);
	judge_cpus(&judge);
	judge_transport(&judge);
	judge_timeouts(&judge);
	for (size_t i = 0; i < config->n_variants; i++)
		judge_variant(&judge, &config->variants[i]);
	return judge.problems;
}

/* Printing */

struct findings {
	struct finding {
		bool problem;
		char *line;
	} * at;
	size_t n;
	bool lost; /* out of memory: a finding is missing */
};

static void collect(void *arg, bool problem, const char *line)
{
	struct findings *findings = arg;
	struct finding *at = reallocarray(findings->at, findings->n + 1, sizeof(*at));
	char *copy = strdup(line);

	if (at)
		findings->at = at;
	if (!at || !copy) {
		findings->lost = true;
		free(copy);
		return;
	}
	at[findings->n++] = (struct finding){.problem = problem, .line = copy};
}

static void print_json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void print_json_lines(FILE *out, const struct findings *findings, bool problems,
			     const struct config *config)
{
	const char *comma = "";

	fprintf(out, ", \"%s\": [", problems ? "problems" : "notes");
	for (size_t i = 0; !problems && i < config->n_notes; i++, comma = ", ") {
		fputs(comma, out);
		print_json_string(out, config->notes[i]);
	}
	for (size_t i = 0; i < findings->n; i++) {
		if (findings->at[i].problem != problems)
			continue;
		fputs(comma, out);
		print_json_string(out, findings->at[i].line);
		comma = ", ";
	}
	fputc(']', out);
}

static void print_json(FILE *out, const struct machine_answer *answers, const struct config *config,
		       const struct findings *findings, bool can_run)
{
	fputs("{\"machine\": {", out);
	for (int f = 0; f < MACHINE_FEATURES; f++) {
		fprintf(out, "%s", f ? ", " : "");
		print_json_string(out, machine_feature_name(f));
		fprintf(out, ": {\"yes\": %s, \"detail\": ", answers[f].yes ? "true" : "false");
		print_json_string(out, answers[f].detail);
		fputc('}', out);
	}
	fputc('}', out);
	if (config) {
		fputs(", \"configuration\": {\"file\": ", out);
		print_json_string(out, config->file);
		print_json_lines(out, findings, true, config);
		print_json_lines(out, findings, false, config);
		fputc('}', out);
	}
	fprintf(out, ", \"can_run\": %s}\n", can_run ? "true" : "false");
}

static void print_text(FILE *out, const struct machine_answer *answers, const struct config *config,
		       const struct findings *findings, bool can_run)
{
	for (int f = 0; f < MACHINE_FEATURES; f++) {
		const struct machine_answer *answer = &answers[f];
		bool fact = f == MACHINE_KERNEL || f == MACHINE_CPUS || f == MACHINE_LOCKED_MEMORY;

		fprintf(out, "%-15s%s%s%s\n", machine_feature_name(f),
			fact && answer->yes ? ""
			: answer->yes       ? "yes"
					    : "no",
			*answer->detail && !(fact && answer->yes) ? ": " : "", answer->detail);
	}
	if (!config) {
		if (!can_run)
			fputs("tandem cannot run here: no way to trap system calls, or no shared "
			      "memory\n",
			      out);
		return;
	}
	for (size_t i = 0; i < findings->n; i++) {
		if (findings->at[i].problem)
			fprintf(out, "problem: %s\n", findings->at[i].line);
	}
	for (size_t i = 0; i < config->n_notes; i++)
		fprintf(out, "note: %s\n", config->notes[i]);
	for (size_t i = 0; i < findings->n; i++) {
		if (!findings->at[i].problem)
			fprintf(out, "note: %s\n", findings->at[i].line);
	}
	fprintf(out, "%s %s run here\n", config->file, can_run ? "can" : "cannot");
}

int check_machine(FILE *out, const struct config *config, bool json)
{
	struct machine_answer answers[MACHINE_FEATURES];
	struct findings findings = {.n = 0};
	bool can_run;

	/* Children must not inherit what is still to be written. */
	fflush(NULL);
	for (int f = 0; f < MACHINE_FEATURES; f++)
		answers[f] = machine_probe(f);
	if (config) {
		can_run = check_config(config, collect, &findings) == 0;
	} else {
		can_run = (answers[MACHINE_SUD].yes || answers[MACHINE_SECCOMP].yes) &&
			  answers[MACHINE_MEMFD].yes;
	}
	(json ? print_json : print_text)(out, answers, config, &findings, can_run);
	if (findings.lost)
		fputs("tandem: out of memory: some findings are missing\n", stderr);
	for (size_t i = 0; i < findings.n; i++)
		free(findings.at[i].line);
	free(findings.at);
	return can_run && !ferror(out) ? 0 : STATUS_CANNOT_RUN;
}
