#!/bin/bash
# SPDX-License-Identifier: MIT
# What make installs, and what it says when something that it needs is missing.
set -u
. "$(dirname "$0")/lib.sh"
root=$here/../..
: >"$scratch/err"

# --- make install ----------------------------------------------------------------------------

stage=$scratch/stage
check "make install" make -s -C "$root" B="$build" PREFIX=/usr DESTDIR="$stage" install
for file in bin/tandem lib/tandem/libtandem.so share/man/man1/tandem.1 share/man/man5/tandem.cfg.5; do
	check "... $file" test -s "$stage/usr/$file"
done
examples=$stage/usr/share/doc/tandem/examples
check "... the example configurations, all of them" diff -r "$root/configs" "$examples"
check "... which users can read" equal "$(stat -c %a "$examples"/*.cfg | sort -u)" 644
check "... nothing else" equal "$(find "$stage" -type f | wc -l)" $((4 + $(find "$root/configs" -name '*.cfg' | wc -l)))
check "... nothing of the build's place" bash -c "! grep -rqF '$stage' '$stage'"
tandem=$stage/usr/bin/tandem
configuration socket_rw_oc
check "what is installed runs, with its own library" run 37 -- "$target" exit 37
for file in "$examples"/*.cfg; do
	# The other build has to be there: any program will do.
	sed "s|/usr/local/lib/server-follower|$target|" "$file" >"$scratch/example.cfg"
	check "... and reads $(basename "$file")" bash -c "'$tandem' check -c '$scratch/example.cfg' >/dev/null 2>'$scratch/err'; [ ! -s '$scratch/err' ]"
done
check "... another PREFIX and DESTDIR" make -s -C "$root" B="$build" PREFIX=/opt/tandem DESTDIR="$scratch/other" install
check "... has it there" test -x "$scratch/other/opt/tandem/bin/tandem"

# --- what is missing -------------------------------------------------------------------------

# Only these commands can be found: no sudo, no apt-get. Sources are where anybody may read them.
mkdir -p "$scratch/bin" "$scratch/tree/tests"
cp -r "$root"/{Makefile,monitor,supervisor,transport} "$scratch/tree"
cp "$root/tests/tests.mk" "$scratch/tree/tests"
chmod -R a+rX "$scratch"
for command in sh make id dpkg dpkg-query sed nproc grep uname; do ln -s "$(command -v $command)" "$scratch/bin/$command"; done
dry() { # dry MAKE_ARGS...: by a user with no more than those commands
	local user=()
	[ "$(id -u)" != 0 ] || user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	"${user[@]}" env PATH="$scratch/bin" make -s -C "$scratch/tree" B=/nonexistent "$@" >"$scratch/out" 2>"$scratch/err"
}
touch "$scratch/bin/apt-get"
chmod 755 "$scratch/bin/apt-get"
check "packages are missing, and there is no sudo" equal "$(dry deps PACKAGES_BUILD='dpkg no-such-package'; echo $?)" 2
check "... is said, with their names" says '^make: these packages are missing: no-such-package$'
check "... and what to do" says '^make: there is no sudo to install them with; install them as root'
rm "$scratch/bin/apt-get"
dry deps PACKAGES_BUILD=no-such-package
check "... and no apt-get" says '^make: there is no apt-get to install them with'
check "nothing is missing: neither is needed" dry deps PACKAGES_BUILD=dpkg
check "make without a compiler" equal "$(dry CC=/nonexistent/cc all; echo $?)" 2
check "... says what to do" says "a compiler or headers are missing; 'make deps' installs"

finish
