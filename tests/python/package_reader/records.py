"""Records of exhibits (6.5, 6.6, 6.8, 6.10) and the lists of what folders hold (6.7)."""

import re
from dataclasses import dataclass

import canonical
from facts import Facts, control
from objects import Stream
from refusal import Refused, demand

LIMIT = 64 * 1024
MEMBERS = "format profile exhibit type name path size_bytes sha256 entries mode modified_time changed_time birth_time extended_attributes sensitive acquisition salt"
LARGEST_SECOND = (1 << 63) - 1
LONGEST_PATH = 8192
LONGEST_SEGMENT = 255
LISTED_ENTRIES = 1000
REASON = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
LINE = re.compile(rb"([0-9a-f]{64}|-) (0|[1-9][0-9]{0,19}) (hf|hs|d|l|[fs](?:[2-9]|[1-9][0-9]{1,17})?) ([!-~]+)\n")
ESCAPE = re.compile(rb"%([0-9A-F]{2})")
LONGEST_LINE = 3 * LONGEST_PATH + 128


@dataclass(frozen=True)
class Record:
    part: str
    is_folder: bool
    size: int
    sha256: str
    entries: int | None
    value: dict


def read(text: bytes, exhibit: str, part: str) -> Record:
    demand(len(text) <= LIMIT, part, "it has more than 64 KiB")
    value = canonical.read(text, part)
    canonical.members(value, MEMBERS, part, "the record")
    canonical.number(value["format"], 1, 1, part, "format")
    canonical.number(value["profile"], 1, 1, part, "profile")
    demand(value["exhibit"] == exhibit, part, "it is the record of another exhibit")
    demand(value["type"] in ("file", "folder"), part, "type is none of the two")
    is_folder = value["type"] == "folder"
    name = read_bytes(value["name"], LONGEST_SEGMENT, part, "name")
    demand(is_segment(name), part, "name is no segment")
    if value["path"] is not None:
        path = read_bytes(value["path"], LONGEST_PATH, part, "path")
        demand(all(is_segment(segment) for segment in path.split(b"/")), part, "path has something that is no segment")
        demand(not is_folder and path.endswith(b"/" + name), part, "path is not that of a file of this name in a folder")
    canonical.number(value["size_bytes"], 0, canonical.LARGEST_NUMBER, part, "size_bytes")
    canonical.text(value["sha256"], canonical.HEX_DIGEST, part, "sha256")
    if is_folder:
        canonical.number(value["entries"], 0, canonical.LARGEST_NUMBER, part, "entries")
    else:
        demand(value["entries"] is None, part, "entries is not null, and the exhibit is a file")
    if value["mode"] is not None:
        canonical.text(value["mode"], r"[0-7]{4}", part, "mode")
    for member in ("modified_time", "changed_time", "birth_time"):
        if value[member] is not None:
            canonical.members(value[member], "seconds nanoseconds", part, member)
            canonical.number(value[member]["seconds"], -LARGEST_SECOND - 1, LARGEST_SECOND, part, f"{member}.seconds")
            canonical.number(value[member]["nanoseconds"], 0, 999_999_999, part, f"{member}.nanoseconds")
    if value["extended_attributes"] is not None:
        judge_attributes(value["extended_attributes"], part)
    if value["sensitive"] is not None:
        judge_sensitive(value["sensitive"], is_folder, value["entries"], part)
    if value["acquisition"] is not None:
        Facts(part).judge(value["acquisition"], is_folder, value["sha256"])
    canonical.text(value["salt"], canonical.HEX_DIGEST, part, "salt")
    return Record(part, is_folder, value["size_bytes"], value["sha256"], value["entries"], value)


def read_bytes(value, longest: int, part: str, what: str) -> bytes:
    """Raw bytes, and that their display is what follows from them."""
    canonical.members(value, "base64 display", part, what)
    raw = canonical.decode_base64(value["base64"], part, f"{what}.base64")
    demand(1 <= len(raw) <= longest, part, f"{what} has not 1 to {longest} bytes")
    shown = "".join("\ufffd" if control(letter) else letter for letter in raw.decode("utf-8", "replace"))
    demand(value["display"] == shown, part, f"{what}.display is not what follows from the bytes")
    return raw


def is_segment(raw: bytes) -> bool:
    return 1 <= len(raw) <= LONGEST_SEGMENT and b"/" not in raw and b"\0" not in raw and raw not in (b".", b"..")


def judge_attributes(value, part: str) -> None:
    demand(isinstance(value, list) and bool(value), part, "extended_attributes is neither null nor a list of one or more")
    last = b""
    for one in value:
        canonical.members(one, "name value", part, "an extended attribute")
        name = read_bytes(one["name"], LONGEST_SEGMENT, part, "the name of an extended attribute")
        demand(b"\0" not in name and last < name, part, "names of extended attributes do not rise, or hold a NUL")
        if one["value"] is not None:
            canonical.decode_base64(one["value"], part, "the value of an extended attribute")
        last = name


def judge_sensitive(value, is_folder: bool, lines: int | None, part: str) -> None:
    canonical.members(value, "reason lists matches entries", part, "sensitive")
    if value["reason"] is not None:
        canonical.text(value["reason"], REASON, part, "sensitive.reason")
    lists = value["lists"]
    demand(isinstance(lists, list) and len(lists) <= 64, part, "sensitive.lists is no list of at most 64")
    keys = []
    for one in lists:
        canonical.members(one, "name sha256", part, "one of sensitive.lists")
        name = one["name"]
        good = isinstance(name, str) and 1 <= len(name) <= 120 and not any(control(letter) for letter in name)
        demand(good, part, "the name of a hash list is not formed as it must be")
        keys.append((name.encode(), canonical.text(one["sha256"], canonical.HEX_DIGEST, part, "the sha256 of a hash list")))
    demand(keys == sorted(set(keys)), part, "sensitive.lists are not sorted, or two are alike")
    demand(value["reason"] is not None or bool(lists), part, "sensitive has neither a reason nor a list")
    most = lines if is_folder else 1
    matches = canonical.number(value["matches"], 1 if lists else 0, most, part, "sensitive.matches")
    demand(isinstance(value["entries"], list), part, "sensitive.entries is no list")
    last = 0
    for line in value["entries"]:
        last = canonical.number(line, last + 1, most, part, "one of sensitive.entries")
    wanted = min(matches, LISTED_ENTRIES) if is_folder else 0
    demand(len(value["entries"]) == wanted, part, "sensitive.entries are not as many as matches says")


@dataclass(frozen=True)
class Listed:
    digest: str
    size: int
    type: str
    names: int
    path: bytes


class FilesList:
    """Reads the list of a folder line by line."""

    def __init__(self, stream: Stream, part: str):
        self.stream = stream
        self.part = part
        self.count = 0

    def next(self) -> Listed | None:
        line = self.stream.line(LONGEST_LINE)
        if line is None:
            return None
        self.count += 1
        match = LINE.fullmatch(line)
        demand(match is not None, self.part, f"line {self.count} is not formed as 6.7 says")
        demand(int(match[2]) <= canonical.LARGEST_NUMBER, self.part, f"line {self.count} has a size beyond 64 bits")
        digest, size, kind, escaped = match[1].decode(), int(match[2]), match[3].decode(), match[4]
        path = ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), escaped)
        demand(escape(path) == escaped, self.part, f"the path of line {self.count} is not escaped in the one form")
        judge_path(path, self.part, f"the path of line {self.count}")
        demand(
            (digest == "-") == (kind == "d") and (kind != "d" or size == 0),
            self.part,
            f"line {self.count} has not the digest and size of its type",
        )
        names = int(kind[1:]) if kind[0] in "fs" and len(kind) > 1 else 1
        return Listed(digest, size, kind[0] if kind[0] in "fs" else kind, names, path)


def escape(path: bytes) -> bytes:
    return b"".join(bytes([byte]) if 0x21 <= byte <= 0x7E and byte != 0x25 else b"%%%02X" % byte for byte in path)


def judge_path(path: bytes, part: str, what: str) -> None:
    if len(path) > LONGEST_PATH or not all(is_segment(segment) for segment in path.split(b"/")):
        raise Refused(part, f"{what} is no path below the folder")
