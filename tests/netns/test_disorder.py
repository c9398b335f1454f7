"""A way that loses, doubles, reorders and corrupts packets at once: the networks behind it see the loss and nothing else.

    hostA ── fellini (isthmus up) ─── router (delay_relay each way) ─── polanski (sshd) ── hostB

With ISTHMUS_SOAK=1 it is ten minutes instead of fifteen seconds, in which keys change every ten seconds.
"""
from support.ground import dropped, ground_by_ipv4, newest_generation
from support.numbered import Numbered
from support.soak import IS_SOAK, soaked
from support.wan import Line, Wan, relay_beside

ALONE = "losses are compared with those that were injected"

COUNT, PER_SECOND = soaked(12_000, 480_000), 800
REKEY_AFTER = 10  # s
WORDS = soaked((), ("--rekey-after", f"{REKEY_AFTER}s"))
# Of the short form's trials one point is five standard deviations, and what a busy machine may lose more.
LOST, ERROR = 0.051, soaked(0.010, 0.005)
DISORDER = Line(delay_ms=20, loss_per_mille=50, duplicated_per_mille=20, reordered_per_mille=250, corrupted_per_mille=1, seed=7)


# So that the tunnel judges what was corrupted, and not the checksum of UDP.
NO_CHECKSUM = "meta l4proto udp udp checksum set 0"


def test_of_disorder_only_the_loss_goes_through(isthmus):
    with ground_by_ipv4(isthmus, *WORDS) as ground, Numbered(ground.topology) as flow:
        with ground.router(NO_CHECKSUM, hook="postrouting"), Wan(ground.topology, relay_beside(isthmus), DISORDER):
            flow.send(COUNT, PER_SECOND)
            assert ground.paths() == ["datagram", "datagram"]
            arrived = flow.arrived()
        assert (arrived.repeated, arrived.corrupt) == (0, 0)
        assert arrived.late > COUNT / 10  # it was in disorder
        assert (LOST - ERROR) * COUNT <= COUNT - arrived.distinct <= (LOST + ERROR) * COUNT, arrived
        # A second copy is dropped, and nothing that only came late: that would be thousands.
        assert 0.013 * COUNT <= dropped(ground.far, "replayed") <= 0.027 * COUNT
        assert 0 < dropped(ground.far, "not-authentic") <= 0.005 * COUNT
        assert not IS_SOAK or newest_generation(ground.near) >= 0.8 * COUNT / PER_SECOND / REKEY_AFTER
