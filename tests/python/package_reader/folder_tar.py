"""The tar of a folder (section 7), compared with its list entry by entry.

Each header is read for its values, written again from them, and compared; contents are streams.
"""

import hashlib
import re
from dataclasses import dataclass, field

from objects import Stream
from records import FilesList, Listed, judge_path
from refusal import demand

BLOCK = 512
PIECE = 1 << 16
PAX_LIMIT = 1 << 20
REGIONS = 16_384
AWAITING = 131_072
AWAITING_BYTES = 16 << 20
EIGHT_GIB = 1 << 33
SPARSE_BLOCK = 4096
LARGEST = (1 << 63) - 1
DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")
TIME = re.compile(rb"(-?)(0|[1-9][0-9]{0,18})(?:\.([0-9]{0,8}[1-9]))?")
LENGTH = re.compile(rb"[1-9][0-9]{0,6} ")


@dataclass
class Entry:
    """What one entry conveys; `path` is as stored, a folder's with its slash."""

    type: bytes
    path: bytes
    mode: int
    link: bytes = b""
    size: int = 0
    seconds: int = 0
    nanoseconds: int = 0
    sparse_size: int | None = None
    attributes: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass
class FirstName:
    """A file of which further names are still to come."""

    listed: Listed
    mode: int
    seconds: int
    nanoseconds: int
    awaited: int


class Folders:
    """Order of entries, and that each one's parent came before it, in memory of the depth alone."""

    def __init__(self):
        self.last = b""
        self.open: list[bytes] = []
        self.files: list[bytes] = []

    def enter(self, path: bytes, part: str) -> None:
        demand(path > self.last, part, "its entries do not rise by their stored paths (7.1)")
        self.last = path
        for known in (self.open, self.files):
            while known and not path.startswith(known[-1]):
                known.pop()
        is_folder = path.endswith(b"/")
        parent = path.rstrip(b"/").rpartition(b"/")[0]
        demand(
            (self.open[-1] if self.open else b"") == (parent + b"/" if parent else b""),
            part,
            "an entry's parent is not before it (7.1)",
        )
        demand(not is_folder or path[:-1] not in self.files, part, "a path is that of a file and of a folder")
        (self.open if is_folder else self.files).append(path)


class SparseDigest:
    """6.9, of the regions that hold data."""

    def __init__(self, size: int):
        self.size = size
        self.sha = hashlib.sha256(b"rogatory sparse file\n%d\n" % size)
        self.number, self.block = 0, bytearray()

    def feed(self, offset: int, data: bytes) -> None:
        position = 0
        while position < len(data):
            number, within = divmod(offset + position, SPARSE_BLOCK)
            if number != self.number:
                self.flush()
                self.number = number
            length = min(len(data) - position, SPARSE_BLOCK - within)
            self.block += bytes(within - len(self.block))
            self.block += data[position : position + length]
            position += length

    def flush(self) -> None:
        if any(self.block):
            length = min(SPARSE_BLOCK, self.size - self.number * SPARSE_BLOCK)
            self.sha.update(self.number.to_bytes(8, "big") + bytes(self.block).ljust(length, b"\0"))
        self.block.clear()

    def hexdigest(self) -> str:
        self.flush()
        return self.sha.hexdigest()


class FolderTar:
    def __init__(self, stream: Stream, listed: FilesList, part: str):
        self.stream, self.listed, self.part = stream, listed, part
        self.folders = Folders()
        self.first_names: dict[bytes, FirstName] = {}
        self.awaiting_bytes = 0

    def check(self) -> None:
        part = self.part
        while (entry := self.next_entry()) is not None:
            line = self.listed.next()
            demand(line is not None, part, "it holds more than its list")
            self.folders.enter(entry.path, part)
            judge_path(entry.path.removesuffix(b"/") if entry.type == b"5" else entry.path, part, "the path of an entry")
            demand(line.path == entry.path.removesuffix(b"/"), part, f"line {self.listed.count} of its list names another path")
            self.compare(entry, line)
        demand(self.listed.next() is None, part, "it holds less than its list")
        demand(not self.first_names, part, "a file has fewer names than its list says (7.6)")
        demand(not self.stream.read(1), part, "something stands behind its end (7.2)")

    def compare(self, entry: Entry, line: Listed) -> None:
        types = {b"0": "f", b"5": "d", b"2": "l"}
        where = f"line {self.listed.count} of its list"
        if entry.type == b"1":
            self.further_name(entry, line, where)
            return
        wanted = "s" if entry.sparse_size is not None else types[entry.type]
        demand(line.type == wanted, self.part, f"{where} calls an entry {line.type} that is {wanted}")
        if wanted == "d":
            return
        if wanted == "l":
            self.judge_target(entry)
            digest, size = hashlib.sha256(entry.link).hexdigest(), len(entry.link)
        elif wanted == "s":
            digest, size = self.read_sparse(entry), entry.sparse_size
        else:
            digest, size = self.read_file(entry.size), entry.size
        demand(line.size == size, self.part, f"{where} says another size")
        demand(line.digest == digest, self.part, f"{where} says another digest")
        if line.names > 1:
            self.first_names[entry.path] = FirstName(line, entry.mode, entry.seconds, entry.nanoseconds, line.names - 1)
            self.awaiting_bytes += len(entry.path)
            few = len(self.first_names) <= AWAITING and self.awaiting_bytes <= AWAITING_BYTES
            demand(few, self.part, "too many files await further names (7.6)")

    def further_name(self, entry: Entry, line: Listed, where: str) -> None:
        first = self.first_names.get(entry.link)
        demand(first is not None, self.part, "a hard link leads to no file before it that awaits a further name (7.6)")
        demand(line.type == "h" + first.listed.type, self.part, f"{where} calls a further name {line.type}")
        same = (line.size, line.digest) == (first.listed.size, first.listed.digest)
        demand(same, self.part, f"{where} says another size or digest than the line of the first name (6.7)")
        same = (entry.mode, entry.seconds, entry.nanoseconds) == (first.mode, first.seconds, first.nanoseconds)
        demand(same, self.part, "a further name has another mode or time than the first (7.6)")
        demand(not entry.attributes, self.part, "a further name has extended attributes (7.6)")
        first.awaited -= 1
        if not first.awaited:
            del self.first_names[entry.link]
            self.awaiting_bytes -= len(entry.link)

    def judge_target(self, entry: Entry) -> None:
        segments = [segment for segment in entry.link.split(b"/") if segment not in (b"", b".")]
        up = 0
        while up < len(segments) and segments[up] == b"..":
            up += 1
        begins = bool(entry.link) and not entry.link.startswith(b"/")
        inside = begins and b".." not in segments[up:] and b"\0" not in entry.link
        demand(inside and up <= entry.path.count(b"/"), self.part, "the target of a symbolic link leads out (7.4)")

    def read_file(self, size: int) -> str:
        sha = hashlib.sha256()
        for piece in self.pieces(size):
            sha.update(piece)
        self.filling(size)
        return sha.hexdigest()

    def pieces(self, size: int):
        while size:
            piece = self.stream.exactly(min(size, PIECE), self.part)
            size -= len(piece)
            yield piece

    def filling(self, size: int) -> None:
        rest = -size % BLOCK
        demand(self.stream.exactly(rest, self.part) == bytes(rest), self.part, "the filling behind a content is not zero (7.2)")

    def read_sparse(self, entry: Entry) -> str:
        """The map, then the regions (7.5)."""
        part, size = self.part, entry.sparse_size
        held, taken = bytearray(), 0

        def number() -> int:
            nonlocal taken
            while (end := held.find(b"\n")) < 0:
                demand(len(held) < BLOCK and taken < entry.size, part, "the map of a file with holes does not end")
                held.extend(self.stream.exactly(BLOCK, part))
                taken += BLOCK
            text = bytes(held[:end])
            del held[: end + 1]
            demand(DECIMAL.fullmatch(text) is not None, part, "a number of a map is not in plain decimal")
            return int(text)

        count = number()
        demand(1 <= count <= REGIONS + 1, part, "a map has no pair, or too many")
        regions, end = [], -1
        for place in range(count):
            start, length = number(), number()
            if length == 0:
                last = place == count - 1 and start == size and end < size
                demand(last, part, "a region is empty, or the last pair does not say where the file ends")
                end = size
                continue
            demand(start > end and start + length <= size, part, "regions do not rise, touch, or go beyond the size")
            end = start + length
            regions.append((start, length))
        demand(end == size, part, "the file ends with a hole, and no pair says so")
        demand(len(regions) <= REGIONS, part, "a map has too many regions")
        demand(not any(held), part, "the filling behind a map is not zero")
        data = sum(length for _, length in regions)
        demand(taken + data < size, part, "a file is written with a map that is no shorter than the whole")
        demand(taken + data == entry.size, part, "the content of a file with holes has another size than its map says")
        demand(entry.size < size, part, "a file is written with its holes where that is not shorter")
        digest = SparseDigest(size)
        for start, length in regions:
            for piece in self.pieces(length):
                digest.feed(start, piece)
                start += len(piece)
        self.filling(data)
        return digest.hexdigest()

    def next_entry(self) -> Entry | None:
        part = self.part
        header = self.stream.exactly(BLOCK, part)
        if header == bytes(BLOCK):
            demand(self.stream.exactly(BLOCK, part) == bytes(BLOCK), part, "its end is not two zero blocks")
            return None
        before, records = b"", []
        if header[156:157] == b"x":
            length = octal(header[124:136], 11, part)
            demand(length <= PAX_LIMIT, part, "a pax header has more than 1 MiB")
            content = self.stream.exactly(length + -length % BLOCK, part)
            before = header + content
            records = read_records(content[:length], part)
            header = self.stream.exactly(BLOCK, part)
        entry = read_values(header, records, part)
        demand(before + header == write_entry(entry), part, "the headers of an entry are not in the one form (7.2, 7.3)")
        return entry


def octal(text: bytes, digits: int, part: str) -> int:
    demand(re.fullmatch(rb"[0-7]{%d}\0" % digits, text) is not None, part, "a number of a header is not in octal (7.2)")
    return int(text[:digits], 8)


def read_records(content: bytes, part: str) -> list[tuple[bytes, bytes]]:
    records, position = [], 0
    while position < len(content):
        match = LENGTH.match(content, position)
        demand(match is not None, part, "a pax record has no length")
        end = position + int(match[0])
        demand(
            match.end() < end <= len(content) and content[end - 1 : end] == b"\n", part, "a pax record ends where it must not"
        )
        key, equals, value = content[match.end() : end - 1].partition(b"=")
        demand(bool(equals), part, "a pax record has no value")
        records.append((key, value))
        position = end
    return records


def read_values(header: bytes, records: list[tuple[bytes, bytes]], part: str) -> Entry:
    """The values. Anything that is not written so again is found by the comparison."""
    known, attributes = {}, []
    for key, value in records:
        if key.startswith(b"SCHILY.xattr."):
            attributes.append((key.removeprefix(b"SCHILY.xattr.").replace(b"%3D", b"=").replace(b"%25", b"%"), value))
        else:
            demand(key not in known, part, "a pax record stands there twice")
            known[key] = value
    names = [name for name, _ in attributes]
    demand(names == sorted(set(names)) and b"" not in names, part, "extended attributes do not rise by their names (7.3)")
    entry = Entry(type=header[156:157], path=header[:100].rstrip(b"\0"), mode=octal(header[100:108], 7, part))
    demand(entry.type in (b"0", b"1", b"2", b"5"), part, "an entry is of a type that is none of 7.2")
    entry.path = known.get(b"GNU.sparse.name", known.get(b"path", entry.path))
    entry.link = known.get(b"linkpath", header[157:257].rstrip(b"\0"))
    demand(
        (entry.type in (b"1", b"2")) == bool(entry.link),
        part,
        "an entry has a link name where it must not, or none where it must",
    )
    demand(
        (entry.type == b"5") == entry.path.endswith(b"/"), part, "a folder's path does not end with a slash, or another's does"
    )
    entry.size = decimal(known[b"size"], part) if b"size" in known else octal(header[124:136], 11, part)
    demand(entry.type == b"0" or entry.size == 0, part, "an entry that is no file has content")
    entry.seconds = octal(header[136:148], 11, part)
    if b"mtime" in known:
        entry.seconds, entry.nanoseconds = read_time(known[b"mtime"], part)
    if b"GNU.sparse.realsize" in known:
        demand(entry.type == b"0", part, "an entry that is no file has holes")
        entry.sparse_size = decimal(known[b"GNU.sparse.realsize"], part)
    entry.attributes = attributes
    return entry


def decimal(text: bytes, part: str) -> int:
    demand(DECIMAL.fullmatch(text) is not None and int(text) <= LARGEST, part, "a pax record's number is not in plain decimal")
    return int(text)


def read_time(text: bytes, part: str) -> tuple[int, int]:
    match = TIME.fullmatch(text)
    demand(match is not None and text != b"-0", part, "mtime is not formed as it must be (7.3)")
    total = int(match[2]) * 1_000_000_000 + int((match[3] or b"").ljust(9, b"0"))
    return divmod(-total if match[1] else total, 1_000_000_000)


def write_time(seconds: int, nanoseconds: int) -> bytes:
    total = seconds * 1_000_000_000 + nanoseconds
    whole, fraction = divmod(abs(total), 1_000_000_000)
    text = b"%s%d" % (b"-" if total < 0 else b"", whole)
    return text + (b".%09d" % fraction).rstrip(b"0") if fraction else text


def write_entry(entry: Entry) -> bytes:
    """The one form of an entry's headers."""
    sparse = entry.sparse_size is not None
    long_path, long_link = needs_record(entry.path), needs_record(entry.link)
    records = []
    if sparse:
        records += [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")]
        records += [(b"GNU.sparse.name", entry.path), (b"GNU.sparse.realsize", b"%d" % entry.sparse_size)]
    elif long_path:
        records.append((b"path", entry.path))
    if long_link:
        records.append((b"linkpath", entry.link))
    if any(not is_utf8(value) for _, value in records):
        records.insert(0, (b"hdrcharset", b"BINARY"))
    if entry.size >= EIGHT_GIB:
        records.append((b"size", b"%d" % entry.size))
    in_field = 0 <= entry.seconds < EIGHT_GIB
    if entry.nanoseconds or not in_field:
        records.append((b"mtime", write_time(entry.seconds, entry.nanoseconds)))
    for name, value in entry.attributes:
        records.append((b"SCHILY.xattr." + name.replace(b"%", b"%25").replace(b"=", b"%3D"), value))
    content = b"".join(write_record(key, value) for key, value in records)
    before = b""
    if content:
        before = write_header(b"PaxHeaders/entry", 0o644, len(content), 0, b"x", b"") + content + bytes(-len(content) % BLOCK)
    name = b"GNUSparseFile.0/entry" if sparse else short(entry.path) if long_path else entry.path
    link = short(entry.link) if long_link else entry.link
    size = entry.size if entry.size < EIGHT_GIB else 0
    return before + write_header(name, entry.mode, size, entry.seconds if in_field else 0, entry.type, link)


def write_record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(rest) + len(str(length)) != length:
        length = len(rest) + len(str(length))
    return b"%d" % length + rest


def write_header(name: bytes, mode: int, size: int, seconds: int, kind: bytes, link: bytes) -> bytes:
    fields = name.ljust(100, b"\0") + b"%07o\0" % mode + b"0000000\0" * 2 + b"%011o\0" % size + b"%011o\0" % seconds
    tail = kind + link.ljust(100, b"\0") + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(155 + 12)
    checksum = sum(fields) + 8 * 0x20 + sum(tail)
    return fields + b"%06o\0 " % checksum + tail


def needs_record(path: bytes) -> bool:
    return len(path) > 100 or not path.isascii()


def short(path: bytes) -> bytes:
    return bytes(byte if byte < 0x80 else 0x5F for byte in path[:100])


def is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
