"""The forward proxy of the containers: every name under `localhost` is this machine, which resolvers need not know."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

HEAD_LIMIT = 64 * 1024
_address: str | None = None


def start() -> None:
    global _address
    listener = socket.create_server(("127.0.0.1", 0))
    _address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()


def proxy_variables() -> dict[str, str]:
    if _address is None:
        return {}
    # NOTE: clients take `localhost` for a suffix too, and would go to the API itself.
    return {"http_proxy": _address, "HTTP_PROXY": _address, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "NODE_USE_ENV_PROXY": "1"}


def _accept(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_serve, args=(client,), daemon=True).start()


def _serve(client: socket.socket) -> None:
    with client:
        try:
            head, rest = _read_head(client)
            method, target, version = head[0].split(" ", 2)
            if method == "CONNECT":
                with _connect(urlsplit(f"//{target}")) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _join(client, server, rest)
                return
            url = urlsplit(target)
            path = target[len(f"{url.scheme}://{url.netloc}") :] or "/"
            # One request a connection: the next may be for another host.
            kept = [line for line in head[1:] if line.split(":", 1)[0].lower() not in ("connection", "proxy-connection")]
            lines = [f"{method} {path} {version}", *kept, "Connection: close", "", ""]
            with _connect(url) as server:
                server.sendall("\r\n".join(lines).encode("latin-1"))
                _join(client, server, rest)
        except (OSError, ValueError):
            return


def _read_head(client: socket.socket) -> tuple[list[str], bytes]:
    read = b""
    while b"\r\n\r\n" not in read:
        more = client.recv(8192)
        if not more or len(read) > HEAD_LIMIT:
            raise ValueError("no request")
        read += more
    head, rest = read.split(b"\r\n\r\n", 1)
    return head.decode("latin-1").split("\r\n"), rest


def _connect(url) -> socket.socket:
    name = url.hostname or ""
    here = name == "localhost" or name.endswith(".localhost")
    return socket.create_connection(("127.0.0.1" if here else name, url.port or 80), timeout=300)


def _join(client: socket.socket, server: socket.socket, first: bytes) -> None:
    if first:
        server.sendall(first)
    up = threading.Thread(target=_pump, args=(client, server), daemon=True)
    up.start()
    _pump(server, client)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
