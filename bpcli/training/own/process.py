"""a person's file and a run in -> a partner of its network, in a process of its own, out.

The process only computes: the run, its data and its files stay here. It ends when this one is done
with it, also by dying.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from bpcli.arrays import Array, Labels
from bpcli.errors import SourceError
from bpcli.files.path import resolve
from bpcli.files.shared import shared_memory
from bpcli.gradcheck.foreign.channel import FloodError, Receiver
from bpcli.gradcheck.foreign.code import Code, read_code
from bpcli.gradcheck.foreign.patience import SECONDS, Patience
from bpcli.gradcheck.foreign.process import ask, end, explain_end, start
from bpcli.training.evaluation import images_at_once
from bpcli.training.own.exchange import Exchange, Sizes
from bpcli.training.own.network import Difference, list_statistics
from bpcli.training.run import Run

CHILD = "bpcli.training.own.child"
LOOK = 0.25  # seconds from one look at what the process does to the next


class Lender:
    """A person's file that a process has run, and a network of its layers there.

    `roles` has the names of its units that take places, by the names of our classes, `doubts` what
    there is to say of others, a sentence each. It is a Partner once `build` was called. Whatever is
    asked of it raises SourceError where the person's code fails, ends its process or hangs.
    """

    def __init__(
        self, code: Code, exchange: Exchange, process: Any, requests: IO[bytes], run: Run, key: str
    ) -> None:
        self.code, self.exchange, self.process, self.requests = code, exchange, process, requests
        self.rng = run.dropout_rng
        self.parameters, self.gradient = exchange.parameters, exchange.gradient
        self.statistics = exchange.statistics_like(list_statistics(run.network))
        self.receiver = Receiver(process.stdout, key)
        self.patience = Patience(SECONDS)
        self.patience.begin()
        self.line = 0
        found = self._listen()
        self.roles: dict[str, str] = found["roles"]
        self.doubts: list[str] = found["doubts"]

    def build(self, parameters: Array) -> None:
        """Make a network that begins with these parameters."""
        self.parameters[...] = parameters
        self._ask("build")

    def forward(self, x: Array, t: Labels) -> float:
        found = self._ask("forward", x, t)
        if found["dropout"]:
            self.rng.bit_generator.state = json.loads(found["dropout"])
        return float(found["loss"])

    def backward(self) -> None:
        self._ask("backward")

    def backward_input(self) -> Array:
        self._ask("backward_input", self.last)
        return self.exchange.x[: len(self.last)].copy()

    def predict(self, x: Array) -> Array:
        self._ask("predict", x)
        return self.exchange.y[: len(x)].copy()

    def differences(self, x: Array) -> list[Difference]:
        return [Difference(**found) for found in self._ask("differences", x)]

    def times(self, x: Array, t: Labels) -> float:
        return float(self._ask("times", x, t))

    def _ask(self, do: str, x: Array | None = None, t: Labels | None = None) -> Any:
        """Let the process do something with images and labels, and return what it answers."""
        if x is not None:
            self.last = x
            self.exchange.x[: len(x)] = x
        if t is not None:
            self.exchange.t[: len(t)] = t
        request = {"do": do, "n": 0 if x is None else len(x)}
        with contextlib.suppress(BrokenPipeError):  # how it has ended is found below
            self.requests.write(json.dumps(request).encode() + b"\n")
            self.requests.flush()
        self.receiver.renew()
        self.patience.begin()
        return self._listen()

    def _listen(self) -> Any:
        """Return the next answer of the process. Raises SourceError where there is none."""
        while True:
            try:
                message = self.receiver.receive(LOOK)
            except EOFError:
                raise self._failed(explain_end(end(self.process, at_once=False))) from None
            except FloodError as error:
                raise self._failed(f"it wrote over its results: {error}") from None
            match message:
                case None:
                    words = self.patience.lost()
                    if words:
                        raise self._failed(words)
                case {"answer": answer}:
                    self.line = 0
                    return answer
                case {"error": words}:
                    raise SourceError(self.code.place_all(words))
                case {"process": number}:
                    self.patience.process = number
                    self.patience.begin()
                case {"line": line}:
                    self.line = line
                    self.patience.begin()

    def _failed(self, words: str) -> SourceError:
        where = self.code.place(self.line) if self.line else self.code.path.name
        return SourceError(f"{where}: {words}")


@contextlib.contextmanager
def lend(path: str | Path, run: Run) -> Iterator[Lender]:
    """Run a person's file, Python or a notebook, in a process, and yield what lends its layers.

    The process is ended when that is left. Raises SourceError if no layer of the file takes a
    place in the run's network, and MachineError where a system cannot do it.
    """
    code = read_code(Path(path))
    most = max(run.config.training.batch_size, images_at_once(run.network))
    sizes, key = Sizes.of(run.network, most), secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        descriptor, memory = stack.enter_context(shared_memory(sizes.bytes))
        reads, writes = os.pipe()
        requests = stack.enter_context(os.fdopen(writes, "wb"))
        folder = resolve(code.path.parent, SourceError)
        try:
            process = start(folder, CHILD, (reads, descriptor))
        finally:
            os.close(reads)
        stack.callback(end, process, at_once=True)
        request = {
            "path": str(folder / code.path.name),
            "cells": [[cell.number, cell.text] for cell in code.cells],
            "key": key,
            "memory": descriptor,
            "requests": reads,
            "sizes": asdict(sizes),
            "network": vars(run.config.network),
            "seed": run.config.seed,
            "dropout": run.dropout_rng.bit_generator.state,
        }
        ask(process, request)
        lender = Lender(code, Exchange(sizes, memory), process, requests, run, key)
        stack.callback(lender.receiver.close)
        yield lender
