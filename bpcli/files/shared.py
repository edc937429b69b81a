"""a number of bytes -> memory that a process and one that it starts both have, out.

It has no name, so that nobody else finds it; the other process gets its descriptor.
"""

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator

from bpcli.errors import MachineError


@contextlib.contextmanager
def shared_memory(size: int) -> Iterator[tuple[int, mmap.mmap]]:
    """Yield the descriptor of so many bytes, all 0, and the bytes. Raises MachineError."""
    if not hasattr(os, "fork"):
        raise MachineError(
            "this system shares no memory between processes as it is done here; use Linux, macOS "
            "or WSL"
        )
    try:
        with contextlib.ExitStack() as stack:
            if hasattr(os, "memfd_create"):
                descriptor = os.memfd_create("bpcli", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                stack.callback(os.close, descriptor)
                os.truncate(descriptor, size)
                _seal(descriptor)
            else:
                descriptor = stack.enter_context(tempfile.TemporaryFile()).fileno()
                os.truncate(descriptor, size)
            yield descriptor, mmap.mmap(descriptor, size)
    except (OSError, ValueError, OverflowError) as error:
        raise MachineError(f"there is no memory to share with a process: {error}") from error


def attach(descriptor: int, size: int) -> mmap.mmap:
    """Return the bytes of a descriptor that this process has been given."""
    return mmap.mmap(descriptor, size)


def _seal(descriptor: int) -> None:
    """Let nobody cut the memory short: the system would end whoever reads what is gone."""
    import fcntl

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
