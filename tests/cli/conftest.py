"""What the tests of commands share."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest


@pytest.fixture
def model(bpcli, tiny_options, folder):
    """A model that the command has trained, in the working directory."""
    bpcli("train", *tiny_options)
    return folder / "model.npz"


class Done(NamedTuple):
    """How a command has ended, and what it has written."""

    code: int
    stdout: str
    stderr: str


ONE_BY_ONE = """
import json, sys
from bpcli.cli.main import main

for args in json.loads(sys.argv[1]):
    try:
        main(args, prog_name="bpcli")
    except SystemExit as end:
        print(end.code or 0, end="\\0")
        print(end="\\0", file=sys.stderr)
"""


@pytest.fixture
def one_by_one():
    """Run commands one after the other in a process of their own, which starts only once."""

    def call(*commands, **options):
        given = json.dumps([[*map(str, args)] for args in commands])
        done = subprocess.run(
            [sys.executable, "-c", ONE_BY_ONE, given], capture_output=True, text=True, **options
        )
        outputs, errors = (stream.split("\0")[:-1] for stream in (done.stdout, done.stderr))
        assert len(outputs) == len(commands), done.stderr
        found = []
        for output, error in zip(outputs, errors, strict=True):
            stdout, _, code = output.rpartition("\n")
            found.append(Done(int(code), stdout, error))
        return found

    return call
