"""A small HTTP/1.1 server for one trusted peer: the serving proxy in front of it.

One thread, so that user code runs on the main thread (signals, timeouts) and requests never interleave inside it.
The peer has the whole body before it speaks, names its length, and keeps connections alive.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote

MAX_HEAD_BYTES = 128 * 1024
SEND_TIMEOUT_SEC = 60.0

REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 411: "Length Required"}


class Request(NamedTuple):
    method: str
    path: str
    query: str
    headers: List[Tuple[str, str]]
    body: bytes

    def header(self, name: str) -> Optional[str]:
        """Value of a header, case-insensitively; repeated ones joined as HTTP allows."""
        values = [value for key, value in self.headers if key.lower() == name]
        return ", ".join(values) if values else None


class Response(NamedTuple):
    status: int
    headers: List[Tuple[str, str]]
    body: bytes


Handler = Callable[[Request], Response]


class BadRequest(Exception):
    """What came is not HTTP as this server speaks it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def listen(path: str) -> socket.socket:
    """A Unix socket at `path` (its folder is private), replacing one that a killed server left. It takes its name when it listens."""
    unnamed = f"{path}.{os.getpid()}"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(unnamed)
    server.listen(1024)
    server.setblocking(False)
    os.replace(unnamed, path)
    return server


def serve(server: socket.socket, handle: Handler, keep_alive: bool = True) -> None:
    """Answers requests until SIGTERM or the end of standard input (the proxy is gone). A request under way is finished."""
    Loop(server, handle, keep_alive).run()


class Loop:
    def __init__(self, server: socket.socket, handle: Handler, keep_alive: bool) -> None:
        self.server = server
        self.handle = handle
        self.keep_alive = keep_alive
        self.stopping = False
        self.buffers: Dict[socket.socket, bytearray] = {}
        self.selector = selectors.DefaultSelector()

    def run(self) -> None:
        wake, waker = socket.socketpair()
        wake.setblocking(False)
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.selector.register(self.server, selectors.EVENT_READ)
        self.selector.register(wake, selectors.EVENT_READ)
        try:
            self.selector.register(sys.stdin, selectors.EVENT_READ)
        except (OSError, ValueError, KeyError):
            pass  # standard input is a file or closed: then only SIGTERM ends the server
        while not self.stopping:
            for key, _ in self.selector.select():
                if key.fileobj is self.server:
                    self.accept()
                elif key.fileobj is wake:
                    drain(wake)
                elif key.fileobj is sys.stdin:
                    self.stopping = os.read(sys.stdin.fileno(), 65536) == b"" or self.stopping
                else:
                    self.read(key.fileobj)  # type: ignore[arg-type]
                if self.stopping:
                    break

    def accept(self) -> None:
        try:
            connection, _ = self.server.accept()
        except (BlockingIOError, ConnectionError):
            return  # another worker was faster, or the peer is gone again
        connection.settimeout(SEND_TIMEOUT_SEC)
        self.buffers[connection] = bytearray()
        self.selector.register(connection, selectors.EVENT_READ)

    def read(self, connection: socket.socket) -> None:
        buffer = self.buffers[connection]
        try:
            chunk = connection.recv(1 << 20)
            if not chunk:
                return self.close(connection)
            buffer += chunk
            while not self.stopping:
                request = parse(buffer)
                if request is None:
                    return
                response = self.handle(request)
                keep = self.keep_alive and (request.header("connection") or "").lower() != "close"
                connection.sendall(encode(request.method, response, keep))
                if not keep:
                    return self.close(connection)
        except BadRequest as error:
            self.refuse(connection, error)
        except OSError:
            self.close(connection)

    def refuse(self, connection: socket.socket, error: BadRequest) -> None:
        try:
            connection.sendall(encode("GET", Response(error.status, [], str(error).encode()), False))
        except OSError:
            pass
        self.close(connection)

    def close(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        del self.buffers[connection]
        connection.close()


def drain(wake: socket.socket) -> None:
    try:
        while wake.recv(4096):
            pass
    except BlockingIOError:
        pass


def parse(buffer: bytearray) -> Optional[Request]:
    """Takes one whole request off the front of the buffer; None while some of it is missing."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD_BYTES:
            raise BadRequest(431, "the request's head is too large")
        return None
    lines = buffer[:end].decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3:
        raise BadRequest(400, "the request line is malformed")
    headers: List[Tuple[str, str]] = []
    length = 0
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(400, "a header line is malformed")
        value = value.strip()
        lower = name.lower()
        if lower == "content-length":
            if not value.isdigit():
                raise BadRequest(400, "Content-Length is not a number")
            length = int(value)
        elif lower == "transfer-encoding":
            raise BadRequest(411, "a request needs a Content-Length")
        headers.append((name, value))
    start = end + 4
    if len(buffer) < start + length:
        return None
    body = bytes(buffer[start : start + length])
    del buffer[: start + length]
    path, _, query = parts[1].partition("?")
    return Request(parts[0], unquote(path), query, headers, body)


def encode(method: str, response: Response, keep_alive: bool) -> bytes:
    head = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}"]
    head += [f"{clean(name)}: {clean(value)}" for name, value in response.headers]
    head.append(f"Content-Length: {len(response.body)}")
    head.append("Connection: keep-alive" if keep_alive else "Connection: close")
    body = b"" if method == "HEAD" else response.body
    return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body


def clean(text: str) -> str:
    """A script's header can't end the head early."""
    return text.replace("\r", " ").replace("\n", " ")
