/* SPDX-License-Identifier: MIT */
/* config_reader.c - from libconfig's settings to C fields, by tables; messages and memory. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

/* The longest key that is worth guessing at. */
#define NAME_MAX_LENGTH 40

struct config_block {
	struct config_block *next;
	max_align_t data[];
};

/* Memory */

void *reader_alloc(struct reader *r, size_t n, size_t size)
{
	struct config_block *block = NULL;
	size_t bytes;

	if (!__builtin_mul_overflow(n, size, &bytes) &&
	    !__builtin_add_overflow(bytes, sizeof(*block), &bytes))
		block = calloc(1, bytes);
	if (!block) {
		reader_fail_at(r, 0, ENOMEM, "out of memory");
		return NULL;
	}
	block->next = r->config->owned;
	r->config->owned = block;
	return block->data;
}

char *reader_strdup(struct reader *r, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = reader_alloc(r, size, 1);

	return copy ? memcpy(copy, text, size) : NULL;
}

void config_free(struct config *config)
{
	struct config_block *next;

	for (struct config_block *block = config->owned; block; block = next) {
		next = block->next;
		free(block);
	}
	free(config->notes);
	memset(config, 0, sizeof(*config));
}

/* Messages */

struct quoted reader_quote(const char *text)
{
	struct quoted q;
	size_t n = 0;

	q.text[n++] = '"';
	for (; *text && n < sizeof(q.text) - 10; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f)
			n += (size_t)snprintf(q.text + n, sizeof(q.text) - n, "\\x%02x", c);
		else
			q.text[n++] = (char)c;
	}
	snprintf(q.text + n, sizeof(q.text) - n, "%s", *text ? "...\"" : "\"");
	return q;
}

static void describe(const config_setting_t *setting, char *out, size_t size)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(out, size, "%lld", config_setting_get_int64(setting));
		break;
	case CONFIG_TYPE_FLOAT:
		snprintf(out, size, "%g", config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_BOOL:
		snprintf(out, size, "%s", config_setting_get_bool(setting) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		snprintf(out, size, "%s", reader_quote(config_setting_get_string(setting)).text);
		break;
	case CONFIG_TYPE_GROUP:
		snprintf(out, size, "a group { ... }");
		break;
	case CONFIG_TYPE_LIST:
		snprintf(out, size, "a list ( ... )");
		break;
	case CONFIG_TYPE_ARRAY:
		snprintf(out, size, "an array [ ... ]");
		break;
	default:
		snprintf(out, size, "nothing");
	}
}

/* Writes "variants[1].env[0]"; the root is "". */
static void key_path(const config_setting_t *setting, char *out, size_t size)
{
	const config_setting_t *parent = config_setting_parent(setting);
	size_t n;

	if (!parent) {
		out[0] = '\0';
		return;
	}
	key_path(parent, out, size);
	n = strlen(out);
	if (config_setting_name(setting))
		snprintf(out + n, size - n, "%s%.*s", n ? "." : "", NAME_MAX_LENGTH,
			 config_setting_name(setting));
	else
		snprintf(out + n, size - n, "[%d]", config_setting_index(setting));
}

static void write_line(const struct reader *r, char *out, size_t size, int line, const char *key,
		       const char *format, va_list args)
{
	size_t n;

	if (line > 0)
		snprintf(out, size, "%.200s:%d: %s%s", r->config->file, line, key,
			 *key ? ": " : "");
	else
		snprintf(out, size, "%.200s: %s%s", r->config->file, key, *key ? ": " : "");
	n = strlen(out);
	vsnprintf(out + n, size - n, format, args);
}

static void write_setting_line(const struct reader *r, char *out, size_t size,
			       const config_setting_t *setting, const char *format, va_list args)
{
	char key[160] = "";

	if (setting)
		key_path(setting, key, sizeof(key));
	write_line(r, out, size, setting ? (int)config_setting_source_line(setting) : 0, key,
		   format, args);
}

int reader_fail(struct reader *r, const config_setting_t *setting, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_setting_line(r, r->err->text, sizeof(r->err->text), setting, format, args);
	va_end(args);
	r->err->line = setting ? (int)config_setting_source_line(setting) : 0;
	return -EINVAL;
}

int reader_fail_at(struct reader *r, int line, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(r, r->err->text, sizeof(r->err->text), line, "", format, args);
	va_end(args);
	r->err->line = line;
	return -error;
}

int reader_note(struct reader *r, const config_setting_t *setting, const char *format, ...)
{
	struct config *config = r->config;
	char text[sizeof(r->err->text)];
	char **notes;
	char *note;
	va_list args;

	va_start(args, format);
	write_setting_line(r, text, sizeof(text), setting, format, args);
	va_end(args);

	note = reader_strdup(r, text);
	notes = reallocarray(config->notes, config->n_notes + 1, sizeof(*notes));
	if (!note || !notes) {
		config->notes = notes ? notes : config->notes;
		return reader_fail_at(r, 0, ENOMEM, "out of memory");
	}
	notes[config->n_notes++] = note;
	config->notes = notes;
	return 0;
}

/* Guessing */

/* How many letters to insert, drop, change or swap with their neighbour to get from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t d[NAME_MAX_LENGTH + 1][NAME_MAX_LENGTH + 1];
	size_t n = strlen(a);
	size_t m = strlen(b);

	if (n > NAME_MAX_LENGTH || m > NAME_MAX_LENGTH)
		return SIZE_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

struct guess {
	const char *name;
	size_t distance;
};

static void guess_try(struct guess *guess, const char *found, const char *name)
{
	size_t d = distance(found, name);

	/* A third of the letters wrong is still a typing mistake. */
	if (d <= 1 + strlen(name) / 3 && d < strlen(name) && d < guess->distance)
		*guess = (struct guess){.name = name, .distance = d};
}

static int fail_unknown_key(struct reader *r, const config_setting_t *setting,
			    const struct config_key *keys, size_t n_keys)
{
	struct guess guess = {.distance = SIZE_MAX};
	char list[400] = "";
	size_t n = 0;

	for (size_t i = 0; i < n_keys; i++)
		guess_try(&guess, config_setting_name(setting), keys[i].name);
	if (guess.name)
		return reader_fail(r, setting, "unknown key; did you mean %s?", guess.name);
	for (size_t i = 0; i < n_keys && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      keys[i].name);
	return reader_fail(r, setting, "unknown key; the keys here are %s", list);
}

/* Values */

static int read_number(struct reader *r, const config_setting_t *setting,
		       const struct config_key *key, double *value)
{
	char found[80];
	char range[80];
	bool whole = key->type != KEY_DOUBLE;

	describe(setting, found, sizeof(found));
	snprintf(range, sizeof(range), "%s from %.12g %s %.12g%s%s",
		 whole ? "a whole number" : "a number", key->min,
		 key->below_max ? "to below" : "to", key->max, key->unit ? " " : "",
		 key->unit ? key->unit : "");

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		*value = (double)config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		*value = config_setting_get_float(setting);
		break;
	default:
		return reader_fail(r, setting, "found %s, but expected %s", found, range);
	}
	if (!isfinite(*value) || *value < key->min || *value > key->max ||
	    (key->below_max && *value >= key->max) || (whole && *value != trunc(*value)))
		return reader_fail(r, setting, "found %s, but expected %s", found, range);
	return 0;
}

static int read_word(struct reader *r, const config_setting_t *setting,
		     const struct config_key *key, unsigned int *value)
{
	struct guess guess = {.distance = SIZE_MAX};
	const char *word = config_setting_get_string(setting);
	char found[80];
	char list[200] = "";
	size_t n = 0;

	for (unsigned int i = 0; key->words[i]; i++) {
		if (word && !strcmp(word, key->words[i])) {
			*value = i;
			return 0;
		}
		if (word)
			guess_try(&guess, word, key->words[i]);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s\"%s\"", i ? ", " : "",
				      key->words[i]);
	}
	describe(setting, found, sizeof(found));
	return reader_fail(r, setting, "found %s, but expected %s%s%s%s%s", found,
			   key->words[1] ? "one of " : "", list,
			   guess.name ? "; did you mean " : "", guess.name ? guess.name : "",
			   guess.name ? "?" : "");
}

static int read_string(struct reader *r, config_setting_t *setting, const struct config_key *key,
		       void *object, char **value)
{
	const char *text = config_setting_get_string(setting);
	char found[80];
	int ret;

	if (!text) {
		describe(setting, found, sizeof(found));
		return reader_fail(r, setting, "found %s, but expected a string", found);
	}
	if (!key->read && !*text)
		return reader_fail(r, setting, "found an empty string");
	ret = key->read ? key->read(r, setting, text, object) : 0;
	if (ret < 0)
		return ret;
	*value = reader_strdup(r, text);
	return *value ? 0 : -ENOMEM;
}

static int read_strings(struct reader *r, config_setting_t *list, const struct config_key *key,
			void *object, char ***values, size_t *count)
{
	char found[80];
	size_t n;

	if (!config_setting_is_list(list) && !config_setting_is_array(list)) {
		describe(list, found, sizeof(found));
		return reader_fail(r, list, "found %s, but expected a list of strings ( \"...\" )",
				   found);
	}
	n = (size_t)config_setting_length(list);
	*values = reader_alloc(r, n + 1, sizeof(**values));
	if (!*values)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		config_setting_t *element = config_setting_get_elem(list, (unsigned int)i);
		int ret = read_string(r, element, key, object, &(*values)[i]);

		if (ret < 0)
			return ret;
		*count = i + 1;
	}
	return 0;
}

static int read_key(struct reader *r, config_setting_t *setting, const struct config_key *key,
		    void *object)
{
	char *field = (char *)object + key->offset;
	unsigned int word;
	double number = 0;
	int ret;

	switch (key->type) {
	case KEY_STRING:
		return read_string(r, setting, key, object, (char **)field);
	case KEY_STRINGS:
		return read_strings(r, setting, key, object, (char ***)field,
				    (size_t *)((char *)object + key->count));
	case KEY_WORD:
		ret = read_word(r, setting, key, &word);
		if (ret == 0)
			memcpy(field, &word, sizeof(word));
		return ret;
	case KEY_OTHER:
		return key->read(r, setting, NULL, object);
	default:
		break;
	}

	ret = read_number(r, setting, key, &number);
	if (ret < 0)
		return ret;
	switch (key->type) {
	case KEY_INT:
		*(int *)field = (int)number;
		break;
	case KEY_UINT16:
		*(uint16_t *)field = (uint16_t)number;
		break;
	case KEY_INT64:
		*(int64_t *)field = (int64_t)number;
		break;
	case KEY_UINT64:
		*(uint64_t *)field = (uint64_t)number;
		break;
	default:
		*(double *)field = number;
		break;
	}
	if (key->inactive && number != 0)
		return reader_note(r, setting, "accepted, but not active in this version");
	return 0;
}

int reader_group(struct reader *r, config_setting_t *group, const struct config_key *keys,
		 size_t n_keys, void *object)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned int)i);
		const struct config_key *key = NULL;
		int ret;

		for (size_t k = 0; k < n_keys && !key; k++) {
			if (!strcmp(keys[k].name, config_setting_name(setting)))
				key = &keys[k];
		}
		if (!key)
			return fail_unknown_key(r, setting, keys, n_keys);
		ret = read_key(r, setting, key, object);
		if (ret < 0)
			return ret;
	}
	for (size_t k = 0; k < n_keys; k++) {
		if (keys[k].required && !config_setting_get_member(group, keys[k].name))
			return reader_fail(r, config_setting_is_root(group) ? NULL : group,
					   "the key %s is missing", keys[k].name);
	}
	return 0;
}

int reader_check_groups(struct reader *r, config_setting_t *list, const char *what)
{
	char found[80];

	describe(list, found, sizeof(found));
	if (!config_setting_is_list(list))
		return reader_fail(r, list, "found %s, but expected a list of %s ( { ... }, ... )",
				   found, what);
	for (int i = 0; i < config_setting_length(list); i++) {
		config_setting_t *element = config_setting_get_elem(list, (unsigned int)i);

		describe(element, found, sizeof(found));
		if (!config_setting_is_group(element))
			return reader_fail(r, element, "found %s, but expected a group { ... }",
					   found);
	}
	return 0;
}
