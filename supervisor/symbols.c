/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traced.h"

/* How much of the stack the frames of the monitor may take. */
#define SEARCHED_BYTES 16384

struct symbols {
	Dwfl *dwfl;
	bool attached;
	const struct frozen *frozen; /* the thread that is being unwound */
	uint64_t *addresses;
	size_t count, most;
};

struct symbols *symbols_open(int pid)
{
	static char *path;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &path,
	};
	struct symbols *s = calloc(1, sizeof(*s));

	unsetenv("DEBUGINFOD_URLS");
	if (!s)
		return NULL;
	s->dwfl = dwfl_begin(&callbacks);
	if (s->dwfl && dwfl_linux_proc_report(s->dwfl, pid) == 0 &&
	    dwfl_report_end(s->dwfl, NULL, NULL) == 0)
		return s;
	symbols_close(s);
	return NULL;
}

void symbols_close(struct symbols *s)
{
	if (s && s->dwfl)
		dwfl_end(s->dwfl);
	free(s);
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* libdw gives what lies behind a module to that one. */
static Dwfl_Module *module_of(const struct symbols *s, uint64_t address)
{
	Dwfl_Module *module = s ? dwfl_addrmodule(s->dwfl, address) : NULL;
	Dwarf_Addr start, end;

	if (!module)
		return NULL;
	dwfl_module_info(module, NULL, &start, &end, NULL, NULL, NULL, NULL);
	return address >= start && address < end ? module : NULL;
}

void symbols_place(struct symbols *s, uint64_t address, int caller, struct symbol_place *p)
{
	uint64_t at = caller && address ? address - 1 : address;
	Dwfl_Module *module = module_of(s, at);
	const char *file, *name;
	Dwarf_Addr start = 0;
	Dwfl_Line *line;
	GElf_Off offset;
	GElf_Sym sym;

	*p = (struct symbol_place){.address = address};
	if (!module)
		return;
	name = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	copy(p->module, sizeof(p->module), name);
	p->offset = address - start;
	name = dwfl_module_addrinfo(module, at, &offset, &sym, NULL, NULL, NULL);
	if (name) {
		copy(p->symbol, sizeof(p->symbol), name);
		p->offset = offset + (address - at);
	}
	line = dwfl_module_getsrc(module, at);
	file = line ? dwfl_lineinfo(line, NULL, &p->line, NULL, NULL, NULL) : NULL;
	copy(p->file, sizeof(p->file), file);
}

/* libdw asks for the only thread there is here, */
static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	const struct symbols *s = arg;

	(void)dwfl;
	if (*thread)
		return 0;
	*thread = arg;
	return s->frozen->tid;
}

/* for its memory, of which it has the stack, */
static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *arg)
{
	const struct frozen *f = ((const struct symbols *)arg)->frozen;

	(void)dwfl;
	if (address < f->sp || address - f->sp > f->stack_bytes ||
	    f->stack_bytes - (address - f->sp) < sizeof(*word))
		return false;
	memcpy(word, f->stack + (address - f->sp), sizeof(*word));
	return true;
}

/* and for its registers: those that the way out of a frame is reckoned from. */
static bool first_registers(Dwfl_Thread *thread, void *arg)
{
	const struct frozen *f = ((const struct symbols *)arg)->frozen;
	const Dwarf_Word fp = f->fp, sp = f->sp;

	dwfl_thread_state_register_pc(thread, f->ip);
	return dwfl_thread_state_registers(thread, DWARF_FP, 1, &fp) &&
	       dwfl_thread_state_registers(thread, DWARF_SP, 1, &sp) &&
	       dwfl_thread_state_registers(thread, DWARF_IP, 1, &(const Dwarf_Word){f->ip});
}

static int take_frame(Dwfl_Frame *frame, void *arg)
{
	struct symbols *s = arg;
	Dwarf_Addr pc;

	if (s->count == s->most || !dwfl_frame_pc(frame, &pc, NULL))
		return DWARF_CB_ABORT;
	s->addresses[s->count++] = pc;
	return DWARF_CB_OK;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = read_word,
	.set_initial_registers = first_registers,
};

static size_t unwind(struct symbols *s, const struct frozen *f, uint64_t *addresses, size_t most)
{
	s->frozen = f;
	s->addresses = addresses;
	s->count = 0;
	s->most = most;
	if (!s->attached)
		s->attached = dwfl_attach_state(s->dwfl, NULL, f->pid, &thread_callbacks, s);
	if (s->attached)
		dwfl_getthread_frames(s->dwfl, f->tid, take_frame, s);
	return s->count;
}

/* The functions in which threads begin: whoever gets there has found the way. */
static bool is_outermost(struct symbols *s, uint64_t address)
{
	static const char *const names[] = {"_start", "__clone", "__clone3",
					    "clone",  "clone3",  "start_thread"};
	Dwfl_Module *module = module_of(s, address - 1);
	const char *name = module ? dwfl_module_addrname(module, address - 1) : NULL;

	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])) &&
		    (!name[strlen(names[i])] || name[strlen(names[i])] == '@'))
			return true;
	}
	return false;
}

/*
 * Beyond code that has no unwinding information (the monitor's, generated code), the caller's
 * return address is somewhere on the stack: it is the first word from which there is a way
 * to where the thread began. Its slot is found in *from. Returns the length of that way.
 */
static size_t search(struct symbols *s, struct frozen *from, uint64_t *addresses, size_t most)
{
	uint64_t own = 0, limit = SEARCHED_BYTES;
	Dwfl_Module *module = module_of(s, from->ip);

	if (module)
		dwfl_module_info(module, NULL, &own, NULL, NULL, NULL, NULL, NULL);
	for (; limit && from->stack_bytes >= sizeof(own); limit -= sizeof(own)) {
		Dwfl_Module *there;
		Dwarf_Addr start = 0;
		size_t n;

		memcpy(&from->ip, from->stack, sizeof(from->ip));
		from->sp += sizeof(own);
		from->stack += sizeof(own);
		from->stack_bytes -= sizeof(own);
		there = module_of(s, from->ip);
		if (!there)
			continue;
		dwfl_module_info(there, NULL, &start, NULL, NULL, NULL, NULL, NULL);
		if (module && start == own)
			continue;
		n = unwind(s, from, addresses, most);
		if (n > 1 && (n == most || is_outermost(s, addresses[n - 1])))
			return n;
	}
	return 0;
}

size_t symbols_unwind(struct symbols *s, const struct frozen *f, uint64_t *addresses, size_t most)
{
	struct frozen from = *f;
	size_t n;

	if (!s || most == 0)
		return 0;
	/* libdw guesses by the frame pointer where it knows nothing; that may lead nowhere. */
	n = unwind(s, &from, addresses, most);
	if (n == most || (n > 1 && is_outermost(s, addresses[n - 1])))
		return n;
	addresses[0] = from.ip;
	n = search(s, &from, addresses + 1, most - 1);
	return n ? n + 1 : unwind(s, f, addresses, most);
}
