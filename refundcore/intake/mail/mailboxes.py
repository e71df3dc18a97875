"""A file of mail: whether it is one, and its messages. An .eml holds one, an .mbox any number (RFC 4155)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from refundcore.intake.files import HEAD, Source
from refundcore.intake.mail.messages import MOST_STEPS, Message, parse, steps
from refundcore.intake.problems import IntakeError

LARGEST = 50_000_000
"""Bytes of one file."""

MOST = 2_000
"""Messages of one file."""

_FEWER = "Export fewer messages at a time from the mail program."
_ENDINGS = (".eml", ".mbox", ".mbx", ".emlx", ".msg")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROPERTIES = "__substg1.0_".encode("utf-16-le")
_MAIL = re.compile(
    rb"(?=[\s\S]{0,16000}^(?:From|Subject|Date|Received|Message-ID):)"
    rb"(?:From \S+.*\r?\n)?(?:[A-Za-z][\w-]{0,80}:(?: .*)?\r?\n(?:[ \t].*\r?\n)*){2}",
    re.IGNORECASE | re.MULTILINE,
)
"""Two headers at the beginning, and one of mail (RFC 5322)."""

_FROM = re.compile(rb"From [^\r\n]{0,300}\d[^\r\n]{0,300}\r?\n(?:>?[!-9;-~]{1,100}:|>From )")
_FROM_LINE = re.compile(rb"(?:^|(?<=\n\n)|(?<=\n\r\n))From (?=[^\r\n]{0,300}\d)")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True)
class Mailbox:
    """A file of mail and its messages, in the order of the file."""

    name: str
    size: int
    sha256: str
    messages: tuple[Message, ...]
    unreadable: tuple[tuple[int, str], ...] = ()
    """The lines of messages that cannot be read, each with why."""


def is_mail(file: Source) -> bool:
    """Whether a file is to be read as mail: by what it begins with, or by its name."""
    if file.name.lower().endswith(_ENDINGS):
        return True
    with file.open() as stream:
        head = stream.read(HEAD)
    if head.startswith(_OLE):
        return _PROPERTIES in head
    return _MAIL.match(head.removeprefix(b"\xef\xbb\xbf")[:16_000]) is not None


def read(file: Source) -> Mailbox:
    """Read all messages of a file.

    Raises `IntakeError` for a file that is no mail, an Outlook message (.msg), too large or with too many messages. A
    message of several that cannot be read is named and does not end the others.
    """
    with file.open() as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise IntakeError(f"{file.name} is larger than {LARGEST // 1_000_000} MB. {_FEWER}")
    if data.startswith(_OLE):
        raise IntakeError(
            f"{file.name} is a message as Outlook keeps it (.msg), which is not read here. In the new Outlook or on the"
            " web save it as .eml, or drag it to another mail program and save it there, and bring that file."
        )
    digest = hashlib.sha256(data).hexdigest()
    text = _plain(data)
    if not text.strip():
        raise IntakeError(f"{file.name} is empty: there is no message in it.")
    several = bool(_FROM.match(text))
    found: list[Message] = []
    unreadable: list[tuple[int, str]] = []
    taken = 0
    for number, (line, message) in enumerate(_split(text) if several else [(1, text)], start=1):
        if number > MOST:
            raise IntakeError(f"{file.name} has more than {MOST:,} messages. {_FEWER}")
        taken += steps(message)
        if several and taken > MOST_STEPS:
            raise IntakeError(f"{file.name} has too many parts within parts for its length. {_FEWER}")
        try:
            found.append(parse(message, line))
        except IntakeError as error:
            if not several:
                raise IntakeError(f"{file.name}: {error}") from error
            unreadable.append((line, str(error)))
    return Mailbox(file.name, len(data), digest, tuple(found), tuple(unreadable))


def _plain(data: bytes) -> bytes:
    """The bytes of the mail itself: without a mark of the encoding, or the count on top of Apple's .emlx."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    counted = re.match(rb"(\d{1,9})[ \t]*\r?\n", data)
    return data[counted.end() : counted.end() + int(counted[1])] if counted else data.lstrip(b"\r\n")


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The messages of an mbox, each with the line of its "From " line."""
    starts = [found.start() for found in _FROM_LINE.finditer(data) if _FROM.match(data, found.start())]
    line, counted = 1, 0
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        line += data.count(b"\n", counted, start)
        counted = start
        after = data.find(b"\n", start, end) + 1
        yield line, _ESCAPED.sub(rb"\1", data[after:end])
