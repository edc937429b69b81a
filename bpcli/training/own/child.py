"""requests in -> losses, gradients and logits by a person's layers, in shared memory, out.

This runs the person's code, and so in a process of its own, as the check of it does. What it
computes with comes from the process that learns; it knows no file, no data and no optimizer.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.architecture import build_network
from bpcli.backprop.layers import Dropout
from bpcli.backprop.network import Network
from bpcli.errors import BpcliError, SourceError
from bpcli.files.notebook import Cell
from bpcli.files.shared import attach
from bpcli.gradcheck.foreign.child import fault_words, open_channel
from bpcli.gradcheck.foreign.code import Code
from bpcli.gradcheck.foreign.discover import find_typos, find_units
from bpcli.gradcheck.foreign.isolation import isolate
from bpcli.gradcheck.foreign.load import load_source
from bpcli.gradcheck.foreign.randomness import rewind
from bpcli.training.own.borrow import borrow
from bpcli.training.own.call import UnfitError, as_array
from bpcli.training.own.exchange import Exchange, Sizes
from bpcli.training.own.network import differences, list_statistics, times_slower
from bpcli.training.own.roles import check_whole, choose, find_doubts, kinds_of

SEEDS = 2**32  # that numpy takes


def main() -> None:
    """Answer requests until there are no more."""
    request, sender = open_channel()
    sizes = Sizes(**request["sizes"])
    exchange = Exchange(sizes, attach(request["memory"], sizes.bytes))
    lender = _Lender(request, exchange, sender.send)
    isolate()
    try:
        lender.load()
        with os.fdopen(request["requests"], "rb") as requests:
            for line in requests:
                sender.send(answer=lender.answer(**json.loads(line)))
    except BpcliError as error:
        sender.send(error=str(error))
    except UnfitError as error:
        sender.send(error=f"{lender.name}: {error}")
    except BaseException as error:  # noqa: BLE001 - it may raise whatever it likes
        sender.send(error=f"{lender.name}: {fault_words(error)}")


class _Lender:
    """A person's file, and a network of its layers beside one of ours."""

    def __init__(
        self, request: dict[str, Any], exchange: Exchange, send: Callable[..., None]
    ) -> None:
        self.code = Code(Path(request["path"]), tuple(Cell(*cell) for cell in request["cells"]))
        self.name = self.code.path.name
        self.exchange, self.send, self.seed = exchange, send, request["seed"] % SEEDS
        self.dropout_rng = np.random.default_rng()
        self.dropout_rng.bit_generator.state = request["dropout"]
        sizes = exchange.sizes
        self.ours = build_network(
            sizes.pixels,
            sizes.classes,
            np.random.default_rng(0),  # its parameters come with each request
            **request["network"],
            dropout_rng=self.dropout_rng,
        )
        self.ours.weight_decay = 0.0  # which whoever learns adds
        self.draws = any(isinstance(layer, Dropout) for layer in self.ours.layers)

    def load(self) -> None:
        """Run the file, and tell which of its units take places."""

        def begin(line: int) -> bool:
            self.send(line=line)
            return True

        source = load_source(self.code, begin)
        self.module, kinds, units = source.module, kinds_of(self.ours), list(find_units(source))
        typos = [f"{self.name}: {typo}: is backward meant?" for typo in find_typos(source)]
        problems = [*typos, *source.problems]
        own = [x for x in vars(source.module).values() if isinstance(x, type)]
        classes = [x.__name__ for x in own if x.__module__ == source.module.__name__]
        try:
            self.roles = choose(units, kinds, self.name)
            check_whole(classes, self.roles, kinds, self.name)
        except SourceError as error:
            raise SourceError("; ".join([str(error), *problems[:1]])) from error
        names = {kind: unit.name for kind, unit in self.roles.items()}
        doubts = [f"{self.name}: {words}" for words in find_doubts(units, self.roles, kinds)]
        if len(self.roles) < len(kinds):
            doubts += source.problems[:1]
        self.send(answer={"roles": names, "doubts": doubts})

    def answer(self, do: str, n: int = 0) -> Any:
        """Do what is asked for with the first n images of the exchange."""
        wanted: dict[str, Callable[[Array, Labels], Any]] = {
            "build": self.build,
            "forward": self.forward,
            "backward": self.backward,
            "backward_input": self.backward_input,
            "predict": self.predict,
            "differences": self.differences,
            "times": self.times,
        }
        return wanted[do](self.exchange.x[:n], self.exchange.t[:n])

    def build(self, _x: Array, _t: Labels) -> None:
        rewind(self.seed, self.module)
        self.ours.parameters[...] = self.exchange.parameters
        self.theirs = borrow(self.ours, self.roles, self.name)

    def forward(self, x: Array, t: Labels) -> dict[str, Any]:
        self.borrow_state(self.theirs)
        loss = self.theirs.forward(x, t)
        for shared, array in self.pairs(self.theirs):
            shared[...] = array
        state = self.dropout_rng.bit_generator.state
        return {"loss": loss, "dropout": json.dumps(state) if self.draws else ""}

    def backward(self, _x: Array, _t: Labels) -> None:
        self.theirs.backward()
        self.exchange.gradient[...] = self.theirs.gradient

    def backward_input(self, x: Array, _t: Labels) -> None:
        x[...] = self.theirs.backward_input()

    def predict(self, x: Array, _t: Labels) -> None:
        self.borrow_state(self.theirs)
        wanted = self.exchange.y[: len(x)]
        wanted[...] = as_array(self.theirs.predict(x), wanted.shape, "what the network returns")

    def differences(self, x: Array, _t: Labels) -> list[dict[str, Any]]:
        for network in (self.ours, self.theirs):
            self.borrow_state(network)
        return [asdict(found) for found in differences(self.ours, self.theirs, x)]

    def times(self, x: Array, t: Labels) -> float:
        for network in (self.ours, self.theirs):
            self.borrow_state(network)
        return times_slower(self.ours, self.theirs, x, t)

    def borrow_state(self, network: Network) -> None:
        """Let a network have what the one that learns has by now."""
        network.parameters[...] = self.exchange.parameters
        for shared, array in self.pairs(network):
            array[...] = shared

    def pairs(self, network: Network) -> Iterator[tuple[Array, Array]]:
        """Yield the statistics in the exchange, each with that of a network."""
        kept = list_statistics(network)
        return zip(self.exchange.statistics_like(kept), kept, strict=True)


if __name__ == "__main__":
    main()
