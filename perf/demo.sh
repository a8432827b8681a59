#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Shows in about a minute what Tandem does: perf/demo.sh (called by `make demo`).
# nginx as two variants, its speed beside a native one, and an attack with and without Tandem.
# Exit status 0 when everything was as promised. BUILD and OUT as in tests/servers/lib.sh.
. "$(dirname "$0")/../tests/servers/lib.sh"
. "$(dirname "$0")/../tests/exploit/lib.sh"

bold='' dim='' red='' green='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi
title() { printf '\n%s━━ %s %s\n' "$bold" "$1" "$plain"; }
say() { printf '   %s\n' "$1"; }
good() { printf '   %s✔%s %s\n' "$green" "$plain" "$1"; }
promised() { # promised TEXT COMMAND...: must succeed, or the demo ends
	local text=$1 said
	shift
	if said=$("$@" 2>&1); then good "$text"; return; fi
	printf '   %s✘ not as promised: %s%s\n' "$red" "$text" "$plain"
	[ -z "$said" ] || sed 's/^/     /' <<<"$said"
	[ ! -s "$dir/stderr" ] || tail -n 15 "$dir/stderr" | sed 's/^/     /'
	exit 1
}

# One run of a program: `launch NAME MODE COMMAND...`; its process is in pid[NAME].
declare -A pid
launch() {
	local name=$1
	mode=$2
	dir=$scratch/$name
	mkdir -p "$dir/reports"
	echo "leader_id = 0; policy = \"socket_rw_oc\";
report_dir = \"$dir/reports\"; variants = ( { id = 0; $3 }, { id = 1; $4 } );" >"$dir/tandem.cfg"
	shift 4
	start "$@"
	pid[$name]=$server
}
# Whatever is left when the demo ends runs in a directory below $scratch. The shell's own words
# about whom it kills are of no interest.
demo_end() {
	dir=$scratch
	{ cleanup; wait; } 2>/dev/null
}
trap demo_end EXIT

need nginx nginx-light wrk wrk curl curl taskset util-linux
[ -x "$tandem" ] || bail "$tandem is not there: build it first (make)"
build_exploit || bail "the vulnerable server does not compile"

# --- nginx ---------------------------------------------------------------------------------

nginx_conf() { # nginx_conf DIR PORT
	mkdir -p "$1/temp"
	seq 1 2000 2>/dev/null | head -c 4096 >"$1/page.html"
	cat <<-END
		$([ "$(id -u)" != 0 ] || echo "user root;")
		daemon off; master_process on; worker_processes 1; pid $1/nginx.pid; error_log $1/error.log;
		events { worker_connections 1024; }
		http {
			access_log off; sendfile on; keepalive_requests 100000000;
			client_body_temp_path $1/temp/a; proxy_temp_path $1/temp/b; fastcgi_temp_path $1/temp/c;
			uwsgi_temp_path $1/temp/d; scgi_temp_path $1/temp/e;
			server { listen 127.0.0.1:$2; root $1; }
		}
	END
}
serve() { # serve NAME MODE PORT
	local here=$scratch/$1 prefix=(taskset -c 0)
	mkdir -p "$here"
	nginx_conf "$here" "$3" >"$here/nginx.conf"
	[ "$2" = native ] || prefix=()
	launch "$1" "$2" 'cpus = "0";' 'cpus = "1";' "${prefix[@]}" nginx -p "$here" -c "$here/nginx.conf" -e "$here/error.log"
	promised "$1 nginx answers on port $3" await answers "http://127.0.0.1:$3/page.html"
}
rate() { # rate PORT: requests a second; wrk's errors are failures
	local said
	said=$(taskset -c "$other" wrk -t1 -c10 -d2s "http://127.0.0.1:$1/page.html") || return
	grep -qE 'Socket errors|Non-2xx' <<<"$said" && { echo "$said" >&2; return 1; }
	awk '/^Requests\/sec/ { printf "%d\n", $2 }' <<<"$said"
}
median() {
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}
bar() { # bar NAME VALUE LARGEST
	local width=$(($2 * 40 / $3)) line
	printf -v line '%*s' "$width" ''
	printf '   %-8s %s %s req/s\n' "$1" "${line// /█}" "$2"
}
other=$(($(nproc) > 1))

title "1. nginx, as it is in Debian: once natively, once as two variants over shared memory"
free_port && native_port=$port
free_port && tandem_port=$port
serve native native "$native_port"
serve tandem socket_rw_oc "$tandem_port"
native_page=$scratch/page.native tandem_page=$scratch/page.tandem
curl -sS "http://127.0.0.1:$native_port/page.html" >"$native_page"
curl -sS "http://127.0.0.1:$tandem_port/page.html" >"$tandem_page"
promised "both send the same page, $(stat -c %s "$tandem_page") bytes" cmp "$native_page" "$tandem_page"
"$tandem" status 2>&1 | sed "s/^/   $dim/; s/\$/$plain/"

title "2. How fast: the same load in turn, native and Tandem"
say "wrk, 10 connections, a page of 4 KB; leader on core 0, follower and client on core $other"
natives=() tandems=()
for _ in 1 2 3; do
	for name in native tandem; do
		port=$native_port
		[ $name = native ] || port=$tandem_port
		got=$(rate "$port") || promised "wrk's requests to the $name nginx succeed" false
		[ $name = native ] && natives+=("$got") || tandems+=("$got")
	done
done
native_rate=$(median "${natives[@]}") tandem_rate=$(median "${tandems[@]}")
largest=$((native_rate > tandem_rate ? native_rate : tandem_rate))
bar native "$native_rate" "$largest"
bar Tandem "$tandem_rate" "$largest"
ratio=$(awk "BEGIN { printf \"%.2f\", $tandem_rate / $native_rate }")
good "Tandem serves at $ratio of the native speed"
if awk "BEGIN { exit !($ratio < 0.5) }"; then
	say "${dim}That is little. Is the machine busy? The leader wants one core for itself, the follower"
	say "and wrk another. Load average: $(cut -d' ' -f1-3 /proc/loadavg), cores: $(nproc)$plain"
fi
for name in native tandem; do
	server=${pid[$name]}
	kill -QUIT "$(cat "$scratch/$name/nginx.pid")"
	await_end
	promised "the $name nginx quits with status 0" test "$status" = 0
done

# --- the attack ----------------------------------------------------------------------------

victim() { # victim NAME MODE
	free_port
	mkdir -p "$scratch/$1/www"
	echo 'welcome' >"$scratch/$1/www/motd"
	launch "$1" "$2" '' '' "$out/vulnd" "$port" "$scratch/$1/www"
	promised "the server listens on port $port" await listening "$port"
	promised "a normal request is answered: \"welcome\"" test "$("$out/exploit" "$port" normal)" = welcome
}
attack() {
	say "${dim}exploit $port system $1$plain"
	timeout "$deadline" "$out/exploit" "$port" system "$1" 2>&1 >/dev/null | sed "s/^/     $dim/; s/\$/$plain/"
}

title "3. A server with a hole, natively: the attacker runs a command in it"
say "A name that is too long overwrites a function pointer; it then points at system() in libc."
victim hole native
owned=$scratch/owned
attack "$owned"
promised "the attack SUCCEEDS: its file is there" await test -e "$owned"
rm -f "$owned"
kill -TERM "$server"
await_end

title "4. The same server and the same attack under Tandem"
victim guarded socket_rw_oc
attack "$owned"
await_end
promised "tandem run stops it: exit status 110 (divergence)" test "$status" = 110
promised "the attack FAILS: there is no file" test ! -e "$owned"
report=$(ls "$dir"/reports/* 2>/dev/null | head -n 1)
promised "there is a report" test -n "$report"
left=$(processes)
promised "no process is left" test -z "$left"

title "5. What happened: tandem explain"
explained=$("$tandem" explain "$report" 2>&1) || promised "tandem explain reads the report" false
# Of the last calls, the last lines.
awk '/^The last calls/ { calls = 1; n = 0; print "   " $0; next }
	calls && /^ / { line[n++] = $0; next }
	{ flush(); calls = 0; print "   " $0 }
	END { flush() }
	function flush(  i) { for (i = n > 16 ? n - 16 : 0; i < n; i++) print "   " line[i]; n = 0 }' <<<"$explained"
say "${dim}(shortened; the whole report: tandem explain FILE)$plain"
printf '\n%s%sEverything as promised%s, in %s s.\n' "$bold" "$green" "$plain" "$SECONDS"
