/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config.c - libFuzzer: any bytes as a configuration are accepted or answered with one line.
 * Seeds: tests/fuzz/corpus/config and configs/.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

/*
 * libconfig 1.5 forgets a string token when a syntax error follows it. That is a few bytes for
 * each wrong file, and a wrong file ends the program. Everything else is still reported, also a
 * config_destroy() that is not called: settings don't come from there.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_error err;
	struct config config;
	int ret = config_load_string((const char *)data, size, "fuzz", &config, &err);

	if (ret < 0) {
		if (!*err.text || strchr(err.text, '\n') || config.owned)
			abort();
		return 0;
	}
	if (config.n_variants < 1 || config.n_variants > CONFIG_VARIANTS_MAX ||
	    config.variants[config.leader].id != config.leader_id ||
	    config.ring_size & (config.ring_size - 1) ||
	    config_variant(&config, config.leader_id) != &config.variants[config.leader])
		abort();
	for (size_t i = 0; i < config.n_variants; i++) {
		if (config.variants[i].env[config.variants[i].n_env] ||
		    config.variants[i].preload[config.variants[i].n_preload])
			abort();
	}
	config_free(&config);
	return 0;
}
