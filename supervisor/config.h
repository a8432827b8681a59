/* SPDX-License-Identifier: MIT */
/*
 * config.h - the configuration file (tandem.cfg(5)) as the supervisor uses it.
 *
 * The format and the keys are A8's (github.com/andrej/a8, library/src/config.c); a file
 * written for A8 is accepted unchanged. Keys of our own are optional. Default values are given
 * at each field below.
 *
 * Ownership: config_load() fills a struct config that owns everything it points to until
 * config_free(). Nothing in it is shared with libconfig, whose types and symbols don't leave
 * config*.c. (That is also why the functions are called config_load*: libconfig has taken
 * config_read and config_read_string, and a program must not interpose them.)
 *
 * Threads: no global state is kept, but libconfig reads numbers in the C locale: call before
 * any setlocale(). Not async-signal-safe.
 */
#ifndef TANDEM_SUPERVISOR_CONFIG_H
#define TANDEM_SUPERVISOR_CONFIG_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many variants can run; the array itself holds any number. */
#define CONFIG_VARIANTS_MAX 8

#define CONFIG_RING_SIZE_MIN (UINT64_C(64) << 10)
#define CONFIG_RING_SIZE_MAX (UINT64_C(1) << 30)

/* A8's names, strict to relaxed: every policy exempts what the ones before it exempt. */
enum config_policy {
	CONFIG_POLICY_FULL,
	CONFIG_POLICY_BASE,
	CONFIG_POLICY_NONSOCKET_RO,
	CONFIG_POLICY_NONSOCKET_RW,
	CONFIG_POLICY_SOCKET_RO,
	CONFIG_POLICY_SOCKET_RW,
	CONFIG_POLICY_SOCKET_RW_OC,
};

enum config_compare { CONFIG_COMPARE_FULL, CONFIG_COMPARE_HASH };
enum config_trap { CONFIG_TRAP_AUTO, CONFIG_TRAP_SUD, CONFIG_TRAP_SECCOMP };
enum config_wait { CONFIG_WAIT_ADAPTIVE, CONFIG_WAIT_SPIN, CONFIG_WAIT_BLOCK };
enum config_transport {
	CONFIG_TRANSPORT_AUTO,
	CONFIG_TRANSPORT_SHM,
	CONFIG_TRANSPORT_RDMA,
	CONFIG_TRANSPORT_TCP,
};
enum config_tcp_io { CONFIG_TCP_IO_AUTO, CONFIG_TCP_IO_URING, CONFIG_TCP_IO_SOCKETS };
enum config_link { CONFIG_LINK_ENCRYPTED, CONFIG_LINK_TRUSTED };
enum config_on_peer_loss { CONFIG_ON_PEER_LOSS_END, CONFIG_ON_PEER_LOSS_CONTINUE };
enum config_on_divergence { CONFIG_ON_DIVERGENCE_STOP };

/* A place where checkpoints are taken; kept for A8's files, not active in this version. */
struct config_breakpoint {
	char *symbol;      /* NULL: none, the offset is an address */
	int64_t offset;    /* bytes from the symbol; 0 */
	int64_t instr_len; /* bytes; 0 = unknown */
	int64_t interval;  /* every n-th hit; 0 switches it off */
};

struct config_variant {
	int id;        /* unique, >= 0; required */
	int line;      /* where the variant begins in the file */
	char *address; /* numeric IPv4 or IPv6, "localhost" or "" (this machine); "" */
	uint16_t port; /* 0 = none */
	bool local; /* runs here: config_address_is_local(address), or what config_place() says */
	char *exec; /* absolute path of another build; NULL = the command line's program */

	char **env; /* "NAME=VALUE", ends with NULL; never NULL itself */
	size_t n_env;
	char **preload; /* paths, or names for the dynamic linker to find; ends with NULL */
	size_t n_preload;

	char *rdma_device; /* of its host; NULL = the one behind the connection's address, or any */
	char *cpus;        /* as written, such as "0,2-3"; NULL = wherever the kernel likes */
	cpu_set_t cpu_set; /* the same; empty when cpus is NULL */
	struct config_breakpoint *breakpoints;
	size_t n_breakpoints;
};

struct config {
	char *file; /* as given to config_load() */
	char *text; /* what it says, `length` bytes: hosts must have the same */
	size_t length;

	int leader_id;                   /* names one of the variants; required */
	enum config_policy policy;       /* full */
	uint64_t replication_batch_size; /* bytes, 0 = publish at once; 8192 */
	double restore_probability;      /* [0, 1); 0 */
	double restore_interval;         /* of A8's files, which has no meaning there; 0 */
	double inject_fault_probability; /* [0, 1); 0 */
	uint64_t socket_read_usleep;     /* microseconds; 0 */
	uint64_t ignore_first_n;         /* calls; 0 */

	enum config_transport transport;         /* auto */
	enum config_tcp_io tcp_io;               /* auto */
	char *key_file;                          /* absolute; NULL = none */
	enum config_link link;                   /* encrypted */
	double connect_timeout;                  /* seconds, 0 = for ever; 60 */
	double peer_timeout;                     /* seconds; 5 */
	enum config_on_peer_loss on_peer_loss;   /* end */
	uint64_t ring_size;                      /* bytes, a power of two; 1 MiB */
	enum config_compare compare;             /* full */
	enum config_trap trap;                   /* auto */
	enum config_wait wait;                   /* adaptive */
	enum config_on_divergence on_divergence; /* stop */
	double hang_timeout;                     /* seconds, 0 = never; 10 */
	char *report_dir;                        /* absolute; /var/tmp/tandem-UID */
	char **write_paths;                      /* absolute path prefixes, end with NULL; none */
	size_t n_write_paths;

	struct config_variant *variants; /* in the file's order */
	size_t n_variants;               /* 1..CONFIG_VARIANTS_MAX */
	size_t leader;                   /* index of leader_id's variant */

	/*
	 * What was accepted although it has no effect yet, one line each ("file:line: key:
	 * ..."), for the caller to print. Not an error.
	 */
	char **notes;
	size_t n_notes;

	struct config_block *owned; /* everything above; config_free() walks it */
};

struct config_error {
	int line;       /* 0 when it is about the file as a whole */
	char text[640]; /* "file:line: key: what was found and expected", without a newline */
};

/*
 * Reads and checks `file`. 0, or a negative errno with one line in err->text: the file's own
 * errors (-ENOENT, -EACCES, -EFBIG above 256 KiB ...), -EINVAL for anything wrong with what it
 * says, -ENOMEM. On failure *out is empty and needs no config_free().
 */
int config_load(const char *file, struct config *out, struct config_error *err);

/* The same on `length` bytes of text, which messages call `name`. */
int config_load_string(const char *text, size_t length, const char *name, struct config *out,
		       struct config_error *err);

/*
 * Says which variants run here: the one of that id, or with id < 0 those whose address is this
 * machine's. Checks what the others then need. 0, or -EINVAL with one line in err->text.
 */
int config_place(struct config *config, int id, struct config_error *err);

/* Whether variants run elsewhere. */
bool config_spans_hosts(const struct config *config);
/*
 * Do several followers run here, and the leader elsewhere? A command has one connection to the
 * leader's host, for one follower: then one line says which commands it takes.
 */
bool config_place_apart(const struct config *config, char *why, size_t size);
/* Why no RDMA device is used under it, whatever there is; NULL: one may be. */
const char *config_rdma_excluded(const struct config *config);

/* Frees everything *config owns and empties it; an empty one may be freed again. */
void config_free(struct config *config);

/* The variant of that id, or NULL. */
const struct config_variant *config_variant(const struct config *config, int id);

/*
 * Whether an address means this machine: empty, "localhost", loopback, the unspecified address
 * or one that an interface has now. False for whatever isn't an address.
 */
bool config_address_is_local(const char *address);

/* Whether an address never leaves this machine: empty, "localhost" or loopback. */
bool config_address_is_loopback(const char *address);

/*
 * Reads a list of CPUs like "0,2-3" into *set. 0, or -EINVAL (empty, malformed, reversed,
 * or at least CPU_SETSIZE).
 */
int config_parse_cpus(const char *text, cpu_set_t *set);

/* The file's words for the values. */
const char *config_policy_name(enum config_policy policy);
const char *config_compare_name(enum config_compare compare);
const char *config_trap_name(enum config_trap trap);
const char *config_wait_name(enum config_wait wait);
const char *config_transport_name(enum config_transport transport);
const char *config_link_name(enum config_link link);
const char *config_on_peer_loss_name(enum config_on_peer_loss action);
const char *config_on_divergence_name(enum config_on_divergence action);

#endif
