/* SPDX-License-Identifier: MIT */
/* config_variant.c - the key `variants`: a group for each variant, with its breakpoints. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_reader.h"

/* The longest that the kernel has (IB_DEVICE_NAME_MAX). */
#define DEVICE_NAME 63
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Addresses */

struct address {
	int family;
	size_t size;
	unsigned char bytes[16];
};

static int parse_address(const char *text, struct address *address)
{
	struct in_addr v4;

	memset(address, 0, sizeof(*address));
	if (!*text || !strcmp(text, "localhost"))
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &v4) == 1) {
		*address = (struct address){.family = AF_INET, .size = sizeof(v4)};
		memcpy(address->bytes, &v4, sizeof(v4));
		return 0;
	}
	if (inet_pton(AF_INET6, text, address->bytes) == 1) {
		address->family = AF_INET6;
		address->size = sizeof(address->bytes);
		return 0;
	}
	return -EINVAL;
}

static bool is_loopback(const struct address *address)
{
	static const unsigned char loopback6[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->bytes[0] == IN_LOOPBACKNET;
	return !memcmp(address->bytes, loopback6, sizeof(loopback6));
}

static bool is_own(const struct address *address)
{
	static const unsigned char any[16];

	return !memcmp(address->bytes, any, address->size) || is_loopback(address);
}

bool config_address_is_loopback(const char *text)
{
	struct address address;

	return parse_address(text, &address) == 0 && is_loopback(&address);
}

static bool is_of_interface(const struct address *address, const struct sockaddr *sa)
{
	const void *bytes;

	if (!sa || sa->sa_family != address->family)
		return false;
	bytes = sa->sa_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)sa)->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
	return !memcmp(bytes, address->bytes, address->size);
}

bool config_address_is_local(const char *text)
{
	struct address address;
	struct ifaddrs *interfaces;
	bool local = false;

	if (parse_address(text, &address) < 0)
		return false;
	if (is_own(&address))
		return true;
	if (getifaddrs(&interfaces) < 0)
		return false;
	for (struct ifaddrs *i = interfaces; i && !local; i = i->ifa_next)
		local = is_of_interface(&address, i->ifa_addr);
	freeifaddrs(interfaces);
	return local;
}

static int check_address(struct reader *r, config_setting_t *setting, const char *text,
			 void *object)
{
	struct address address;

	(void)object;
	if (parse_address(text, &address) < 0)
		return reader_fail(r, setting,
				   "found %s, but expected a numeric IPv4 or IPv6 address "
				   "such as \"127.0.0.1\"",
				   reader_quote(text).text);
	return 0;
}

/* CPUs */

static bool parse_cpu(const char **at, unsigned int *cpu)
{
	unsigned int value = 0;
	const char *p = *at;

	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (unsigned int)(*p - '0');
		if (value >= CPU_SETSIZE)
			return false;
	}
	if (p == *at)
		return false;
	*at = p;
	*cpu = value;
	return true;
}

int config_parse_cpus(const char *text, cpu_set_t *set)
{
	unsigned int first;
	unsigned int last;

	CPU_ZERO(set);
	for (;; text++) {
		if (!parse_cpu(&text, &first))
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (!parse_cpu(&text, &last) || last < first)
				return -EINVAL;
		}
		for (unsigned int cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, set);
		if (!*text)
			return 0;
		if (*text != ',')
			return -EINVAL;
	}
}

static int check_cpus(struct reader *r, config_setting_t *setting, const char *text, void *object)
{
	struct config_variant *variant = object;

	if (config_parse_cpus(text, &variant->cpu_set) < 0)
		return reader_fail(r, setting,
				   "found %s, but expected a list of CPUs from 0 to %d "
				   "such as \"0,2-3\"",
				   reader_quote(text).text, CPU_SETSIZE - 1);
	return 0;
}

/* Environment, program, libraries */

static int check_env(struct reader *r, config_setting_t *setting, const char *text, void *object)
{
	const struct config_variant *variant = object;
	const char *equals = strchr(text, '=');
	size_t name = equals ? (size_t)(equals - text) + 1 : 0;

	if (name < 2)
		return reader_fail(r, setting, "found %s, but expected \"NAME=VALUE\"",
				   reader_quote(text).text);
	if (!strncmp(text, "LD_PRELOAD=", name))
		return reader_fail(r, setting,
				   "LD_PRELOAD carries the monitor: use the key preload instead");
	for (size_t i = 0; i < variant->n_env; i++) {
		if (!strncmp(text, variant->env[i], name))
			return reader_fail(r, setting, "%.*s was set above already",
					   name > 64 ? 64 : (int)name - 1, text);
	}
	return 0;
}

static int check_preload(struct reader *r, config_setting_t *setting, const char *text,
			 void *object)
{
	(void)object;
	if (!*text || strpbrk(text, " :"))
		return reader_fail(r, setting,
				   "found %s, but expected one library's path or name, "
				   "without ':' and spaces",
				   reader_quote(text).text);
	return 0;
}

static int check_exec(struct reader *r, config_setting_t *setting, const char *text, void *object)
{
	(void)object;
	if (*text != '/')
		return reader_fail(r, setting, "found %s, but expected a program's absolute path",
				   reader_quote(text).text);
	return 0;
}

static int check_device(struct reader *r, config_setting_t *setting, const char *text, void *object)
{
	(void)object;
	if (!*text || strchr(text, '/') || *text == '.' || strlen(text) > DEVICE_NAME)
		return reader_fail(r, setting,
				   "found %s, but expected the name of an RDMA device such as "
				   "\"mlx5_0\"",
				   reader_quote(text).text);
	return 0;
}

static int check_file(struct reader *r, config_setting_t *setting, const char *path, int mode,
		      const char *what)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return reader_fail(r, setting, "cannot use %s as %s: %s", reader_quote(path).text,
				   what, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return reader_fail(r, setting, "cannot use %s as %s: it is not a regular file",
				   reader_quote(path).text, what);
	if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0)
		return reader_fail(r, setting, "cannot use %s as %s: %s", reader_quote(path).text,
				   what, strerror(errno));
	return 0;
}

/* Files are looked at where the variant runs, and only there. */
static int check_files(struct reader *r, config_setting_t *group,
		       const struct config_variant *variant)
{
	config_setting_t *preload = config_setting_get_member(group, "preload");
	int ret;

	if (variant->exec) {
		ret = check_file(r, config_setting_get_member(group, "exec"), variant->exec, X_OK,
				 "a program");
		if (ret < 0)
			return ret;
	}
	for (size_t i = 0; i < variant->n_preload; i++) {
		/* A bare name is the dynamic linker's to find; `tandem check` asks it. */
		if (!strchr(variant->preload[i], '/'))
			continue;
		ret = check_file(r, config_setting_get_elem(preload, (unsigned int)i),
				 variant->preload[i], R_OK, "a library");
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Breakpoints */

#define BREAKPOINT(key_name, field)                                                                \
	.name = key_name, .offset = offsetof(struct config_breakpoint, field)

static const struct config_key breakpoint_keys[] = {
	{BREAKPOINT("symbol", symbol), .type = KEY_STRING},
	{BREAKPOINT("offset", offset), .type = KEY_INT64, .min = -0x1p52, .max = 0x1p52},
	/* How A8's examples spelled an offset without a symbol before it knew symbols. */
	{BREAKPOINT("pc", offset), .type = KEY_INT64, .min = 0, .max = 0x1p52},
	{BREAKPOINT("instr_len", instr_len), .type = KEY_INT64, .min = 0, .max = 15,
	 .unit = "bytes"},
	{BREAKPOINT("interval", interval), .type = KEY_INT64, .min = 0, .max = INT_MAX,
	 .required = true},
};

static int read_breakpoints(struct reader *r, config_setting_t *list, const char *text,
			    void *object)
{
	struct config_variant *variant = object;
	bool active = false;
	int ret;

	(void)text;
	ret = reader_check_groups(r, list, "breakpoints");
	if (ret < 0)
		return ret;
	variant->n_breakpoints = (size_t)config_setting_length(list);
	variant->breakpoints =
		reader_alloc(r, variant->n_breakpoints, sizeof(*variant->breakpoints));
	if (!variant->breakpoints)
		return -ENOMEM;
	for (size_t i = 0; i < variant->n_breakpoints; i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned int)i);

		ret = reader_group(r, group, breakpoint_keys, COUNT(breakpoint_keys),
				   &variant->breakpoints[i]);
		if (ret < 0)
			return ret;
		if (!config_setting_get_member(group, "symbol") &&
		    !config_setting_get_member(group, "offset") &&
		    !config_setting_get_member(group, "pc"))
			return reader_fail(r, group, "expected a symbol, an offset or both");
		active |= variant->breakpoints[i].interval > 0;
	}
	if (active)
		return reader_note(r, list,
				   "accepted, but not active in this version: no checkpoints are "
				   "taken");
	return 0;
}

/* Variants */

#define VARIANT(key_name, field) .name = key_name, .offset = offsetof(struct config_variant, field)

static const struct config_key variant_keys[] = {
	{VARIANT("id", id), .type = KEY_INT, .min = 0, .max = INT_MAX, .required = true},
	{VARIANT("address", address), .type = KEY_STRING, .read = check_address},
	{VARIANT("port", port), .type = KEY_UINT16, .min = 0, .max = UINT16_MAX},
	{VARIANT("exec", exec), .type = KEY_STRING, .read = check_exec},
	{VARIANT("env", env), .type = KEY_STRINGS, .count = offsetof(struct config_variant, n_env),
	 .read = check_env},
	{VARIANT("preload", preload), .type = KEY_STRINGS,
	 .count = offsetof(struct config_variant, n_preload), .read = check_preload},
	{VARIANT("rdma_device", rdma_device), .type = KEY_STRING, .read = check_device},
	{VARIANT("cpus", cpus), .type = KEY_STRING, .read = check_cpus},
	{.name = "breakpoints", .type = KEY_OTHER, .read = read_breakpoints},
};

static int read_variant(struct reader *r, config_setting_t *group, struct config_variant *variant)
{
	static char *none[] = {NULL};
	int ret;

	CPU_ZERO(&variant->cpu_set);
	variant->line = (int)config_setting_source_line(group);
	variant->address = "";
	variant->env = none;
	variant->preload = none;
	ret = reader_group(r, group, variant_keys, COUNT(variant_keys), variant);
	if (ret < 0)
		return ret;

	for (const struct config_variant *v = r->config->variants; v < variant; v++) {
		if (v->id == variant->id)
			return reader_fail(r, config_setting_get_member(group, "id"),
					   "found %d, which the variant in line %d has already",
					   variant->id, v->line);
	}
	variant->local = config_address_is_local(variant->address);
	return variant->local ? check_files(r, group, variant) : 0;
}

int reader_variants(struct reader *r, config_setting_t *list, const char *text, void *object)
{
	struct config *config = object;
	size_t n;
	int ret;

	(void)text;
	ret = reader_check_groups(r, list, "variants");
	if (ret < 0)
		return ret;
	n = (size_t)config_setting_length(list);
	if (n < 1 || n > CONFIG_VARIANTS_MAX)
		return reader_fail(r, list, "found %zu variants, but expected 1 to %d", n,
				   CONFIG_VARIANTS_MAX);
	config->variants = reader_alloc(r, n, sizeof(*config->variants));
	if (!config->variants)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		ret = read_variant(r, config_setting_get_elem(list, (unsigned int)i),
				   &config->variants[i]);
		if (ret < 0)
			return ret;
	}
	config->n_variants = n;
	return 0;
}
