"""Acquisition facts of a record: 6.8, with the values and limits of the reference it names."""

import datetime
import re

import canonical
from refusal import Refused, demand

LARGEST = 16 * 1024
MEMBERS = (
    "category media_type languages source_system source_description source_device account_identifiers time_range time_zone acquired_by acquired_time "
    "legal_basis method method_description tools transformations completeness limits privileged victim original_digests custody_statement"
)
CATEGORIES = "subscriber id-only traffic content domain-registration real-time-traffic real-time-content bank other"
METHODS = "physical-image file-system-extraction logical-extraction live-capture network-capture provider-export cloud-export query copy manual-capture other"
COMPLETENESS = "complete partial unknown"
DIGITS = {"md5": 32, "sha-1": 40, "sha-256": 64, "sha-512": 128}
MEDIA_TYPE = re.compile(r"[A-Za-z0-9._+-]+/[A-Za-z0-9._+-]+", re.ASCII)
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
TIME_ZONE = re.compile(r"UTC|[+-]\d\d:\d\d|[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Facts:
    """Judges one statement; `part` is the record that holds it."""

    def __init__(self, part: str):
        self.part = part

    def judge(self, facts, is_folder: bool, sha256: str) -> None:
        part = self.part
        canonical.members(facts, MEMBERS, part, "acquisition")
        demand(len(canonical.write(facts)) <= LARGEST, part, "acquisition has more than 16 KiB")
        demand(any(value is not None and value != [] for value in facts.values()), part, "acquisition states nothing")
        self.word(facts["category"], CATEGORIES, "category")
        self.word(facts["method"], METHODS, "method")
        self.word(facts["completeness"], COMPLETENESS, "completeness")
        self.form(facts["media_type"], MEDIA_TYPE, "media_type")
        self.form(facts["time_zone"], TIME_ZONE, "time_zone")
        for name in ("source_system", "legal_basis"):
            self.line(facts[name], name)
        for name in ("source_description", "method_description", "limits"):
            self.text(facts[name], name)
        for name in ("privileged", "victim"):
            demand(facts[name] is None or isinstance(facts[name], bool), part, f"{name} is neither true nor false")
        if facts["acquired_time"] is not None:
            canonical.instant(facts["acquired_time"], part, "acquired_time")
        for language in self.list(facts["languages"], 20, "languages"):
            demand(language is not None, part, "one of languages is null")
            self.form(language, LANGUAGE, "one of languages")
        for step in self.list(facts["transformations"], 100, "transformations"):
            self.line(step, "one of transformations", required=True)
        self.lines(facts["source_device"], "type make model serial_number", "", "source_device", some=True)
        self.lines(facts["acquired_by"], "name organisation role", "name", "acquired_by")
        for account in self.list(facts["account_identifiers"], 100, "account_identifiers"):
            demand(account is not None, part, "one of account_identifiers is null")
            self.lines(account, "kind value", "value", "one of account_identifiers")
        for tool in self.list(facts["tools"], 20, "tools"):
            demand(tool is not None, part, "one of tools is null")
            self.lines(tool, "name version settings", "name", "one of tools")
        self.time_range(facts["time_range"])
        self.statement(facts["custody_statement"])
        self.digests(self.list(facts["original_digests"], 20, "original_digests"), is_folder, sha256)

    def list(self, value, longest: int, what: str) -> list:
        demand(isinstance(value, list) and len(value) <= longest, self.part, f"{what} is no list of at most {longest}")
        return value

    def word(self, value, words: str, what: str) -> None:
        demand(value is None or value in words.split(), self.part, f"{what} is none of its words")

    def form(self, value, pattern: re.Pattern, what: str) -> None:
        if value is not None:
            canonical.text(value, pattern, self.part, what)

    def text(self, value, what: str, required: bool = False, longest: int = 4000, breaks: bool = True) -> None:
        if value is None and not required:
            return
        good = isinstance(value, str) and 1 <= len(value) <= longest and value == value.strip()
        demand(
            good and not any(control(letter) and not (breaks and letter == "\n") for letter in value),
            self.part,
            f"{what} is no text as it must be",
        )

    def line(self, value, what: str, required: bool = False) -> None:
        self.text(value, what, required, longest=500, breaks=False)

    def lines(self, value, names: str, required: str, what: str, some: bool = False) -> None:
        """An object of lines, or null."""
        if value is None:
            return
        canonical.members(value, names, self.part, what)
        for name, line in value.items():
            self.line(line, f"{what}.{name}", required=name == required)
        demand(not some or any(line is not None for line in value.values()), self.part, f"{what} states nothing")

    def time_range(self, value) -> None:
        if value is None:
            return
        canonical.members(value, "from until", self.part, "time_range")
        ends = [canonical.instant(end, self.part, f"time_range.{name}") for name, end in value.items() if end is not None]
        demand(bool(ends), self.part, "time_range states nothing")
        demand(ends == sorted(ends), self.part, "time_range.from is after time_range.until")

    def statement(self, value) -> None:
        if value is None:
            return
        canonical.members(value, "text name post date", self.part, "custody_statement")
        self.text(value["text"], "custody_statement.text", required=True)
        self.line(value["name"], "custody_statement.name", required=True)
        self.line(value["post"], "custody_statement.post")
        self.form(value["date"], DAY, "custody_statement.date")
        if value["date"] is not None:
            try:
                datetime.date.fromisoformat(value["date"])
            except ValueError as error:
                raise Refused(self.part, "custody_statement.date is no day") from error

    def digests(self, values: list, is_folder: bool, sha256: str) -> None:
        part, known = self.part, set()
        for one in values:
            canonical.members(one, "of algorithm value standing", part, "one of original_digests")
            of, algorithm = one["of"], one["algorithm"]
            demand(
                of in ("exhibit", "source") and algorithm in tuple(DIGITS),
                part,
                "an original digest is of something unknown, or by an unknown algorithm",
            )
            demand(not is_folder or of == "source", part, "a folder has an original digest of the exhibit")
            canonical.text(one["value"], rf"[0-9a-f]{{{DIGITS[algorithm]}}}", part, "the value of an original digest")
            demand((of, algorithm) not in known, part, "two original digests have the same `of` and `algorithm`")
            known.add((of, algorithm))
            of_exhibit = (of, algorithm) == ("exhibit", "sha-256")
            standing = "information-only" if algorithm in ("md5", "sha-1") else "compared" if of_exhibit else "claimed"
            demand(one["standing"] == standing, part, f"the standing of an original digest is not {standing}")
            demand(
                not of_exhibit or one["value"] == sha256,
                part,
                "the original digest of the exhibit is another than the record's sha256",
            )


def control(letter: str) -> bool:
    return ord(letter) < 0x20 or 0x7F <= ord(letter) <= 0x9F
