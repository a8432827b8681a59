/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: what a hijacked host's supervisor may say, as the leader's host and as a follower's
 * hear it: the real supervisor around an engine that plays the input. Other processes, symbols and
 * files of reports are left out; a report that was made must be one that `explain` can show.
 *
 * The first byte chooses the side and how it begins (enum way); then come steps of 8 bytes (struct
 * step), each with its payload: messages, or what happens meanwhile on this host.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"
#include "explain.h"
#include "follow.h"
#include "hang.h"
#include "lead.h"
#include "libraries.h"
#include "parameters.h"
#include "processes.h"
#include "program.h"
#include "reports.h"
#include "starter.h"
#include "status.h"
#include "stop.h"
#include "symbols.h"
#include "tree.h"

enum way {
	WAY_FOLLOW = 1, /* this is a follower's host */
	WAY_START = 2,  /* from the beginning; else all have started */
	WAY_CONTINUE = 4,
	WAY_HANG = 8,    /* hang_timeout is very short */
	WAY_CHOKED = 16, /* the peer takes few messages */
};

enum step_flag {
	STEP_MORE = 1,  /* MESSAGE_MORE */
	STEP_FIT = 2,   /* the payload gets the size that such a message has */
	STEP_OTHER = 4, /* from the other peer */
	STEP_HERE = 8,  /* enum here instead of a message */
};

enum here { HERE_STREAM, HERE_DIVERGENCE, HERE_READER, HERE_STARTS, HERE_EXITS, HERE_STEPS };

struct step {
	uint8_t kind, flags, stream, unused;
	int16_t status;
	uint16_t bytes;
};

#define VARIANTS 3
#define NOBODY 0x3fffff /* a pid */

/* Of one input. */
static struct {
	const uint8_t *data;
	size_t size;
	struct running r;
	struct hosts hosts;
	unsigned here; /* the variant of this host */
	bool choked;
	size_t sent;
	unsigned lost; /* peers that were, in the end */
	bool exited;
} f;

static uint8_t payload[sizeof(struct message) + 65536];

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* ---- this host ---- */

static void happens(const struct step *s)
{
	uint32_t stream = s->stream % session_streams(&f.r.files);
	const uint32_t exited = PHASE_EXITED;
	int ends[2];

	switch (s->kind % HERE_STEPS) {
	case HERE_STREAM:
		atomic_fetch_add(&f.r.files.header->next_stream, 1);
		break;
	case HERE_DIVERGENCE:
		atomic_store(&f.r.files.variant[f.here]->divergence.kind, (uint32_t)s->status);
		break;
	case HERE_READER:
		if (f.r.asked < 4 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) {
			f.r.asking[f.r.asked++] = ends[0];
			close(ends[1]);
			if (f.hosts.lead)
				status_asked(&f.r);
		}
		break;
	case HERE_STARTS:
		session_write_pid(&f.r.files, f.here, stream, NOBODY);
		break;
	case HERE_EXITS:
		if (session_pid(&f.r.files, f.here, stream) == NOBODY)
			must(pwrite(f.r.files.state[f.here], &exited, sizeof(exited),
				    (off_t)state_stream_offset(stream)) == sizeof(exited));
		f.exited = true;
		break;
	}
}

pid_t fuzz_fork(void);
pid_t fuzz_fork(void)
{
	return -1;
}

int fuzz_kill(pid_t pid, int signal)
{
	(void)pid;
	(void)signal;
	abort(); /* there is nobody */
}

int fuzz_chdir(const char *path)
{
	return *path == '/' ? 0 : -1;
}

mode_t fuzz_umask(mode_t mask)
{
	must(mask <= 0777);
	return 022;
}

int tree_look(int pid, struct tree_process *p)
{
	*p = (struct tree_process){.pid = pid, .state = f.exited ? 'Z' : 'S', .threads = 1};
	return 0;
}

bool tree_below(int pid)
{
	return pid == NOBODY;
}

int tree_freeze(void)
{
	return 0;
}

int tree_kill(void)
{
	return 0;
}

void frozen_look(struct frozen *x, int pid, uint32_t tag)
{
	(void)tag;
	*x = (struct frozen){.pid = pid, .why = "nobody"};
}

void frozen_take(struct frozen *x, int pid, int tid, uint64_t ip, uint64_t sp, uint64_t fp)
{
	*x = (struct frozen){.pid = pid, .tid = tid, .ip = ip, .sp = sp, .fp = fp};
}

uint64_t frozen_origin(int pid, uint64_t ip)
{
	must(pid == 0 || pid == NOBODY);
	return ip;
}

void frozen_free(struct frozen *x)
{
	(void)x;
}

struct symbols *symbols_open(int pid)
{
	(void)pid;
	return NULL;
}

void symbols_close(struct symbols *s)
{
	(void)s;
}

void symbols_place(struct symbols *s, uint64_t address, int caller, struct symbol_place *place)
{
	(void)s;
	(void)caller;
	*place = (struct symbol_place){.address = address};
}

size_t symbols_unwind(struct symbols *s, const struct frozen *x, uint64_t *addresses, size_t most)
{
	(void)s;
	(void)x;
	(void)addresses;
	(void)most;
	return 0;
}

uint64_t starter_gate(uint64_t random)
{
	return random;
}

int starter_create(uint64_t gate)
{
	(void)gate;
	return -ENOSYS;
}

int program_capture(char *const argv[], char *const env[], int from, char *out, size_t size)
{
	(void)argv;
	(void)env;
	(void)from;
	(void)out;
	(void)size;
	return -ENOSYS;
}

void reports_default(char *to, size_t size)
{
	snprintf(to, size, "/");
}

bool reports_is_default(const char *directory)
{
	return !strcmp(directory, "/");
}

int reports_newest(const char *directory, char *path)
{
	(void)directory;
	(void)path;
	return -ENOENT;
}

int reports_store(const char *directory, const char *text, char *path)
{
	int fd = memfd_create("report", 0);
	size_t n = strlen(text), shown;
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, &shown);

	(void)directory;
	must(fd >= 0 && out && write(fd, text, n) == (ssize_t)n);
	snprintf(path, REPORT_PATH, "/proc/self/fd/%d", fd);
	must(explain(out, "/", path, false) == 0);
	fclose(out);
	close(fd);
	for (size_t i = 0; i < shown; i++)
		must(bytes[i] == '\n' || (bytes[i] >= 32 && bytes[i] < 127));
	free(bytes);
	return 0;
}

void run_verbose(const struct running *r, const char *format, ...)
{
	(void)r;
	(void)format;
}

/* ---- the engine ---- */

struct engine {
	int fd;
};

static struct engine engine;

int engine_fd(const struct engine *e)
{
	return e->fd;
}

int engine_send(struct engine *e, unsigned name, const void *message, size_t bytes)
{
	(void)e;
	must(name < VARIANTS && bytes >= sizeof(struct message) && bytes <= ENGINE_MESSAGE);
	memcpy(payload, message, bytes); /* all of it can be read */
	f.sent += bytes;
	return f.choked && f.sent > 4096 ? -ENOBUFS : 0;
}

void engine_drop(struct engine *e, unsigned name)
{
	(void)e;
	must(name < VARIANTS);
}

void engine_close_stream(struct engine *e, uint32_t stream)
{
	(void)e;
	must(stream < SESSION_STREAMS);
}

void engine_stop(struct engine *e, int64_t linger_ns)
{
	(void)e;
	(void)linger_ns;
}

int engine_stats(struct engine *e, unsigned name, struct engine_stats *s)
{
	(void)e;
	(void)s;
	return name < VARIANTS ? 0 : -ENOTCONN;
}

static unsigned peer_of(bool other)
{
	return f.hosts.lead ? 1 + other : f.hosts.self;
}

/* What such a message has; `n` bytes of it come from the input. */
static size_t fit(uint32_t kind, size_t n)
{
	uint8_t *at = payload + sizeof(struct message);
	size_t size = kind == MESSAGE_PROCESS      ? sizeof(struct process_message) + PROCESS_SHARED
		      : kind == MESSAGE_DIVERGED   ? sizeof(struct divergence)
		      : kind == MESSAGE_FREEZE     ? sizeof(struct freeze_message)
		      : kind == MESSAGE_PARAMETERS ? n + offsetof(struct parameters, descriptors)
						   : n;
	size_t head = offsetof(struct divergence, own_around);

	if (n < size)
		memset(at + n, 0, size - n);
	/* What is behind the numbers goes to both sides' bytes. */
	if (kind == MESSAGE_DIVERGED && n > head) {
		n = n - head < DIVERGENCE_BYTES ? n - head : DIVERGENCE_BYTES;
		memmove(at + offsetof(struct divergence, leader), at + head, n);
		memmove(at + offsetof(struct divergence, own), at + head, n);
	}
	return size;
}

static void next_message(const struct step *s, struct engine_event *e)
{
	struct message m = {.kind = s->kind,
			    .stream = s->stream == 255 ? UINT32_MAX : s->stream,
			    .status = s->status};
	size_t n = s->bytes < f.size ? s->bytes : f.size;

	memcpy(payload + sizeof(m), f.data, n);
	f.data += n;
	f.size -= n;
	if (s->flags & STEP_FIT)
		n = fit(m.kind, n);
	if (s->flags & STEP_MORE)
		m.kind |= MESSAGE_MORE;
	memcpy(payload, &m, sizeof(m));
	e->kind = ENGINE_MESSAGE_CAME;
	e->name = peer_of(s->flags & STEP_OTHER);
	e->bytes = (uint32_t)(s->status == 77 ? n / 2 : sizeof(m) + n);
	/* Its own block: whoever reads too far is seen. */
	e->data = malloc(e->bytes ? e->bytes : 1);
	must(e->data);
	memcpy(e->data, payload, e->bytes);
}

void engine_next(struct engine *e, struct engine_event *event)
{
	struct step s;

	(void)e;
	*event = (struct engine_event){.kind = ENGINE_NOTHING};
	if (f.size < sizeof(s)) {
		f.size = 0;
		if (f.lost < 2) {
			*event = (struct engine_event){
				.kind = ENGINE_LOST, .name = peer_of(f.lost++), .why = "the end"};
		}
		return;
	}
	memcpy(&s, f.data, sizeof(s));
	f.data += sizeof(s);
	f.size -= sizeof(s);
	if (!(s.flags & STEP_HERE))
		return next_message(&s, event);
	happens(&s);
	event->kind = ENGINE_HALTED;
	event->name = peer_of(false);
}

/* ---- a session ---- */

static int start(void)
{
	char *lists[SESSION_VARIANTS] = {0}, why[512], name[] = "libm.so.6 => /lib/libm.so (0x1)\n";
	size_t from[SESSION_VARIANTS] = {0};
	int status;

	if (!f.hosts.lead) {
		status = follow_start(&f.r);
		return status == STATUS_GO_ON ? follow_prepare(&f.r, name) : status;
	}
	status = lead_prepared(&f.r, lists);
	lists[0] = name;
	for (unsigned v = 0; v < VARIANTS; v++)
		from[v] = strlen(f.r.files.session->preload[v]);
	if (status == STATUS_GO_ON &&
	    libraries_equalise(f.r.files.session, f.r.config, lists, why, sizeof(why)))
		status = stop_saying(&f.r, STATUS_SETUP, "%s", why);
	return status == STATUS_GO_ON ? lead_launch(&f.r, from) : status;
}

/* As events_loop() does. */
static int turn(void)
{
	int status = hosts_hear(&f.r);
	bool soon;

	if (status == STATUS_GO_ON)
		status = processes_find(&f.r);
	if (status == STATUS_GO_ON && atomic_load(&f.r.files.variant[f.here]->divergence.kind))
		status = stop_report(&f.r, f.here);
	if (status == STATUS_GO_ON)
		status = processes_judge(&f.r, &soon);
	if (status == STATUS_GO_ON)
		status = hang_look(&f.r);
	return status;
}

/* Memory is for what the leader has begun, whatever else anybody speaks of. */
static void weigh(void)
{
	const struct session_files *s = &f.r.files;
	const int files[] = {s->control,  s->log,    s->state[0], s->state[1],
			     s->state[2], s->ack[0], s->ack[1],   s->ack[2]};
	size_t pages = 0, most = 16 * VARIANTS + 10 + 8 * (size_t)session_streams(s);
	struct stat st;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		must(fstat(files[i], &st) == 0);
		pages += (size_t)st.st_blocks / 8;
	}
	must(pages <= most);
	must(f.sent < 16u << 20);
}

static void begin(struct config *c, uint8_t way)
{
	memset(&f, 0, sizeof(f));
	f.here = way & WAY_FOLLOW ? 1 : 0;
	f.choked = way & WAY_CHOKED;
	for (unsigned v = 0; v < VARIANTS; v++) {
		c->variants[v].id = (int)v;
		c->variants[v].local = v == f.here;
	}
	c->on_peer_loss =
		way & WAY_CONTINUE ? CONFIG_ON_PEER_LOSS_CONTINUE : CONFIG_ON_PEER_LOSS_END;
	c->hang_timeout = way & WAY_HANG ? 1e-7 : 0;
	f.hosts = (struct hosts){.lead = !f.here, .self = f.here, .engine = &engine};
	for (unsigned v = 0; v < VARIANTS; v++) {
		if (f.hosts.lead ? v != 0 : v == f.here)
			f.hosts.peer[v] = (struct peer){.connected = true,
							.prepared = !(way & WAY_START),
							.ready = !(way & WAY_START),
							.name = "peer"};
	}
}

static void end(void)
{
	const struct session_files *s = &f.r.files;

	for (size_t i = 0; i < f.r.streams; i++) {
		session_unmap_stream(s, &f.r.stream[i]->pages);
		free(f.r.stream[i]);
	}
	free(f.r.stream);
	free(f.r.awaited);
	for (unsigned v = 0; v < VARIANTS; v++) {
		free(f.hosts.peer[v].libraries);
		free(f.hosts.peer[v].evidence);
		free(f.hosts.peer[v].part);
		munmap(s->variant[v], STATE_HEADER);
		close(s->state[v]);
		close(s->ack[v]);
	}
	while (f.r.asked)
		close(f.r.asking[--f.r.asked]);
	munmap(s->session, SESSION_CONTROL_HEADER);
	munmap(s->header, RING_PAGE);
	close(s->control);
	close(s->log);
	close(s->bell);
	close(s->engine);
	close(f.r.epoll);
	close(f.r.signals);
	status_close(&f.r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_variant variants[VARIANTS];
	static struct config c = {.ring_size = 65536,
				  .variants = variants,
				  .n_variants = VARIANTS,
				  .trap = CONFIG_TRAP_SUD,
				  .file = (char *)"fuzz.cfg",
				  .report_dir = (char *)"/"};
	static char *argv[] = {(char *)"/bin/true", NULL};
	static struct guarded guarded;
	static int channel[2];
	char **environment = environ;
	int status = STATUS_GO_ON;

	if (!size)
		return 0;
	if (!channel[1]) {
		must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel) == 0);
		guarded.channel = channel[0];
		engine.fd = eventfd(1, 0);
	}
	begin(&c, *data);
	f.r = (struct running){.config = &c,
			       .library = "/libtandem.so",
			       .argv = argv,
			       .status_socket = -1,
			       .guarded = &guarded,
			       .hosts = &f.hosts};
	must(session_create(&f.r.files, &c, f.r.library, TRAP_SUD) == 0);
	must(events_open(&f.r) == 0 && events_add(&f.r, engine.fd) == 0);
	f.data = data + 1;
	f.size = size - 1;
	if (*data & WAY_START)
		status = start();
	while (status == STATUS_GO_ON && f.lost < 2)
		status = turn();
	must(status == STATUS_GO_ON || (status >= 0 && status < 256));
	weigh();
	end();
	if (environ != environment) {
		free(environ);
		environ = environment;
	}
	return 0;
}
