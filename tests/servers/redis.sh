#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian's redis-server, unmodified: its threads, its forks, its clients; natively and as variants.
. "$(dirname "$0")/lib.sh"
need redis-server redis-server redis-cli redis-tools redis-benchmark redis-tools

free_port && redis=$port
seq 1 1600000 2>/dev/null | head -c 10485760 >"$scratch/10MB"

redis_conf() { # redis_conf APPENDONLY [LINES]
	cat <<-END
		bind 127.0.0.1
		port $redis
		protected-mode yes
		daemonize no
		pidfile $dir/redis.pid
		dir $dir/data
		logfile $dir/redis.log
		save ""
		appendonly $1
		maxclients 2000
		tcp-backlog 1024
		enable-debug-command yes
		client-output-buffer-limit pubsub 0 0 0
		${2:-}
	END
}

cli() {
	timeout "$deadline" redis-cli -e -h 127.0.0.1 -p "$redis" "$@"
}
says() { # says WANTED COMMAND...: does the server answer this?
	local wanted=$1
	shift
	[ "$(cli "$@")" = "$wanted" ]
}
info() { # info FIELD WANTED
	cli info everything | tr -d '\r' | grep -qx "$1:$2"
}

start_redis() { # start_redis APPENDONLY [LINES]: more lines of its configuration
	mkdir -p "$dir/data"
	redis_conf "$@" >"$dir/redis.conf"
	rm -f "$dir/redis.pid"
	start redis-server "$dir/redis.conf"
	check "starts" await says PONG ping
}

# The same keys and values in every run.
fill() {
	local i
	for ((i = 0; i < 3000; i++)); do
		echo "SET string:$i value-$i"
		echo "RPUSH list:$((i % 20)) item-$i"
		echo "SADD set:$((i % 20)) member-$i"
		echo "ZADD zset:$((i % 20)) $((i * 7 % 1000)) member-$i"
		echo "HSET hash:$((i % 20)) field-$i value-$i"
		echo "XADD stream:$((i % 5)) $((i + 1))-1 field value-$i"
		echo "SETBIT bits $((i * 31)) 1"
		echo "PFADD log member-$i"
		echo "EXPIRE string:$i 1000000"
	done
}
# Each read, write and wait of the server is a lockstep under policy full: some 1,500 of them. On a
# busy machine every one of them costs the variants a wait for a processor.
pipe() {
	local deadline=$((3 * deadline))
	fill | sed 's/$/\r/' | cli --pipe | tail -n 1
}
# Every key with its type, its value and whether it expires; sets and hashes are sorted because
# their order depends on a seed.
dump() {
	local keys
	keys=$(set -o pipefail; cli --scan | sort) || return
	echo "$keys"
	cli eval '
		local how = {
			string = {"GET"}, list = {"LRANGE", 0, -1}, set = {"SMEMBERS"}, hash = {"HGETALL"},
			zset = {"ZRANGE", 0, -1, "WITHSCORES"}, stream = {"XRANGE", "-", "+"},
		}
		local keys, all = redis.call("KEYS", "*"), {}
		table.sort(keys)
		for _, key in ipairs(keys) do
			local kind = redis.call("TYPE", key).ok
			local value = redis.call(how[kind][1], key, unpack(how[kind], 2))
			if kind == "hash" then
				local pairs = {}
				for i = 1, #value, 2 do pairs[#pairs + 1] = value[i] .. "=" .. value[i + 1] end
				value = pairs
			end
			if kind == "hash" or kind == "set" then table.sort(value) end
			local expires = redis.call("TTL", key) >= 0 and "expires" or "stays"
			all[#all + 1] = {key, kind, expires, value}
		end
		return all' 0
}
digest() {
	cli debug digest
}

commands() {
	record "errors" bash -c "redis-cli -p $redis nonsense; redis-cli -p $redis set a; true"
	record "transaction" bash -c "printf 'MULTI\nSET t 1\nINCRBY t 41\nGET t\nEXEC\nDEL t\n' | redis-cli -p $redis"
	record "script" cli eval 'local s = 0 for i = 1, 100000 do s = s + i end redis.call("SET", KEYS[1], s) return {redis.call("GET", KEYS[1]), ARGV[1]}' 1 k argument
	record "script, cached" cli evalsha "$(cli script load 'return redis.call("DEL", KEYS[1])')" 1 k
	record "function" cli function load "#!lua name=twice
redis.register_function('twice', function(keys, args) return args[1] * 2 end)"
	record "function's call" cli fcall twice 0 21
	record "functions deleted" cli function flush
	record "debug sleep" cli debug sleep 0
	record "config get" cli config get maxclients
	record "config set" cli config set maxmemory-policy allkeys-lru
	record "config rewrite" cli config rewrite
	check "configuration rewritten" grep -qx 'maxmemory-policy allkeys-lru' "$dir/redis.conf"
	record "config back" cli config set maxmemory-policy noeviction
	check "info" info role master
	check "the allocator's statistics" allocator_says
	record "client name" bash -c "printf 'CLIENT SETNAME me\nCLIENT GETNAME\n' | redis-cli -p $redis"
	record "expiry" bash -c "printf 'SET e 1 PX 1\nDEBUG SLEEP 0.01\nGET e\n' | redis-cli -p $redis"
	record "RESP3" bash -c "printf 'HELLO 3\nHSET r a 1\nHGETALL r\nDEL r\n' | redis-cli -p $redis | grep -v '^id'"
}

allocator_says() {
	cli memory malloc-stats | grep -F 'End jemalloc statistics'
}

blocking() {
	cli blpop queue 0 >"$dir/blpop" &
	local waiting=$!
	check "a client blocks" await info blocked_clients 1
	record "push to it" cli rpush queue first second
	wait $waiting
	record "what it got" cat "$dir/blpop"
	record "what it left" cli lpop queue
	record "a blocking call that times out" cli blpop queue 0.05

	cli xread block 0 streams events '$' >"$dir/xread" &
	waiting=$!
	check "a reader blocks" await info blocked_clients 1
	record "event" cli xadd events 5-5 a b
	wait $waiting
	record "what it read" cat "$dir/xread"
	record "events deleted" cli del events

	redis-cli -p "$redis" subscribe news >"$dir/subscriber" &
	waiting=$!
	check "a client subscribes" await says $'news\n1' pubsub numsub news
	record "publish" cli publish news "it works"
	record "publish 1 MB" bash -c "head -c 1000000 $scratch/10MB | redis-cli -p $redis -x publish news"
	check "the messages arrive" await delivered
	kill $waiting
	wait $waiting 2>/dev/null
	record "the messages" cat "$dir/subscriber"
	check "the subscriber is gone" await says $'news\n0' pubsub numsub news
}
delivered() {
	[ "$(stat -c %s "$dir/subscriber")" -gt 1000000 ]
}

big_values() {
	record "SET of 10 MB" bash -c "redis-cli -p $redis -x set big <$scratch/10MB"
	record "its length" cli strlen big
	record "GET of 10 MB" bash -c "redis-cli -p $redis --raw get big | head -c 10485760 | cmp - $scratch/10MB"
	record "UNLINK of 10 MB" cli unlink big
}

benchmarks() {
	check "the standard benchmark, 50 clients" benchmark -n "$([ "$mode" = full ] && echo 2000 || echo 10000)" -c 50
	check "pipelined, 50 clients" benchmark -n 20000 -c 50 -P 16 -t set,get,incr,lpush
	check "600 clients" benchmark -n 10000 -c 600 -t ping,set,get
	check "600 clients, pipelined" benchmark -n 20000 -c 600 -P 8 -r 1000 -t set,get,sadd
	check "values of 100 KB" benchmark -n 300 -c 20 -d 100000 -t set,get
	record "emptied" cli flushall
}
benchmark() {
	redis-benchmark -h 127.0.0.1 -p "$redis" --csv "$@" >"$dir/benchmark" 2>&1
	local status=$?
	[ $status = 0 ] && grep -q '^"[A-Z]' "$dir/benchmark" && ! grep -qi error "$dir/benchmark" && return
	cat "$dir/benchmark"
	return 1
}

save_by_fork() {
	record "background save" cli bgsave
	check "the save ends" await info rdb_bgsave_in_progress 0
	check "the save succeeds" info rdb_last_bgsave_status ok
	check "the file is valid" redis-check-rdb "$dir/data/dump.rdb"
	record "digest" digest
	record "reload" cli debug reload
	record "digest after the reload" digest
}

append_only() {
	record "append-only on" cli config set appendonly yes
	check "first rewrite ends" await rewritten
	record "appended" cli set string:appended yes
	record "rewrite" cli bgrewriteaof
	check "rewrite ends" await rewritten
	check "rewrite succeeds" info aof_last_bgrewrite_status ok
	record "appended later" cli rpush list:appended one two three
	record "digest with what was appended" digest
	record "scan of all keys" dump
}
rewritten() {
	info aof_rewrite_in_progress 0 && info aof_rewrite_scheduled 0 && info aof_enabled 1
}

scenario() {
	start_redis no || return
	record "pipelining" pipe || return
	record "digest after pipelining" digest
	record "scan after pipelining" dump
	running || return
	commands
	running || return
	blocking
	running || return
	[ -z "${SHORT:-}" ] || { cli shutdown nosave >/dev/null 2>&1; stopped 0; return; }
	big_values
	record "digest of it all" digest
	running || return
	save_by_fork
	running || return
	append_only
	running || return
	cli shutdown save >/dev/null 2>&1
	stopped 0

	start_redis yes || return
	record "digest from the append-only file" digest
	kill -TERM "$(cat "$dir/redis.pid")"
	stopped 0

	rm -rf "$dir/data/appendonlydir"
	start_redis no || return
	record "digest from the snapshot" digest
	record "DEL" cli del string:1
	record "killed by a client" cli client kill type normal skipme yes
	benchmarks
	running || return
	cli shutdown nosave >/dev/null 2>&1
	stopped 0
	if listening "$redis"; then fail "nobody listens"; else ok "nobody listens"; fi
}

# Threads that hand clients to each other by atomic variables, and spin for them.
io_threads() {
	start_redis no $'io-threads 4\nio-threads-do-reads yes' || return
	check "I/O threads: 50 clients" benchmark -n 1000 -c 50 -P 4 -t set,get,incr,lpush
	check "I/O threads: they have read" served io_threaded_reads_processed
	check "I/O threads: they have written" served io_threaded_writes_processed
	record "I/O threads: digest" digest
	cli shutdown nosave >/dev/null 2>&1
	stopped 0
}
served() { # served FIELD
	cli info everything | grep -q "^$1:[1-9]"
}

in_each_mode scenario redis
# One policy, since they take every CPU.
if [ -z "${SHORT:-}${HOSTS:-}" ] && [[ " ${MODES-socket_rw_oc} " == *' socket_rw_oc '* ]]; then
	MODES=socket_rw_oc in_each_mode io_threads redis
fi
finish_tap
