"""Canonical JSON: section 2. Written again and compared, so that one value has one spelling."""

import base64
import binascii
import datetime
import json
import re
import unicodedata

from refusal import Refused, demand

DEEPEST = 12
LARGEST_NUMBER = (1 << 64) - 1
FIRST, LAST = "0001-01-01T00:00:00", "9999-12-30T22:00:00"
HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{0,5}[1-9])?Z", re.ASCII)
STRUCTURE = re.compile(r'[\\",\[\]{}]')
MOST_VALUES = 500_000  # a transmittal of 100,000 exhibits has 300,000


def read(text: bytes, part: str):
    """The value, an object. Its members are still to be compared with `members`."""
    try:
        string = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(part, "it is no UTF-8") from error
    judge_structure(string, part)
    try:
        value = json.loads(string, object_pairs_hook=pairs, parse_float=no_number, parse_constant=no_number)
        same = write(value) == text
    except (ValueError, RecursionError) as error:
        raise Refused(part, f"it is no canonical JSON: {error}") from error
    demand(same, part, "it is not the canonical form of its values")
    demand(isinstance(value, dict), part, "it is no object")
    return value


def judge_structure(text: str, part: str) -> None:
    """Bounds depth and number of values before the parser, which calls itself, sees them."""
    depth, values, in_string, escaped = 0, 0, False, -1
    for match in STRUCTURE.finditer(text):
        letter = match[0]
        if match.start() == escaped:
            continue
        if letter == "\\":
            escaped = match.end()
        elif letter == '"':
            in_string = not in_string
        elif not in_string:
            depth += 1 if letter in "[{" else -1 if letter in "]}" else 0
            values += letter in ",[{"
            demand(depth <= DEEPEST and values <= MOST_VALUES, part, "it holds too many values, or nests them too deeply")


def write(value) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def pairs(found):
    value = dict(found)
    if len(value) != len(found):
        raise ValueError("a member stands there twice")
    return value


def no_number(text):
    raise ValueError(f"{text} is no integer in plain decimal")


def members(value, names: str, part: str, what: str) -> None:
    """Demands exactly these members, in this order."""
    demand(isinstance(value, dict), part, f"{what} is no object")
    wanted = names.split()
    demand(list(value) == wanted, part, f"{what} has not exactly the members {', '.join(wanted)}, in this order")


def text(value, pattern: re.Pattern | str, part: str, what: str) -> str:
    demand(isinstance(value, str) and re.fullmatch(pattern, value) is not None, part, f"{what} is not formed as it must be")
    return value


def number(value, low: int, high: int, part: str, what: str) -> int:
    demand(
        isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
        part,
        f"{what} is no number from {low} to {high}",
    )
    return value


def instant(value, part: str, what: str) -> datetime.datetime:
    match = INSTANT.fullmatch(value) if isinstance(value, str) else None
    demand(match is not None and FIRST <= match[1] <= LAST, part, f"{what} is no instant in UTC")
    try:
        return datetime.datetime.fromisoformat(match[1] + (match[2] or "").ljust(7, "0") * bool(match[2]) + "+00:00")
    except ValueError as error:
        raise Refused(part, f"{what} is no instant") from error


def printable(value, longest: int, part: str, what: str) -> str:
    demand(
        isinstance(value, str)
        and 1 <= len(value) <= longest
        and value == value.strip()
        and not any(unicodedata.category(letter) == "Cc" for letter in value),
        part,
        f"{what} has not 1 to {longest} printable characters",
    )
    return value


def decode_base64(value, part: str, what: str) -> bytes:
    """Padded base64 in its one form."""
    demand(isinstance(value, str), part, f"{what} is no base64")
    try:
        decoded = base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Refused(part, f"{what} is no base64") from error
    demand(base64.b64encode(decoded).decode() == value, part, f"{what} is not the one form of base64")
    return decoded
