# SPDX-License-Identifier: PostgreSQL
"""A receiver of webhooks: a real HTTP server that behaves as the path asks for, and keeps what it got."""
import http.server
import json
import ssl
import subprocess
import threading
import time


class Request:
    def __init__(self, path, headers, body):
        self.path = path
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers["webhook-id"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"ok", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.owner.requests.append(Request("GET " + self.path, self.headers.items(), b""))
        self.answer(200)

    def do_POST(self):
        owner = self.server.owner
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner.requests.append(Request(self.path, self.headers.items(), body))
        way = owner.ways.get(self.path) or self.path.split("?")[0].rsplit("/", 1)[-1]
        if callable(way):
            way = way()
        if way == "hang":
            owner.released.wait(30)
        elif way == "slow":
            self.send_response(200)
            self.end_headers()
            while not owner.released.wait(0.1):
                self.wfile.write(b"x")
        elif way == "close":
            self.close_connection = True
        elif way == "huge":
            self.answer(200, b"x" * (32 << 20))
        elif way == "redirect":
            self.answer(302, Location=f"http://127.0.0.1:{owner.port}/elsewhere")
        elif way == "later":
            self.answer(429, Retry_After="7200")
        elif way.isdigit():
            self.answer(int(way))
        else:
            self.answer(200)

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # the other side may go at any moment: that is what is tested


class Receiver:
    """`ways` maps a path to how it answers, a word or what gives one; else the path's last part is the word."""

    def __init__(self, certificate=None):
        self.requests = []
        self.ways = {}
        self.released = threading.Event()
        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.owner = self
        self.port = self.server.server_port
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if certificate else "http"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def got(self, path):
        return [request for request in list(self.requests) if request.path == path]

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def make_certificate(path):
    """A certificate for 127.0.0.1 that vouches for itself, with its key, in one file."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=fettle test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{path}.key", "-out", f"{path}.crt"],
                   check=True, capture_output=True)
    whole = path.with_suffix(".pem")
    whole.write_text(path.with_suffix(".key").read_text() + path.with_suffix(".crt").read_text(), encoding="utf-8")
    return whole


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")
