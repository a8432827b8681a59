/* SPDX-License-Identifier: MIT */
/*
 * The program that an execve means: found as the kernel finds it, through the
 * interpreters of scripts, while the old image can still be told of an error.
 */
#ifndef TANDEM_MONITOR_PROGRAM_H
#define TANDEM_MONITOR_PROGRAM_H

#include <stdbool.h>

#define PROGRAM_SCRIPTS 5 /* as the kernel: a script's interpreter may be a script */
#define PROGRAM_LINE 256
#define PROGRAM_PATH 4096

struct program {
	int fd;            /* the ELF file, open for reading and across exec; -1: none */
	const char *unfit; /* why it can't run monitored; NULL: it can */
	/* Of a script: what stands in front of the arguments instead of argv[0], and ends at NULL.
	 */
	const char **words;
	unsigned count;
	char name[PROGRAM_PATH]; /* what execve was given, as AT_EXECFN tells it */
	const char *word[2 * PROGRAM_SCRIPTS + 2];
	char line[PROGRAM_SCRIPTS][PROGRAM_LINE + 1];
};

/* What execveat is given. A follower's descriptor is another than the program's. */
struct program_place {
	int dirfd, shown;
	const char *path;
	int flags;
	bool closes; /* the descriptor won't be there for a script's interpreter */
};

/* 0 or the negative errno that the kernel would answer. With `unfit` set either may be. */
int program_open(struct program *g, const struct program_place *at);
void program_close(struct program *g);

#endif
