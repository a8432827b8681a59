#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Format, static checks and house rules over all files of the project; prints TAP.
#
#   lint.sh [CHECK...]     format rules shell cppcheck tidy (default: all)
#
# JOBS: at once; ARCH: whose sources the monitor has.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-$(nproc)} arch=${ARCH:-x86_64}
flags=(-std=gnu17 -D_GNU_SOURCE -I. -Isupervisor -Imonitor "-Imonitor/arch/$arch")

# What there is, whether from a repository or from an archive of it.
files() {
	find . -type d \( -name '.*' ! -name . -o -name 'build*' -o -name corpus -o -path ./perf/results \) -prune -o -type f "$@" -print |
		sed 's|^\./||' | sort
}
mapfile -t all < <(
	files \( -name '*.[chS]' -o -name '*.def' -o -name '*.pml' -o -name '*.sh' -o -name '*.py' -o -name '*.mk' \
		-o -name '*.cfg' -o -name '*.lds' -o -name '.clang-*' -o -name Makefile -o -name bench \)
	echo .ci/run
)
mapfile -t c_and_h < <(files -name '*.[ch]')
mapfile -t scripts < <(files -name '*.sh'; echo .ci/run)
mapfile -t sources < <(files -name '*.c' ! -path './tests/programs/*' ! -path './monitor/arch/*')
mapfile -t of_arch < <(files -path "./monitor/arch/$arch/*.c")

# cppcheck stops at macros of Concurrency Kit, which the bench of the ring compares with.
mapfile -t checked < <(printf '%s\n' "${sources[@]}" | grep -v '^perf/bench_ring.c$')

# What all ISAs share.
mapfile -t common < <(printf '%s\n' "${all[@]}" | grep -E '\.(c|h|S|def)$' | grep -vE '(^|/)arch/' |
	grep -E '^((monitor|supervisor|transport|perf)|tests/(unit|fuzz))/')

count=0 failed=0
result() { # result NAME, its findings on stdin
	local findings
	findings=$(cat)
	count=$((count + 1))
	if [ -z "$findings" ]; then
		echo "ok $count - $1"
	else
		failed=1
		echo "not ok $count - $1"
		head -n 60 <<<"$findings" | sed 's/^/# /'
	fi
}

check_format() {
	result "clang-format" < <(clang-format --dry-run -Werror "${c_and_h[@]}" 2>&1)
}

# Uses of system calls by numbers that aren't among those which new ISAs have.
lacking() {
	grep -noE '\bSYS_[a-z0-9_]+\b' "$@" | awk '
		NR == FNR { if (sub(/^#define __NR(3264)?_/, "")) has["SYS_" $1] = 1; next }
		{ split($0, part, ":") }
		!(part[3] in has)' /usr/include/asm-generic/unistd.h -
}

check_rules() {
	result "no file has more than 800 lines" < <(wc -l "${all[@]}" |
		awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines" }')
	result "each file says its licence" < <(grep -L 'SPDX-License-Identifier: MIT' "${all[@]}" |
		sed 's/$/: no SPDX line/')
	# Programs under test may be of one ISA. Apart from these the project differs under arch/ only.
	result "no #if of an ISA outside arch/" < <(grep -nE \
		'^[[:space:]]*#[[:space:]]*(el)?if.*__(x86_64|aarch64|amd64|arm64)__' "${common[@]}")
	result "no register or instruction of an ISA outside arch/" < <(grep -nE \
		-e '\b[re](ax|bx|cx|dx|si|di|bp|sp|ip)\b|\bREG_[A-Z0-9]+|%[c-gs]s:|\b[fg]s_base\b|user_regs_struct' \
		-e 'PTRACE_(GET|SET)REGS|AUDIT_ARCH_|ARCH_[GS]ET_|__builtin_(ia32|aarch64|arm)_|intrin\.h|TPIDR' \
		-e '\b(asm|__asm__)( volatile| goto)* ?\("[^"]' "${common[@]}" | grep -vF '__asm__("__ehdr_start")')
	result "no call that an ISA lacks outside arch/" < <(lacking "${common[@]}")
}

check_shell() {
	# Left out: it doesn't follow sourced files (SC1091), so it takes what they share for unused
	# (SC2034) or never assigned (SC2154); and quotes that are left away on purpose, for words
	# (SC2046, SC2206), patterns (SC2053) and a directory that has been made (SC2115).
	result "shellcheck" < <(shellcheck --severity=warning --exclude=SC1091,SC2034,SC2154,SC2046,SC2206,SC2053,SC2115 \
		"${scripts[@]}" 2>&1)
}

check_cppcheck() {
	# -D: a macro whose header it doesn't see. Suppressed: macros of macros it counts wrong
	# (table.c); a cast from what a table says the type is (config_reader.c); a page of code that
	# is written to see whether it may be (machine.c); everywhere, bounds that the linker sets, and
	# what compiler and clang-tidy see better: variables that are set by way of their address.
	result "cppcheck" < <(cppcheck --quiet -j"$jobs" --std=c11 --enable=warning,performance,portability \
		'-DcJSON_ArrayForEach(e,a)=while((e=(a)->child))' \
		--suppress=preprocessorErrorDirective:monitor/syscalls/table.c \
		--suppress=invalidPointerCast:supervisor/config_reader.c \
		--suppress=selfAssignment:supervisor/machine.c \
		--suppress=comparePointers --suppress=uninitvar \
		--template='{file}:{line}: {id}: {message}' "${flags[@]:1}" \
		"${checked[@]}" "${of_arch[@]}" 2>&1)
}

# clang-tidy takes the files in front of --, the compiler's options behind it.
tidy() {
	clang-tidy --quiet "$@" -- "${flags[@]}" 2>&1 | grep -E -A4 'warning:|error:'
}

check_tidy() {
	local file running=0 found
	found=$(mktemp -d) || exit 1
	for file in "${sources[@]}" "${of_arch[@]}"; do
		[ "$(jobs -rp | wc -l)" -lt "$jobs" ] || wait -n
		running=$((running + 1))
		tidy "$file" >"$found/$running" &
	done
	wait
	result "clang-tidy" < <(cat "$found"/*)
	rm -rf "$found"
}

[ $# -gt 0 ] || set -- format rules shell cppcheck tidy
for check; do
	declare -F "check_$check" >/dev/null || { echo "Bail out! there is no check $check"; exit 1; }
	"check_$check"
done
echo "1..$count"
exit $failed
