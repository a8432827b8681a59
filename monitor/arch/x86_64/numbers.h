/* SPDX-License-Identifier: MIT */
/* Constants that assembly and C share. */
#ifndef TANDEM_ARCH_X86_64_NUMBERS_H
#define TANDEM_ARCH_X86_64_NUMBERS_H

/* Calls below this number are looked up by the entry itself (monitor_private). */
#define PRIVATE_NUMBERS 512
/* A stub's head, and from its tail to the address of its site. */
#define STUB_HEAD_SIZE 13
#define STUB_INFO (-29)

/* Places in struct thread, which process.c checks. */
#define THREAD_USER_STACK 8
#define THREAD_STACK 16
#define THREAD_PENDING 24
#define THREAD_RESUME 32
#define THREAD_PRIVATE 40
/* Above the monitor's stack: 17 pushes of the entry leave it aligned for the call. */
#define THREAD_STACK_ROOM 8

#endif
