"""Lists of digests (section 2) and ASiC manifests (container.md section 4)."""

import base64
import io
import re
from typing import Iterable

from refusal import demand

LINE = re.compile(rb"([0-9a-f]{64})  ([!-~]+)\n")
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n'
    '  <asic:SigReference URI="{}" MimeType="application/pkcs7-signature"/>\n'
)
REFERENCE = (
    '  <asic:DataObjectReference URI="{}">\n'
    '    <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>\n'
    "    <ds:DigestValue>{}</ds:DigestValue>\n"
    "  </asic:DataObjectReference>\n"
)
TAIL = "</asic:ASiCManifest>\n"
DIGEST_VALUE = re.compile(rb"    <ds:DigestValue>([A-Za-z0-9+/]{43}=)</ds:DigestValue>\n")


def read_list(text: bytes, names: Iterable[str] | None, part: str) -> dict[str, str]:
    """Digests by name in their order; `names`, if given, are exactly those that must stand there."""
    digests: dict[str, str] = {}
    for number, line in enumerate(io.BytesIO(text), 1):
        match = LINE.fullmatch(line)
        demand(match is not None, part, f"line {number} is no digest with a name")
        name = match[2].decode("ascii")
        demand(name not in digests, part, f"{name} stands there twice")
        digests[name] = match[1].decode("ascii")
    if names is not None:
        wanted = list(names)
        demand(
            list(digests) == wanted,
            part,
            "it does not name exactly what it must, in this order: " + first_difference(list(digests), wanted),
        )
    return digests


def read_manifest(text: bytes, signature: str, names: list[str], part: str) -> dict[str, str]:
    """Digests by name of a manifest without media types, which must name exactly `names` in this order (M1 to M4)."""
    lines = io.BytesIO(text)
    digests: dict[str, str] = {}

    def expect(lines_wanted: str) -> None:
        for wanted in io.BytesIO(lines_wanted.encode("ascii")):
            found = lines.readline()
            demand(found == wanted, part, f"there stands {shown(found)!r} instead of {shown(wanted)!r}")

    expect(HEAD.format(signature))
    for name in names:
        before, _, after = REFERENCE.format(name, "*").partition("    <ds:DigestValue>*</ds:DigestValue>\n")
        expect(before)
        match = DIGEST_VALUE.fullmatch(lines.readline())
        demand(match is not None, part, f"the digest of {name} is not in base64")
        value = base64.b64decode(match[1])
        demand(base64.b64encode(value) == match[1], part, f"the base64 of the digest of {name} is not the one form (M4)")
        expect(after)
        digests[name] = value.hex()
    expect(TAIL)
    demand(not lines.readline(), part, "something stands behind its end")
    return digests


def shown(line: bytes) -> str:
    return line[:200].decode("utf-8", "replace").strip()


def first_difference(found: list[str], wanted: list[str]) -> str:
    for place, name in enumerate(wanted):
        if place >= len(found):
            return f"{name} is missing"
        if found[place] != name:
            return f"there stands {found[place]} instead of {name}"
    return f"{found[len(wanted)]} stands there too" if len(found) > len(wanted) else "nothing"
