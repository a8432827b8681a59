/* SPDX-License-Identifier: MIT */
/* config_place.c - which variants run here, and what is needed to reach the others. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

bool config_spans_hosts(const struct config *config)
{
	for (size_t i = 0; i < config->n_variants; i++) {
		if (!config->variants[i].local)
			return true;
	}
	return false;
}

bool config_place_apart(const struct config *config, char *why, size_t size)
{
	char ids[128] = "", commands[384] = "";
	size_t n = 0, at = 0, to = 0;

	for (size_t i = 0; i < config->n_variants; i++) {
		int id = config->variants[i].id;

		if (!config->variants[i].local)
			continue;
		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%d", n ? ", " : "", id);
		to += (size_t)snprintf(commands + to, sizeof(commands) - to, "%s--id %d",
				       n ? ", " : "", id);
		n++;
	}
	if (n < 2 || config->variants[config->leader].local)
		return false;
	snprintf(why, size,
		 "variants %s have addresses of this machine and the leader runs on another one: "
		 "start each by a command of its own, with %s",
		 ids, commands);
	return true;
}

const char *config_rdma_excluded(const struct config *config)
{
	if (!config_spans_hosts(config))
		return "all variants run here";
	if (config->transport == CONFIG_TRANSPORT_TCP || config->transport == CONFIG_TRANSPORT_SHM)
		return "transport is another one";
	return config->link == CONFIG_LINK_TRUSTED ? NULL : "RDMA needs link = \"trusted\"";
}

/* About one key of variant i. */
static int fail(const struct config *config, struct config_error *err, size_t i, const char *key,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

static int fail(const struct config *config, struct config_error *err, size_t i, const char *key,
		const char *format, ...)
{
	va_list args;
	size_t n;

	err->line = config->variants[i].line;
	n = (size_t)snprintf(err->text, sizeof(err->text),
			     "%.200s:%d: variants[%zu]%s%s: ", config->file, err->line, i,
			     *key ? "." : "", key);
	va_start(args, format);
	vsnprintf(err->text + n, sizeof(err->text) - n, format, args);
	va_end(args);
	return -EINVAL;
}

static int check_link(const struct config *config, struct config_error *err, size_t i)
{
	const struct config_variant *leader = &config->variants[config->leader];
	const struct config_variant *v = &config->variants[i];

	if (!config->key_file && config->link != CONFIG_LINK_TRUSTED &&
	    !config_address_is_loopback(v->address))
		return fail(config, err, i, "address",
			    "found \"%s\", which others can reach, too: a key_file (tandem keygen "
			    "FILE makes one, the same for all hosts) is needed, or link = "
			    "\"trusted\" if nobody else is on that network",
			    v->address);
	if (config_address_is_loopback(leader->address) && !config_address_is_loopback(v->address))
		return fail(config, err, config->leader, "address",
			    "found \"%s\", but variant %d at %s can't reach the leader there",
			    leader->address, v->id, v->address);
	return 0;
}

static int check_hosts(const struct config *config, struct config_error *err)
{
	const struct config_variant *leader = &config->variants[config->leader];
	int ret = 0;

	for (size_t i = 0; i < config->n_variants; i++) {
		if (!config->variants[i].local && config->transport == CONFIG_TRANSPORT_SHM)
			return fail(config, err, i, "address",
				    "found \"%s\", but transport = \"shm\" reaches only variants "
				    "that run here",
				    config->variants[i].address);
	}
	if (!leader->port)
		return fail(config, err, config->leader, "port",
			    "the key is missing: the other hosts connect to the leader's port");
	for (size_t i = 0; i < config->n_variants && ret == 0; i++)
		ret = check_link(config, err, i);
	return ret;
}

int config_place(struct config *config, int id, struct config_error *err)
{
	bool any = false;

	*err = (struct config_error){.line = 0};
	if (id >= 0 && !config_variant(config, id)) {
		snprintf(err->text, sizeof(err->text), "--id %d: no variant of %.200s has this id",
			 id, config->file);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->n_variants; i++) {
		struct config_variant *v = &config->variants[i];

		if (id >= 0)
			v->local = v->id == id;
		any |= v->local;
	}
	if (!any) {
		snprintf(err->text, sizeof(err->text),
			 "%.200s: no variant has an address of this machine; say with --id which "
			 "one runs here",
			 config->file);
		return -EINVAL;
	}
	return config_spans_hosts(config) ? check_hosts(config, err) : 0;
}
