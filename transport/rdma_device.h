/* SPDX-License-Identifier: MIT */
/*
 * Which RDMA device of this host a connection uses, and by which address. One works if librdmacm
 * can bind an address of this host to it, its port is active, and it has RDMA WRITE with immediate
 * data, which the carrier is made of (rdma.h) and iWARP lacks.
 */
#ifndef TANDEM_TRANSPORT_RDMA_DEVICE_H
#define TANDEM_TRANSPORT_RDMA_DEVICE_H

#include <stddef.h>

struct rdma_cm_id;
struct rdma_event_channel;
struct sockaddr;

/* NULL: errno and why. */
struct rdma_event_channel *rdma_device_events(char *why, size_t room);

/*
 * A new id, bound to a device that works: that called name; or if name is "" the one behind the
 * address first, if that isn't NULL, or else any. 0 or negative errno: why says for each device
 * what it lacks, and what to do.
 */
int rdma_device_bind(struct rdma_event_channel *events, const char *name,
		     const struct sockaddr *first, struct rdma_cm_id **id, char *why, size_t room);

/*
 * Would that succeed for a connection of this host? Leaves the libraries' descriptors open: for a
 * process of its own.
 */
int rdma_device_try(const char *name, char *why, size_t room);

#endif
