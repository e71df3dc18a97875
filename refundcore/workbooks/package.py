"""A workbook as an archive of XML parts: what kind it is, and each part read within limits.

Names in the archive are only compared with those that are looked for; nothing is ever unpacked to a path. A part with
a DOCTYPE is refused before any entity of it is known.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, BinaryIO
from xml.parsers import expat

from refundcore.workbooks import limits
from refundcore.workbooks.limits import Damaged, Refusal

CHUNK = 1 << 18
TYPES = "[content_types].xml"
_CSV = "Save it as “CSV UTF-8” or as an Excel workbook (.xlsx) in the program it came from and bring that file."
_PASSWORD = (
    "is protected by a password. Take the password off in the program it came from, save it and bring that file."  # noqa: S105
)
_OTHERS = (
    ("sheet.binary", f"is a binary Excel workbook (.xlsb). {_CSV}"),
    ("wordprocessingml", "is a Word document, not a table. Copy its table into a spreadsheet and bring that as CSV."),
    ("presentationml", "is a PowerPoint presentation, not a table. Bring the claims as a CSV file."),
)

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


@dataclass(frozen=True)
class Relation:
    """What one part says of another: the kind (the last word of its type) and where it is."""

    kind: str
    target: str


def local(name: str) -> str:
    """An XML name without its prefix."""
    return name[name.rfind(":") + 1 :]


class Package:
    """The parts of an archive by name, case and slashes apart."""

    def __init__(self, stream: BinaryIO) -> None:
        try:
            self._archive = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, struct.error) as error:
            raise Damaged("the list of the parts at its end is missing or wrong") from error
        infos = self._archive.infolist()
        if len(infos) > limits.MEMBERS:
            raise Refusal(f"is an archive of {len(infos):,} parts, and no workbook has so many. Bring a CSV file.")
        self._parts: dict[str, zipfile.ZipInfo] = {}
        self._twice: set[str] = set()
        self._unpacked = 0
        for info in infos:
            name = _plain(info.filename)
            (self._twice.add(name) if name in self._parts else self._parts.update({name: info}))

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._parts

    @property
    def names(self) -> list[str]:
        """The names of all parts."""
        return list(self._parts)

    def beginning(self, name: str, size: int = 200) -> bytes:
        """The first bytes of a part."""
        with self._open(name) as part:
            return part.read(size)

    def parse(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        """Read a part as XML, in bounded memory. What a handler raises comes through."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _doctype
        try:
            with self._open(name) as part:
                while chunk := part.read(CHUNK):
                    self._unpacked += len(chunk)
                    if self._unpacked > limits.UNPACKED:
                        raise Refusal(_too_large(self._unpacked))
                    parser.Parse(chunk)
                parser.Parse(b"", True)  # noqa: FBT003 - expat's own
        except expat.ExpatError as error:
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
                raise MemoryError from error
            raise Damaged(f"its part {_told(name)} is no well-formed XML") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise Damaged(f"its part {_told(name)} cannot be unpacked") from error

    def relations(self, of: str) -> dict[str, Relation]:
        """What a part says of others, by their ids; those outside of the file are left out."""
        folder, base = posixpath.split(of)
        name = f"{folder}/_rels/{base}.rels" if folder else f"_rels/{base}.rels"
        found: dict[str, Relation] = {}
        if name not in self:
            return found

        def start(element: str, attrs: Mapping[str, str]) -> None:
            if local(element) == "Relationship" and attrs.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attrs.get("Target", "").replace("\\", "/")))
                found[attrs.get("Id", "")] = Relation(attrs.get("Type", "").rpartition("/")[2], target.lstrip("/"))

        self.parse(name, start)
        return found

    def workbook(self) -> str:
        """The name of the part that is the workbook. Raises `Refusal` for an archive that is something else."""
        if TYPES not in self:
            raise Refusal(self._what_else())
        types: dict[str, str] = {}

        def start(element: str, attrs: Mapping[str, str]) -> None:
            if local(element) == "Override":
                types[_plain(attrs.get("PartName", ""))] = attrs.get("ContentType", "")

        self.parse(TYPES, start)
        main = next((one.target for one in self.relations("").values() if one.kind == "officeDocument"), "")
        main = main or "xl/workbook.xml"
        kind = types.get(_plain(main), "")
        for part, sentence in _OTHERS:
            if part in kind or (part == "sheet.binary" and main.endswith(".bin")):
                raise Refusal(sentence)
        if main not in self:
            raise Refusal(self._what_else())
        return main

    def _what_else(self) -> str:
        if "mimetype" in self and b"opendocument" in (mime := self.beginning("mimetype")):
            kind = "workbook (.ods)" if b"spreadsheet" in mime else "file, not a table"
            return f"is an OpenDocument {kind}. {_CSV}"
        if any(name.endswith(".iwa") for name in self._parts):
            return "is an Apple Numbers document. Export it as CSV or Excel in Numbers and bring that file."
        if "xl/workbook.xml" in self or TYPES in self:
            return f"looks like an Excel workbook, but parts that every workbook has are missing. {limits.AGAIN}"
        return "is an archive (zip), not a table. Unpack it and bring the CSV file or the workbook inside."

    def _open(self, name: str) -> IO[bytes]:
        plain = _plain(name)
        info = self._parts.get(plain)
        if info is None:
            raise Damaged(f"its part {_told(name)} is missing")
        if plain in self._twice:
            raise Damaged(f"it holds two parts that are called {_told(name)}")
        if info.flag_bits & 1:
            raise Refusal(_PASSWORD)
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Damaged(f"its part {_told(name)} is packed in a way that no workbook is")
        if info.file_size > limits.UNPACKED:
            raise Refusal(_too_large(info.file_size))
        if info.file_size > limits.RATIO_FROM and info.file_size > limits.RATIO * max(1, info.compress_size):
            raise Refusal(
                f"unpacks to {info.file_size // max(1, info.compress_size):,} times its size, as no real workbook does."
                f" {limits.AS_CSV}"
            )
        try:
            return self._archive.open(info)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, struct.error) as error:  # wrong places and sizes
            raise Damaged(f"its part {_told(name)} cannot be unpacked") from error


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _told(name: str) -> str:
    """A part's name, short and printable."""
    base = "".join(letter if letter.isprintable() else " " for letter in posixpath.basename(name)[:40])
    return f"“{base}”"


def _too_large(size: int) -> str:
    most = limits.UNPACKED >> 20
    return f"is too large: it unpacks to {size >> 20:,} MB, and no more than {most:,} MB are read. {limits.AS_CSV}"


def _doctype(*_: object) -> None:
    raise Refusal(
        f"declares entities of its own (a DOCTYPE), as no real workbook does, and is not read. {limits.AGAIN}"
    )
