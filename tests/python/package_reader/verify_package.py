#!/usr/bin/env python3
"""Verifies one evidence package, a container file or a folder, with nothing of Rogatory's but its specification.

    python3 tests/python/package_reader/verify_package.py PK.asice --trust anchors.pem [--identity key.txt] [--at 2026-11-22T14:20:00Z]

Exit codes: 0 accepted, 1 refused (every failure is printed with its part), 2 usage, 75 not read: something is missing here.
"""

import argparse
import datetime
import sys
from pathlib import Path

from cryptography import x509

import age_file
from package import Given, Verdict, verify
from refusal import NotRead


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies one evidence package after its specification.")
    parser.add_argument("package", type=Path)
    parser.add_argument(
        "--trust",
        type=Path,
        help="PEM file with the anchors; without it nobody vouches for the signers, and the package is refused",
    )
    parser.add_argument(
        "--identity", type=Path, help="file with an age identity; without it index and contents are not checked"
    )
    parser.add_argument("--at", help="the instant of verification; now if absent")
    parser.add_argument("--require", action="append", default=[], choices=["seal", "contents"])
    arguments = parser.parse_args()
    try:
        verdict = verify(arguments.package, read_given(arguments))
    except NotRead as reason:
        verdict = Verdict(not_read=[str(reason)])
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for line in verdict.report:
        print(line)
    for failure in verdict.failures:
        print(f"refused: {failure}")
    for reason in verdict.not_read:
        print(f"not read: {reason}")
    if verdict.accepted():
        print("accepted")
        return 0
    return 1 if verdict.failures else 75


def read_given(arguments) -> Given:
    now = datetime.datetime.now(datetime.timezone.utc)
    return Given(
        anchors=x509.load_pem_x509_certificates(arguments.trust.read_bytes()) if arguments.trust else None,
        at=datetime.datetime.fromisoformat(arguments.at.replace("Z", "+00:00")) if arguments.at else now,
        identity=age_file.read_identity(arguments.identity.read_text(encoding="ascii")) if arguments.identity else None,
        require=frozenset(arguments.require),
    )


if __name__ == "__main__":
    sys.exit(main())
