/* SPDX-License-Identifier: MIT */
/*
 * The key that the hosts of a session share: 32 bytes in a file, as 64 hexadecimal digits and a
 * newline. Errors are negative errno with one line in `why` that names the file and the remedy.
 */
#ifndef TANDEM_TRANSPORT_KEY_H
#define TANDEM_TRANSPORT_KEY_H

#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32
#define KEY_WHY 640

struct key {
	uint8_t bytes[KEY_BYTES];
};

/* Makes a key and the file, mode 0600. -EEXIST: whatever is there is left alone. */
int key_generate(const char *file, char why[KEY_WHY]);

/*
 * Reads a key. Refuses (-EPERM) what is not a regular file of ours or root's, or what group or
 * others may read or write.
 */
int key_load(const char *file, struct key *key, char why[KEY_WHY]);

/* Overwrites it. */
void key_forget(struct key *key);

#endif
