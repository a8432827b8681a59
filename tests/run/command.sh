#!/bin/bash
# SPDX-License-Identifier: MIT
# `tandem run` as its user sees it: exit statuses, wrong usage, descriptors, signals.
set -u
. "$(dirname "$0")/lib.sh"

configuration socket_rw_oc
check "the program's exit status" run 37 -- "$target" exit 37
check "nothing is said in a good run" silent
check "the program's signal" run 134 -- "$target" signal 6
check "a program that kills itself" run 137 -- "$target" signal 9
check "-v says what starts" run 0 -v -- "$target" calls 5
check "... each variant" says 'variant 1 \(follower\) is .*target, pid'
check "... and the trap" says 'trap '
check "... and ends, and how" says 'variant 1: process [0-9]+ has ended: status 0; [0-9]+ calls, [1-9][0-9]* sites patched, [0-9]+ still trapping'
# Children that the program itself waits for, in the leader, tell nobody else how they end.
check "-v says of children" run 137 -v -- sh -c 'for i in 1 2 3 4 5; do ls /nonexistent; sh -c "kill -SEGV \$\$"; done; kill -9 $$'
check "... how each has ended" equal "$(grep -cE 'variant [01]: process [0-9]+ has ended: (status 2|signal 11, SIGSEGV);' "$scratch/err")" 20
check "... and what its pid is to the program" bash -c "! grep -qE '[(]?[?][)]|to the program it is 0' '$scratch/err'"
check "... which is the leader's" equal "$(grep -cE 'variant 1: process [0-9]+ starts \(stream [0-9]+, to the program it is [1-9][0-9]*\)' "$scratch/err")" 11
check "... and the transport" says 'transport: shared memory, since all variants run here'
check "SIGCHLD that the caller ignores stays ignored" bash -c "trap '' CHLD; '$tandem' run -c '$scratch/cfg' -- '$target' ignored; [ \$? = 1 ]"

check "no such program" run 111 -- "$scratch/none"
check "... is said" says 'none: can.t be executed: No such file'
check "an empty name" run 111 -- ""
check "a directory" run 111 -- "$scratch"
check "a file that isn't executable" run 111 -- "$here/target.c"
${CC:-cc} -static -o "$scratch/static" -x c - <<<'int main(void) { return 0; }' 2>/dev/null
if [ -x "$scratch/static" ]; then
	check "a static program" run 111 -- "$scratch/static"
	check "... is said" says 'static'
	echo "#! $scratch/static -x" >"$scratch/script"
	chmod +x "$scratch/script"
	check "a script of it" run 111 -- "$scratch/script"
	check "... is said" says 'script can.t run as a variant: its interpreter .*/static: it is statically'
fi
${CC:-cc} -shared -fPIC -o "$scratch/early.so" -x c - <<-END
	#include <stdlib.h>
	__attribute__((constructor)) static void early(void)
	{
		if (getenv("EARLY"))
			return; /* in the child */
		setenv("EARLY", "1", 1);
		if (system("exit 3") != 111 << 8)
			abort();
		unsetenv("EARLY");
	}
END
check "a library that runs a program before main" run 7 -- env LD_PRELOAD="$scratch/early.so" "$target" exit 7
check "... is told that it can't" says 'a library runs a program before main'
printf '#!/bin/sh\nexit 9\n' >"$scratch/shell"
chmod +x "$scratch/shell"
check "a shell script" run 9 -- "$scratch/shell"
check "--id of no variant" run 111 --id 7 -- "$target"
check "a missing configuration" bash -c "'$tandem' run -c /nonexistent -- true 2>'$scratch/err'; [ \$? = 111 ]"
check "a library that isn't there" env TANDEM_LIBRARY=/nonexistent.so bash -c "'$tandem' run -c '$scratch/cfg' -- true 2>'$scratch/err'; [ \$? = 111 ]"
: >"$scratch/empty.so"
check "a library that can't be loaded" env TANDEM_LIBRARY="$scratch/empty.so" bash -c "'$tandem' run -c '$scratch/cfg' -- '$target' exit 0 2>'$scratch/err'; [ \$? = 111 ]"
check "... is said" says 'the monitor never started'

# --- options, and what is said of wrong ones -------------------------------------------------

call() { # call STATUS ARGS...: the command ends with that status
	local want=$1
	shift
	timeout 20 "$tandem" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	equal $? "$want"
}
helps() { # helps WORDS ARGS...: help on standard output, status 0, nothing on standard error
	local words=$1
	shift
	call 0 "$@" && says "$words" out && silent
}
wrong() { # wrong WORDS ARGS...: status 111, what is wrong in one line and the usage; nothing is started
	local words=$1
	shift
	call 111 "$@" && says "^tandem$words\$" && says '^usage: tandem ' && equal "$(cat "$scratch/out")" ""
}
check "--help" helps '^tandem run -c FILE' --help
check "-h" helps '^tandem explain ' -h
check "--version" helps '^tandem [0-9]+\.[0-9]+' --version
for command in run check status explain keygen; do
	check "$command --help" helps "^tandem $command" $command --help
	check "... of that command alone" equal "$(grep -c '^tandem' "$scratch/out")" 1
	check "$command -h" helps "^tandem $command" $command -h
	check "$command --version" helps '^tandem [0-9]+\.[0-9]+' $command --version
	check "$command with an unknown option" wrong " $command: --frobnicate: no such option" $command --frobnicate
	check "$command with an unknown letter" wrong " $command: -x: no such option" $command -x
done
check "help of run names its options" helps '^    -v ' run --help
check "--help behind other options" helps '^tandem run ' run -v -c "$scratch/none" --help
check "the program's own --help is the program's" run 37 -- "$target" exit 37 --help
check "no command" wrong ": a command is needed"
check "an unknown command" wrong ": start: no such command" start
check "run without a configuration" wrong " run: a configuration is needed: -c FILE" run -- "$target" exit 0
check "run without a program" wrong " run: a program is needed" run -c "$scratch/cfg"
check "-c without a file" wrong " run: -c: what is to follow is missing" run -c
check "--id without a number" wrong " run: --id: what is to follow is missing" run -c "$scratch/cfg" --id
check "--id that is no number" wrong " run: --id x: a variant's id is a number" run -c "$scratch/cfg" --id x -- "$target"
check "run --json" wrong " run: --json: not an option of this command" run -c "$scratch/cfg" --json -- "$target"
check "status -c" wrong " status: -c: not an option of this command" status -c "$scratch/cfg"
check "status with a word" wrong " status: now: too many words" status now
check "check --id without a configuration" wrong " check: --id means nothing without -c FILE" check --id 0
check "explain with two reports" wrong " explain: b: too many words" explain a b
check "keygen without a name" wrong " keygen: a file's name is needed" keygen

: >"$scratch/taken"
check "keygen makes a key" "$tandem" keygen "$scratch/key"
check "... of 64 digits" grep -qxE '[0-9a-f]{64}' "$scratch/key"
check "... that is its owner's alone" equal "$(stat -c %a "$scratch/key")" 600
check "... and another each time" bash -c "'$tandem' keygen '$scratch/key2' && ! cmp -s '$scratch/key' '$scratch/key2'"
check "keygen overwrites nothing" bash -c "'$tandem' keygen '$scratch/taken' 2>'$scratch/err'; [ \$? = 111 ] && [ ! -s '$scratch/taken' ]"
check "... and says so" says 'taken: exists already'

for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	case $closed in '<&-') want=6 ;; '>&-') want=5 ;; '2>&-') want=3 ;; *) want=0 ;; esac
	check "closed at the start: $closed" bash -c "timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' standard $closed; s=\$?; [ \$s = $want ] || { echo \$s; exit 1; }"
done
check "few descriptors" bash -c "ulimit -Sn 40; exec timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 0"
check "too few descriptors" bash -c "ulimit -n 12; timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 0 2>'$scratch/err'; [ \$? = 111 ]"
check "... says what to do" says 'ulimit'
check "files are limited in size" bash -c "ulimit -Sf 1000; timeout 20 '$tandem' run -c '$scratch/cfg' -- '$target' exit 0 2>'$scratch/err'; [ \$? = 111 ]"
check "... says what to do" says 'File too large; .*ulimit -f unlimited'

check "a daemon is awaited" run 3 -- "$target" daemon "$scratch/daemon"
check "... to its end" equal "$(cat "$scratch/daemon")" "done"

# --- as many as there can be ---------------------------------------------------------------

eight() { # eight [KEYS]: of the last one
	cat >"$scratch/cfg" <<-END
		leader_id = 3; policy = "full"; report_dir = "$scratch/reports";
		variants = ( $(printf '{ id = %d; }, ' {0..6}) { id = 7; ${1:-} } );
	END
}
eight
check "8 variants" run 3 -v -- "$target" daemon "$scratch/daemon8"
check "... all start" equal "$(grep -cE 'variant [0-7] \((leader|follower)\) is ' "$scratch/err")" 8
check "... do what one does" equal "$(cat "$scratch/daemon8")" "done"
eight 'env = ( "TWIN=1" );'
check "the last of 8 differs" run 110 -- "$target" differ
check "... is said" says 'divergence: other arguments: variant 7 \(follower\)'
configuration socket_rw_oc

# --- memory that changes under a call --------------------------------------------------------

for trap in sud seccomp; do
	configuration full "trap = \"$trap\";"
	check "what is compared of an exec is what is executed ($trap)" run 0 -- "$target" swaps
	check "... in each part" equal "$(cat "$scratch/out")" "said, set"
done
configuration socket_rw_oc

# --- signals -------------------------------------------------------------------------------

begin -- "$target" count
kill -USR1 $guard
check "a signal to tandem reaches the program" ended 0
check "... once" equal "$(tail -n 1 "$scratch/out")" 1
begin -- "$target" count
kill -USR1 -- -$guard
check "a signal to its process group too" ended 0
check "... once" equal "$(tail -n 1 "$scratch/out")" 1
begin -- "$target" sleep
kill -TERM $guard
check "SIGTERM ends the program" ended 143
begin -- "$target" sleep
kill -TSTP $guard
sleep 0.3
check "SIGTSTP stops tandem" equal "$(sed 's/.*) //; s/ .*//' /proc/$guard/stat)" T
check "... and the leader" equal "$(sed 's/.*) //; s/ .*//' "/proc/$leader/stat")" T
kill -CONT $guard
sleep 0.3
check "SIGCONT resumes the leader" equal "$(sed 's/.*) //; s/ .*//' "/proc/$leader/stat")" S
kill -TERM $guard
check "... which ends" ended 143

finish
