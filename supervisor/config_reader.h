/* SPDX-License-Identifier: MIT */
/*
 * config_reader.h - what config*.c share: tables of keys, messages, memory. Nobody else
 * includes this file; it is the only header that shows libconfig.
 *
 * A group of settings is described by a table of struct config_key. reader_group() walks the
 * settings that are there, so a key that no table has is found and answered with its nearest
 * name.
 */
#ifndef TANDEM_SUPERVISOR_CONFIG_READER_H
#define TANDEM_SUPERVISOR_CONFIG_READER_H

#include <libconfig.h>

#include "config.h"

struct reader {
	struct config *config;
	struct config_error *err;
};

/* Deeper nesting than any key needs; it bounds libconfig's recursion. */
#define READER_DEPTH_MAX 16

enum key_type {
	KEY_INT,     /* int */
	KEY_UINT16,  /* uint16_t */
	KEY_INT64,   /* int64_t */
	KEY_UINT64,  /* uint64_t */
	KEY_DOUBLE,  /* double */
	KEY_STRING,  /* char * */
	KEY_STRINGS, /* char **, ends with NULL; the number goes to `count` */
	KEY_WORD,    /* an enum; its value is the index into `words` */
	KEY_OTHER,   /* whatever read() makes of it */
};

struct config_key {
	const char *name;
	enum key_type type;
	size_t offset; /* of the field in the object */
	size_t count;  /* KEY_STRINGS: offset of the size_t with their number */
	double min;    /* numbers */
	double max;    /* inclusive, but see below_max */
	bool below_max;
	bool required;
	bool inactive; /* noted when it isn't 0 */
	const char *unit;
	const char *const *words; /* KEY_WORD; ends with NULL */
	/*
	 * Strings (each of them): checks `text`; NULL = any that isn't empty. KEY_OTHER: reads
	 * the setting into the object, `text` is NULL.
	 */
	int (*read)(struct reader *r, config_setting_t *setting, const char *text, void *object);
};

/* Reads every member of `group` into `object` and insists on the required ones. */
int reader_group(struct reader *r, config_setting_t *group, const struct config_key *keys,
		 size_t n_keys, void *object);

/* Insists on a list (or array) of groups. */
int reader_check_groups(struct reader *r, config_setting_t *list, const char *what);

/* Writes "file:line: key: ..." into the error; always -EINVAL. The setting may be NULL. */
int reader_fail(struct reader *r, const config_setting_t *setting, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with a line instead of a setting, and any errno. */
int reader_fail_at(struct reader *r, int line, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds a line of the same form to the notes. 0 or -ENOMEM. */
int reader_note(struct reader *r, const config_setting_t *setting, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Zeroed memory that lives as long as the configuration. NULL: out of memory, error written. */
void *reader_alloc(struct reader *r, size_t n, size_t size);
char *reader_strdup(struct reader *r, const char *text);

/* `text` in quotes, shortened and with control characters escaped, for a message. */
struct quoted {
	char text[72];
};
struct quoted reader_quote(const char *text);

/*
 * What libconfig can't be trusted with: checks brackets, strings, comments and numbers, refuses
 * @include, and writes a corrected copy (malloc'd, NUL-terminated) that the oldest supported
 * libconfig reads like the newest. 0 or a negative errno with the error written.
 */
int reader_scan(struct reader *r, const char *text, size_t length, char **copy);

/* config_variant.c: the key `variants`, and what can only be said once all were read. */
int reader_variants(struct reader *r, config_setting_t *list, const char *text, void *object);

#endif
