"""DER, as far as signatures need it: reading one value at a time, and writing. Never calls itself on what it reads."""

from dataclasses import dataclass

SEQUENCE, SET, INTEGER, OID, OCTETS, NULL, UTF8 = 0x30, 0x31, 0x02, 0x06, 0x04, 0x05, 0x0C
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18


class Malformed(Exception):
    """Not the DER that was expected."""


@dataclass(frozen=True)
class Value:
    tag: int
    content: bytes
    whole: bytes


class Cursor:
    """Walks over values that stand one after another."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def more(self) -> bool:
        return self.position < len(self.data)

    def take(self, tag: int | None = None) -> Value:
        start, data = self.position, self.data
        if len(data) < start + 2:
            raise Malformed("a value ends early")
        found, length, position = data[start], data[start + 1], start + 2
        if found & 0x1F == 0x1F:
            raise Malformed("a tag of several bytes")
        if length & 0x80:
            count = length & 0x7F
            raw = data[position : position + count]
            if not 1 <= count <= 4 or len(raw) != count or raw[0] == 0 or (count == 1 and raw[0] < 0x80):
                raise Malformed("a length is not in its shortest form")
            length, position = int.from_bytes(raw, "big"), position + count
        end = position + length
        if end > len(data):
            raise Malformed("a value goes beyond what holds it")
        if tag is not None and found != tag:
            raise Malformed(f"tag {found:#x} instead of {tag:#x}")
        self.position = end
        return Value(found, data[position:end], data[start:end])

    def inside(self, tag: int) -> "Cursor":
        return Cursor(self.take(tag).content)

    def end(self) -> None:
        if self.more():
            raise Malformed("something stands behind the last value")


def encode(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    raw = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(raw)]) + raw + content


def sequence(*values: bytes) -> bytes:
    return encode(SEQUENCE, b"".join(values))


def set_of(values: list[bytes], tag: int = SET) -> bytes:
    return encode(tag, b"".join(sorted(values)))


def integer(value: int) -> bytes:
    """A number that is not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    numbers = [int(number) for number in dotted.split(".")]
    content = bytearray()
    for number in [numbers[0] * 40 + numbers[1], *numbers[2:]]:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return encode(OID, bytes(content))
