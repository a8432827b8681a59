/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TRANSPORT_SLICE_H
#define TANDEM_TRANSPORT_SLICE_H

/*
 * Asks for the shortest slices for the calling thread: same share of a core, but let in as soon as
 * it has something to do (EEVDF, Linux 6.12; nothing before). A hint: it may have no effect.
 *
 * For a thread that others spin for: they may well have the core that it needs, and would keep it
 * for a slice of 3 ms.
 */
void slice_shorten(void);

#endif
