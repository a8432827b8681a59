#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian's nginx, unmodified: master and one worker, natively and as variants.
. "$(dirname "$0")/lib.sh"
need nginx nginx-light curl curl ab apache2-utils python3 python3

document_root "$scratch/html"
free_port && http=$port
free_port && backend=$port
free_port && nobody=$port
url=http://127.0.0.1:$http
master() {
	cat "$dir/nginx.pid"
}
workers() {
	pgrep -P "$(master)" | sort
}

nginx_conf() { # nginx_conf GENERATION [AIO]
	cat <<-END
		$([ "$(id -u)" != 0 ] || echo "user www-data;")
		daemon off;
		master_process on;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/error.log notice;
		events { worker_connections 2048; }
		http {
			log_format plain '\$request \$status \$body_bytes_sent';
			access_log $dir/access.log plain;
			types { text/html html; text/plain txt; }
			client_body_temp_path $dir/temp/body;
			proxy_temp_path $dir/temp/proxy;
			fastcgi_temp_path $dir/temp/fastcgi;
			uwsgi_temp_path $dir/temp/uwsgi;
			scgi_temp_path $dir/temp/scgi;
			client_max_body_size 32m;
			keepalive_requests 100000;
			server {
				listen 127.0.0.1:$http backlog=2048;
				root $scratch/html;
				sendfile on;
				location = /generation { return 200 "generation $1\n"; }
				location /nosendfile/ { alias $scratch/html/; sendfile off; }
				location /gzip/ { alias $scratch/html/; gzip on; gzip_min_length 100; }
				location /list/ { alias $scratch/html/; autoindex on; }
				location /dav/ { root $dir; dav_methods PUT DELETE MKCOL MOVE; create_full_put_path on; }
				location /proxy/ { proxy_pass http://127.0.0.1:$backend/; }
				location /stream/ { proxy_pass http://127.0.0.1:$backend/; proxy_buffering off;
					proxy_request_buffering off; proxy_http_version 1.1; }
				location /dead/ { proxy_pass http://127.0.0.1:$nobody/; }
				location /slow/ { alias $scratch/html/; limit_rate 3m; limit_rate_after 64k; }
				location /status { stub_status; }
				$([ -z "${2:-}" ] || echo "location /threads/ { alias $scratch/html/; sendfile off; aio threads; }")
			}
		}
	END
}

start_nginx() { # start_nginx [AIO]
	mkdir -p "$dir/temp" "$dir/dav"
	[ "$(id -u)" != 0 ] || chown -R www-data: "$dir/temp" "$dir/dav"
	nginx_conf 1 "$@" >"$dir/nginx.conf"
	rm -f "$dir/nginx.pid"
	start nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log"
	check "starts" await answers "$url/generation" "generation 1"
}

static() {
	local size
	for size in 0 1 4096 65537 1048576 8388608; do
		record "$size B, sendfile" fetch "$url/$size.html"
		record "$size B, no sendfile" fetch "$url/nosendfile/$size.html"
	done
	record "first bytes" fetch "$url/8388608.html" -r 0-99
	record "last bytes" fetch "$url/nosendfile/8388608.html" -r -100
	record "a range in the middle" fetch "$url/8388608.html" -r 1000000-5000000
	record "several ranges" ranges
	record "a range beyond the end" fetch "$url/4096.html" -r 5000-
	record "gzip" fetch "$url/gzip/65537.html" -H 'Accept-Encoding: gzip'
	record "HEAD" raw "$http" 'HEAD /65537.html HTTP/1.0\r\n\r\n'
	record "not modified" fetch "$url/4096.html" -H 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT'
	record "not found" fetch "$url/none.html"
	record "forbidden" fetch "$url/forbidden.html"
	record "not allowed" fetch "$url/4096.html" -X POST -d x=1
	record "redirect to a directory" fetch "$url/sub"
	record "listing" fetch "$url/list/"
}

# The boundary is a counter of the worker's: how many requests came before is no matter.
ranges() {
	fetch "$url/65537.html" -r 0-9,100-199,60000- | sed -E 's/(boundary=|^--)[0-9]{20}/\1N/'
	return "${PIPESTATUS[0]}"
}

connections() {
	record "keep-alive" curl -sS -w '%{http_code} %{num_connects}\n' "$url"/{1,4096,0,65537}.html
	record "pipelining" raw "$http" 'GET /1.html HTTP/1.1\r\nHost: a\r\n\r\nGET /4096.html HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
	record "HTTP/1.0" raw "$http" 'GET /4096.html HTTP/1.0\r\n\r\n'
	record "nonsense" raw "$http" 'nonsense\r\n\r\n'
	record "a header in pieces" in_pieces
}
in_pieces() {
	exec 9<>"/dev/tcp/127.0.0.1/$http" || return
	printf 'GET /1.html HT' >&9
	# Another request proves that the server has gone on since the first piece.
	await answers "$url/1.html" || return
	printf 'TP/1.0\r\n\r\n' >&9
	tr -d '\r' <&9 | grep -v '^Date: '
	exec 9>&-
}

proxy() {
	local size
	record "proxied GET" fetch "$url/proxy/hello"
	record "proxied 404" fetch "$url/proxy/none"
	record "proxied 3 MB" fetch "$url/proxy/size/3000000"
	record "proxied 3 MB, unbuffered" fetch "$url/stream/size/3000000"
	record "proxied chunks" fetch "$url/proxy/chunked/500"
	for size in 0 1 4096 65537 8388608; do
		record "POST of $size B" fetch "$url/proxy/post" --data-binary "@$scratch/html/$size.html"
		record "POST of $size B, unbuffered" fetch "$url/stream/post" --data-binary "@$scratch/html/$size.html"
	done
	record "chunked POST" fetch "$url/proxy/post" -H 'Transfer-Encoding: chunked' --data-binary "@$scratch/html/1048576.html"
	record "dead upstream" fetch "$url/dead/x"
}

dav() {
	record "PUT" fetch "$url/dav/a/b.txt" -T "$scratch/html/1048576.html"
	record "what was PUT" cmp "$dir/dav/a/b.txt" "$scratch/html/1048576.html"
	record "MOVE" fetch "$url/dav/a/b.txt" -X MOVE -H "Destination: $url/dav/c.txt"
	record "DELETE" fetch "$url/dav/c.txt" -X DELETE
	record "what is left" find "$dir/dav" -mindepth 1 -printf '%P\n'
}

reopen_logs() {
	local path
	rm -f "$dir/access.log"
	kill -USR1 "$(master)"
	check "logs reopened" await in_new_log
	for path in 0.html 4096.html 8388608.html none proxy/hello dead/x; do
		curl -sS -o "$dir/discard" "$url/$path"
	done
	mv "$dir/access.log" "$dir/access.log.1"
	kill -USR1 "$(master)"
	# The worker reopens after the master: until then it writes to the renamed file.
	check "logs reopened again" await in_new_log
	record "one line a request" sed '/reopened/d' "$dir/access.log.1"
}
logged() { # logged COUNT: lines of the load (and the one request before it)
	[ "$(grep -c 'GET /nosendfile/65537.html' "$dir/access.log")" -ge "$1" ]
}
in_new_log() {
	curl -s -o /dev/null "$url/reopened"
	grep -q reopened "$dir/access.log"
}

reload() {
	local before
	before=$(workers)
	nginx_conf 2 >"$dir/nginx.conf"
	kill -HUP "$(master)"
	check "reload" await answers "$url/generation" "generation 2"
	check "the old worker ends" await gone "$before"
	equal "one worker" "$(workers | wc -l)" 1
	nginx_conf 3 >"$dir/nginx.conf"
	load 3000 20 "$url/4096.html" >"$dir/reload.load" 2>&1 &
	local loading=$!
	kill -HUP "$(master)"
	if wait $loading; then ok "no request fails during a reload"; else
		fail "no request fails during a reload" "$(tail -n 20 "$dir/reload.load")"
	fi
	check "second reload" await answers "$url/generation" "generation 3"
	echo 'nonsense;' >"$dir/nginx.conf"
	kill -HUP "$(master)"
	check "a bad configuration is refused" await grep -q 'unknown directive "nonsense"' "$dir/error.log"
	check "the old one goes on" answers "$url/generation" "generation 3"
}
gone() {
	! kill -0 "$1"
}

quit_gracefully() {
	curl -sS -o "$dir/slow" "$url/slow/8388608.html" &
	local download=$!
	check "a download starts" await test -s "$dir/slow"
	kill -QUIT "$(master)"
	wait $download
	equal "the download of a server that quits succeeds" "$?" 0
	check "and is whole" cmp "$dir/slow" "$scratch/html/8388608.html"
	stopped 0
	check "the pid file is gone" test ! -e "$dir/nginx.pid"
	if listening "$http"; then fail "nobody listens"; else ok "nobody listens"; fi
}

scenario() {
	helper python3 "$root/tests/servers/backend.py" "$backend"
	check "the upstream answers" await answers "http://127.0.0.1:$backend/hello" || return
	start_nginx || return
	static
	connections
	proxy
	dav
	running || return
	check "500 connections" load 10000 500 "$url/4096.html"
	check "500 kept connections" load 20000 500 "$url/4096.html" -k
	check "100 connections, 64 KB, no sendfile" load 1000 100 "$url/nosendfile/65537.html" -k
	check "50 proxied connections" load 500 50 "$url/proxy/hello"
	running || return
	check "a request of the load is in the log" await logged 1001
	equal "and only once" "$(grep -c 'GET /nosendfile/65537.html' "$dir/access.log")" 1001
	reopen_logs
	running || return
	reload
	running || return
	quit_gracefully

	start_nginx aio || return
	record "thread pool, 8 MB" fetch "$url/threads/8388608.html"
	check "thread pool, 50 connections" load 1000 50 "$url/threads/65537.html" -k
	kill -TERM "$(master)"
	stopped 0
}

in_each_mode scenario nginx
finish_tap
