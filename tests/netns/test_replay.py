"""Packets of the tunnel that were caught on the way and come again: nothing of them reaches a network behind it.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB

The router has seen it all, and sends it again: in order, shuffled, to where it came from, and to an end with newer keys. With
ISTHMUS_SOAK=1 these are a million packets, which takes longer than the keys last.
"""
from support.ground import dropped, ground_by_ipv4
from support.netns import FELLINI_OUT, POLANSKI_OUT, wait_until
from support.numbered import ECT, Numbered
from support.resend import captured, reflected, resend, rewritten, shuffled
from support.soak import soaked

ALONE = "it sends a long recording again while traffic goes on"

COUNT = soaked(3000, 1_000_000)
PER_SECOND = soaked(1000, 2000)
OLD = soaked(("replayed",), ("replayed", "unknown-spi"))  # why; of keys that are gone the SPI is unknown
MOST = 0.8  # of what is sent: the kernel may lose some before a busy end reads it


def caught(ground, flow):
    """The tunnel's packets to polanski while hostB gets `COUNT` datagrams."""
    with ground.topology.capture("router", "fellini0", f"udp and dst host {POLANSKI_OUT}") as path:
        flow.send(COUNT, PER_SECOND)
    packets = captured(path)
    assert len(packets) >= COUNT and max(map(len, packets)) <= 1500
    return packets


def send_again(ground, packets, end, *whys):
    """Sends the packets from the router, and waits until `end` says that it has dropped most of them for these reasons."""
    def count():
        return sum(dropped(end, why) for why in whys)
    before = count()
    resend(ground.topology, packets)
    wait_until(lambda: count() - before >= MOST * len(packets), 5, what=f"{whys} at {end.host}")


def ends_of(ground):
    """(address, port) of either end's datagrams."""
    at = ((ground.near, FELLINI_OUT), (ground.far, POLANSKI_OUT))
    return tuple((address, end.sessions()[0]["udp_port"]) for end, address in at)


def test_what_comes_again_is_delivered_once(isthmus):
    with ground_by_ipv4(isthmus, trains=False) as ground, Numbered(ground.topology, ECT) as flow:
        packets, remotes = caught(ground, flow), ground.remotes()
        send_again(ground, packets, ground.far, *OLD)
        send_again(ground, shuffled(packets), ground.far, *OLD)
        send_again(ground, [reflected(packet) for packet in packets], ground.near, "unknown-spi")
        send_again(ground, [rewritten(packet, source=("193.6.36.99", 4500)) for packet in packets], ground.far, *OLD)
        assert ground.remotes() == remotes and ground.paths() == ["datagram", "datagram"]
        flow.send(100)  # after all that it still goes on

        # A join anew has keys of its own; the datagrams' ports may be others too.
        ground.end()
        with ground.joined():
            ground.wait_datagrams(30)
            between = ends_of(ground)
            send_again(ground, [rewritten(packet, *between) for packet in packets], ground.far, "unknown-spi")
            assert ground.paths() == ["datagram", "datagram"]
            arrived = flow.arrived()
        assert (arrived.distinct, arrived.repeated, arrived.corrupt) == (COUNT + 100, 0, 0)
