/* SPDX-License-Identifier: MIT */
/* The engine's thread, and what the supervisor's thread says to it and hears from it. */
#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "slice.h"

#define DEADLINE_NS 5000000000ll

static void call(struct engine *e)
{
	uint64_t one = 1;

	/* Fails only when it is so full that it is readable anyway. */
	if (write(e->wake, &one, sizeof(one)) < 0)
		return;
}

/* ---- the engine's thread ---- */

/* What has happened is seen by looking at everything in the next turn. */
static void nothing(struct poller_item *item, int result)
{
	(void)item;
	(void)result;
}

static int execute(struct engine *e)
{
	struct link *l;

	switch (e->command.what) {
	case COMMAND_ADD:
		return link_add(e, e->command.add, e->command.why);
	case COMMAND_DROP:
		l = link_find(e, e->command.name);
		if (!l)
			return -ENOTCONN;
		l->lost = true;
		l->heard_bye = false;
		*l->why = 0;
		link_close(l);
		return 0;
	case COMMAND_CLOSE_STREAM:
		streams_close(e, e->command.stream);
		return 0;
	case COMMAND_STOP:
		e->stopping = true;
		e->stop_at = e->now + e->command.linger;
		for (unsigned p = 0; p < ENGINE_LINKS; p++) {
			if (e->link[p])
				e->link[p]->stopping = true;
		}
		return 0;
	}
	return -EINVAL;
}

bool answer(struct engine *e)
{
	int result = execute(e);

	pthread_mutex_lock(&e->lock);
	e->command.result = result;
	e->command.waits = false;
	atomic_store(&e->calls, 0);
	pthread_cond_signal(&e->answered);
	pthread_mutex_unlock(&e->lock);
	return true;
}

static int begin(struct engine *e)
{
	int error =
		poller_open(&e->poller, e->o.io != ENGINE_IO_SOCKETS, e->o.io == ENGINE_IO_URING);

	if (error)
		return error;
	slice_shorten();
	e->bell.done = e->doorbell.done = nothing;
	error = poller_watch(&e->poller, &e->bell, e->o.bell, POLLIN);
	if (!error)
		error = poller_watch(&e->poller, &e->doorbell, e->wake, POLLIN);
	return error;
}

static void end(struct engine *e)
{
	for (unsigned p = 0; p < ENGINE_LINKS; p++) {
		if (e->link[p]) {
			link_lost(e->link[p], "the engine has ended");
			link_close(e->link[p]);
		}
	}
	poller_close(&e->poller);
	streams_end(e);
}

static void *run(void *argument)
{
	struct engine *e = argument;
	int error = begin(e);

	pthread_setname_np(pthread_self(), "tandem-engine");
	pthread_mutex_lock(&e->lock);
	e->command.result = error;
	e->running = !error;
	e->command.waits = false;
	pthread_cond_signal(&e->answered);
	pthread_mutex_unlock(&e->lock);
	if (error)
		return NULL;
	turns_begin(e);
	while (turn(e))
		;
	if (e->failed)
		event_post(e, ENGINE_FAILED, 0, NULL, 0, strerror(-e->failed));
	end(e);
	pthread_mutex_lock(&e->lock);
	e->running = false;
	pthread_cond_signal(&e->answered);
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- the supervisor's ---- */

static void release(struct engine *e)
{
	if (e->wake >= 0)
		close(e->wake);
	if (e->event_fd >= 0)
		close(e->event_fd);
	parcels_free(&e->events);
	pthread_cond_destroy(&e->answered);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static int start_thread(struct engine *e)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e->command.waits = true;
	error = pthread_create(&e->thread, NULL, run, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	pthread_mutex_lock(&e->lock);
	while (e->command.waits)
		pthread_cond_wait(&e->answered, &e->lock);
	error = e->command.result;
	pthread_mutex_unlock(&e->lock);
	if (error)
		pthread_join(e->thread, NULL);
	return error;
}

int engine_start(struct engine **to, const struct engine_options *o, char why[ENGINE_WHY])
{
	struct engine *e = calloc(1, sizeof(*e));
	int error = -ENOMEM;

	if (!e || sodium_init() < 0) {
		free(e);
		snprintf(why, ENGINE_WHY, "no memory for the engine");
		return error;
	}
	e->o = *o;
	if (!e->o.deadline_ns)
		e->o.deadline_ns = DEADLINE_NS;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->answered, NULL);
	parcels_begin(&e->events);
	e->now = tnd_monotonic();
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = e->wake < 0 || e->event_fd < 0 ? -errno : streams_begin(e);
	if (!error)
		error = start_thread(e);
	if (!error) {
		*to = e;
		return 0;
	}
	snprintf(why, ENGINE_WHY, "%s%s%s", *e->poller.text ? e->poller.text : "the engine",
		 *e->poller.text ? "" : ": ", *e->poller.text ? "" : strerror(-error));
	release(e);
	return error;
}

/* Sleeps until the engine has done it. */
static int command(struct engine *e, enum engine_command what)
{
	int result = -ESHUTDOWN;

	pthread_mutex_lock(&e->lock);
	if (e->running) {
		e->command.what = what;
		e->command.waits = true;
		atomic_store(&e->calls, 1);
		call(e);
		while (e->command.waits && e->running)
			pthread_cond_wait(&e->answered, &e->lock);
		result = e->command.waits ? -ESHUTDOWN : e->command.result;
	}
	pthread_mutex_unlock(&e->lock);
	return result;
}

void engine_stop(struct engine *e, int64_t linger_ns)
{
	e->command.linger = linger_ns;
	command(e, COMMAND_STOP);
	pthread_join(e->thread, NULL);
	release(e);
}

int engine_add(struct engine *e, const struct engine_link *l, char why[ENGINE_WHY])
{
	int error;

	*why = 0;
	e->command.add = l;
	e->command.why = why;
	error = command(e, COMMAND_ADD);
	if (error == -ESHUTDOWN) {
		close(l->fd);
		snprintf(why, ENGINE_WHY, "the engine has ended");
	}
	return error;
}

void engine_drop(struct engine *e, unsigned name)
{
	e->command.name = name;
	command(e, COMMAND_DROP);
}

void engine_close_stream(struct engine *e, uint32_t stream)
{
	e->command.stream = stream;
	command(e, COMMAND_CLOSE_STREAM);
}

int engine_send(struct engine *e, unsigned name, const void *message, size_t bytes)
{
	struct parcel *p;
	struct link *l;
	int error = 0;

	if (bytes == 0 || bytes > ENGINE_MESSAGE)
		return -EMSGSIZE;
	p = parcel_new(message, (uint32_t)bytes);
	if (!p)
		return -ENOMEM;
	pthread_mutex_lock(&e->lock);
	l = link_find(e, name);
	if (!l || l->gone)
		error = -ENOTCONN;
	else if (l->out.bytes > ENGINE_WAITING)
		error = -ENOBUFS;
	else
		parcels_put(&l->out, p);
	pthread_mutex_unlock(&e->lock);
	if (!error) {
		call(e);
		return 0;
	}
	parcel_free(p);
	return error;
}

int engine_fd(const struct engine *e)
{
	return e->event_fd;
}

void engine_next(struct engine *e, struct engine_event *event)
{
	struct parcel *p;
	struct link *l;
	uint64_t count;

	pthread_mutex_lock(&e->lock);
	p = parcels_take(&e->events);
	l = p && p->event.kind == ENGINE_MESSAGE_CAME ? link_find(e, p->event.name) : NULL;
	/* A link that has come since under the same name has nothing of it. */
	if (l)
		l->waits -= l->waits < parcel_bytes(p) ? l->waits : parcel_bytes(p);
	/* Under the lock: an event that is put now makes it readable again. */
	if (!e->events.count && read(e->event_fd, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_unlock(&e->lock);
	memset(event, 0, sizeof(*event));
	if (!p)
		return;
	*event = p->event;
	free(p);
}

static int64_t thread_time(const struct engine *e)
{
	struct timespec ts;
	clockid_t clock;

	if (pthread_getcpuclockid(e->thread, &clock) || clock_gettime(clock, &ts))
		return 0;
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int engine_stats(struct engine *e, unsigned name, struct engine_stats *s)
{
	int64_t now = tnd_monotonic();
	struct link *l;

	pthread_mutex_lock(&e->lock);
	l = link_find(e, name);
	if (l) {
		*s = l->stats;
		s->behind = l->behind;
		s->heard_ns = now > l->heard_at ? now - l->heard_at : 0;
	}
	pthread_mutex_unlock(&e->lock);
	if (!l)
		return -ENOTCONN;
	s->cpu_ns = thread_time(e);
	return 0;
}

const char *engine_io_text(const struct engine *e)
{
	return e->poller.text;
}
