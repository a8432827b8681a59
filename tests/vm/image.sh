#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Prepares what guests boot from, once, and prints the directory that holds it:
#
#   vmlinux         Debian's kernel as ELF: QEMU starts it 3 s sooner than the packed one
#   initramfs       busybox and what it takes to mount the host's files (init.sh)
#   lib/modules     all modules of that kernel
#   release         the name of its modules' directory
#
# Exit status 77: impossible on this machine, for the reason that is printed instead.
# TANDEM_CACHE: where it is kept; default: a directory of the user's cache.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
cache=${TANDEM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/tandem}
image=$cache/guest-x86_64

impossible() { echo "$1"; exit 77; }

[ "$(uname -m)" = x86_64 ] || impossible "guests are x86-64 so far, this machine is $(uname -m)"
for tool in qemu-system-x86_64 busybox modprobe depmod cpio unxz strip; do
	PATH=$PATH:/sbin:/usr/sbin command -v $tool >/dev/null ||
		impossible "$tool is missing: make deps-vm installs what guests need"
done
free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
[ "$free" -ge 2560 ] || impossible "guests take 2.5 GB of memory, $free MB are available"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
new=$image.new
trap 'rm -rf "$new"' EXIT

if [ ! -e "$image/release" ]; then
	rm -rf "$new" "$image"
	mkdir -p "$new"
	cd "$new"
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }')
	[ -n "$package" ] || impossible "apt knows no linux-image-amd64, whose kernel guests run: apt-get update"
	apt-get download -qq "$package" >download.log 2>&1 ||
		impossible "cannot download $package: $(tail -n 1 download.log)"
	dpkg -x ./*.deb unpacked
	mv unpacked/lib .
	release=$(ls lib/modules)
	packed=unpacked/boot/vmlinuz-$release
	# The packed kernel is a loader with an xz stream in the middle of it.
	offset=$(LC_ALL=C grep -abo $'\xfd7zXZ' "$packed" | head -n 1 | cut -d: -f1)
	[ -n "$offset" ] || { echo "no xz stream in $packed" >&2; exit 1; }
	# unxz complains of what follows the stream; whether the kernel is whole, its magic and a boot tell.
	tail -c +$((offset + 1)) "$packed" | unxz --single-stream >vmlinux 2>/dev/null || :
	[ "$(head -c 4 vmlinux)" = $'\x7fELF' ] || { echo "no kernel in $packed" >&2; exit 1; }
	/sbin/depmod -b . "$release"
	rm -rf unpacked ./*.deb download.log
	echo "$release" >release
	mv "$new" "$image"
fi

# Anew when init.sh or this script has changed.
modules='virtio_pci 9pnet_virtio 9p overlay virtio_net rdma_rxe rdma_ucm crc32_pclmul'
if [ "$(cat "$here/init.sh" "$0" | cksum)" != "$(cat "$image/made" 2>/dev/null)" ]; then
	rm -rf "$new"
	mkdir -p "$new/bin" "$new/modules" "$new/proc" "$new/lower" "$new/upper" "$new/root"
	release=$(cat "$image/release")
	cp "$(command -v busybox)" "$new/bin/busybox"
	cp "$here/init.sh" "$new/init"
	chmod 755 "$new/init"
	# In the order in which they must be loaded.
	for module in $modules; do
		/sbin/modprobe -d "$image" -S "$release" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$new/order"
	while read -r module; do
		cp "$module" "$new/modules/"
		basename "$module"
	done <"$new/order" >"$new/modules/order"
	rm "$new/order"
	# Without signatures: to check one takes longer than to load the module.
	strip --strip-debug "$new"/modules/*.ko
	(cd "$new" && find . | cpio --quiet -o -H newc) >"$image/initramfs.new"
	mv "$image/initramfs.new" "$image/initramfs"
	cat "$here/init.sh" "$0" | cksum >"$image/made"
fi
echo "$image"
