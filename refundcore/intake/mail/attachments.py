"""Attachments: what a message carries beside its text, named safely and typed by what is in them."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

MOST = 50
"""Attachments of one message that are kept."""

LARGEST_FOLDER = 2_000_000_000
"""Bytes that the folder of attachments may hold."""

_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
    (b"{\\rtf", "application/rtf"),
)
_SAFE = re.compile(r"[^\w .()+,=@-]+")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Attachment:
    """A part of a message that is no text of it."""

    name: str
    """Safe as the name of a file; never used as a path here."""
    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.data)

    @cached_property
    def sha256(self) -> str:
        """The fingerprint under which it is kept."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def kind(self) -> str:
        """Its media type by its content, whatever the message or the name says."""
        return kind_of(self.data)


def kind_of(data: bytes) -> str:
    """The media type of a content."""
    found = next((kind for magic, kind in _KINDS if data.startswith(magic)), "")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = "image/webp"
    elif data[4:8] == b"ftyp":
        found = "image/heic" if data[8:12] in {b"heic", b"heix", b"mif1"} else "video/mp4"
    return found or _kind_of_text(data[:4_096])


def _kind_of_text(head: bytes) -> str:
    if b"\0" in head:
        return "application/octet-stream"
    if re.match(rb"\s*<(?:!doctype html|html|head|body|script|svg)", head, re.IGNORECASE):
        return "text/html"
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "application/octet-stream"
    return "text/plain"


def safe_name(given: str, number: int) -> str:
    """A name without folders, steering characters or tricks of direction, at most 100 characters."""
    text = unicodedata.normalize("NFC", given.encode("utf-8", "replace").decode())
    text = text.replace("\\", "/").rpartition("/")[2]
    text = "".join(letter for letter in text if letter.isprintable() and unicodedata.category(letter) != "Cf")
    text = _SAFE.sub("_", text).strip(" .")
    if len(text) > 100:
        stem, dot, ending = text.rpartition(".")
        text = f"{stem[: 99 - len(ending)]}.{ending}" if dot and len(ending) <= 10 else text[:100]
    if not text.strip("_. ") or _DEVICES.match(text):
        return f"attachment-{number}"
    return text


def keep(folder: Path, attachments: Iterable[Attachment]) -> set[str]:
    """Keep the bytes under their fingerprint in `folder`, readable by its owner only; the fingerprints that are there.

    What would make the folder larger than `LARGEST_FOLDER` is not kept. The same bytes are kept once.
    """
    wanted = {one.sha256: one for one in attachments if one.data}
    if not wanted:
        return set()
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    taken = sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
    there = set()
    for name, one in wanted.items():
        path = folder / name
        if not path.exists():
            taken += one.size
            if taken > LARGEST_FOLDER:
                break
            part = folder / f".{name}.{os.getpid()}.part"
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                target.write(one.data)
                target.flush()
                os.fsync(target.fileno())
            part.replace(path)
        there.add(name)
    return there
