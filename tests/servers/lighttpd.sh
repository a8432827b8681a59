#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian's lighttpd, unmodified: one process, natively and as variants.
. "$(dirname "$0")/lib.sh"
need lighttpd lighttpd curl curl ab apache2-utils python3 python3

document_root "$scratch/html"
free_port && http=$port
free_port && backend=$port
free_port && nobody=$port
url=http://127.0.0.1:$http

lighttpd_conf() { # lighttpd_conf GENERATION NETWORK_BACKEND
	mkdir -p "$dir/generation"
	echo "generation $1" >"$dir/generation/generation.txt"
	cat <<-END
		server.modules = ( "mod_access", "mod_alias", "mod_redirect", "mod_setenv", "mod_proxy",
			"mod_accesslog", "mod_dirlisting", "mod_staticfile" )
		server.port = $http
		server.bind = "127.0.0.1"
		server.document-root = "$scratch/html"
		server.pid-file = "$dir/lighttpd.pid"
		server.errorlog = "$dir/error.log"
		server.upload-dirs = ( "$dir/temp" )
		server.network-backend = "$2"
		server.max-fds = 4096
		server.max-connections = 2048
		server.listen-backlog = 2048
		server.max-keep-alive-requests = 100000
		# A server that doesn't get the processor for that long drops even what has asked again.
		server.max-keep-alive-idle = 60
		server.graceful-shutdown-timeout = 15
		server.feature-flags = ( "server.graceful-restart-bg" => "enable",
			"server.graceful-shutdown-timeout" => 15 )
		$([ "$(id -u)" != 0 ] || echo 'server.username = "www-data" server.groupname = "www-data"' | sed 's/ server.group/\n&/')
		accesslog.filename = "$dir/access.log"
		accesslog.format = "%r %s %b"
		mimetype.assign = ( ".html" => "text/html", ".txt" => "text/plain" )
		url.access-deny = ( ".secret" )
		url.redirect = ( "^/old/(.*)" => "/\$1" )
		alias.url = ( "/generation/" => "$dir/generation/", "/list/" => "$scratch/html/" )
		\$HTTP["url"] =^ "/generation/" { setenv.add-response-header = ( "X-Generation" => "$1" ) }
		\$HTTP["url"] =^ "/list/" { dir-listing.activate = "enable" }
		\$HTTP["url"] =^ "/slow/" {
			alias.url = ( "/slow/" => "$scratch/html/" )
			connection.kbytes-per-second = 3000
		}
		\$HTTP["url"] =^ "/proxy/" {
			proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => $backend ) ) )
			proxy.header = ( "map-urlpath" => ( "/proxy/" => "/" ) )
		}
		\$HTTP["url"] =^ "/stream/" {
			server.stream-request-body = 2
			server.stream-response-body = 2
			proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => $backend ) ) )
			proxy.header = ( "map-urlpath" => ( "/stream/" => "/" ) )
		}
		\$HTTP["url"] =^ "/dead/" {
			proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => $nobody ) ) )
		}
	END
}

generation() { # generation N: does the server answer as the Nth configuration says?
	curl -sf --max-time 2 -D- -o "$dir/discard" "$url/generation/generation.txt" | grep -q "^X-Generation: $1"
}
leader() {
	cat "$dir/lighttpd.pid"
}

start_lighttpd() { # start_lighttpd NETWORK_BACKEND
	mkdir -p "$dir/temp"
	[ "$(id -u)" != 0 ] || chown www-data: "$dir/temp" "$dir"
	lighttpd_conf 1 "$1" >"$dir/lighttpd.conf"
	rm -f "$dir/lighttpd.pid"
	start lighttpd -D -f "$dir/lighttpd.conf"
	check "starts" await generation 1
}

static() { # static NETWORK_BACKEND
	local size
	for size in 0 1 4096 65537 1048576 8388608; do record "$size B, $1" fetch "$url/$size.html"; done
	record "first bytes, $1" fetch "$url/8388608.html" -r 0-99
	record "last bytes, $1" fetch "$url/8388608.html" -r -100
	record "a range in the middle, $1" fetch "$url/8388608.html" -r 1000000-5000000
	record "several ranges, $1" fetch "$url/65537.html" -r 0-9,100-199,60000-
	record "a range beyond the end, $1" fetch "$url/4096.html" -r 5000-
	record "HEAD, $1" raw "$http" 'HEAD /65537.html HTTP/1.0\r\n\r\n'
	record "not modified, $1" fetch "$url/4096.html" -H 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT'
	record "not found, $1" fetch "$url/none.html"
	record "forbidden, $1" fetch "$url/forbidden.html"
	record "denied, $1" fetch "$url/x.secret"
	record "redirect, $1" fetch "$url/old/1.html"
	record "redirect to a directory, $1" fetch "$url/list/sub"
	record "listing, $1" fetch "$url/list/"
}

connections() {
	record "keep-alive" curl -sS -w '%{http_code} %{num_connects}\n' "$url"/{1,4096,0,65537}.html
	record "pipelining" raw "$http" 'GET /1.html HTTP/1.1\r\nHost: a\r\n\r\nGET /4096.html HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
	record "HTTP/1.0" raw "$http" 'GET /4096.html HTTP/1.0\r\n\r\n'
	record "nonsense" raw "$http" 'nonsense\r\n\r\n'
}

proxy() {
	local size
	record "proxied GET" fetch "$url/proxy/hello"
	record "proxied 404" fetch "$url/proxy/none"
	record "proxied 3 MB" fetch "$url/proxy/size/3000000"
	record "proxied 3 MB, streamed" fetch "$url/stream/size/3000000"
	record "proxied chunks" fetch "$url/proxy/chunked/500"
	for size in 0 1 4096 65537 8388608; do
		record "POST of $size B" fetch "$url/proxy/post" --data-binary "@$scratch/html/$size.html"
		record "POST of $size B, streamed" fetch "$url/stream/post" --data-binary "@$scratch/html/$size.html"
	done
	record "chunked POST" fetch "$url/proxy/post" -H 'Transfer-Encoding: chunked' --data-binary "@$scratch/html/1048576.html"
	record "dead upstream" fetch "$url/dead/x"
}

in_new_log() {
	curl -s -o "$dir/discard" "$url/reopened"
	# A busy server writes its log later: what counts is that it gets there.
	grep -q reopened "$dir/access.log"
}
reopen_logs() {
	local path
	rm -f "$dir/access.log"
	kill -HUP "$(leader)"
	check "logs reopened" await in_new_log
	for path in 0.html 4096.html 8388608.html none proxy/hello dead/x; do
		curl -sS -o "$dir/discard" "$url/$path"
	done
	mv "$dir/access.log" "$dir/access.log.1"
	kill -HUP "$(leader)"
	check "logs reopened again" await in_new_log
	record "one line a request" sed '/reopened/d' "$dir/access.log.1"
}

reload() {
	lighttpd_conf 2 sendfile >"$dir/lighttpd.conf"
	kill -USR1 "$(leader)"
	check "graceful restart" await generation 2
	check "the same process" test "$(leader)" = "$1"
}

stop_gracefully() {
	curl -sS -o "$dir/slow" "$url/slow/8388608.html" &
	local download=$!
	check "a download starts" await test -s "$dir/slow"
	kill -INT "$(leader)"
	wait $download
	equal "the download of a server that ends succeeds" "$?" 0
	check "and is whole" cmp "$dir/slow" "$scratch/html/8388608.html"
	stopped 0
	if listening "$http"; then fail "nobody listens"; else ok "nobody listens"; fi
}

scenario() {
	helper python3 "$root/tests/servers/backend.py" "$backend"
	check "the upstream answers" await answers "http://127.0.0.1:$backend/hello" || return
	start_lighttpd sendfile || return
	static sendfile
	connections
	proxy
	running || return
	check "500 connections" load 10000 500 "$url/4096.html"
	check "500 kept connections" load 20000 500 "$url/4096.html" -k
	check "50 proxied connections" load 500 50 "$url/proxy/hello"
	running || return
	reopen_logs
	running || return
	reload "$(leader)"
	running || return
	stop_gracefully

	start_lighttpd writev || return
	static writev
	check "100 connections, 64 KB, writev" load 1000 100 "$url/65537.html" -k
	# With connections it would end with 1.
	check "all connections are closed" await unconnected "$http"
	kill -TERM "$(leader)"
	stopped 0
}

in_each_mode scenario lighttpd
finish_tap
