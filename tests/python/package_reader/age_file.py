"""Age files: C2SP age, as strictly as section 5 demands. Headers, the two kinds of keys, payloads."""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Iterator

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import bech32
from objects import Stream
from refusal import NotRead, Refused, demand

try:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
except ImportError:
    MLKEM768PrivateKey = None

VERSION = b"age-encryption.org/v1\n"
CLASSICAL = "x25519"
HYBRID = "mlkem768x25519"
KIND_OF_STANZA = {b"X25519": CLASSICAL, b"mlkem768x25519": HYBRID}
SHARE_LENGTH = {CLASSICAL: 32, HYBRID: 1120}
RECIPIENT = re.compile(r"age1[a-z0-9]*", re.ASCII)
HEADER_BYTES = 256 * 1024
HEADER_LINES = 1000
CHUNK = 64 * 1024
TAG = 16
HPKE_SUITE = b"HPKE" + bytes.fromhex("647a00010003")  # MLKEM768-X25519, HKDF-SHA256, ChaCha20Poly1305
HPKE_INFO = b"age-encryption.org/mlkem768x25519"


class Malformed(Exception):
    """A stanza that makes its header none, also where another one opens it."""


@dataclass(frozen=True)
class Stanza:
    arguments: list[bytes]
    body: bytes


@dataclass(frozen=True)
class Header:
    kind: str
    stanzas: list[Stanza]
    covered: bytes
    mac: bytes


def recipient_kind(text: str) -> str | None:
    """Of which kind a recipient is, by its beginning; None if it is none. Whether it is a key nobody judges (section 4)."""
    if len(text) > 4096 or not RECIPIENT.fullmatch(text):
        return None
    return HYBRID if text.startswith("age1pq1") else CLASSICAL


def read_header(stream: Stream, part: str) -> Header:
    """Reads a header and judges what needs no key: its grammar and its stanzas (5.2, 5.4)."""
    covered = bytearray()
    lines = 0

    def next_line() -> bytes:
        nonlocal lines
        line = stream.line(HEADER_BYTES - len(covered))
        lines += 1
        demand(line is not None and line.endswith(b"\n"), part, "its header does not end, or has more than 256 KiB")
        demand(lines <= HEADER_LINES, part, f"its header has more than {HEADER_LINES} lines")
        covered.extend(line)
        return line[:-1]

    demand(next_line() + b"\n" == VERSION, part, "it is no age file of version 1 (or in armor)")
    stanzas: list[Stanza] = []
    while not (line := next_line()).startswith(b"---"):
        demand(line.startswith(b"-> "), part, "a line of its header is no stanza")
        arguments = line[3:].split(b" ")
        good = all(argument and all(0x21 <= byte <= 0x7E for byte in argument) for argument in arguments)
        demand(good, part, "the arguments of a stanza are not printable words")
        body = bytearray()
        while True:
            piece = next_line()
            demand(len(piece) <= 64, part, "a line of a stanza's body is too long")
            body += piece
            if len(piece) < 64:
                break
        stanzas.append(Stanza(arguments, unpadded(bytes(body), part)))
    demand(bool(stanzas), part, "its header has no stanza")
    demand(line.startswith(b"--- ") and len(line) == 47, part, "the MAC of its header is not formed as it must be")
    mac = unpadded(line[4:], part)
    return Header(judge_stanzas(stanzas, part), stanzas, bytes(covered[: -len(line) - 1]) + b"---", mac)


def judge_stanzas(stanzas: list[Stanza], part: str) -> str:
    kinds = set()
    for stanza in stanzas:
        name = stanza.arguments[0]
        if name.endswith(b"-grease"):
            continue
        demand(name != b"scrypt", part, "it is encrypted with a passphrase (5.4)")
        kind = KIND_OF_STANZA.get(name)
        demand(kind is not None, part, f"it has a stanza of an unknown kind, {name.decode('ascii')}")
        share = unpadded(stanza.arguments[1], part) if len(stanza.arguments) == 2 else b""
        demand(
            len(share) == SHARE_LENGTH[kind] and len(stanza.body) == 32,
            part,
            f"a stanza {name.decode('ascii')} is not formed as it must be",
        )
        kinds.add(kind)
    demand(len(kinds) < 2, part, "stanzas of both kinds, X25519 and mlkem768x25519, stand side by side (5.2)")
    demand(len(kinds) == 1, part, "it is encrypted to nobody")
    return kinds.pop()


def unpadded(text: bytes, part: str) -> bytes:
    try:
        decoded = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise Refused(part, "its header holds something that is no base64") from error
    demand(base64.b64encode(decoded).rstrip(b"=") == text, part, "base64 in its header is not in the one form")
    return decoded


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


class ClassicalIdentity:
    kind = CLASSICAL

    def __init__(self, secret: bytes):
        self.key = X25519PrivateKey.from_private_bytes(secret)
        self.public = self.key.public_key().public_bytes_raw()
        self.recipient = bech32.encode("age", self.public)

    def unwrap(self, share: bytes, body: bytes) -> bytes | None:
        try:
            shared = self.key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError as error:
            raise Malformed("a share of low order") from error
        return unseal(hkdf(shared, share + self.public, b"age-encryption.org/v1/X25519"), bytes(12), body)


class HybridIdentity:
    kind = HYBRID

    def __init__(self, seed: bytes):
        expanded = hashlib.shake_256(seed).digest(96)
        try:
            if MLKEM768PrivateKey is None:
                raise UnsupportedAlgorithm("an old version of it")
            self.lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        except UnsupportedAlgorithm as error:
            raise NotRead("hybrid: this `cryptography` has no ML-KEM-768") from error
        self.curve = X25519PrivateKey.from_private_bytes(expanded[64:])
        self.public_curve = self.curve.public_key().public_bytes_raw()
        self.recipient = bech32.encode("age1pq", self.lattice.public_key().public_bytes_raw() + self.public_curve)

    def unwrap(self, share: bytes, body: bytes) -> bytes | None:
        of_lattice, of_curve = share[:1088], share[1088:]
        try:
            shared_curve = self.curve.exchange(X25519PublicKey.from_public_bytes(of_curve))
        except ValueError as error:
            raise Malformed("a share of low order") from error
        secret = hashlib.sha3_256(
            self.lattice.decapsulate(of_lattice) + shared_curve + of_curve + self.public_curve + b"\\.//^\\"
        ).digest()
        context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", HPKE_INFO)
        scheduled = extract(secret, b"secret", b"")
        return unseal(expand(scheduled, b"key", context, 32), expand(scheduled, b"base_nonce", context, 12), body)


def extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
    """LabeledExtract of RFC 9180."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + HPKE_SUITE + label + secret, "sha256")


def expand(key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180, for at most 32 bytes."""
    return hmac.digest(key, length.to_bytes(2, "big") + b"HPKE-v1" + HPKE_SUITE + label + info + b"\1", "sha256")[:length]


def unseal(key: bytes, nonce: bytes, body: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, body, None)
    except InvalidTag:
        return None


def read_identity(text: str):
    """The one identity of a file of them; lines with `#` are remarks."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    decoded = bech32.decode(lines[0]) if len(lines) == 1 else None
    makers = {"age-secret-key-": ClassicalIdentity, "age-secret-key-pq-": HybridIdentity}
    if decoded is None or decoded[0] not in makers or len(decoded[1]) != 32:
        raise ValueError("the file does not hold one age identity")
    return makers[decoded[0]](decoded[1])


def decrypt(stream: Stream, identity, part: str) -> Iterator[bytes]:
    """The plaintext, chunk by chunk, each authentic where it stands."""
    header = read_header(stream, part)
    file_key = None
    for stanza in header.stanzas:
        if KIND_OF_STANZA.get(stanza.arguments[0]) == identity.kind and file_key is None:
            try:
                file_key = identity.unwrap(unpadded(stanza.arguments[1], part), stanza.body)
            except Malformed as reason:
                raise Refused(part, f"its header has a stanza with {reason}") from reason
    demand(file_key is not None, part, "the identity is none of its recipients")
    mac = hmac.digest(hkdf(file_key, b"", b"header"), header.covered, "sha256")
    demand(hmac.compare_digest(mac, header.mac), part, "the MAC of its header is wrong")
    cipher = ChaCha20Poly1305(hkdf(file_key, stream.exactly(16, part), b"payload"))
    counter, chunk = 0, stream.read(CHUNK + TAG)
    while True:
        following = stream.read(CHUNK + TAG) if len(chunk) == CHUNK + TAG else b""
        last = not following
        try:
            plain = cipher.decrypt(counter.to_bytes(11, "big") + bytes([last]), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise Refused(part, f"chunk {counter} of its payload is not authentic, or the end is missing") from error
        demand(bool(plain) or counter == 0, part, "its last chunk is empty")
        yield plain
        if last:
            return
        counter, chunk = counter + 1, following
