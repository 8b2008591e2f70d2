"""Bech32 (BIP173) without a limit of length, as age uses it."""

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
VALUES = {letter: value for value, letter in enumerate(LETTERS)}
GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def decode(text: str) -> tuple[str, bytes] | None:
    """Prefix and data; None if it is no Bech32."""
    if text not in (text.lower(), text.upper()) or not text.isascii():
        return None
    prefix, separator, data = text.lower().rpartition("1")
    values = [VALUES.get(letter, -1) for letter in data]
    if not separator or not prefix or len(values) < 6 or -1 in values or checksum(prefix, values) != 1:
        return None
    return convert(prefix, values[:-6])


def encode(prefix: str, data: bytes) -> str:
    bits = int.from_bytes(data, "big")
    length = -(-len(data) * 8 // 5)
    bits <<= length * 5 - len(data) * 8
    values = [bits >> 5 * (length - 1 - place) & 31 for place in range(length)]
    rest = checksum(prefix, values + [0] * 6) ^ 1
    values += [rest >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(LETTERS[value] for value in values)


def convert(prefix: str, values: list[int]) -> tuple[str, bytes] | None:
    held, bits, data = 0, 0, bytearray()
    for value in values:
        held, bits = held << 5 | value, bits + 5
        if bits >= 8:
            bits -= 8
            data.append(held >> bits)
            held &= (1 << bits) - 1
    return None if bits >= 5 or held else (prefix, bytes(data))


def checksum(prefix: str, values: list[int]) -> int:
    letters = [ord(letter) for letter in prefix]
    rest = 1
    for value in [letter >> 5 for letter in letters] + [0] + [letter & 31 for letter in letters] + values:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(GENERATORS):
            if top >> place & 1:
                rest ^= generator
    return rest
