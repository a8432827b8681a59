/* SPDX-License-Identifier: MIT */
/* Names and interfaces: getifaddrs (netlink), getaddrinfo, indices, and the same by ioctl. */
#include "check.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *info;
	struct ifaddrs *all, *i;
	struct ifreq request = {.ifr_name = "lo"}, some[8];
	struct ifconf list = {0};
	struct arpreq neighbour = {.arp_dev = "lo"};
	struct sockaddr_in address;
	char name[IF_NAMESIZE];
	struct if_nameindex *names;
	unsigned lo, seen = 0;
	int fd;

	CHECK_EQ(getifaddrs(&all), 0);
	for (i = all; i; i = i->ifa_next)
		seen += strcmp(i->ifa_name, "lo") == 0;
	freeifaddrs(all);
	CHECK(seen > 0);
	lo = if_nametoindex("lo");
	CHECK(lo > 0);
	CHECK(strcmp(if_indextoname(lo, name), "lo") == 0);
	CHECK_ERR((int)if_nametoindex("no-such") - 1, ENODEV);
	names = if_nameindex();
	CHECK(names && names[0].if_index);
	if_freenameindex(names);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, SIOCGIFINDEX, &request), 0);
	CHECK_EQ(request.ifr_ifindex, lo);
	CHECK_EQ(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	CHECK(request.ifr_flags & IFF_LOOPBACK);
	CHECK_EQ(ioctl(fd, SIOCGIFMTU, &request), 0);
	CHECK(request.ifr_mtu > 0);
	CHECK_EQ(ioctl(fd, SIOCGIFTXQLEN, &request), 0);
	CHECK_EQ(ioctl(fd, SIOCGIFDSTADDR, &request), 0);
	address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	memcpy(&neighbour.arp_pa, &address, sizeof(address));
	memset(&neighbour.arp_ha, (int)(uintptr_t)&neighbour >> 12, sizeof(neighbour.arp_ha));
	CHECK_ERR(ioctl(fd, SIOCGARP, &neighbour), ENXIO);
	CHECK_EQ(ioctl(fd, SIOCGIFCONF, &list), 0);
	CHECK(list.ifc_len >= (int)sizeof(*some) && list.ifc_len % (int)sizeof(*some) == 0);
	list.ifc_req = some;
	list.ifc_len = sizeof(some);
	CHECK_EQ(ioctl(fd, SIOCGIFCONF, &list), 0);
	CHECK(strcmp(some[0].ifr_name, "lo") == 0);
	disclose(some, (size_t)list.ifc_len);
	CHECK_ERR(ioctl(fd, SIOCGIFCONF, NULL), EFAULT);

	CHECK_EQ(getaddrinfo("127.0.0.1", "80", &hints, &info), 0);
	CHECK_EQ(((struct sockaddr_in *)info->ai_addr)->sin_port, htons(80));
	freeaddrinfo(info);
	CHECK_EQ(getaddrinfo("localhost", NULL, &hints, &info), 0);
	CHECK_EQ(((struct sockaddr_in *)info->ai_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	freeaddrinfo(info);
	return done();
}
