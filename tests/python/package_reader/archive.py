"""Strict ZIP framing: container.md section 3.

Keeps of each entry its name and a few integers; contents are read as streams. Every header is written again from its values and compared.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Iterator

from refusal import Refused

MIMETYPE = b"application/vnd.etsi.asic-e+zip"
PIECE = 1 << 16
FULL_16 = 0xFFFF
FULL_32 = 0xFFFFFFFF
LARGEST_NUMBER_OF_ENTRIES = 400_000
DATE_1980 = 0x0021
NAME_PART = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])")


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    size: int
    crc: int
    header: int
    content: int


class Archive:
    """The entries of a ZIP in their order; `part` is what a refusal names."""

    def __init__(self, file: BinaryIO, part: str):
        self.file = file
        self.part = part
        file.seek(0, 2)
        self.length = file.tell()
        number, size, offset, end = self._end_records()
        self.entries = self._directory(number, size, offset, end)
        self._walk(offset)
        self.by_name = {entry.name: entry for entry in self.entries}

    def names(self) -> list[str]:
        return [entry.name for entry in self.entries]

    def size(self, name: str) -> int:
        return self.by_name[name].size

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content, piece by piece; its CRC-32 is compared behind the last one."""
        entry = self.by_name[name]
        left, crc, position = entry.size, 0, entry.content
        while left:
            self.file.seek(position)
            piece = self.file.read(min(left, PIECE))
            if not piece:
                raise self._wrong(f"the content of {name} ends early")
            crc = zlib.crc32(piece, crc)
            left -= len(piece)
            position += len(piece)
            yield piece
        if crc != entry.crc:
            raise self._wrong(f"the CRC-32 of {name} is another (Z4)")

    def _wrong(self, reason: str) -> Refused:
        return Refused(self.part, reason)

    def _at(self, offset: int, length: int) -> bytes:
        if offset < 0 or offset + length > self.length:
            raise self._wrong("a record lies outside of the file (Z1)")
        self.file.seek(offset)
        return self.file.read(length)

    def _end_records(self) -> tuple[int, int, int, int]:
        """Number of entries, size and offset of the directory, and where the end records begin (Z7)."""
        end = self.length - 22
        record = self._at(end, 22)
        if record[:4] != b"PK\5\6":
            raise self._wrong("the file does not end with an end record without comment (Z7)")
        _, _, _, _, number, size, offset, _ = struct.unpack("<4sHHHHIIH", record)
        if number == FULL_16 or size == FULL_32 or offset == FULL_32:
            end -= 76
            record = self._at(end, 98)
            number, size, offset = struct.unpack_from("<QQQ", record, 32)
        if record != end_records(number, size, offset):
            raise self._wrong("the end records are not in the one form (Z7)")
        if offset + size != end:
            raise self._wrong("the directory does not end where the end records begin (Z1)")
        if number > LARGEST_NUMBER_OF_ENTRIES:
            raise self._wrong("too many entries")
        return number, size, offset, end

    def _directory(self, number: int, size: int, offset: int, end: int) -> list[Entry]:
        entries, position, content_end = [], offset, 0
        known = set()
        for _ in range(number):
            fixed = self._at(position, 46)
            if fixed[:4] != b"PK\1\2":
                raise self._wrong("the directory holds something that is no header of an entry (Z5)")
            crc, compressed, length, name_length, extra_length = struct.unpack_from("<IIIHH", fixed, 16)
            (header,) = struct.unpack_from("<I", fixed, 42)
            variable = self._at(position + 46, name_length + extra_length)
            name, extra = variable[:name_length], variable[name_length:]
            length, header = wide_values(length, header, extra) or (length, header)
            text = self._name(name)
            if fixed + variable != central_header(name, crc, length, header):
                raise self._wrong(f"the directory's header of {text} is not in the one form (Z5, Z6)")
            if text.lower() in known:
                raise self._wrong(f"{text} stands there twice (Z3)")
            known.add(text.lower())
            if header != content_end:
                raise self._wrong(f"{text} does not begin where the entry before it ends (Z1)")
            content = header + 30 + name_length + (20 if length >= FULL_32 else 0)
            content_end = content + length
            entries.append(Entry(text, length, crc, header, content))
            position += len(fixed) + len(variable)
        if position != end:
            raise self._wrong("the directory has another size than the end record says (Z7)")
        if content_end != offset:
            raise self._wrong("the directory does not begin where the last entry ends (Z1)")
        for entry in entries:
            folder = entry.name.rpartition("/")[0]
            while folder:
                if folder.lower() in known:
                    raise self._wrong(f"{folder} is a file and a folder (Z3)")
                folder = folder.rpartition("/")[0]
        return entries

    def _walk(self, directory: int) -> None:
        for entry in self.entries:
            expected = local_header(entry.name.encode(), entry.crc, entry.size)
            if self._at(entry.header, len(expected)) != expected:
                raise self._wrong(f"the local header of {entry.name} is not in the one form (Z4, Z6)")
            if entry.content + entry.size > directory:
                raise self._wrong(f"{entry.name} goes beyond the directory (Z1)")
        if not self.entries or self.entries[0].name != "mimetype" or self.entries[0].size != len(MIMETYPE):
            raise self._wrong("mimetype is not the first entry with its 31 bytes (Z2)")
        if self._at(self.entries[0].content, len(MIMETYPE)) != MIMETYPE:
            raise self._wrong("mimetype says something else (Z2)")

    def _name(self, name: bytes) -> str:
        parts = name.split(b"/")
        if not 1 <= len(name) <= 255 or not all(NAME_PART.fullmatch(part) for part in parts):
            raise self._wrong(f"a name is not formed as Z3 says: {name!r}")
        text = name.decode("ascii")
        if any(DEVICE.fullmatch(part.partition(".")[0]) for part in text.split("/")):
            raise self._wrong(f"a name is that of a device (Z3): {text}")
        return text


def wide_values(length: int, header: int, extra: bytes) -> tuple[int, int] | None:
    """Size and offset where a ZIP64 extra field holds one of them; the caller writes the header again and compares."""
    wanted = (2 if length == FULL_32 else 0) + (1 if header == FULL_32 else 0)
    if not wanted or len(extra) != 4 + 8 * wanted:
        return None
    values = list(struct.unpack_from(f"<{wanted}Q", extra, 4))
    if length == FULL_32:
        length = values[0]
    if header == FULL_32:
        header = values[-1]
    return length, header


def local_header(name: bytes, crc: int, size: int) -> bytes:
    wide = size >= FULL_32
    extra = struct.pack("<HHQQ", 1, 16, size, size) if wide else b""
    field = FULL_32 if wide else size
    fixed = struct.pack(
        "<4sHHHHHIIIHH", b"PK\3\4", 45 if wide else 20, 0, 0, 0, DATE_1980, crc, field, field, len(name), len(extra)
    )
    return fixed + name + extra


def central_header(name: bytes, crc: int, size: int, offset: int) -> bytes:
    values = ([size, size] if size >= FULL_32 else []) + ([offset] if offset >= FULL_32 else [])
    extra = struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""
    version = 45 if values else 20
    field = min(size, FULL_32)
    fixed = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        b"PK\1\2", 0x0300 | version, version, 0, 0, 0, DATE_1980, crc, field, field,
        len(name), len(extra), 0, 0, 0, 0x81A40000, min(offset, FULL_32),
    )  # fmt: skip
    return fixed + name + extra


def end_records(number: int, size: int, offset: int) -> bytes:
    wide = number >= FULL_16 or size >= FULL_32 or offset >= FULL_32
    records = b""
    if wide:
        records += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 0x032D, 45, 0, 0, number, number, size, offset)
        records += struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    short = min(number, FULL_16)
    return records + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, short, short, min(size, FULL_32), min(offset, FULL_32), 0)
