/* SPDX-License-Identifier: MIT */
/*
 * Reads of a clock that the vDSO answers: there are many (redis makes several for each command),
 * and nobody but the thread itself notices them. So they aren't records of their own. The leader's
 * thread notes what it has read; the notes go out together (RECORD_CLOCKS) in front of the
 * thread's next record, before it may sleep, or before another thread's segment begins
 * (segment.h). A follower's thread takes as many reads from its copy before it goes on in the
 * stream. Reads aren't system calls, so no policy makes them lockstep. When the notes are full the
 * next read goes through the stream as any call; a thread that does nothing but look at the
 * clock gets its signals there, too.
 *
 * Notes belong to their thread; the leader's also to whoever holds the order lock while the
 * thread's segment is over.
 */
#ifndef TANDEM_MONITOR_CLOCKS_H
#define TANDEM_MONITOR_CLOCKS_H

#include "monitor.h"

/*
 * A read by CALL_clock_gettime, CALL_gettimeofday or CALL_time (clock: 0 for these two), noted or
 * taken. False: it has to be made as a call. Also for the program's side of a thread.
 */
bool clocks_read(struct thread *t, uint32_t call, int clock, struct record_clock *read);

/* Leader: forgets the last read, which couldn't be given to the program. */
void clocks_forget(struct thread *t);

/* Follower: takes the next notes if that is what the thread's next record is. */
bool clocks_follow(struct thread *t);

#endif
