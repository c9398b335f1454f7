"""The ground of the tests that run the program: made once a file."""
import pytest

from support.joins import CalledEnd, Near, acquaint
from support.netns import Topology


@pytest.fixture(scope="module")
def near(isthmus):
    """Both sites, and the program on fellini with an sshd to call on polanski."""
    with Topology() as topology, CalledEnd(topology, isthmus) as server:
        acquaint(topology)
        yield Near(topology, isthmus, server)
