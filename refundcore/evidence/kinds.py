"""What a file is by its content, and what it may be called."""

from __future__ import annotations

import email.parser
import email.policy
import re
import unicodedata

LARGEST = 10 * 2**20
"""Bytes of a file of evidence."""

ACCEPTED = ("png", "jpg", "jpeg", "webp", "gif", "pdf", "eml")
"""Endings that a file chooser offers; what counts is the content."""

WANTED = "Send a picture (PNG, JPEG, WebP or GIF), a PDF or a mail (.eml)."

PICTURES = {
    "image/png": "PNG",
    "image/apng": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
}
"""Media type -> the format by which Pillow reads it, and no other."""

ENDINGS = {"png": "png", "jpeg": "jpg", "pdf": "pdf", "mail": "eml"}
"""Kind of what is kept -> the ending of its name."""

LONGEST_STEM = 80

_HEADER = re.compile(rb"(?:[!-9;-~]+:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){2,}")
"""At least two lines of a mail's head (RFC 5322, 2.2)."""

_HEAD = 64 * 2**10
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_ALIAS = {"image/x-png": "image/png", "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg"}


class EvidenceError(ValueError):
    """A file that is not taken as evidence; `str()` is a sentence that says why and what is wanted."""


def media_type(data: bytes, shown: str) -> str:
    """One of `PICTURES`, `application/pdf` or `message/rfc822`. Raises `EvidenceError` naming what it is instead."""
    if not data:
        raise EvidenceError(f"{shown} is empty.")
    if len(data) > LARGEST:
        raise EvidenceError(
            f"{shown} has {len(data) / 2**20:.1f} MB; at most {LARGEST // 2**20} MB are taken."
            " Send it smaller, or in parts."
        )
    if is_mail(data):
        return "message/rfc822"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    guesses = _guesses(data)
    if guesses and guesses[0][0] in PICTURES:
        return guesses[0][0]
    ending = guesses[0][1] if guesses else ""
    what = f"looks like a {ending} file" if ending else "is nothing that can be shown"
    raise EvidenceError(f"{shown} {what}, which is not taken as evidence. {WANTED}")


def _guesses(data: bytes) -> list[tuple[str, str]]:
    """Media types and endings that fit the content, the surest first."""
    import puremagic  # noqa: PLC0415 - its list of signatures takes a while to load, and few look at evidence

    try:
        found = puremagic.magic_string(data)
    except (puremagic.PureError, ValueError):
        return []
    return [(_ALIAS.get(guess.mime_type, guess.mime_type), guess.extension) for guess in found]


def is_mail(data: bytes) -> bool:
    """Whether the content is a mail as programs save it: text that begins with a head, with a sender and a date."""
    head = data[:_HEAD]
    if head.startswith(b"From "):  # a line of its own before the head, as mailboxes have it
        head = head.partition(b"\n")[2]
    if b"\0" in head or not _HEADER.match(head):
        return False
    parsed = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)
    return "from" in parsed and ("date" in parsed or "received" in parsed or "message-id" in parsed)


def safe_name(name: str, kind: str) -> str:
    """A name under which a file can be shown and saved anywhere; its ending says what it really is.

    Folders, control characters, marks that turn the direction of writing and characters that file systems refuse
    are taken out.
    """
    last = re.split(r"[/\\]", name)[-1]
    stem = last.rpartition(".")[0] or last
    composed = unicodedata.normalize("NFC", stem)
    printed = "".join(letter for letter in composed if unicodedata.category(letter)[0] != "C" or letter in "\t\n")
    kept = re.sub(r"[<>:\"/\\|?*]", "_", re.sub(r"\s+", " ", printed)).strip(" .")[:LONGEST_STEM].rstrip(" .")
    if not kept:
        kept = "evidence"
    if _RESERVED.fullmatch(kept):
        kept = f"_{kept}"
    return f"{kept}.{ENDINGS[kind]}"
