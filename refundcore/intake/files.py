"""What a file is, before anything of it is believed: its kind, size, fingerprint and encoding.

Text of separated values and Excel workbooks are taken. Whatever else people upload is named, with what to do about it.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from refundcore.intake import encodings, sheets
from refundcore.intake.problems import IntakeError
from refundcore.intake.sheets import Sheet

CHUNK = 1 << 20
HEAD = 1 << 16
LONGEST_LINE = 32
"""In chunks: a file without a line end for so long is no table."""

_CSV = "Save it as “CSV UTF-8” in the program it came from and bring that file."
_XLSX = "Save it as an Excel workbook (.xlsx) or as “CSV UTF-8” in the program it came from and bring that file."
_OLD = "an old Excel workbook (.xls)"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        "EncryptedPackage",
        "protected by a password",
        "Take the password off in the program it came from, save it and bring that file.",
    ),
    ("Workbook", _OLD, _XLSX),
    ("Book", _OLD, _XLSX),
    ("WordDocument", "a Word document (.doc)", "Copy its table into a spreadsheet and bring that as CSV."),
    ("PowerPoint Document", "a PowerPoint presentation (.ppt)", "Bring the claims as a CSV file."),
    ("__properties_version1.0", "an Outlook message (.msg)", "Enter its claim with the form “New claim”."),
)
"""What a stream of an Office file of the old kind is called -> what the file is, what to do."""
_ZIP = frozenset({b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"})
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x09\x00\x04\x00", _OLD, _XLSX),
    (b"\x09\x02\x06\x00", _OLD, _XLSX),
    (b"\x09\x04\x06\x00", _OLD, _XLSX),
    (b"\x09\x08\x10\x00", _OLD, _XLSX),
    (b"%PDF", "a PDF", "A table in a PDF cannot be read reliably: ask for it as CSV."),
    (b"\x89PNG", "an image (PNG)", "Attach images to a claim as evidence instead."),
    (b"\xff\xd8\xff", "an image (JPEG)", "Attach images to a claim as evidence instead."),
    (b"GIF8", "an image (GIF)", "Attach images to a claim as evidence instead."),
    (b"RIFF", "an image or a recording", "Attach images to a claim as evidence instead."),
    (b"II*\0", "an image (TIFF)", "Attach images to a claim as evidence instead."),
    (b"MM\0*", "an image (TIFF)", "Attach images to a claim as evidence instead."),
    (b"\x28\xb5\x2f\xfd", "a compressed file (zstd)", "Unpack it and bring the CSV file inside."),
    (b"\x1f\x8b", "a compressed file (gzip)", "Unpack it and bring the CSV file inside."),
    (b"BZh", "a compressed file (bzip2)", "Unpack it and bring the CSV file inside."),
    (b"\xfd7zXZ", "a compressed file (xz)", "Unpack it and bring the CSV file inside."),
    (b"7z\xbc\xaf", "an archive (7z)", "Unpack it and bring the CSV file inside."),
    (b"Rar!", "an archive (RAR)", "Unpack it and bring the CSV file inside."),
    (b"SQLite format 3\0", "a database (SQLite)", "Export the table as CSV."),
    (b"PAR1", "a Parquet file", "Export the table as CSV."),
    (b"{\\rtf", "a formatted text (RTF)", _CSV),
    (b"\x7fELF", "a program", "Bring a CSV file."),
    (b"MZ\x90", "a program", "Bring a CSV file."),
)
_TAR = 257
"""Where the mark of a tar archive stands."""
_HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|head|body|table|\?xml|svg|meta|div|style)\b", re.IGNORECASE | re.DOTALL
)
_MIME = re.compile(r"MIME-Version:(?=[\s\S]{0,2000}multipart/related)", re.IGNORECASE)
"""A web page with its images in one file, as spreadsheet programs save it."""
_JSON = re.compile(r'\s*(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*$)|\[\s*(?:[\[{]|"(?:[^"\\]|\\.)*"\s*[,\]]))')
_MAIL = re.compile(
    r"(?=[\s\S]{0,4000}^(?:From|Subject|Date|Received|Message-ID):)"
    r"(?:From \S+.*\r?\n)?(?:[A-Za-z][\w-]*:(?: .*)?\r?\n(?:[ \t].*\r?\n)*){2}",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Source:
    """A file, by path or in memory, under the name it came with."""

    name: str
    path: Path | None = None
    data: bytes = b""

    def open(self) -> BinaryIO:
        """The bytes from the start."""
        if self.path is None:
            return io.BytesIO(self.data)
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            raise IntakeError(f"There is no file {self.path}.") from None
        except IsADirectoryError:
            raise IntakeError(f"{self.path} is a folder; name a file in it.") from None
        except OSError as error:
            raise IntakeError(f"{self.path} cannot be read: {error.strerror or error}.") from None


@dataclass(frozen=True)
class Look:
    """What is known of a file after one look over all of it."""

    name: str
    size: int
    sha256: str
    encoding: str
    """A Python codec; the one proposed where `sure` is false."""
    sure: bool
    proposals: tuple[encodings.Proposal, ...] = ()
    """Where not sure: the encodings that would read it, the likeliest first, each with lines as they would read."""
    notice: str = ""
    sheet: Sheet | None = None
    """The sheet that is read, where the file is a workbook."""

    @property
    def reading(self) -> str:
        """What the columns depend on: the encoding of a text, the sheet of a workbook."""
        return self.sheet.name if self.sheet else self.encoding


def source(given: Path | str | bytes, name: str = "") -> Source:
    """A file from a path or from bytes that were uploaded as `name`."""
    if isinstance(given, bytes):
        return Source(name or "upload.csv", data=given)
    path = Path(given)
    return Source(name or path.name, path)


def look(file: Source, encoding: str = "", sheet: str = "") -> Look:
    """Look over a file. `encoding` and `sheet` are the person's word for it, where they gave one.

    Raises `IntakeError` for an empty file, for every kind that is neither text nor a workbook, and for an encoding or a
    sheet that cannot be so.
    """
    with file.open() as stream:
        head = stream.read(HEAD)
        if head[:4] in _ZIP:
            return _workbook(file, stream, sheet)
        if head.startswith(_OLE):
            _refuse_office(file.name, head, stream)
        _refuse_kinds(file.name, head)
        marked, notice = encodings.marked(head)
        wanted = _codec(encoding) if encoding else marked or "utf-8"
        if wanted == "utf-8" and head.startswith(codecs.BOM_UTF8):
            wanted = "utf-8-sig"
        size, digest, failed = _pass(stream, head, wanted, file.name)
    sure, proposals = True, tuple[encodings.Proposal, ...]()
    if failed >= 0:
        if encoding:
            raise IntakeError(
                f"{file.name} is not written in {encoding}: the bytes from {failed:,} on have no meaning in it."
            )
        if marked:
            raise IntakeError(
                f"{file.name} says that it is {marked}, but byte {failed:,} has no meaning in it: it is damaged."
            )
        with file.open() as stream:
            stream.seek(max(0, failed - HEAD // 2))
            proposals = encodings.proposals(stream.read(3 * HEAD))
        proposals = tuple(found for found in proposals if _decodes(file, found.encoding))
        if not proposals:
            raise IntakeError(f"{file.name} is no text in any encoding that is known here. {_CSV}")
        wanted, sure = proposals[0].encoding, False
    _refuse_texts(file.name, head[: len(head) - len(head) % 4].decode(wanted, errors="ignore"))
    return Look(file.name, size, digest, wanted, sure, proposals, notice)


def text(file: Source, encoding: str) -> io.TextIOWrapper:
    """The file as text, with its line ends as they stand."""
    return decoded(file.open(), encoding)


def decoded(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Bytes as text, with its line ends as they stand."""
    return io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="")


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise IntakeError(
            f"'{name}' is no encoding known here; try utf-8, cp1252, latin-1, mac_roman or utf-16."
        ) from None


def _chunks(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    yield head
    while chunk := stream.read(CHUNK):
        yield chunk


def _pass(stream: BinaryIO, head: bytes, encoding: str, name: str) -> tuple[int, str, int]:
    """Size, sha256, and the position of the first byte that `encoding` cannot read (-1: it reads all)."""
    digest, size, failed, endless = hashlib.sha256(), 0, -1, 0
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for chunk in _chunks(stream, head):
        digest.update(chunk)
        if failed < 0:
            try:
                decoder.decode(chunk)
            except UnicodeError as error:
                failed = size + (error.start if isinstance(error, UnicodeDecodeError) else 0)
        size += len(chunk)
        endless = 0 if b"\n" in chunk or b"\r" in chunk else endless + 1
        if endless > LONGEST_LINE:
            raise IntakeError(f"{name} has a line of more than {LONGEST_LINE} MB, so it is no table of claims.")
    if failed < 0:
        try:
            decoder.decode(b"", final=True)
        except UnicodeError:
            failed = size
    return size, digest.hexdigest(), failed


def _decodes(file: Source, encoding: str) -> bool:
    with file.open() as stream:
        return _pass(stream, stream.read(HEAD), encoding, file.name)[2] < 0


def _refuse_kinds(name: str, head: bytes) -> None:
    if not head or not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise IntakeError(f"{name} is empty: there is no row in it.")
    for magic, kind, advice in _MAGIC:
        if head.startswith(magic):
            raise IntakeError(f"{name} is {kind}, not a table of claims. {advice}")
    if head[_TAR : _TAR + 5] == b"ustar":
        raise IntakeError(
            f"{name} is an archive (tar), not a table of claims. Unpack it and bring the CSV file inside."
        )
    if encodings.marked(head)[0] is None and encodings.is_binary(head):
        raise IntakeError(f"{name} is not text: it holds bytes that no text has. {_CSV}")


def _workbook(file: Source, stream: BinaryIO, sheet: str) -> Look:
    stream.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    book = sheets.workbook(stream, file.name, digest.hexdigest(), sheet)
    found = sheets.chosen(book, file.name, sheet)
    return Look(file.name, size, digest.hexdigest(), "", not found.rivals, sheet=found)


def _refuse_office(name: str, head: bytes, rest: BinaryIO) -> None:
    """Refuse an Office file of the old kind, by the names of the streams in it."""
    content = head + rest.read()
    for stream, kind, advice in _OLE_KINDS:
        if (stream + "\0").encode("utf-16-le") in content:
            raise IntakeError(f"{name} is {kind}. {advice}")
    raise IntakeError(f"{name} is an Office file of an old kind, not a table. {_XLSX}")


def _refuse_texts(name: str, beginning: str) -> None:
    start = beginning.lstrip("\ufeff")[:4_000]
    if _HTML.match(start) or (_MIME.match(start) and not _MAIL.match(start)):
        raise IntakeError(
            f"{name} is a web page or XML, whatever its name says. Open it in a spreadsheet program. {_CSV}"
        )
    if _JSON.match(start):
        raise IntakeError(f"{name} is JSON, not a table. Ask for the export as CSV.")
    if _MAIL.match(start):
        raise IntakeError(f"{name} is an e-mail, not a table. Enter its claim with the form “New claim”.")
