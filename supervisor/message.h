/* SPDX-License-Identifier: MIT */
/*
 * What the supervisors of a session say to each other, through the engine, which keeps the order
 * and the bounds of messages and doesn't look into them. The leader's host judges how the
 * session goes and ends; each of the others, with one follower, tells it what happens there and
 * does as it is told. Numbers are little-endian.
 *
 *   start   leader's host                     other host
 *           PARAMETERS           ->
 *                                <-           PREPARED
 *           LAUNCH               ->
 *                                <-           READY      its follower waits for the leader
 *
 *   then                         <-           PROCESS    one of its processes starts or ends
 *           ENDED, NEVER, OVER   ->                      what became of a stream
 *                                <-           SIGNAL     somebody sent it one for the program
 *           ASK                  ->                      for counters
 *                                <-           PROCESS ..., ANSWER
 *                                <-           ASK        what tandem status shows
 *           ANSWER               ->
 *
 *   end                          <-           DONE       no process is left
 *                                <-           DIVERGED   or FAILED: why it can't go on
 *           FREEZE               ->
 *                                <-           EVIDENCE
 *           END                  ->                      with tandem's exit status and words
 *
 * Variants are numbered by their place in the configuration, which all hosts share. Payloads that
 * the engine can't take in one piece go in several of one kind, all but the last with MESSAGE_MORE
 * and none of those empty. A message that makes no sense comes from a host that is broken or
 * hijacked, and ends the session: also one about a process that has ended, or that nobody began.
 */
#ifndef TANDEM_SUPERVISOR_MESSAGE_H
#define TANDEM_SUPERVISOR_MESSAGE_H

#include <stdint.h>

enum message_kind {
	MESSAGE_PARAMETERS, /* struct parameters and strings: see parameters.h */
	MESSAGE_PREPARED, /* text: what the follower starts with (libraries.h); empty: not asked */
	MESSAGE_LAUNCH,   /* text: what to add to the follower's LD_PRELOAD */
	MESSAGE_READY,
	MESSAGE_PROCESS, /* struct process_message */
	MESSAGE_ENDED,   /* status: stream_control.ended */
	MESSAGE_NEVER,   /* the process of the stream couldn't be made */
	MESSAGE_OVER,    /* no process of the stream is left on any host */
	MESSAGE_SIGNAL,  /* status: its number */
	MESSAGE_ASK,
	MESSAGE_ANSWER,   /* to the leader's host: nothing more; from it: text, JSON */
	MESSAGE_DIVERGED, /* struct divergence */
	MESSAGE_FAILED,   /* status: tandem's; text */
	MESSAGE_DONE,
	MESSAGE_FREEZE,   /* struct freeze_message */
	MESSAGE_EVIDENCE, /* text: the follower's part of the report, JSON; empty: it couldn't be
			     made */
	MESSAGE_END,      /* status: tandem's; text: why, empty when the program ended */
	MESSAGE_KINDS,
};

#define MESSAGE_MORE 0x80000000u /* of kind: the next message continues this one */

/* The payload follows. */
struct message {
	uint32_t kind;
	uint32_t stream;
	int32_t status;
	uint32_t unused;
};

/* What is known of a process: of its struct process_state all but program and trace. */
struct process_message {
	int32_t life;        /* enum life */
	int32_t wait_status; /* -1: unknown */
	uint8_t state[];     /* PROCESS_SHARED bytes */
};

struct freeze_message {
	uint32_t reporter; /* variant */
	uint32_t stream;
	uint32_t thread;
};

/* The longest payload; longer text is cut. */
#define MESSAGE_MOST (1u << 20)

#endif
