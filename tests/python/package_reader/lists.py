"""Lists of digests (section 2) and ASiC manifests (container.md section 4)."""

import base64
import re
from typing import Iterable

from refusal import Refused, demand

LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")
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
DIGEST_VALUE = re.compile(r"    <ds:DigestValue>([A-Za-z0-9+/]{43}=)</ds:DigestValue>\n")


def read_list(text: bytes, names: Iterable[str] | None, part: str) -> dict[str, str]:
    """Digests by name in their order; `names`, if given, are exactly those that must stand there."""
    try:
        lines = text.decode("ascii").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise Refused(part, "it is no list of digests") from error
    digests: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = LINE.fullmatch(line)
        if not match:
            raise Refused(part, f"line {number} is no digest with a name")
        demand(match[2] not in digests, part, f"{match[2]} stands there twice")
        digests[match[2]] = match[1]
    if names is not None:
        wanted = list(names)
        demand(list(digests) == wanted, part, "it does not name exactly what it must, in this order: " + first_difference(list(digests), wanted))
    return digests


def read_manifest(text: bytes, signature: str, names: list[str], part: str) -> dict[str, str]:
    """Digests by name of a manifest without media types, which must name exactly `names` in this order (M1 to M4)."""
    lines = iter(text.decode("utf-8", "replace").splitlines(keepends=True))
    digests: dict[str, str] = {}

    def expect(lines_wanted: str) -> None:
        for wanted in lines_wanted.splitlines(keepends=True):
            found = next(lines, "")
            demand(found == wanted, part, f"there stands {found.strip()!r} instead of {wanted.strip()!r}")

    expect(HEAD.format(signature))
    for name in names:
        before, _, after = REFERENCE.format(name, "*").partition("    <ds:DigestValue>*</ds:DigestValue>\n")
        expect(before)
        match = DIGEST_VALUE.fullmatch(next(lines, ""))
        demand(match is not None, part, f"the digest of {name} is not in base64")
        value = base64.b64decode(match[1])
        demand(base64.b64encode(value).decode() == match[1], part, f"the base64 of the digest of {name} is not the one form (M4)")
        expect(after)
        digests[name] = value.hex()
    expect(TAIL)
    demand(next(lines, None) is None, part, "something stands behind its end")
    return digests


def first_difference(found: list[str], wanted: list[str]) -> str:
    for place, name in enumerate(wanted):
        if place >= len(found):
            return f"{name} is missing"
        if found[place] != name:
            return f"there stands {found[place]} instead of {name}"
    return f"{found[len(wanted)]} stands there too" if len(found) > len(wanted) else "nothing"
