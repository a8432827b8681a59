/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../monitor/syscalls/table.h"

static const char *name_of(uint32_t call)
{
	const struct call_row *row = call_row(call);

	return row ? row->name : "(no call)";
}

static void print_bytes(FILE *out, const char *who, const uint8_t *bytes, uint32_t n)
{
	uint32_t shown = n < 256 ? n : 256;

	fprintf(out, "%s: %" PRIu32 " bytes of arguments\n", who, n);
	for (uint32_t at = 0; at < shown; at += 16) {
		fprintf(out, "  %04" PRIx32 " ", at);
		for (uint32_t i = at; i < at + 16 && i < shown; i++)
			fprintf(out, " %02x", bytes[i]);
		fputs("  ", out);
		for (uint32_t i = at; i < at + 16 && i < shown; i++)
			fputc(bytes[i] >= 32 && bytes[i] < 127 ? bytes[i] : '.', out);
		fputc('\n', out);
	}
}

static void print_difference(FILE *out, const struct divergence *d)
{
	uint32_t n = d->own_bytes < d->leader_bytes ? d->own_bytes : d->leader_bytes, at = 0;

	if (d->leader_flags & 1) {
		fprintf(out, "The leader's record holds a hash of its arguments.\n");
		return;
	}
	n = n < DIVERGENCE_BYTES ? n : DIVERGENCE_BYTES;
	while (at < n && d->own[at] == d->leader[at])
		at++;
	fprintf(out, "The packed arguments differ first at byte %" PRIu32 ".\n", at);
}

/* module+offset of an address in a stopped process; the address alone where that fails. */
static void print_place(FILE *out, int pid, uint64_t address)
{
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		uint64_t begin, end, offset;
		int at = 0;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &begin, &end,
			   &offset, &at) < 3 ||
		    address < begin || address >= end)
			continue;
		line[strcspn(line, "\n")] = 0;
		fprintf(out, "%s+0x%" PRIx64, line[at] ? line + at : "(anonymous)",
			address - begin + offset);
		fclose(maps);
		return;
	}
	if (maps)
		fclose(maps);
	fprintf(out, "0x%" PRIx64, address);
}

static void print_trace(FILE *out, const struct session_files *f, unsigned v, uint32_t stream)
{
	struct process_state *s = session_state(f, v, stream);

	if (!s)
		return;
	fprintf(out, "\nLast calls of variant %u (pid %d), oldest first:\n", v, s->pid);
	for (uint32_t i = 0; i < TRACE_ENTRIES; i++) {
		const struct trace_entry *e = &s->trace[(s->trace_next + i) % TRACE_ENTRIES];

		if (!e->site)
			continue;
		fprintf(out,
			"  [%" PRIu32 "] %s(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ") = %" PRId64
			"  from ",
			e->thread, name_of(e->call), e->args[0], e->args[1], e->args[2], e->result);
		print_place(out, s->pid, e->caller);
		fputc('\n', out);
	}
	session_unmap(s);
}

static const char *kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[DIVERGENCE_CALL] = "divergence: another call",
		[DIVERGENCE_ARGUMENTS] = "divergence: other arguments",
		[DIVERGENCE_RESULT] = "divergence: another result",
		[DIVERGENCE_CRASH] = "divergence: crash (a fault such as SIGSEGV, signal 11) in one variant",
		[DIVERGENCE_EXIT] = "divergence: exit of one variant",
		[DIVERGENCE_HANG] = "divergence: hang, one variant stands still for a long time",
		[DIVERGENCE_INJECTED] = "divergence: injected on purpose",
		[STOP_UNSUPPORTED] = "unsupported call",
		[STOP_GARBAGE] = "garbage in a ring",
		[STOP_INTERNAL] = "the monitor failed",
	};

	return kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "unknown";
}

static void print(FILE *out, const struct session_files *f, unsigned v, const char *program)
{
	const struct divergence *d = &f->variant[v]->divergence;

	fprintf(out, "Tandem report\nProgram: %s\nKind: %s\nVariant %u says: %s\n", program,
		kind_name(d->kind), v, d->text);
	fprintf(out, "Process: stream %" PRIu32 ", thread %" PRIu32 ", stream position %" PRIu64 "\n",
		d->stream, d->thread, d->position);
	fprintf(out, "Variant %u: %s(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ")",
		v, name_of(d->own_call), d->args[0], d->args[1], d->args[2], d->args[3]);
	if (d->number)
		fprintf(out, "  native number %" PRIu64, d->number);
	fprintf(out, "\nLeader:    %s, result %" PRId64 "\n", name_of(d->leader_call),
		d->leader_result);
	if (d->kind == DIVERGENCE_ARGUMENTS)
		print_difference(out, d);
	if (d->own_bytes)
		print_bytes(out, "This variant", d->own, d->own_bytes);
	if (d->leader_bytes)
		print_bytes(out, "Leader", d->leader, d->leader_bytes);
	for (unsigned i = 0; i < f->session->variants; i++)
		print_trace(out, f, i, d->stream);
}

int report_write(const struct session_files *f, const struct config *config, unsigned v,
		 const char *program, char *path, size_t size)
{
	char temporary[4200];
	struct timespec now;
	FILE *out;

	if (mkdir(config->report_dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(path, size, "%s/%010lld.%09ld-%d.txt", config->report_dir, (long long)now.tv_sec,
		 now.tv_nsec, getpid());
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	out = fopen(temporary, "wxe");
	if (!out)
		return -errno;
	print(out, f, v, program);
	if (fclose(out) || rename(temporary, path)) {
		int error = -errno;

		unlink(temporary);
		return error;
	}
	return 0;
}

int report_explain(const char *directory, const char *file)
{
	char newest[4200] = "", text[4096];
	struct dirent *e;
	size_t n;
	FILE *in;
	DIR *d;

	if (!file) {
		char best[256] = "";

		d = opendir(directory);
		while (d && (e = readdir(d))) {
			size_t length = strlen(e->d_name);

			if (length > 4 && !strcmp(e->d_name + length - 4, ".txt") &&
			    strcmp(e->d_name, best) > 0)
				snprintf(best, sizeof(best), "%s", e->d_name);
		}
		if (d)
			closedir(d);
		if (!*best) {
			fprintf(stderr, "tandem: %s: there is no report here; name one: "
					"tandem explain FILE\n", directory);
			return 111;
		}
		snprintf(newest, sizeof(newest), "%s/%s", directory, best);
		file = newest;
	}
	in = fopen(file, "re");
	if (!in) {
		fprintf(stderr, "tandem: %s: %s\n", file, strerror(errno));
		return 111;
	}
	while ((n = fread(text, 1, sizeof(text), in)) > 0)
		fwrite(text, 1, n, stdout);
	fclose(in);
	return 0;
}
