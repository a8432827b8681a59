/* SPDX-License-Identifier: MIT */
/* Where the first thread's stack is; see stack.c. */
#ifndef TANDEM_MONITOR_STACK_H
#define TANDEM_MONITOR_STACK_H

/* Before the program starts, in its first thread. */
void stack_start(void);

#endif
