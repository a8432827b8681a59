#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The server behind the proxies of the tests: backend.py PORT.

GET /hello  a fixed text;  GET /size/N  N bytes;  GET /chunked/N  N chunks of 1000 bytes;
GET /slow/SECONDS  a text after a time;  POST anything  length and SHA-256 of the body.
"""
import hashlib
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def version_string(self):
        return "backend"

    def log_message(self, *args):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        what, _, value = self.path.lstrip("/").partition("/")
        if what == "hello":
            self.answer(b"hello from behind\n")
        elif what == "size":
            size = int(value)
            self.answer((b"0123456789abcde\n" * (size // 16 + 1))[:size])
        elif what == "slow":
            time.sleep(float(value))
            self.answer(b"at last\n")
        elif what == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(int(value)):
                self.wfile.write(b"3e8\r\n" + (b"%09d\n" % number) * 100 + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def body(self):
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_POST(self):
        body = self.body()
        digest = hashlib.sha256(body).hexdigest()
        self.answer(f"{self.command} {self.path} {len(body)} {digest}\n".encode())

    do_PUT = do_POST


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
