#!/bin/bash
# SPDX-License-Identifier: MIT
# What a program can't do under tandem: it is named, with a status of its own, and never done.
set -u
. "$(dirname "$0")/lib.sh"

${CC:-cc} -Wall -Wextra -Werror -D_GNU_SOURCE -o "$scratch/unsupported" "$here/unsupported.c" || exit 1
# ELF of 32 bits for the 80386, as far as anybody looks.
printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0%040d' 0 >"$scratch/other"
${CC:-cc} -static -o "$scratch/static" -x c - <<<'int main(void) { return 0; }' 2>/dev/null
chmod +x "$scratch/other"

refused() { # refused TEXT WHAT [FILE]
	check "$trap: $2 ${3##*/}" run 112 -- "$scratch/unsupported" "${@:2}"
	check "... is named" says "unsupported call: .*$1"
}
names() { # names REGEX: as tandem explain shows it
	"$tandem" explain -c "$scratch/cfg" >"$scratch/shown"
	says "$1" shown
}
one_only() { # one_only CALL WHAT: an attack that makes the call in one variant
	local who
	for who in leader follower; do
		check "$trap: $2 in the $who only" run 110 -- "$scratch/unsupported" "$2" '' "$who"
		check "... is a divergence" says "divergence: another call: variant 1 .*$1"
	done
}
for trap in sud seccomp; do
	configuration full "trap = \"$trap\";"
	refused 'processes that share descriptors or signal handlers: clone' files ''
	refused 'processes that share descriptors or signal handlers: clone' handlers ''
	refused 'namespace' namespace ''
	refused 'code is mapped from a file that has no name: mmap' code "$scratch/gone"
	refused 'the program to execute is of another architecture: execve' exec "$scratch/other"
	[ -x "$scratch/static" ] && refused 'the program to execute is statically linked: execve' exec "$scratch/static"
done
for trap in sud seccomp; do
	configuration full "trap = \"$trap\"; hang_timeout = 20.0;"
	refused "doesn't know this call: syscall\\(500, 0x1, 0x2, 0x[0-9a-f]+, 0x4, 0x5, 0x6\\), number 500, at [^ ]+\\+0x" number ''
	check "... also by explain" names 'call number +500'
	check "... with its six arguments" names 'argument 7 +0x6'
	check "... one of them" names 'argument 3 +0x2'
	one_only 'syscall\(500, ' number
	refused "doesn't support this call: ptrace\\(0x?0, .*number 101, at [^ ]+\\+0x" ptrace ''
	check "... also by explain" names 'call +ptrace'
	one_only ptrace ptrace
	refused "doesn't support this call: ptrace" thread ''
	check "$trap: a thread of the leader only" run 110 -- "$scratch/unsupported" thread '' leader
	check "$trap: a thread of a follower only" run 110 -- "$scratch/unsupported" thread '' follower
	if [ "$(uname -m)" = x86_64 ]; then
		refused 'the 32-bit interface .*syscall\(20, .*number 20, at ' interface ''
		one_only 'syscall\(20' interface
	fi
	check "$trap: a call that programs can do without" run 2 -- "$scratch/unsupported" optional
	one_only io_uring_setup optional
done
check "a program of another architecture" run 111 -- "$scratch/other"
check "... is named" says "other can.t run as a variant: it is built for another kind of processor"

finish
