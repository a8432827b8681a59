/* SPDX-License-Identifier: MIT */
/* Generators of random numbers in the program that would draw others in each variant; see random.c.
 */
#ifndef TANDEM_MONITOR_RANDOM_H
#define TANDEM_MONITOR_RANDOM_H

/* Before the program starts: of what is loaded then. */
void random_start(void);
/* Code at this address initialises itself: perhaps it is such a generator, loaded since. */
void random_look(const void *caller);

#endif
