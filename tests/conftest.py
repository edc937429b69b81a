"""What the tests share: the small data set, runs and models on it, and ways to call bpcli."""

import os

from bpcli.machine import limit_threads

limit_threads(1)  # as the command line has it; the environment is read when numpy is imported

# Of pytest-xdist, for lines of its own; a test that is about widths says one.
os.environ.pop("COLUMNS", None)

# Only children that check other people's layers are measured: it makes every start slower.
MEASURED = {name: os.environ.pop(name) for name in [*os.environ] if "COVERAGE_PROCESS" in name}

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings
from signs import end_what_hangs
from tiny import ROOT, write_folder

from bpcli.cli.main import main
from bpcli.data import load_split
from bpcli.training import load_config, save, set_up, train

# Whether an example takes long is no fault on a busy machine.
FAIR = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("short", max_examples=30, **FAIR)
settings.register_profile("long", max_examples=1000, **FAIR)


MEMORY = Path("/dev/shm")  # a folder in memory, on Linux
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30:
    # Where pytest puts `tmp_path`: a disk that others wait for, too, costs minutes.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the long forms of the slow tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: a test that make test-long runs alone")
    settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        longest = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=longest)
        items[:] = [item for item in items if item not in longest]


@pytest.fixture(scope="session")
def tracked():
    """The names of the committed files; the test is skipped where git does not tell."""
    git = shutil.which("git")
    listing = git and subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if not listing or not listing.stdout:
        pytest.skip("needs git, and a checkout of it")
    return listing.stdout.splitlines()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def bpcli():
    """Call the command line in this process."""

    def call(*args, code=0) -> Result:
        result = CliRunner().invoke(main, [str(arg) for arg in args], prog_name="bpcli")
        assert code in (None, result.exit_code), (result.exit_code, result.output, result.exception)
        return result

    return call


@pytest.fixture
def measured(monkeypatch):
    """Let coverage be measured in the processes that the test starts."""
    for name, value in MEASURED.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def shell():
    """Start the command line as a process of its own, which ends with the test or if it hangs."""
    started = []

    def start(*args, **options) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bpcli", *map(str, args)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, **(pipes | options))
        started.append((process, end_what_hangs(process)))
        return process

    yield start
    for process, timer in started:
        timer.cancel()
        with process:  # which closes its pipes
            process.kill()


@pytest.fixture(scope="session")
def mnist_model(tmp_path_factory):
    """A model that has learnt from MNIST for two seconds: 97 % on the test images."""
    values = {
        "network.hidden": "[64]", "network.weight_init": "he", "optimizer.method": "nesterov",
        "optimizer.learning_rate": 0.2, "optimizer.schedule": "linear",
        "training.iterations": 1500, "training.evaluate_every": 500,
    }  # fmt: skip
    run = set_up(load_config(None, [f"{key}={value}" for key, value in values.items()]))
    list(train(run))
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    save(path, run)
    return path


@pytest.fixture(scope="session")
def tenth(tmp_path_factory):
    """An .npz with a tenth of MNIST: 6,000 training and 1,000 test images."""
    path = tmp_path_factory.mktemp("tenth") / "mnist.npz"
    splits = {name: load_split("mnist", name) for name in ("train", "test")}
    np.savez(
        path,
        **{f"x_{name}": one.images[::10].reshape(-1, 28, 28) for name, one in splits.items()},
        **{f"y_{name}": one.labels[::10] for name, one in splits.items()},
    )
    return path


@pytest.fixture(scope="session")
def browser():
    """A chromium without a window; the test is skipped where it cannot be had."""
    selenium = pytest.importorskip("selenium.webdriver")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    programs = [chromium, shutil.which("chromedriver")]
    if not all(programs):
        pytest.skip("needs chromium and chromedriver")
    options = selenium.ChromeOptions()
    options.binary_location = programs[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options, selenium.ChromeService(programs[1]))
    yield driver
    driver.quit()


@pytest.fixture
def tiny(tmp_path, rng):
    """A folder of IDX files: 120 training and 40 test images of 6 x 6 pixels, four classes."""
    return write_folder(tmp_path / "tiny", rng)


@pytest.fixture
def tiny_options(tiny):
    """Options that make a training run on the small data set take milliseconds."""
    values = {
        "dataset.source": tiny,
        "network.hidden": "[8]",
        "network.weight_init": "he",
        "training.batch_size": 10,
        "training.iterations": 60,
        "training.evaluate_every": 12,
    }
    return [part for key, value in values.items() for part in ("-s", f"{key}={value}")]


@pytest.fixture
def old_model():
    """A model that bpcli has written before it kept histories: format 1."""
    return Path(__file__).parent / "training/model-0.1.0.npz"


@pytest.fixture
def make_run(tiny_options):
    """Set up a run on the small data set, with overrides."""

    def make(*overrides):
        return set_up(load_config(overrides=[*tiny_options[1::2], *overrides]))

    return make


@pytest.fixture
def run(make_run):
    """A run on the small data set that is complete, with an optimizer and dropout that remember."""
    run = make_run("optimizer.method=momentum", "network.dropout=0.2")
    list(train(run))
    return run


@pytest.fixture
def model(run, tmp_path):
    """The model file of `run`."""
    save(tmp_path / "model.npz", run)
    return tmp_path / "model.npz"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, empty but for the small data set."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def search(tiny):
    """Options of a search whose trials take a fraction of a second each."""
    return [
        "-s", f"dataset.source={tiny}", "-s", "dataset.validation=30", "-s", "network.weight_init=he",
        "-s", "training.batch_size=10", "-s", "training.iterations=60", "-s",
        "training.evaluate_every=20", "-s", "optimizer.learning_rate=log(0.001, 1)", "-s",
        "network.hidden=choice([4], [8], [8, 4])",
    ]  # fmt: skip
