"""Octets of a PPP stream as a capture file, and tshark's opinion of them."""
import json
import pathlib
import struct
import subprocess

# LINKTYPE_USER0; the preference below tells tshark that it means PPP in HDLC-like framing, flags and stuffing included.
DLT_PPP_STREAM = 147
PPP_PREFERENCES = ("uat:user_dlts:\"User 0 (DLT=147)\",\"ppp_raw_hdlc\",\"0\",\"\",\"0\",\"\"", "ppp.fcs_type:16-Bit")
FLAG = 0x7E


def split_frames(stream):
    """The frames of a stream, each with a flag at both ends; what precedes the first flag or follows the last is dropped."""
    pieces = bytes(stream).split(bytes([FLAG]))[1:-1]
    return [bytes([FLAG]) + piece + bytes([FLAG]) for piece in pieces if piece]


def unstuffed(frame):
    """Address, control, protocol, information and FCS of a frame as it lies in the stream."""
    octets = iter(frame.strip(bytes([FLAG])))
    return bytes(next(octets, 0) ^ 0x20 if octet == 0x7D else octet for octet in octets)


def fcs_is_good(frame):
    """RFC 1662 appendix C: the FCS over a good frame, its own FCS included, leaves 0xF0B8."""
    fcs = 0xFFFF
    for octet in unstuffed(frame):
        fcs ^= octet
        for _ in range(8):
            fcs = (fcs >> 1) ^ 0x8408 if fcs & 1 else fcs >> 1
    return fcs == 0xF0B8


def write(path, records, link_type=DLT_PPP_STREAM):
    """Writes a capture file with these records; each is octets, or (seconds, octets)."""
    path = pathlib.Path(path)
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
        for number, record in enumerate(records):
            seconds, octets = record if isinstance(record, tuple) else (number / 1000, record)
            out.write(struct.pack("<IIII", int(seconds), int(seconds % 1 * 1e6), len(octets), len(octets)))
            out.write(octets)
    return path


def read(path):
    """The octets of each record of a capture file that this machine wrote."""
    octets = pathlib.Path(path).read_bytes()
    records, at = [], 24
    while at + 16 <= len(octets):
        length = struct.unpack_from("<I", octets, at + 8)[0]
        records.append(octets[at + 16:at + 16 + length])
        at += 16 + length
    return records


def dissect(path, *preferences, display_filter=None, decode_as=()):
    """What tshark makes of a capture: a list of packets, each a dictionary of protocol layers."""
    argv = ["tshark", "-n", "-r", str(path), "-T", "json", "--no-duplicate-keys"]
    for preference in (*PPP_PREFERENCES, *preferences):
        argv += ["-o", preference]
    for rule in decode_as:
        argv += ["-d", rule]
    argv += ["-Y", display_filter] if display_filter else []
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    if result.returncode != 0:
        raise AssertionError(f"tshark: {result.stderr}")
    return [packet["_source"]["layers"] for packet in json.loads(result.stdout)]


def dissect_stream(path, stream):
    """tshark's view of a stream of octets, frame by frame; the capture is written to `path`."""
    return dissect(write(path, split_frames(stream)))


def complaints(packets):
    """What tshark holds against the frames: a wrong FCS, no PPP at all, or a warning about what is inside."""
    found = []
    for number, layers in enumerate(packets, 1):
        ppp = layers.get("ppp")
        if not isinstance(ppp, dict):
            found.append(f"frame {number}: not PPP: {list(layers)}")
        elif ppp.get("ppp.fcs.status") != "1":
            found.append(f"frame {number}: FCS status {ppp.get('ppp.fcs.status')}")
        found += [f"frame {number}: {message}" for message in _expert_messages(layers)]
    return found


def _expert_messages(node):
    if isinstance(node, list):
        for child in node:
            yield from _expert_messages(child)
    elif isinstance(node, dict):
        if "_ws.expert.message" in node:
            yield node["_ws.expert.message"]
        for child in node.values():
            yield from _expert_messages(child)
