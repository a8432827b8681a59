/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "gate.h"
#include "maps.h"
#include "patch.h"
#include "sites.h"
#include "stubs.h"

static _Atomic uint32_t lock;
static struct text *texts; /* mapped */
static size_t texts_count, texts_capacity;
static bool strays; /* there are sites outside of texts */
static struct patch_stats stats;

/* Held for microseconds, but its holder may lose the processor: then the others give theirs. */
void patch_hold(void)
{
	unsigned spins = 0;

	while (atomic_exchange_explicit(&lock, 1, memory_order_acquire))
		while (atomic_load_explicit(&lock, memory_order_relaxed))
			if (++spins % 256 == 0)
				gate_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

void patch_release(void)
{
	atomic_store_explicit(&lock, 0, memory_order_release);
}

int patch_init(uintptr_t entry)
{
	stub_init();
	return stubs_init(entry);
}

static struct text *text_known(uintptr_t address)
{
	for (size_t i = 0; i < texts_count; i++)
		if (address >= texts[i].start && address < texts[i].end)
			return &texts[i];
	return NULL;
}

static bool texts_grow(void)
{
	size_t capacity = texts_capacity ? 2 * texts_capacity : 4096 / sizeof *texts;
	struct text *grown = stubs_map(capacity * sizeof *grown);

	if (!grown)
		return false;
	for (size_t i = 0; i < texts_count; i++)
		grown[i] = texts[i];
	stubs_unmap(texts, texts_capacity * sizeof *texts);
	texts = grown;
	texts_capacity = capacity;
	return true;
}

struct wanted {
	uintptr_t address;
	struct mapping found;
};

static int around(const struct mapping *m, void *arg)
{
	struct wanted *w = arg;

	if (w->address < m->start)
		return 1;
	if (w->address >= m->end)
		return 0;
	w->found = *m;
	return 1;
}

struct text *patch_text(uintptr_t address, enum patch_reason *why)
{
	struct text *t = text_known(address);
	struct wanted w = {.address = address};

	*why = PATCH_OK;
	if (t)
		return t;
	*why = PATCH_NO_MAPPING;
	if (maps_each(around, &w) < 0 || !w.found.end)
		return NULL;
	if (texts_count == texts_capacity && !texts_grow())
		return NULL;
	*why = PATCH_MAPPING;
	if (w.found.shared || w.found.prot != (PROT_READ | PROT_EXEC))
		return NULL;
	*why = PATCH_OK;
	t = &texts[texts_count++];
	*t = (struct text){.start = w.found.start,
			   .end = w.found.end,
			   .prot = w.found.prot,
			   .special = w.found.special};
	return t;
}

/* Another site, or another's jump, in the bytes that the plan's jump would replace. */
static bool overlaps(const struct stub_plan *p)
{
	struct site *s;

	for (uintptr_t a = p->at - STUB_JUMP + 1; a < p->at; a++)
		if ((s = sites_find(a)) && (s->state == SITE_WINDOW || s->at == a))
			return true;
	if ((s = sites_find(p->at)) && s->state == SITE_WINDOW)
		return true;
	for (uintptr_t a = p->at + 1; a < p->at + p->window; a++)
		if (a != p->site && sites_find(a))
			return true;
	return false;
}

static enum patch_reason make_stub(const struct stub_plan *p, struct stub_code *c)
{
	enum patch_reason r = stub_emit(p, p->site, p->site, c); /* for its size */
	uintptr_t at, slot;
	size_t size = c->size;

	c->size = 0;
	if (r != PATCH_OK)
		return r;
	at = stubs_reserve(p->far ? 0 : p->site, size, stub_low_byte(p), &slot);
	if (!at)
		return PATCH_REACH;
	r = stub_emit(p, at, slot, c);
	if (r == PATCH_OK && stubs_write(at, c->bytes, c->size) < 0)
		r = PATCH_PROTECT;
	if (r != PATCH_OK) {
		stubs_cancel(at, size);
		c->size = 0;
	}
	return r;
}

enum patch_reason patch_place(const struct stub_plan *p, struct text *t, bool alone,
			      struct stub_code *c)
{
	enum patch_reason r = make_stub(p, c);

	if (r != PATCH_OK || !p->window)
		return r;
	for (unsigned i = 0; i < c->branches; i++)
		if (!text_moved_branch(c->branch[i]))
			return PATCH_NO_MAPPING;
	return stub_commit(t, p, c, alone, &stats.unprotected);
}

static bool never_returns(long nr)
{
	return nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn;
}

/* The entry can be used as it is. */
static bool settled(const struct site *s, long nr)
{
	switch (s->state) {
	case SITE_TRAPS:
		return true;
	case SITE_UNDECIDED:
		return never_returns(nr);
	case SITE_PATCHED: /* unless the program has put other code there */
		return stub_committed(s->at);
	default:
		return false;
	}
}

static bool patch_site(const struct stub_plan *p, struct text *t, bool alone,
		       enum patch_reason *why, uintptr_t *head)
{
	struct stub_code c;

	if (overlaps(p)) {
		*why = PATCH_OVERLAP;
		return false;
	}
	*why = patch_place(p, t, alone, &c);
	if (*why != PATCH_OK)
		return false;
	*head = c.head;
	return true;
}

/*
 * A site that was forgotten but is still there, jump and all (the program has
 * only changed its protection): a thread that trapped just before it was
 * patched asks for it. 0: none of ours.
 */
static uintptr_t forgotten(uintptr_t site)
{
	uintptr_t head = stub_target(site);

	if (!head || !stubs_contain(head) || stub_site(head + STUB_HEAD_SIZE) != site)
		return 0;
	return sites_add(site, head, site, SITE_PATCHED) < 0 ? 0 : head;
}

static uintptr_t decide(uintptr_t site, long nr, bool alone)
{
	struct stub_plan plan = {.kind = STUB_ENTRY, .site = site};
	enum patch_reason why = PATCH_NO_RETURN, second;
	enum site_state state = SITE_UNDECIDED;
	struct stub_code c;
	uintptr_t head = 0;
	struct text *t;

	if (!never_returns(nr)) {
		state = SITE_TRAPS;
		t = patch_text(site, &why);
		if (t && (head = forgotten(site)))
			return head;
		if (t && (why = plan_behind(t, site, &plan)) == PATCH_OK)
			patch_site(&plan, t, alone, &why, &head);
		if (t && !head && (second = plan_before(t, site, &plan)) == PATCH_OK &&
		    patch_site(&plan, t, alone, &second, &head))
			stats.before++;
	}
	if (head) {
		state = SITE_PATCHED;
		stats.patched++;
		if (plan.at != site && sites_add(plan.at, head, plan.at, SITE_WINDOW) < 0)
			return 0;
	} else {
		plan = (struct stub_plan){.kind = STUB_ENTRY, .site = site};
		if (make_stub(&plan, &c) != PATCH_OK) {
			plan.far = true;
			if (make_stub(&plan, &c) != PATCH_OK)
				return 0;
		}
		head = c.head;
		strays |= !text_known(site);
		if (state == SITE_TRAPS) {
			stats.trapping++;
			stats.refused[why]++;
		}
	}
	return sites_add(site, head, plan.window ? plan.at : 0, state) < 0 ? 0 : head;
}

uintptr_t site_stub(uintptr_t site, long nr, bool alone)
{
	struct site *s;
	uintptr_t head;

	patch_hold();
	s = sites_find(site);
	if (s && settled(s, nr)) {
		head = s->head;
	} else {
		if (s) { /* undecided, or overwritten by the program */
			uintptr_t at = s->at;

			sites_forget(site, site + 1);
			sites_forget(at, at + 1);
		}
		head = decide(site, nr, alone);
	}
	patch_release();
	return head;
}

void patch_forget(uintptr_t start, size_t len)
{
	uintptr_t end = start + len;
	bool any = false;

	patch_hold();
	for (size_t i = 0; i < texts_count;) {
		if (texts[i].start >= end || texts[i].end <= start) {
			i++;
			continue;
		}
		text_free(&texts[i]);
		texts[i] = texts[--texts_count];
		any = true;
	}
	if (any || strays)
		sites_forget(start, end);
	patch_release();
}

static const struct stub_info *info_of(uintptr_t head)
{
	return (const struct stub_info *)head - 1;
}

struct nearest {
	uintptr_t pc, head, at;
};

static int nearest_head(const struct site *s, void *arg)
{
	struct nearest *n = arg;

	if (s->state != SITE_WINDOW && s->head <= n->pc && s->head > n->head &&
	    n->pc - s->head < STUB_MAX) {
		n->head = s->head;
		n->at = s->at;
	}
	return 0;
}

uintptr_t patch_origin(uintptr_t pc)
{
	struct nearest n = {.pc = pc};
	const struct stub_info *info;
	uintptr_t tail, origin = pc;

	patch_hold();
	if (!stubs_contain(pc))
		goto out;
	sites_each(nearest_head, &n);
	if (!n.head)
		goto out;
	info = info_of(n.head);
	tail = n.head + STUB_HEAD_SIZE;
	origin = info->site;
	for (unsigned i = 0; pc >= tail && i < STUB_MOVED && info->to[i] != 255; i++)
		if (pc - tail >= info->to[i])
			origin = info->site + STUB_SYSCALL + info->from[i];
	/* The instruction in front of the site runs behind the tail's jump. */
	if (n.at && n.at < info->site && pc >= tail + STUB_JUMP)
		origin = pc == tail + STUB_JUMP ? n.at : info->site;
out:
	patch_release();
	return origin;
}

uintptr_t patch_resume(uintptr_t pc)
{
	const struct stub_info *info;
	uintptr_t resume = pc;
	struct site *s = NULL;
	unsigned back;

	patch_hold();
	for (back = STUB_SYSCALL; back < STUB_MAX && !s; back++) {
		s = sites_find(pc - back);
		if (s && (s->state != SITE_PATCHED || s->at != pc - back))
			s = NULL;
	}
	if (s) {
		info = info_of(s->head);
		for (unsigned i = 0; i < STUB_MOVED && info->from[i] != 255; i++)
			if (info->from[i] == pc - s->address - STUB_SYSCALL)
				resume = s->head + STUB_HEAD_SIZE + info->to[i];
	}
	patch_release();
	return resume;
}

void patch_stats(struct patch_stats *out)
{
	patch_hold();
	*out = stats;
	out->sites = sites_count();
	stubs_usage(&out->stub_bytes, &out->regions);
	patch_release();
}

const char *patch_reason_name(enum patch_reason reason)
{
	static const char names[PATCH_REASONS][24] = {
		[PATCH_OK] = "patched",
		[PATCH_NO_RETURN] = "does not return",
		[PATCH_NO_MAPPING] = "mapping unknown",
		[PATCH_MAPPING] = "mapping unsuitable",
		[PATCH_INSTRUCTION] = "immovable instruction",
		[PATCH_SHORT] = "no room",
		[PATCH_BRANCH] = "branch target",
		[PATCH_OVERLAP] = "another site",
		[PATCH_REACH] = "out of reach",
		[PATCH_THREADS] = "threads",
		[PATCH_PROTECT] = "code not writable",
	};

	return reason < PATCH_REASONS ? names[reason] : "?";
}
