"""The transmittal: section 4, and 12.1 of derived packages."""

import hashlib
import re
from dataclasses import dataclass

import canonical
from age_file import CLASSICAL, HYBRID, recipient_kind
from refusal import demand

LIMIT = 64 << 20
MEMBERS = "format profile kind encryption order reference sender recipients recovery origin exhibits salt created_time"
ORDER = re.compile(r"([A-Z]{2}(?:-[0-9A-HJKMNP-TV-Z]{4}){4})-([0-9]{2})", re.ASCII)
SEGMENT = r"[a-z0-9][a-z0-9-]{0,62}"
INSTITUTION = re.compile(f"[a-z]{{2}}/{SEGMENT}", re.ASCII)
OFFICER = re.compile(f"{INSTITUTION.pattern}/officer/{SEGMENT}", re.ASCII)
EXHIBIT = re.compile(r"EX-(\d{4}|[1-9]\d{4,5})", re.ASCII)
EXHIBITS = 100_000
RECIPIENTS = 100
ALL_EXHIBITS = 64 << 40


@dataclass(frozen=True)
class Transmittal:
    text: bytes
    value: dict
    recipients: list[str]
    exhibits: dict[str, int]

    def kind(self) -> str:
        return self.value["kind"]

    def differences(self, other: "Transmittal") -> list[str]:
        return [name for name, value in self.value.items() if other.value[name] != value]


def read(text: bytes, part: str) -> Transmittal:
    value = canonical.read(text, part)
    canonical.members(value, MEMBERS, part, "the transmittal")
    canonical.number(value["format"], 1, 1, part, "format")
    canonical.number(value["profile"], 1, 1, part, "profile")
    kind, encryption = value["kind"], value["encryption"]
    demand(kind in ("original", "rewrap", "disclosure"), part, "kind is none of the three")
    demand(encryption in (CLASSICAL, HYBRID), part, "encryption is none of the two")
    if value["order"] is not None:
        judge_order(value["order"], part)
        demand(kind == "original", part, "order is not null (12.1)")
    if value["reference"] is not None:
        canonical.printable(value["reference"], 120, part, "reference")
    canonical.members(value["sender"], "institution certificate_sha256", part, "sender")
    if value["sender"]["institution"] is not None:
        canonical.text(value["sender"]["institution"], INSTITUTION, part, "sender.institution")
    canonical.text(value["sender"]["certificate_sha256"], canonical.HEX_DIGEST, part, "sender.certificate_sha256")
    recipients = read_recipients(value["recipients"], encryption, part, "recipients") + read_recovery(
        value["recovery"], encryption, part
    )
    demand(len(recipients) <= RECIPIENTS, part, f"there are more than {RECIPIENTS} recipients")
    demand(len(set(recipients)) == len(recipients), part, "a recipient stands there twice")
    read_origin(value["origin"], kind, part)
    exhibits = read_exhibits(value["exhibits"], kind, part)
    canonical.text(value["salt"], canonical.HEX_DIGEST, part, "salt")
    canonical.instant(value["created_time"], part, "created_time")
    return Transmittal(text, value, recipients, exhibits)


def judge_order(value, part: str) -> None:
    """A shared number and its check digits: section 2."""
    match = ORDER.fullmatch(value) if isinstance(value, str) else None
    demand(match is not None, part, "order is no shared number")
    check = int(match[1].replace("-", ""), 36) % 97
    demand(int(match[2]) == check, part, "the check digits of order are others")


def read_recipients(value, encryption: str, part: str, what: str) -> list[str]:
    demand(isinstance(value, list) and bool(value), part, f"{what} is no list of one or more")
    demand(len(value) <= RECIPIENTS, part, f"{what} has more than {RECIPIENTS}")
    for one in value:
        canonical.members(one, "institution officer recipient fingerprint", part, f"one of {what}")
        if one["institution"] is not None:
            canonical.text(one["institution"], INSTITUTION, part, f"institution of one of {what}")
        if one["officer"] is not None:
            canonical.text(one["officer"], OFFICER, part, f"officer of one of {what}")
        recipient = one["recipient"]
        found = recipient_kind(recipient) if isinstance(recipient, str) else None
        demand(found == encryption, part, f"one of {what} is no recipient of the kind {encryption}")
        right = hashlib.sha256(recipient.encode()).hexdigest()
        demand(one["fingerprint"] == right, part, f"the fingerprint of one of {what} is another")
    return [one["recipient"] for one in value]


def read_recovery(value, encryption: str, part: str) -> list[str]:
    if value == "no-office-configured":
        return []
    demand(isinstance(value, dict) and len(value) == 1, part, "recovery is none of its three forms")
    if "waived" in value:
        canonical.members(value["waived"], "reason", part, "recovery.waived")
        canonical.printable(value["waived"]["reason"], 500, part, "recovery.waived.reason")
        return []
    canonical.members(value, "recipients", part, "recovery")
    return read_recipients(value["recipients"], encryption, part, "recovery.recipients")


def read_origin(value, kind: str, part: str) -> None:
    demand((value is None) == (kind == "original"), part, "origin is null exactly in an original")
    if value is not None:
        canonical.members(value, "manifest_sha256 made_from", part, "origin")
        canonical.text(value["manifest_sha256"], canonical.HEX_DIGEST, part, "origin.manifest_sha256")
        if value["made_from"] is not None:
            canonical.text(value["made_from"], canonical.HEX_DIGEST, part, "origin.made_from")
            demand(
                value["made_from"] != value["manifest_sha256"], part, "origin.made_from equals origin.manifest_sha256 (12.1)"
            )


def read_exhibits(value, kind: str, part: str) -> dict[str, int]:
    demand(isinstance(value, list) and 1 <= len(value) <= EXHIBITS, part, f"exhibits are not 1 to {EXHIBITS}")
    exhibits: dict[str, int] = {}
    last = 0
    for one in value:
        canonical.members(one, "name size_bytes", part, "an exhibit")
        name = canonical.text(one["name"], EXHIBIT, part, "the name of an exhibit")
        number = int(name.removeprefix("EX-"))
        rising = last < number <= EXHIBITS if kind == "disclosure" else number == last + 1
        demand(rising, part, f"{name} does not stand where it must")
        exhibits[name] = canonical.number(one["size_bytes"], 0, ALL_EXHIBITS, part, "size_bytes")
        last = number
    demand(sum(exhibits.values()) <= ALL_EXHIBITS, part, "the exhibits are larger than 64 TiB together")
    return exhibits
