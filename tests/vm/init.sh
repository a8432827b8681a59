#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# The first process of a guest, in its initramfs. Makes the machine ready: the host's files by 9p,
# read-only, under a tmpfs for what the guest writes; devices; network; RDMA. Then inside.sh as
# process 1 of that root. (A chroot in a child would not do: the kernel starts modprobe in the root
# of process 1.) All here is busybox, from memory: a process of the host's files takes five times
# as long to start.

# Its shell knows the other applets as soon as there is a /proc.
/bin/busybox mount -t proc proc /proc
# From the kernel's command line: GUEST, GUESTS, IMAGE, DIRECTORY, inside.
for word in $(cat /proc/cmdline); do
	case $word in GUEST=* | GUESTS=* | IMAGE=* | DIRECTORY=* | inside=*) export "${word?}" ;; esac
done
while read -r module; do
	insmod "/modules/$module"
done </modules/order

# cache=none for /run/guests: what one guest writes there, the other sees at once.
p9=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o $p9,cache=loose,ro root /lower
mount -t tmpfs tmpfs /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /root
mount -t sysfs sysfs /root/sys
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm /root/lib/modules
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
mount -t tmpfs tmpfs /root/run
mount -t cgroup2 cgroup /root/sys/fs/cgroup
mkdir /root/run/guests /root/run/lock
mount -t 9p -o $p9,cache=none guests /root/run/guests
mount -o bind "/root$IMAGE/lib/modules" /root/lib/modules
ln -sf /proc/self/fd /root/dev/fd

hostname "guest$GUEST"
ip link set lo up
ip address add "10.77.0.$GUEST/24" dev eth0
ip link set eth0 up
echo 30 >/proc/sys/kernel/hung_task_timeout_secs

mount -o move /proc /root/proc
exec /bin/busybox switch_root /root /bin/bash "$inside"
