/* SPDX-License-Identifier: MIT */
/* The starter as it was linked; the build directory is in the search path. */
	.section .rodata
	.balign 16
	.globl starter_begin, starter_end
starter_begin:
	.incbin "starter.elf"
starter_end:

	.section .note.GNU-stack, "", %progbits
