"""A way to a server that can be broken in every manner that networks know."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable

Mode = Literal["open", "refused", "black hole", "hung"]

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes TCP connections on, as long as it is open.

    `refused`: nobody listens, and what was connected is cut. `black hole`: connections are accepted and nothing is
    ever answered; what is on its way is kept and delivered later, as by a network that comes back. `hung`: as before,
    but only for what goes back: the server works, and its answers do not come.
    """

    def __init__(self) -> None:
        self._target: str | tuple[str, int] = ""
        self.mode: Mode = "refused"
        self.cut_before: Callable[[bytes], bool] = lambda _: False
        """Asked of everything that goes to the server: whether to cut the line instead of passing it on."""
        self.cut_after: Callable[[bytes], bool] = lambda _: False
        """Asked of everything that goes to the server: whether to pass it on and cut the line before the answer."""
        self.connections = 0
        self._listener: socket.socket | None = None
        self._peers: dict[socket.socket, socket.socket] = {}
        self._held: dict[socket.socket, bytes] = {}
        self._deaf: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._ended = False
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.set("open")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def lead_to(self, target: str | tuple[str, int]) -> None:
        """Pass connections on to a socket's path or to a host and port."""
        self._target = target

    def set(self, mode: Mode) -> None:
        with self._lock:
            self.mode = mode
            if mode == "refused":
                self._close_listener()
                self._cut_all()
            elif self._listener is None:
                self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
                self._selector.register(self._listener, selectors.EVENT_READ)
            if mode == "open":
                held, self._held = self._held, {}
                for source, data in held.items():
                    self._pass(source, data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()
        with self._lock:
            self._close_listener()
            self._cut_all()
            self._selector.close()

    def _run(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select(0.02):
                with self._lock:
                    found = key.fileobj
                    assert isinstance(found, socket.socket)
                    if found is self._listener:
                        self._accept()
                    elif found in self._peers:
                        self._read(found)

    def _accept(self) -> None:
        assert self._listener is not None
        client, _ = self._listener.accept()
        self.connections += 1
        server = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
        try:
            server.connect(self._target)
        except OSError:
            server.close()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        self._peers |= {client: server, server: client}
        self._deaf.add(server)  # what comes from the server
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _read(self, source: socket.socket) -> None:
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._cut(source)
        elif self.mode == "black hole" or (self.mode == "hung" and source in self._deaf):
            self._held[source] = self._held.get(source, b"") + data
        else:
            self._pass(source, data)

    def _pass(self, source: socket.socket, data: bytes) -> None:
        peer = self._peers.get(source)
        if peer is None:
            return
        to_server = source not in self._deaf
        if to_server and self.cut_before(data):
            self._cut(source)
            return
        try:
            peer.sendall(data)
        except OSError:
            self._cut(source)
            return
        if to_server and self.cut_after(data):
            self._cut(source, wait_for_server=True)

    def _cut(self, end: socket.socket, *, wait_for_server: bool = False) -> None:
        peer = self._peers.get(end)
        for one in filter(None, (end, peer)):
            self._peers.pop(one, None)
            self._held.pop(one, None)
            self._selector.unregister(one)
            if wait_for_server and one in self._deaf:
                one.recv(65536)  # the answer, which gets lost
            self._deaf.discard(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            one.close()

    def _cut_all(self) -> None:
        for end in list(self._peers):
            if end in self._peers:
                self._cut(end)

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
