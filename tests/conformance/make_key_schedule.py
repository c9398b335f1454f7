#!/usr/bin/python3
"""Writes key_schedule.txt: an exchange of keys as docs/protocol/vsnp.md and docs/design/keying.md describe it, worked out
with python3-cryptography and nothing of src. Usage: make_key_schedule.py > key_schedule.txt"""
import hashlib
import struct

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_SIZES = {1: 16, 2: 32, 3: 32}


def octets(label, count=32):
    return hashlib.sha512(label.encode()).digest()[:count]


def field(number, value):
    return struct.pack(">BH", number, len(value)) + value


def message(kind, *fields):
    body = b"".join(fields)
    return struct.pack(">BBH", 1, kind, 4 + len(body)) + body


def public(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def spis(*numbers):
    return b"".join(struct.pack(">I", number) for number in numbers)


def case(name, cipher, caller_workers, called_workers):
    print(f"case {name}")
    caller_key, called_key = octets(name + " caller key"), octets(name + " called key")
    caller, called = X25519PrivateKey.from_private_bytes(caller_key), X25519PrivateKey.from_private_bytes(called_key)
    caller_nonce, called_nonce = octets(name + " caller nonce"), octets(name + " called nonce")
    offer = message(12, field(24, struct.pack(">I", 7)), field(25, caller_nonce), field(26, public(caller)),
                    field(27, bytes([1, 2, 3])), field(29, bytes([0])), field(30, spis(*range(1000, 1000 + called_workers))))
    answer = message(13, field(24, struct.pack(">I", 7)), field(25, called_nonce), field(26, public(called)),
                     field(28, bytes([cipher])), field(29, bytes([0])), field(30, spis(*range(2000, 2000 + caller_workers))))
    secret = caller.exchange(X25519PublicKey.from_public_bytes(public(called)))
    extract = hmac.HMAC(caller_nonce + called_nonce, hashes.SHA256())
    extract.update(secret)
    prk = extract.finalize()
    transcript = hashlib.sha256(offer + answer).digest()
    print("cipher", cipher)
    print("caller_key", caller_key.hex())
    print("called_key", called_key.hex())
    print("offer", offer.hex())
    print("answer", answer.hex())
    for direction, workers in ((0, caller_workers), (1, called_workers)):
        for worker in range(workers):
            info = b"isthmus esp 1" + bytes([direction, worker]) + transcript
            size = KEY_SIZES[cipher]
            material = HKDFExpand(hashes.SHA256(), size + 4, info).derive(prk)
            print("sa", direction, worker, material[:size].hex(), material[size:].hex())
    print("end")


case("aes128", 1, 2, 1)
case("aes256", 2, 1, 3)
case("chacha", 3, 16, 16)
