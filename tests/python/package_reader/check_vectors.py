#!/usr/bin/env python3
"""Runs the reader over vectors of evidence packages and compares what it says with what each vector's text demands.

    python3 tests/python/package_reader/check_vectors.py tests/vectors/package

Every `.txt` of the folder is a vector (`tests/vectors/README.md`). Exit codes: 0 every vector agrees, 1 one does not, 2 usage.
A vector that this reader cannot judge is named, and counts as one that does not agree; but where `cryptography` has no ML-KEM, those that
are opened with a hybrid identity are named, counted apart, and never as read.
"""

import argparse
import datetime
import re
import sys
from pathlib import Path

from cryptography import x509

import age_file
from package import Given, Verdict, verify
from refusal import NotRead

OBJECT = re.compile(r"(?:[\w-]+/)?[\w.-]+\.(?:age|json|txt|xml|p7s|files)|container", re.ASCII)
NO_HYBRID = "not read: hybrid"
FIELDS = {"expect", "part", "file", "trust", "at", "identity", "require", "says"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares a second reader of evidence packages with the vectors.")
    parser.add_argument("folder", type=Path, help="a folder of vectors")
    parser.add_argument("--verbose", action="store_true", help="print what is said of every vector")
    arguments = parser.parse_args()
    texts = sorted(arguments.folder.glob("*.txt"))
    if not texts:
        print(f"error: no vector in `{arguments.folder}`", file=sys.stderr)
        return 2
    disagreed, hybrid = [], []
    for text in texts:
        outcome, said = check(text)
        if outcome == NO_HYBRID:
            hybrid.append(text.stem)
        elif outcome:
            disagreed.append(text.stem)
        if outcome or arguments.verbose:
            print(f"{text.stem}: {outcome or 'agrees'}")
            for line in said:
                print(f"    {line}")
    if hybrid:
        print(f"not read, hybrid: {', '.join(hybrid)}")
    print(
        f"{len(texts) - len(disagreed) - len(hybrid)} of {len(texts)} vectors agree, {len(hybrid)} are of hybrid keys and were not read"
    )
    return 1 if disagreed else 0


def check(text: Path) -> tuple[str, list[str]]:
    """What disagrees, empty if nothing does, and what the reader said."""
    fields = read_fields(text)
    if unknown := set(fields) - FIELDS:
        return f"it has fields that are unknown here: {', '.join(sorted(unknown))}", []
    folder = text.parent
    package = folder / fields.get("file", text.stem + ".asice")
    if not package.exists():
        package = folder / text.stem
    try:
        verdict = verify(package, read_given(fields, folder))
    except NotRead as reason:
        verdict = Verdict(not_read=[str(reason)])
    said = [
        *verdict.report,
        *(str(failure) for failure in verdict.failures),
        *(f"not read: {reason}" for reason in verdict.not_read),
    ]
    if verdict.not_read and "hybrid" in fields["identity"]:
        return NO_HYBRID, said
    return judge(fields, verdict), said


def judge(fields: dict[str, str], verdict: Verdict) -> str:
    if verdict.not_read:
        return "it could not be read"
    if fields["expect"] == "accept":
        if not verdict.accepted():
            return "it must be accepted"
        says = fields.get("says")
        return "" if says is None or any(says in line for line in verdict.report) else f"the report does not say {says!r}"
    if fields["expect"] != "refuse" or "part" not in fields:
        return "its text does not say what must happen"
    if verdict.accepted():
        return "it must be refused"
    part = fields["part"]
    if OBJECT.fullmatch(part):
        named = any(failure.part == part for failure in verdict.failures)
    else:
        named = any(part in str(failure) for failure in verdict.failures)
    return "" if named else f"the refusal must name {part!r}"


def read_fields(text: Path) -> dict[str, str]:
    fields = {}
    for line in text.read_text(encoding="utf-8").split("\n\n", 1)[0].splitlines():
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields


def read_given(fields: dict[str, str], folder: Path) -> Given:
    trust, identity = fields["trust"], fields["identity"]
    return Given(
        anchors=None if trust == "none" else x509.load_pem_x509_certificates((folder / trust).read_bytes()),
        at=datetime.datetime.fromisoformat(fields["at"].replace("Z", "+00:00")),
        identity=None if identity == "none" else age_file.read_identity((folder / identity).read_text(encoding="ascii")),
        require=frozenset(fields.get("require", "").split()),
    )


if __name__ == "__main__":
    sys.exit(main())
