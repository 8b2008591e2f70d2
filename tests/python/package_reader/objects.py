"""The objects of a package, from a container file or from a folder, and streams of their bytes."""

import hashlib
import stat
from pathlib import Path
from typing import Iterable, Iterator

from archive import PIECE, Archive
from refusal import Refused, demand

FOLDERS = ("data", "META-INF", "origin")


class Folder:
    """A package as a folder: 3.2."""

    def __init__(self, path: Path):
        self.path = path
        self.sizes: dict[str, int] = {}
        folders = [""]
        while folders:
            folder = folders.pop()
            for entry in (path / folder).iterdir():
                name = f"{folder}/{entry.name}" if folder else entry.name
                mode = entry.lstat().st_mode
                if stat.S_ISDIR(mode) and not folder and name in FOLDERS:
                    folders.append(name)
                    continue
                demand(stat.S_ISREG(mode), name, "it is no file (3.2)")
                self.sizes[name] = entry.lstat().st_size

    def names(self) -> list[str]:
        return sorted(self.sizes)

    def size(self, name: str) -> int:
        return self.sizes[name]

    def chunks(self, name: str) -> Iterator[bytes]:
        with (self.path / name).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


Objects = Archive | Folder


def read_whole(objects: Objects, name: str, limit: int, part: str) -> bytes:
    """An object that has a limit, in memory."""
    demand(objects.size(name) <= limit, part, f"it is larger than {limit} bytes")
    return b"".join(objects.chunks(name))


def digest(chunks: Iterable[bytes]) -> str:
    sha = hashlib.sha256()
    for piece in chunks:
        sha.update(piece)
    return sha.hexdigest()


class Stream:
    """Reads given numbers of bytes from pieces of any size."""

    def __init__(self, chunks: Iterable[bytes]):
        self.chunks = iter(chunks)
        self.held = bytearray()

    def read(self, length: int) -> bytes:
        """So many bytes, or fewer at the end."""
        while len(self.held) < length:
            piece = next(self.chunks, None)
            if piece is None:
                break
            self.held += piece
        taken = bytes(self.held[:length])
        del self.held[:length]
        return taken

    def exactly(self, length: int, part: str) -> bytes:
        taken = self.read(length)
        if len(taken) != length:
            raise Refused(part, "it ends early")
        return taken

    def line(self, limit: int) -> bytes | None:
        """A line with its LF; None at the end; a line without LF, or cut at `limit`, comes without."""
        while True:
            end = self.held.find(b"\n", 0, limit)
            if end >= 0:
                return self.read(end + 1)
            piece = next(self.chunks, None) if len(self.held) < limit else None
            if piece is None:
                return self.read(limit) if self.held else None
            self.held += piece
