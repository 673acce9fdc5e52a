"""A proxy before an HTTP server that loses, refuses, holds or repeats what a test tells it to."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["drop", "refuse", "hold", "duplicate", "late", "lose_race", "empty", "not_found", "cut"]

_LOST_RACE = json.dumps({"error_code": "BAD_REQUEST", "message": "(sqlite3.IntegrityError) UNIQUE constraint failed"})
_NO_SUCH = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such thing"})
_ERROR_400 = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {len(_LOST_RACE)}\r\n\r\n"


@dataclass
class Fault:
    """What happens to the requests that are next.

    Attributes:
        kind: Drop the answer, refuse the request, hold it back until released, send it twice, let it arrive when
            `deliver` says so with nobody waiting for the answer, or answer it as MLflow answers the loser of a race for one row.
            Of bad answers: an empty object, a thing that does not exist, and a body that is cut in half under its own length.
        on: A part of the request line; empty for any request.
        skip: How many such requests pass unharmed before.
        times: How many such requests it happens to.
        seconds: How long a request is held at most.
        hits: How many it happened to.
    """

    kind: Kind
    on: str = ""
    skip: int = 0
    times: int = 1
    seconds: float = 30
    hits: int = 0
    held: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)


class Proxy(ThreadingTCPServer):
    """The proxy; without faults it only forwards."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.target = urlsplit(target)
        self.requests = 0
        self.late: list[bytes] = []
        self._faults: list[Fault] = []
        self._lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def inject(self, kind: Kind, on: str = "", *, skip: int = 0, times: int = 1, seconds: float = 30) -> Fault:
        """Let something go wrong."""
        fault = Fault(kind, on, skip, times, seconds)
        with self._lock:
            self._faults.append(fault)
        return fault

    def calm(self) -> None:
        """Let nothing go wrong any more, and let go what is held."""
        with self._lock:
            for fault in self._faults:
                fault.released.set()
            self._faults.clear()

    def deliver(self) -> int:
        """Let the late requests arrive; return how many there were."""
        late, self.late = self.late, []
        for request in late:
            self.exchange(request)
        return len(late)

    def claim(self, line: str) -> Fault | None:
        """Return what shall happen to a request."""
        with self._lock:
            self.requests += 1
            for fault in self._faults:
                if fault.on not in line or fault.hits >= fault.times:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                return fault
        return None

    def exchange(self, request: bytes) -> bytes:
        """Give a request to the server and return its whole answer."""
        answer = bytearray()
        with socket.create_connection((str(self.target.hostname), int(self.target.port or 80)), 60) as server:
            server.sendall(request)
            while part := server.recv(1 << 16):
                answer += part
        return bytes(answer)


@contextmanager
def proxy_before(target: str) -> Iterator[Proxy]:
    """Run a proxy before a server."""
    with Proxy(target) as proxy:
        Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.calm()
            proxy.shutdown()


class _Passage(StreamRequestHandler):
    """One request and its answer; then the connection closes, so that each request meets its own fault."""

    server: Proxy

    def handle(self) -> None:
        head = list(iter(self.rfile.readline, b"\r\n"))
        if not head or not head[0]:
            return
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head[1:])}
        if headers.get(b"transfer-encoding") == b"chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(headers.get(b"content-length", 0)))
        kept = [line for line in head if not line.lower().startswith(b"connection:")]
        request = b"".join([*kept, b"Connection: close\r\n\r\n", body])
        fault = self.server.claim(head[0].decode())
        if fault and fault.kind == "refuse":
            return
        if fault and fault.kind == "late":
            self.server.late.append(request)
            return
        if fault and fault.kind == "hold":
            fault.held.set()
            fault.released.wait(fault.seconds)
        if fault and fault.kind == "lose_race":
            self.wfile.write((_ERROR_400 + _LOST_RACE).encode())
            return
        if fault and fault.kind == "empty":
            self.wfile.write(_answer("200 OK", "{}"))
            return
        if fault and fault.kind == "not_found":
            self.wfile.write(_answer("404 Not Found", _NO_SUCH))
            return
        answer = self.server.exchange(request)
        if fault and fault.kind == "cut":
            answer = _cut(answer)
        if fault and fault.kind == "duplicate":
            answer = self.server.exchange(request)
        if not (fault and fault.kind == "drop"):
            self.wfile.write(answer)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = self.rfile.readline()
            yield size + self.rfile.read(int(size, 16) + 2)
            if int(size, 16) == 0:
                return


def _answer(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _cut(answer: bytes) -> bytes:
    """Return half of the body, with a header that calls it whole."""
    head, _, body = answer.partition(b"\r\n\r\n")
    half = body[: len(body) // 2]
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*kept, b"Content-Length: %d" % len(half)]) + b"\r\n\r\n" + half
