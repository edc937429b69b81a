"""a request in -> a process that may run a person's code and answers it, and how it ends, out."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bpcli.machine import variables_for_child

GRACE, END = 1, 5  # seconds for a process to end by itself, and for all that it has started


CHECKER = "bpcli.gradcheck.foreign.child"


def start(
    folder: Path, module: str = CHECKER, descriptors: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start a process in a folder, in a session of its own; it waits for a request.

    It runs a module, and has descriptors under the same numbers as this process.
    """
    return subprocess.Popen(  # noqa: S603 - a module of bpcli
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=variables_for_child(Path(__file__).parents[3]),
        bufsize=0,
        start_new_session=True,
        pass_fds=descriptors,
    )


def ask(process: "subprocess.Popen[bytes]", request: dict[str, Any]) -> None:
    """Send the request. The pipe stays open as long as somebody waits for what comes of it."""
    assert process.stdin  # noqa: S101 - it was asked for
    line = memoryview(json.dumps(request).encode() + b"\n")
    try:
        while line:
            line = line[process.stdin.write(line) or 0 :]
    except BrokenPipeError:
        return


def end(process: "subprocess.Popen[bytes]", *, at_once: bool) -> int:
    """End a process and all that it has started, and return its exit code."""
    assert process.stdin  # noqa: S101 - it was asked for
    try:
        if not at_once:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        process.stdin.close()
        code = process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    finally:
        if hasattr(os, "killpg"):  # if its guard is no more
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return code


def explain_end(code: int) -> str:
    """Say how a process has ended by itself."""
    if code >= 0:
        return f"it ended the process (code {code})"
    try:
        name = signal.Signals(-code).name  # by the system, or by itself
    except ValueError:
        name = f"signal {-code}"
    return f"it ended the process ({name})"
