#!/bin/bash
# SPDX-License-Identifier: MIT
# What libtandem.so is made of: nothing of libc on its paths, and general registers only, since
# what the program has in the others isn't saved.
set -u
. "$(dirname "$0")/lib.sh"
objects=$build/monitor.o

mapfile -t all < <(cd "$objects" && find . -name '*.o' -type f | sed 's|^\./||' | sort)
check "the objects of the library are there" test ${#all[@]} -gt 40

# "OBJECT: SYMBOL" for whatever no object of the library defines, and the linker neither.
foreign() {
	local object
	cd "$objects" || return
	nm -g --defined-only -- "${all[@]}" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/own"
	printf '%s\n' _GLOBAL_OFFSET_TABLE_ __ehdr_start __start_tandem_behind __stop_tandem_behind >>"$scratch/own"
	sort -o "$scratch/own" "$scratch/own"
	for object in "${all[@]}"; do
		nm -u -- "$object" | awk '{ print $NF }' | sort -u | comm -23 - "$scratch/own" | sed "s|^|${object%.o}: |"
	done
}
foreign >"$scratch/foreign"
# The start, before there is a session; functions of libc's that the library stands in front of, which
# run as the program's own code does; and the decoder.
cat >"$scratch/known" <<-END
	monitor/allocator: free
	monitor/allocator: getenv
	monitor/allocator: malloc
	monitor/arch/x86_64/decode: ZydisDecoderDecodeInstruction
	monitor/arch/x86_64/decode: ZydisDecoderInit
	monitor/init: getauxval
	monitor/locks: __errno_location
	monitor/locks: dlsym
	monitor/random: __errno_location
	monitor/random: dladdr
	monitor/random: dlclose
	monitor/random: dlsym
	monitor/random: getrandom
	monitor/stack: pthread_attr_destroy
	monitor/stack: pthread_attr_getstack
	monitor/stack: pthread_attr_init
	monitor/stack: pthread_attr_setguardsize
	monitor/stack: pthread_attr_setstack
	monitor/stack: pthread_self
	monitor/statistics: write
	monitor/stdio: stdout
	monitor/tempname: __errno_location
	monitor/tempname: access
	monitor/tempname: getrandom
	monitor/tempname: mkdir
	monitor/tempname: open
END
check "nothing of libc on the monitor's paths" diff "$scratch/known" "$scratch/foreign"

# Those of them whose code names a vector or floating-point register.
vector() {
	local object
	cd "$objects" || return
	for object in "${all[@]}"; do
		objdump -d --no-show-raw-insn -- "$object" | grep -qE '%[xyz]?mm[0-9]|%st\b|%k[0-7]\b' && echo "${object%.o}"
	done
}
vector >"$scratch/vector"
# The trap's handler, whose registers the kernel saves; and variadic functions of libc's.
printf '%s\n' monitor/arch/x86_64/decode monitor/hidden monitor/stdio >"$scratch/known"
check "general registers only" diff "$scratch/known" "$scratch/vector"

finish
