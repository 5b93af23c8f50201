# SPDX-License-Identifier: PostgreSQL
"""Faults of the network: a TCP proxy before a server that delays, stalls or cuts, at once or after so many bytes.

    with Proxy(server.port) as proxy:
        proxy.stall_after(20_000)                 # the server's answer stops in the middle, the connection stays open
        fettle("advise", proxy.dsn("shop"))
"""
import socket
import threading
import time

CHUNK = 4096


class Proxy:
    def __init__(self, port, host="127.0.0.1"):
        self.target = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.delay = 0.0  # seconds before each chunk of the server's answer
        self.passed = 0  # bytes of the server's answers so far, over all connections
        self.connections = 0
        self.asked = b""  # what clients sent, once keeps_asked
        self.keeps_asked = False
        self.is_pooler = False  # tells its clients another process number than the server's, as poolers do
        self._limit = None
        self._at_limit = None
        self._sockets = []
        self._closed = False
        self._run(self._accept)

    def stall_after(self, size):
        """After so many more bytes from the server nothing comes any more."""
        self._limit, self._at_limit = self.passed + size, "stall"

    def cut_after(self, size):
        """After so many more bytes from the server the connection is reset."""
        self._limit, self._at_limit = self.passed + size, "cut"

    def cut(self):
        """Resets every open connection now."""
        for end in self._sockets:
            self._reset(end)

    def heal(self):
        """New connections work again; those that stalled stay as they are."""
        self._limit = self._at_limit = None
        self.delay = 0.0

    def dsn(self, database="postgres", user="postgres"):
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user}"

    def close(self):
        self._closed = True
        self.listener.close()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def _run(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    @staticmethod
    def _reset(end):
        try:
            # Lingering for no time makes the close a reset; shutdown wakes a thread that waits in recv.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

    def _accept(self):
        while not self._closed:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            self.connections += 1
            self._sockets += [client, server]
            self._run(self._pump, client, server, False)
            self._run(self._pump, server, client, True)

    def _pump(self, source, sink, is_answer):
        try:
            while chunk := source.recv(CHUNK):
                if is_answer and not self._let_pass(chunk, source, sink):
                    return
                if is_answer and self.is_pooler:
                    chunk = self._renumber(chunk)
                if not is_answer and self.keeps_asked:
                    self.asked += chunk
                sink.sendall(chunk)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def _renumber(chunk):
        """BackendKeyData, which the server sends once, right before it is ready for the first time."""
        key = chunk.find(b"K\0\0\0\x0c")
        is_key = key >= 0 and chunk[key + 13:] == b"Z\0\0\0\5I"
        return chunk[:key + 5] + bytes([chunk[key + 5] ^ 1]) + chunk[key + 6:] if is_key else chunk

    def _let_pass(self, chunk, source, sink):
        time.sleep(self.delay)
        self.passed += len(chunk)
        if self._limit is None or self.passed <= self._limit:
            return True
        if self._at_limit == "cut":
            self._reset(sink)
            self._reset(source)
        return False
