"""Fixtures of the end-to-end tests. They need root, and say so instead of failing one by one."""
import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support.netns import Topology, unwind_on_sigterm  # noqa: E402
from support.sshd import Sshd  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent


class OutOfTime(BaseException):
    """The file's time is over. Not an Exception, so that no `except Exception` swallows it."""


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("the end-to-end tests make network namespaces: run them as root")
    unwind_on_sigterm()
    seconds = int(os.environ.get("ISTHMUS_TEST_SECONDS", "0"))

    def out_of_time(*_):
        raise OutOfTime(f"this test file took longer than {seconds} s")

    # Ahead of ctest's own time-out, which kills and leaves nobody to clean up.
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(seconds)


@pytest.fixture(scope="session")
def isthmus():
    """The path of the built program."""
    path = pathlib.Path(os.environ.get("ISTHMUS", ROOT / "build/release/bin/isthmus")).resolve()
    assert path.exists(), f"{path} is not built"
    return path


@pytest.fixture
def topology():
    """The two sites, fresh for each test."""
    with Topology() as made:
        yield made


@pytest.fixture
def sshd(topology):
    """An OpenSSH server on polanski; fellini's key logs in as root."""
    with Sshd(topology, "polanski") as server:
        yield server
