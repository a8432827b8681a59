/* SPDX-License-Identifier: MIT */
/* config.c - reads the configuration file: the outer keys, their defaults, the file itself. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* libconfig looks for duplicate keys with a loop in a loop: keep what it gets small. */
#define FILE_SIZE_MAX ((size_t)256 << 10)

static const char *const policies[] = {
	[CONFIG_POLICY_FULL] = "full",
	[CONFIG_POLICY_BASE] = "base",
	[CONFIG_POLICY_NONSOCKET_RO] = "nonsocket_ro",
	[CONFIG_POLICY_NONSOCKET_RW] = "nonsocket_rw",
	[CONFIG_POLICY_SOCKET_RO] = "socket_ro",
	[CONFIG_POLICY_SOCKET_RW] = "socket_rw",
	[CONFIG_POLICY_SOCKET_RW_OC] = "socket_rw_oc",
	NULL,
};

static const char *const compares[] = {
	[CONFIG_COMPARE_FULL] = "full",
	[CONFIG_COMPARE_HASH] = "hash",
	NULL,
};

static const char *const traps[] = {
	[CONFIG_TRAP_AUTO] = "auto",
	[CONFIG_TRAP_SUD] = "sud",
	[CONFIG_TRAP_SECCOMP] = "seccomp",
	NULL,
};

static const char *const waits[] = {
	[CONFIG_WAIT_ADAPTIVE] = "adaptive",
	[CONFIG_WAIT_SPIN] = "spin",
	[CONFIG_WAIT_BLOCK] = "block",
	NULL,
};

static const char *const transports[] = {
	[CONFIG_TRANSPORT_AUTO] = "auto",
	[CONFIG_TRANSPORT_SHM] = "shm",
	[CONFIG_TRANSPORT_RDMA] = "rdma",
	[CONFIG_TRANSPORT_TCP] = "tcp",
	NULL,
};

static const char *const tcp_ios[] = {
	[CONFIG_TCP_IO_AUTO] = "auto",
	[CONFIG_TCP_IO_URING] = "uring",
	[CONFIG_TCP_IO_SOCKETS] = "sockets",
	NULL,
};

static const char *const links[] = {
	[CONFIG_LINK_ENCRYPTED] = "encrypted",
	[CONFIG_LINK_TRUSTED] = "trusted",
	NULL,
};

static const char *const on_peer_losses[] = {
	[CONFIG_ON_PEER_LOSS_END] = "end",
	[CONFIG_ON_PEER_LOSS_CONTINUE] = "continue",
	NULL,
};

static const char *const on_divergences[] = {
	[CONFIG_ON_DIVERGENCE_STOP] = "stop",
	NULL,
};

static int check_path(struct reader *r, config_setting_t *setting, const char *text, void *object)
{
	(void)object;
	if (*text != '/')
		return reader_fail(r, setting, "found %s, but expected an absolute path",
				   reader_quote(text).text);
	return 0;
}

#define KEY(field) .name = #field, .offset = offsetof(struct config, field)

static const struct config_key keys[] = {
	{KEY(leader_id), .type = KEY_INT, .min = 0, .max = INT_MAX, .required = true},
	{KEY(variants), .type = KEY_OTHER, .read = reader_variants, .required = true},
	{KEY(policy), .type = KEY_WORD, .words = policies},
	{KEY(replication_batch_size), .type = KEY_UINT64, .max = INT_MAX, .unit = "bytes"},
	{KEY(restore_probability), .type = KEY_DOUBLE, .max = 1, .below_max = true,
	 .inactive = true},
	{KEY(restore_interval), .type = KEY_DOUBLE, .max = 1e18, .inactive = true},
	{KEY(inject_fault_probability), .type = KEY_DOUBLE, .max = 1, .below_max = true},
	{KEY(socket_read_usleep), .type = KEY_UINT64, .max = INT_MAX, .unit = "microseconds",
	 .inactive = true},
	{KEY(ignore_first_n), .type = KEY_UINT64, .max = INT_MAX, .unit = "calls"},
	{KEY(transport), .type = KEY_WORD, .words = transports},
	{KEY(tcp_io), .type = KEY_WORD, .words = tcp_ios},
	{KEY(key_file), .type = KEY_STRING, .read = check_path},
	{KEY(link), .type = KEY_WORD, .words = links},
	{KEY(connect_timeout), .type = KEY_DOUBLE, .max = 86400, .unit = "seconds"},
	{KEY(peer_timeout), .type = KEY_DOUBLE, .min = 0.1, .max = 86400, .unit = "seconds"},
	{KEY(on_peer_loss), .type = KEY_WORD, .words = on_peer_losses},
	{KEY(ring_size), .type = KEY_UINT64, .min = (double)CONFIG_RING_SIZE_MIN,
	 .max = (double)CONFIG_RING_SIZE_MAX, .unit = "bytes"},
	{KEY(compare), .type = KEY_WORD, .words = compares},
	{KEY(trap), .type = KEY_WORD, .words = traps},
	{KEY(wait), .type = KEY_WORD, .words = waits},
	{KEY(on_divergence), .type = KEY_WORD, .words = on_divergences},
	{KEY(hang_timeout), .type = KEY_DOUBLE, .max = 86400, .unit = "seconds"},
	{KEY(report_dir), .type = KEY_STRING, .read = check_path},
	{KEY(write_paths), .type = KEY_STRINGS, .count = offsetof(struct config, n_write_paths),
	 .read = check_path},
};

static int set_defaults(struct reader *r, const char *name)
{
	static char *none[] = {NULL};
	struct config *config = r->config;
	char directory[64];

	/* Messages need the name, even the one that there is no memory for it. */
	config->file = (char *)name;
	config->file = reader_strdup(r, name);
	if (!config->file)
		return -ENOMEM;
	config->replication_batch_size = 8192;
	config->ring_size = UINT64_C(1) << 20;
	config->hang_timeout = 10;
	config->connect_timeout = 60;
	config->peer_timeout = 5;
	config->write_paths = none;
	snprintf(directory, sizeof(directory), "/var/tmp/tandem-%u", (unsigned int)geteuid());
	config->report_dir = reader_strdup(r, directory);
	return config->report_dir ? 0 : -ENOMEM;
}

/* What only several keys together can show. */
static int check_all(struct reader *r, config_setting_t *root)
{
	struct config *config = r->config;

	if (config->ring_size & (config->ring_size - 1))
		return reader_fail(r, config_setting_get_member(root, "ring_size"),
				   "found %llu, which is not a power of two; the next one is %llu",
				   (unsigned long long)config->ring_size,
				   2ULL << (63 - __builtin_clzll(config->ring_size)));

	for (config->leader = 0; config->leader < config->n_variants; config->leader++) {
		if (config->variants[config->leader].id == config->leader_id)
			break;
	}
	if (config->leader == config->n_variants)
		return reader_fail(r, config_setting_get_member(root, "leader_id"),
				   "found %d, but no variant has this id", config->leader_id);

	if (config->transport == CONFIG_TRANSPORT_RDMA && config->link != CONFIG_LINK_TRUSTED)
		return reader_fail(r, config_setting_get_member(root, "transport"),
				   "found \"rdma\", which writes to the other host's memory as it "
				   "is, without encryption: link = \"trusted\" must say that "
				   "nobody else is on that network");
	return 0;
}

/* libconfig says "syntax error" and a line; the line itself shows more. */
static int fail_syntax(struct reader *r, const config_t *parsed, const char *text, size_t length)
{
	const char *end = text + length;
	char shown[60];
	size_t n;

	for (int line = 1; line < parsed->error_line; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		text = newline ? newline + 1 : end;
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): read() has filled it up to end */
	while (text < end && strchr(" \t\r\f", *text))
		text++;
	for (n = 0; n < sizeof(shown) - 1 && text + n < end && !strchr("\r\n", text[n]); n++)
		shown[n] = text[n];
	shown[n] = '\0';
	return reader_fail_at(r, parsed->error_line, EINVAL, "%s%s%s",
			      parsed->error_text ? parsed->error_text : "not understood",
			      n > 0 ? " at or before " : "", n > 0 ? reader_quote(shown).text : "");
}

static int parse(struct reader *r, const char *text, size_t length)
{
	config_t parsed;
	char *copy;
	int ret;

	ret = reader_scan(r, text, length, &copy);
	if (ret < 0)
		return ret;
	config_init(&parsed);
	if (!config_read_string(&parsed, copy)) {
		ret = fail_syntax(r, &parsed, text, length);
	} else {
		config_setting_t *root = config_root_setting(&parsed);

		ret = reader_group(r, root, keys, COUNT(keys), r->config);
		if (ret == 0)
			ret = check_all(r, root);
	}
	config_destroy(&parsed);
	free(copy);
	return ret;
}

static int keep(struct reader *r, const char *text, size_t length)
{
	r->config->text = reader_alloc(r, length + 1, 1);
	if (!r->config->text)
		return -ENOMEM;
	memcpy(r->config->text, text, length);
	r->config->length = length;
	return 0;
}

int config_load_string(const char *text, size_t length, const char *name, struct config *out,
		       struct config_error *err)
{
	struct reader r = {.config = out, .err = err};
	int ret;

	memset(out, 0, sizeof(*out));
	memset(err, 0, sizeof(*err));
	ret = set_defaults(&r, name);
	if (ret == 0 && length > FILE_SIZE_MAX)
		ret = reader_fail_at(&r, 0, EFBIG,
				     "larger than %zu KiB: this is no configuration file",
				     FILE_SIZE_MAX >> 10);
	if (ret == 0)
		ret = keep(&r, text, length);
	if (ret == 0)
		ret = parse(&r, text, length);
	if (ret < 0)
		config_free(out);
	return ret;
}

/* Reads at most a byte more than is allowed: enough to see that it is too much. */
static ssize_t read_file(const char *file, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t n = 1;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (n > 0 && length < size) {
		n = read(fd, buffer + length, size - length);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			length += (size_t)n;
		else if (n < 0)
			n = -errno;
	}
	close(fd);
	return n < 0 ? n : (ssize_t)length;
}

int config_load(const char *file, struct config *out, struct config_error *err)
{
	char *buffer = malloc(FILE_SIZE_MAX + 1);
	ssize_t length = buffer ? read_file(file, buffer, FILE_SIZE_MAX + 1) : -ENOMEM;
	int ret;

	if (length < 0) {
		memset(out, 0, sizeof(*out));
		*err = (struct config_error){.line = 0};
		snprintf(err->text, sizeof(err->text), "%.200s: cannot read the configuration: %s",
			 file, strerror((int)-length));
		ret = (int)length;
	} else {
		ret = config_load_string(buffer, (size_t)length, file, out, err);
	}
	free(buffer);
	return ret;
}

const struct config_variant *config_variant(const struct config *config, int id)
{
	for (size_t i = 0; i < config->n_variants; i++) {
		if (config->variants[i].id == id)
			return &config->variants[i];
	}
	return NULL;
}

const char *config_policy_name(enum config_policy policy)
{
	return policies[policy];
}

const char *config_compare_name(enum config_compare compare)
{
	return compares[compare];
}

const char *config_trap_name(enum config_trap trap)
{
	return traps[trap];
}

const char *config_wait_name(enum config_wait wait)
{
	return waits[wait];
}

const char *config_transport_name(enum config_transport transport)
{
	return transports[transport];
}

const char *config_link_name(enum config_link link)
{
	return links[link];
}

const char *config_on_peer_loss_name(enum config_on_peer_loss action)
{
	return on_peer_losses[action];
}

const char *config_on_divergence_name(enum config_on_divergence action)
{
	return on_divergences[action];
}
