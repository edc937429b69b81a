"""messages at one end of a pipe in -> the same messages at the other, and nothing else, out.

Between the ends runs a person's code, which may write into any descriptor. So each message is a
line that begins with a key which nobody else knows; anything else is left out, and neither a line
nor all of them together may be longer than bpcli wants to keep.
"""

import contextlib
import json
import os
import queue
import random
import threading
import time
from typing import IO, Any

LONGEST = 1 << 20  # bytes of a message
MOST = 1 << 26  # bytes of all, with what is none
TEXT, ITEMS = 2000, 1000  # of a message: characters of a text, entries of a list
LOWEST, HIGHEST = 100, 1000  # descriptors, away from those that a file opens itself
TRIES = 1000


class FloodError(Exception):
    """More came out of the pipe than all messages of a file can be."""


def hide(descriptor: int) -> int:
    """Move a descriptor to a number that nobody expects, out of reach of other programs."""
    for _ in range(TRIES):
        number = random.SystemRandom().randrange(LOWEST, HIGHEST)
        try:
            os.fstat(number)
        except OSError:  # nothing is there yet; or there can be no such number
            with contextlib.suppress(OSError):
                os.dup2(descriptor, number, inheritable=False)
                os.close(descriptor)
                return number
    return descriptor


class Sender:
    """The end at which messages go in."""

    def __init__(self, descriptor: int, key: str) -> None:
        self._descriptor, self._key, self._process = descriptor, key, os.getpid()

    def send(self, **message: Any) -> None:
        """Send a message; a copy of this process, which the person's code may make, sends none."""
        if os.getpid() != self._process:
            os._exit(0)
        line = f"\n{self._key}{json.dumps(_cut(message))}\n".encode()
        while line:
            line = line[os.write(self._descriptor, line) :]


def _cut(value: Any) -> Any:
    """Return a value of JSON whose texts, lists and numbers have a length."""
    if isinstance(value, str):
        return value if len(value) <= TEXT else value[:TEXT] + "..."
    if isinstance(value, dict):
        return {_cut(name): _cut(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(inner) for inner in value[:ITEMS]]
    return None if isinstance(value, int) and value.bit_length() > 63 else value


class Receiver:
    """The end at which they come out, as they come."""

    def __init__(self, stream: IO[bytes], key: str) -> None:
        self._key, self._rest, self._left = key.encode(), b"", MOST
        self._chunks: queue.Queue[bytes] = queue.Queue(8)
        self._messages: list[dict[str, Any]] = []
        self._closed = False
        self._pumping = threading.Thread(target=self._pump, args=[stream], daemon=True)
        self._pumping.start()

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, or None if none has come after these seconds.

        Raises EOFError when the other end is closed, and FloodError.
        """
        until = time.monotonic() + seconds
        while not self._messages:
            try:
                chunk = self._chunks.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                return None
            if not chunk:
                raise EOFError
            self._take(chunk)
        return self._messages.pop(0)

    def renew(self) -> None:
        """Let as much come again as from the beginning, of a process that answers many times."""
        self._left = MOST

    def close(self) -> None:
        """Take no more messages."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:  # so that a chunk that waits for its place finds one, and no other comes
                self._chunks.get_nowait()

    def _pump(self, stream: IO[bytes]) -> None:
        with stream:
            chunk = b" "
            while chunk and not self._closed:
                chunk = os.read(stream.fileno(), 1 << 16)
                self._chunks.put(chunk)

    def _take(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise FloodError(f"more than {MOST:,} bytes")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[-LONGEST:]  # of which no more than a message is kept
        for line in lines:
            _, key, text = line.rpartition(self._key)
            if key:
                try:
                    self._messages.append(json.loads(text))
                except ValueError:  # cut off, or written across
                    continue
