/* SPDX-License-Identifier: MIT */
/*
 * Addresses are tried rather than looked up: the kernel knows which port of which device is behind
 * one, whether that is Ethernet (RoCE), where the device's GIDs are IP addresses, or InfiniBand,
 * where they aren't.
 */
#include "rdma_device.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct rdma_event_channel *rdma_device_events(char *why, size_t room)
{
	struct rdma_event_channel *events = rdma_create_event_channel();
	int error = errno;

	if (events)
		return events;
	/* librdmacm says the same of either that is missing. */
	if (error == ENODEV || error == ENOENT)
		snprintf(why, room,
			 "/dev/infiniband has no rdma_cm or no uverbs that may be opened: load the "
			 "modules rdma_ucm and ib_uverbs; a container has to be given both");
	else
		snprintf(why, room, "/dev/infiniband/rdma_cm can't be opened: %s", strerror(error));
	errno = error;
	return NULL;
}

static bool speaks(const struct ibv_device *device)
{
	return device->transport_type == IBV_TRANSPORT_IB;
}

static bool active(struct ibv_context *verbs, uint8_t number)
{
	struct ibv_port_attr port;

	return !ibv_query_port(verbs, number, &port) && port.state == IBV_PORT_ACTIVE;
}

static bool fits(const struct rdma_cm_id *id, const char *name)
{
	return id->verbs && speaks(id->verbs->device) && active(id->verbs, id->port_num) &&
	       (!*name || !strcmp(name, ibv_get_device_name(id->verbs->device)));
}

/* An id that was refused an address is no more use. */
static int bind_address(struct rdma_event_channel *events, const char *name,
			const struct sockaddr *address, struct rdma_cm_id **id)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.any.sa_family = AF_UNSPEC};
	int error;

	if (address->sa_family == AF_INET) {
		memcpy(&a.v4, address, sizeof(a.v4));
		a.v4.sin_port = 0;
	} else if (address->sa_family == AF_INET6) {
		memcpy(&a.v6, address, sizeof(a.v6));
		a.v6.sin6_port = 0;
	} else {
		return -EAFNOSUPPORT;
	}
	if (rdma_create_id(events, id, NULL, RDMA_PS_TCP))
		return -errno;
	error = rdma_bind_addr(*id, &a.any) ? -errno : 0;
	if (!error && !fits(*id, name))
		error = -ENODEV;
	if (!error)
		return 0;
	rdma_destroy_id(*id);
	*id = NULL;
	return error;
}

/* One that others can call. */
static bool callable(const struct ifaddrs *i)
{
	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
		return false;
	return i->ifa_addr->sa_family == AF_INET ||
	       (i->ifa_addr->sa_family == AF_INET6 &&
		!IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr));
}

/* Why no address of this host is one of the device that could be used. */
static const char *lack(struct ibv_device *device)
{
	struct ibv_context *verbs;
	struct ibv_device_attr a;
	bool any = false;

	if (!speaks(device))
		return "has no RDMA WRITE with immediate data: it is neither InfiniBand nor RoCE, "
		       "but "
		       "iWARP or the like";
	verbs = ibv_open_device(device);
	if (!verbs)
		return "can't be opened: see who may use /dev/infiniband/uverbs*";
	if (!ibv_query_device(verbs, &a)) {
		for (unsigned port = 1; !any && port <= a.phys_port_cnt; port++)
			any = active(verbs, (uint8_t)port);
	}
	ibv_close_device(verbs);
	return any ? "has no IP address: give its network interface one"
		   : "isn't connected: none of its ports is active";
}

static void explain(const char *name, char *why, size_t room)
{
	int n = 0;
	struct ibv_device **list = ibv_get_device_list(&n);
	size_t used = 0;

	if (!list || !n)
		snprintf(why, room,
			 "there is no RDMA device that programs can use (ibv_devices shows none); "
			 "`rdma link add rxe0 type rxe netdev eth0` makes one in software");
	for (int i = 0; list && i < n && used < room; i++) {
		const char *is = ibv_get_device_name(list[i]);
		bool other = *name && strcmp(name, is) != 0;

		used += (size_t)snprintf(why + used, room - used, "%s%s %s",
					 used    ? "; "
					 : *name ? "the RDMA device that was chosen isn't usable "
						   "here: "
						 : "",
					 is, other ? "isn't the one" : lack(list[i]));
	}
	if (list)
		ibv_free_device_list(list);
}

int rdma_device_bind(struct rdma_event_channel *events, const char *name,
		     const struct sockaddr *first, struct rdma_cm_id **id, char *why, size_t room)
{
	struct ifaddrs *all = NULL;
	int error = -ENODEV;

	if (first && !*name)
		error = bind_address(events, name, first, id);
	if (error && getifaddrs(&all)) {
		error = -errno;
		snprintf(why, room, "addresses of this host can't be had: %s", strerror(-error));
		return error;
	}
	for (struct ifaddrs *i = all; error && i; i = i->ifa_next) {
		if (callable(i))
			error = bind_address(events, name, i->ifa_addr, id);
	}
	if (all)
		freeifaddrs(all);
	if (!error)
		return 0;
	explain(name, why, room);
	return -ENODEV;
}

int rdma_device_try(const char *name, char *why, size_t room)
{
	struct rdma_event_channel *events = rdma_device_events(why, room);
	struct rdma_cm_id *id = NULL;
	int error;

	if (!events)
		return -errno;
	error = rdma_device_bind(events, name, NULL, &id, why, room);
	if (!error)
		rdma_destroy_id(id);
	rdma_destroy_event_channel(events);
	return error;
}
