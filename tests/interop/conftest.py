"""Fixtures of the interop tests: one guest serves a whole file."""
import pytest

from support.netns import Namespaces
from support.uml import Guest


@pytest.fixture(scope="module")
def caller():
    """A topology of one host, `caller`, for the guest to be joined to."""
    with Namespaces(["caller"]) as made:
        yield made


@pytest.fixture(scope="module")
def guest(caller):
    """A user-mode-linux guest with the kernel's PPP, joined to `caller`."""
    with Guest(caller, "caller") as booted:
        yield booted
