#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian's nginx, lighttpd and redis over RDMA, and redis over TCP by a link that delays packets and
# changes their places: the leader in guest 1, with its clients, and the follower in guest 2. Each is
# asked for answers, which are those of a native run byte for byte, then loaded, then stopped; no kernel
# has complained by then. Prints TAP.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
for tool in nginx lighttpd redis-server redis-cli redis-benchmark curl ab; do
	command -v $tool >/dev/null || { echo "Bail out! $tool is missing: make deps-servers installs it"; exit 1; }
done
chmod 755 "$scratch"
export port=$((21000 + $$ % 8000))

mkdir "$scratch/html"
for size in 0 1 4096 65537 1048576; do seq 1 200000 | head -c $size >"$scratch/html/$size.html"; done
find "$scratch/html" -exec touch -d '2024-01-01 00:00:00 UTC' {} +
for i in {1..300}; do
	echo "SET string:$i value-$i"
	echo "RPUSH list:$((i % 20)) item-$i"
	echo "ZADD zset:$((i % 20)) $((i * 7 % 1000)) member-$i"
	echo "HSET hash:$((i % 20)) field-$i value-$i"
done >"$scratch/fill"
{
	echo "DEBUG DIGEST"
	for i in {0..19}; do echo "LRANGE list:$i 0 -1"; echo "ZRANGE zset:$i 0 -1 WITHSCORES"; done
	printf 'MULTI\nSET t 1\nINCRBY t 41\nEXEC\nnonsense\nDBSIZE\n'
} >"$scratch/questions"

# prepare NAME DIR: the configurations of a run of this server there
prepare() {
	mkdir -p "$2/data"
	chmod 777 "$2" "$2/data"
	case $1 in
	nginx) cat <<-END2 ;;
		user www-data; daemon off; worker_processes 1; pid $2/pid; error_log $2/error.log;
		events { worker_connections 512; }
		http {
			access_log $2/access.log; types { text/html html; } sendfile on;
			server {
				listen 127.0.0.1:$port; root $scratch/html;
				location /read/ { alias $scratch/html/; sendfile off; }
				location /list/ { alias $scratch/html/; autoindex on; }
			}
		}
	END2
	lighttpd) cat <<-END2 ;;
		server.modules = ( "mod_accesslog", "mod_dirlisting", "mod_staticfile", "mod_alias" )
		server.port = $port
		server.bind = "127.0.0.1"
		server.document-root = "$scratch/html"
		server.username = "www-data"
		server.groupname = "www-data"
		server.pid-file = "$2/pid"
		server.errorlog = "$2/error.log"
		accesslog.filename = "$2/access.log"
		etag.use-inode = "disable"
		mimetype.assign = ( ".html" => "text/html" )
		alias.url = ( "/read/" => "$scratch/html/", "/list/" => "$scratch/html/" )
		\$HTTP["url"] =^ "/list/" { dir-listing.activate = "enable" }
	END2
	redis) cat <<-END2 ;;
		bind 127.0.0.1
		port $port
		dir $2/data
		save ""
		appendonly no
		enable-debug-command yes
	END2
	esac >"$2/$1.conf"
}
cat >"$scratch/uses" <<'END2'
command_of() { # command_of NAME DIR: sets command
	case $1 in
	nginx) command=(/usr/sbin/nginx -p "$2" -c "$2/nginx.conf" -e "$2/error.log") ;;
	lighttpd) command=(/usr/sbin/lighttpd -D -f "$2/lighttpd.conf") ;;
	redis) command=(/usr/bin/redis-server "$2/redis.conf") ;;
	esac
}
await_listener() { # await_listener PID
	until { : <>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; do
		kill -0 "$1" || return
		read -rt 0.2 -u 9
	done
	return 0
}
ask() { # ask NAME: its answers
	local url=http://127.0.0.1:$port
	case $1 in
	nginx | lighttpd)
		curl -sS -i "$url"/{0,1,4096,65537,1048576,none}.html "$url"/read/{4096,1048576}.html "$url/list/"
		curl -sS -i -r 1000-70000 "$url"/{65537,1048576}.html
		curl -sS -I "$url/4096.html"
		;;
	redis)
		redis-cli -p "$port" --pipe <"$scratch/fill"
		redis-cli -p "$port" <"$scratch/questions"
		redis-cli -p "$port" bgsave
		until redis-cli -p "$port" info persistence | grep -q rdb_bgsave_in_progress:0; do read -rt 0.2 -u 9; done
		redis-cli -p "$port" info persistence | grep rdb_last_bgsave_status
		redis-cli -p "$port" debug reload
		redis-cli -p "$port" debug digest
		;;
	esac
}
load() { # load NAME
	case $1 in
	nginx | lighttpd)
		ab -q -s 60 -n 300 -c 30 "http://127.0.0.1:$port/4096.html"
		ab -q -s 60 -n 600 -c 30 -k "http://127.0.0.1:$port/read/4096.html"
		ab -q -s 60 -n 20 -c 5 -k "http://127.0.0.1:$port/1048576.html"
		;;
	redis)
		redis-benchmark -p "$port" --csv -n 1000 -c 30 -t set,get,lpush
		redis-benchmark -p "$port" --csv -n 2000 -c 30 -P 16 -t set,get
		;;
	esac
}
END2
cat >"$scratch/in" <<'END2'
scratch=$1 tandem=$2 complaints=$3
# What the link does to both guests' packets from then on.
disturb() { modprobe sch_netem && tc qdisc add dev eth0 root netem delay 20ms 10ms reorder 25% 50%; }
shift 3
mkfifo /run/pause
exec 9<>/run/pause
mine=$SHARED/$GUEST
. "$scratch/uses"
for session; do
	server=${session%.*} dir=$scratch/guests/$session
	command_of "$server" "$dir"
	[ "$session" = "$server" ] || disturb || exit 1
	# Nobody may wait for ever.
	timeout -k 5 200 "$tandem" run --id $((GUEST - 1)) -c "$dir/tandem.cfg" -- "${command[@]}" \
		>"$mine/$session.said" 2>&1 </dev/null 9>&- &
	pid=$!
	if [ "$GUEST" = 1 ] && await_listener $pid; then
		ask "$server" >"$mine/$session.answers" 2>&1
		load "$server" >"$mine/$session.load" 2>&1
		kill -TERM $pid
	fi
	wait $pid
	echo $? >"$mine/$session.status"
	dmesg | grep -aE "$complaints" >"$mine/$session.kernel"
	pgrep -a "tandem|nginx|lighttpd|redis" >"$mine/$session.left"
done
grep ^TcpExt: /proc/net/netstat >"$mine/netstat"
exit 0
END2

native() { # native NAME
	local dir=$scratch/native/$1 pid status
	prepare "$1" "$dir"
	command_of "$1" "$dir"
	"${command[@]}" >"$dir/said" 2>&1 9>&- &
	pid=$!
	await_listener $pid && ask "$1" >"$dir/answers" 2>&1 || return
	kill -TERM $pid
	wait $pid
	status=$?
	[ $status = 0 ] || { cat "$dir/said"; return 1; }
}
# What differs from one native run to the next, too: dates; how long something took.
undated() { sed -E 's/^Date: .*//; s/^(Last transfer|Total).*//' "$1"; }
alike() { # alike SESSION
	[ -s "$scratch/results/1/$1.answers" ] || { cat "$scratch"/results/[12]/"$1.said"; return 1; }
	cmp <(undated "$scratch/native/${1%.*}/answers") <(undated "$scratch/results/1/$1.answers")
}
loaded() { # loaded SESSION
	case $1 in
	redis*) [ "$(grep -cE '^"(SET|GET|LPUSH)' "$scratch/results/1/$1.load")" = 5 ] ;;
	*) [ "$(grep -E '^(Complete|Failed|Non-2xx)' "$scratch/results/1/$1.load" | tr -s ' \n' ' ')" = \
		"Complete requests: 300 Failed requests: 0 Complete requests: 600 Failed requests: 0 Complete requests: 20 Failed requests: 0 " ] ;;
	esac || { cat "$scratch/results/1/$1.load"; return 1; }
}
# reordered: how many segments have come to a guest before those that were sent before them
reordered() {
	awk '!n { n = split($0, name); next }
		{ for (i = 1; i <= n; i++) if (name[i] == "TCPOFOQueue") print $i }' "$scratch/results/$1/netstat"
}
of() { cat "$scratch/results/$1/$2"; }

. "$scratch/uses"
mkfifo "$scratch/pause"
exec 9<>"$scratch/pause"
"$build/tandem" keygen "$scratch/key" || { echo "Bail out! no key"; exit 1; }
servers=(nginx lighttpd redis) sessions=(nginx lighttpd redis redis.disturbed)
for server in "${servers[@]}"; do check "$server natively" native "$server"; done
n=0
for session in "${sessions[@]}"; do
	dir=$scratch/guests/$session n=$((n + 1))
	prepare "${session%.*}" "$dir"
	carrier='transport = "rdma"; link = "trusted";'
	[[ $session != *.* ]] || carrier="transport = \"tcp\"; key_file = \"$scratch/key\";"
	cat >"$dir/tandem.cfg" <<-END2
		leader_id = 0; policy = "socket_rw_oc"; $carrier
		report_dir = "/run/guests"; hang_timeout = 60; peer_timeout = 20; connect_timeout = 100;
		variants = ( { id = 0; address = "10.77.0.1"; port = $((7000 + n)); },
			{ id = 1; address = "10.77.0.2"; port = $((7000 + n)); env = ( "TWIN=1" ); } );
	END2
done
cd "$tree" || exit 1
check "two guests run servers" guest 0 --guests 2 --timeout "${LIMIT:-1200}" -- \
	env port=$port bash "$scratch/in" "$scratch" "$build/tandem" "$(cat "$here/complaints")" "${sessions[@]}"
for session in "${sessions[@]}"; do
	check "$session: answers are those of a native run" alike "$session"
	check "$session: every request of the load succeeds" loaded "$session"
	for g in 1 2; do
		check "$session: ends as it should in guest $g" equal "$(of $g "$session.status")$(of $g "$session.left")" 0
		check "$session: the kernel of guest $g has nothing to say" equal "$(of $g "$session.kernel")" ""
	done
done
echo "# out of order: $(reordered 1) segments at guest 1, $(reordered 2) at guest 2"
check "packets have changed places" test $(($(reordered 1) + $(reordered 2))) -gt 0
check "no divergence is reported" test -z "$(find "$scratch/results" -name '*.json')"
finish
