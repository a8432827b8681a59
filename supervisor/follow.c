/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "evidence.h"
#include "libraries.h"
#include "parameters.h"
#include "processes.h"
#include "report.h"
#include "reports.h"
#include "status.h"
#include "stop.h"
#include "tree.h"

/* The leader's host has a report to write, of what all hosts say: lead.c and report.c have limits.
 */
#define VERDICT_NS 60000000000ll

static void tell(struct running *r, enum message_kind kind, uint32_t stream, int32_t status,
		 const void *payload, size_t bytes)
{
	hosts_send(r, r->hosts->self, kind, stream, status, payload, bytes);
}

static const char *leader_name(const struct running *r)
{
	return r->hosts->peer[r->hosts->self].name;
}

/* The leader's host is gone, or says what no supervisor says. */
static int lost(struct running *r, const struct letter *l)
{
	fprintf(stderr, "tandem: the leader's host %s is lost: %s; the follower is ended\n",
		leader_name(r), (char *)l->payload ?: "?");
	r->hosts->over = true;
	r->hosts->status = STATUS_PEER_LOST;
	return stop_quietly(r, STATUS_PEER_LOST);
}

static int nonsense(struct running *r, const struct letter *l)
{
	fprintf(stderr,
		"tandem: what the leader's host %s says makes no sense (message %u, %zu bytes); "
		"the "
		"follower is ended\n",
		leader_name(r), l->said, l->bytes);
	r->hosts->over = true;
	r->hosts->status = STATUS_KILLED;
	return stop_quietly(r, STATUS_KILLED);
}

static int end(struct running *r, const struct letter *l)
{
	char text[2048 + 2 * REPORT_PATH]; /* as stop_report() makes it */

	if (l->m.status < 0 || l->m.status > 255)
		return nonsense(r, l);
	report_text(text, (char *)l->payload, sizeof(text));
	if (*text)
		fprintf(stderr, "tandem: %s: %s\n", leader_name(r), text);
	r->hosts->over = true;
	r->hosts->status = l->m.status;
	return stop_quietly(r, l->m.status);
}

/* The next letter of that kind; everything else that can come now ends the session. */
static int await(struct running *r, enum message_kind kind, struct letter *l)
{
	for (;;) {
		int status;

		if (!hosts_take(r, 0, l)) {
			status = events_await(r, -1);
			if (status != STATUS_GO_ON)
				return status;
			continue;
		}
		if (l->m.kind == kind)
			return STATUS_GO_ON;
		status = follow_hear(r, l);
		letter_free(l);
		if (status != STATUS_GO_ON)
			return status;
	}
}

int follow_start(struct running *r)
{
	uint64_t descriptors = r->descriptors.rlim_cur;
	struct letter l;
	char why[512];
	int status = await(r, MESSAGE_PARAMETERS, &l);

	if (status != STATUS_GO_ON)
		return status;
	if (parameters_apply(l.payload, l.bytes, r->files.session, &descriptors, why, sizeof(why)) <
	    0)
		status = stop_saying(r, STATUS_SETUP, "%s", why);
	letter_free(&l);
	r->hosts->met = true;
	if (descriptors < r->descriptors.rlim_max)
		r->descriptors.rlim_cur = descriptors;
	return status;
}

/* All of a list of paths, each behind a colon. */
static int check_libraries(struct running *r, char *list)
{
	char *save = NULL, why[512];

	for (char *path = strtok_r(list, ":", &save); path; path = strtok_r(NULL, ":", &save)) {
		if (libraries_allowed(path, why, sizeof(why)))
			return stop_saying(r, STATUS_SETUP,
					   "variant %d would start without a library that others "
					   "start with: %s",
					   r->config->variants[r->hosts->self].id, why);
	}
	return STATUS_GO_ON;
}

int follow_prepare(struct running *r, const char *list)
{
	char *preload = r->files.session->preload[r->hosts->self];
	size_t n = strlen(preload), size = sizeof(r->files.session->preload[0]);
	struct letter l;
	int status;

	tell(r, MESSAGE_PREPARED, 0, 0, list, list ? strlen(list) : 0);
	status = await(r, MESSAGE_LAUNCH, &l);
	if (status != STATUS_GO_ON)
		return status;
	if (*l.payload && *l.payload != ':')
		status = nonsense(r, &l);
	else if ((size_t)snprintf(preload + n, size - n, "%s", (char *)l.payload) >= size - n)
		status = stop_saying(r, STATUS_SETUP,
				     "the paths of preload and LD_PRELOAD are too long together");
	else
		status = check_libraries(r, (char *)l.payload);
	letter_free(&l);
	return status;
}

void follow_ready(struct running *r)
{
	tell(r, MESSAGE_READY, 0, 0, NULL, 0);
}

void follow_process(struct running *r, const struct process_watch *w)
{
	uint8_t bytes[sizeof(struct process_message) + PROCESS_SHARED];
	const struct process_message m = {.life = w->life, .wait_status = w->status};
	struct tree_process p;

	memcpy(bytes, &m, sizeof(m));
	memcpy(bytes + sizeof(m), w->stream->pages.state[w->variant], PROCESS_SHARED);
	/* Nobody else can count these. */
	if (tree_look(w->pid, &p) == 0)
		memcpy(bytes + sizeof(m) + offsetof(struct process_state, threads), &p.threads,
		       sizeof(p.threads));
	tell(r, MESSAGE_PROCESS, w->stream->number, 0, bytes, sizeof(bytes));
}

void follow_signal(struct running *r, int signal)
{
	/* Of this terminal's concern: the program has another. */
	if (signal == SIGTSTP || signal == SIGCONT || signal == SIGWINCH)
		return;
	run_verbose(r, "signal %d is passed on to the leader's host", signal);
	tell(r, MESSAGE_SIGNAL, 0, signal, NULL, 0);
}

void follow_done(struct running *r)
{
	if (!r->hosts->told)
		tell(r, MESSAGE_DONE, 0, 0, NULL, 0);
	r->hosts->told = true;
}

void follow_failed(struct running *r, int status, const char *text)
{
	if (!r->hosts->told)
		tell(r, MESSAGE_FAILED, 0, status, text, strlen(text));
	r->hosts->told = true;
}

static void answer(struct running *r)
{
	for (size_t i = 0; i < r->streams; i++) {
		const struct process_watch *w = &r->stream[i]->of[r->hosts->self];

		if (w->life == LIFE_ALIVE)
			follow_process(r, w);
	}
	tell(r, MESSAGE_ANSWER, 0, 0, NULL, 0);
}

/* Halts and freezes the follower, and says what is known of the thread in question. */
static int freeze(struct running *r, const struct letter *l)
{
	struct freeze_message m;
	struct evidence *e;
	char *text = NULL;

	if (l->bytes != sizeof(m))
		return nonsense(r, l);
	memcpy(&m, l->payload, sizeof(m));
	if (m.reporter >= r->config->n_variants || r->hosts->frozen)
		return nonsense(r, l);
	stop_halt(r);
	tree_freeze();
	if (m.reporter != r->hosts->self) {
		r->files.variant[m.reporter]->divergence.stream = m.stream;
		r->files.variant[m.reporter]->divergence.thread = m.thread;
	}
	e = evidence_collect(r, m.reporter);
	if (e) {
		text = report_side(r, e, r->hosts->self);
		evidence_free(e);
	}
	tell(r, MESSAGE_EVIDENCE, 0, 0, text, text ? strlen(text) : 0);
	r->hosts->frozen = true;
	free(text);
	return STATUS_GO_ON;
}

/* What became of a stream, which must have begun and not be over. */
static int stream(struct running *r, const struct letter *l)
{
	int status = processes_find(r);

	if (status != STATUS_GO_ON)
		return status;
	if (!processes_known(r, l->m.stream))
		return nonsense(r, l);
	switch (l->m.kind) {
	case MESSAGE_ENDED:
		return processes_ended(r, l->m.stream, (uint32_t)l->m.status);
	case MESSAGE_NEVER:
		return processes_never(r, l->m.stream);
	default:
		processes_over(r, l->m.stream);
		return STATUS_GO_ON;
	}
}

int follow_hear(struct running *r, const struct letter *l)
{
	switch (l->m.kind) {
	case MESSAGE_ENDED:
	case MESSAGE_NEVER:
	case MESSAGE_OVER:
		return stream(r, l);
	case MESSAGE_ASK:
		answer(r);
		return STATUS_GO_ON;
	case MESSAGE_ANSWER:
		status_answered(r, (char *)l->payload);
		return STATUS_GO_ON;
	case MESSAGE_FREEZE:
		return freeze(r, l);
	case MESSAGE_END:
		return end(r, l);
	case LETTER_LOST:
		return lost(r, l);
	default:
		return nonsense(r, l);
	}
}

int follow_diverged(struct running *r)
{
	int64_t end = tnd_monotonic() + VERDICT_NS;

	tell(r, MESSAGE_DIVERGED, 0, 0, &r->files.variant[r->hosts->self]->divergence,
	     sizeof(struct divergence));
	while (tnd_monotonic() < end) {
		struct letter l;
		int status;

		if (!hosts_take(r, 1000, &l))
			continue;
		status = follow_hear(r, &l);
		letter_free(&l);
		if (status != STATUS_GO_ON)
			return status;
	}
	r->hosts->told = true;
	return stop_saying(r, STATUS_PEER_LOST,
			   "the follower has diverged, and the leader's host %s has not ended the "
			   "session within %lld s; the follower is ended",
			   leader_name(r), VERDICT_NS / 1000000000);
}
