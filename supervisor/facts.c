/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../monitor/syscalls/table.h"
#include "../transport/record.h"
#include "launch.h"
#include "machine.h"

#define HASH 16

static void hex(const uint8_t hash[HASH], char *to)
{
	for (unsigned i = 0; i < HASH; i++)
		sprintf(to + 2 * i, "%02x", hash[i]);
}

static void hash_text(const void *text, size_t bytes, char *to)
{
	uint8_t hash[HASH];

	crypto_generichash(hash, sizeof(hash), text, bytes, NULL, 0);
	hex(hash, to);
}

static int hash_file(const char *path, char *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	crypto_generichash_state state;
	uint8_t hash[HASH], bytes[16384];
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		crypto_generichash_update(&state, bytes, (size_t)n);
	n = n < 0 ? -errno : 0;
	close(fd);
	crypto_generichash_final(&state, hash, sizeof(hash));
	hex(hash, to);
	return (int)n;
}

/* Its words, or if there are too many a hash of them. */
static void command_line(char *const *argv, char *to, size_t size)
{
	crypto_generichash_state state;
	uint8_t hash[HASH];
	size_t n = 0;

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	for (char *const *a = argv; *a; a++) {
		crypto_generichash_update(&state, (const uint8_t *)*a, strlen(*a) + 1);
		if (n < size)
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? " " : "", *a);
	}
	for (size_t i = 0; i < n && n < size; i++) {
		if (to[i] < ' ' || to[i] > '~')
			n = size; /* not printable */
	}
	if (n < size)
		return;
	crypto_generichash_final(&state, hash, sizeof(hash));
	n = (size_t)snprintf(to, size, "of hash ");
	hex(hash, to + n);
}

/* Variants that execute something else have the command line's program for a name only. */
static bool own_programs(const struct config *c)
{
	for (size_t v = 0; v < c->n_variants; v++) {
		if (c->variants[v].exec)
			return true;
	}
	return false;
}

static int add_files(const struct running *r, struct handshake_items *items, char *why, size_t room)
{
	/* Supervisors, too, send each other structures as they are in memory. */
	const struct {
		const char *name, *path;
	} build[] = {{"build of tandem", "/proc/self/exe"}, {"build of the monitor", r->library}};
	char hash[2 * HASH + 1], path[1024];
	int error;

	for (size_t i = 0; i < sizeof(build) / sizeof(*build); i++) {
		error = hash_file(build[i].path, hash);
		if (error) {
			snprintf(why, room, "%s: %s", build[i].path, strerror(-error));
			return error;
		}
		handshake_add(items, HANDSHAKE_SAME_ISA, build[i].name, hash);
	}
	if (own_programs(r->config))
		return 0;
	error = launch_find(r->argv[0], path, sizeof(path));
	if (!error)
		error = hash_file(path, hash);
	if (error) {
		snprintf(why, room, "%s: can't be executed: %s", r->argv[0], strerror(-error));
		return error;
	}
	return handshake_add(items, HANDSHAKE_SAME_ISA, "hash of the program", hash) ? 0 : -E2BIG;
}

/* Where it is excluded anyway, it isn't tried. */
static void rdma_words(const struct config *c, int variant, char *to, size_t size)
{
	const char *excluded = config_rdma_excluded(c);
	struct machine_answer rdma = {.yes = false};

	if (!excluded)
		rdma = machine_rdma(config_variant(c, variant)->rdma_device);
	snprintf(to, size, "%s", excluded ? excluded : rdma.yes ? "yes" : rdma.detail);
}

int facts_gather(const struct running *r, int variant, struct handshake_items *items, char *why,
		 size_t room)
{
	const struct config *c = r->config;
	char text[HANDSHAKE_VALUE];
	struct utsname machine;
	bool all = true;

	*items = (struct handshake_items){0};
	if (sodium_init() < 0) {
		snprintf(why, room, "libsodium can't be used");
		return -EIO;
	}
	uname(&machine);
	all &= handshake_add(items, HANDSHAKE_TOLD, HANDSHAKE_ISA, machine.machine);
	snprintf(text, sizeof(text), "%d.%d.%d", RECORD_VERSION, SESSION_VERSION, CALL_COUNT);
	all &= handshake_add(items, HANDSHAKE_SAME, "version", text);
	all &= handshake_add(items, HANDSHAKE_SAME, "policy", config_policy_name(c->policy));
	all &= handshake_add(items, HANDSHAKE_SAME, "compare", config_compare_name(c->compare));
	all &= handshake_add(items, HANDSHAKE_SAME, "link", config_link_name(c->link));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)c->ring_size);
	all &= handshake_add(items, HANDSHAKE_SAME, "ring_size", text);
	command_line(r->argv, text, sizeof(text));
	all &= handshake_add(items, HANDSHAKE_SAME, "command line", text);
	hash_text(c->text, c->length, text);
	all &= handshake_add(items, HANDSHAKE_SAME, "hash of configuration", text);
	snprintf(text, sizeof(text), "%d", variant);
	all &= handshake_add(items, HANDSHAKE_TOLD, FACT_VARIANT, text);
	rdma_words(c, variant, text, sizeof(text));
	all &= handshake_add(items, HANDSHAKE_TOLD, FACT_RDMA, text);
	if (!all) {
		snprintf(why, room, "what the hosts have to compare is too long");
		return -E2BIG;
	}
	return add_files(r, items, why, room);
}
