"""A long run takes no more memory, and holds no more files open, at its end than at its start."""

import os
from pathlib import Path

import pytest

SAMPLES = 40
EVALUATIONS = 5000  # from one sample to the next, each of which saves the run


def resident(pid):
    """The bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.long
def test_memory_and_open_files_stay_flat(shell, tiny_options, tmp_path):
    options = ["-s", "training.iterations=1e9", "-s", "training.evaluate_every=10"]
    process = shell("train", *tiny_options, *options, "-o", tmp_path / "m.npz")
    samples = []
    for _ in range(SAMPLES):
        for _ in range(EVALUATIONS):
            assert process.stdout.readline().startswith("iteration")
        samples.append((resident(process.pid), open_files(process.pid)))
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + 15
    memory, files = zip(*samples, strict=True)
    third = SAMPLES // 3
    print(f"memory {memory[0]:,} to {memory[-1]:,} bytes, files {min(files)} to {max(files)}")
    assert max(memory[-third:]) < 1.1 * max(memory[:third])
    assert max(files[-third:]) <= max(files[:third]) + 1  # one is being written now and then
