"""One message: who sent it, when, its text, what it answers and what it carries, whatever is wrong with it.

The structure is read by the standard library's `email` with its oldest policy, which leaves every header alone and
therefore survives all of them; the headers that are needed are read by `decoding`.
"""

from __future__ import annotations

import email
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message as Entity

from refundcore.intake.mail import attachments, decoding, web_text
from refundcore.intake.mail.attachments import Attachment
from refundcore.intake.mail.replies import Parts, part
from refundcore.intake.problems import IntakeError, clip

LARGEST = 26_214_400
"""Bytes of one message: what mail servers let through."""

MOST_PARTS = 500
DEEPEST = 50
MOST_STEPS = 20_000_000
"""Reading takes as many steps a line as there are parts within parts: so many take some seconds."""

LONGEST_TEXT = 500_000
MOST_REFERENCES = 100

_ID = re.compile(r"<([^<>\s]{1,900})>")
_ANSWERED = re.compile(
    r"(?:out of (?:the )?office|automatic reply|auto(?:matic)?[- ]?(?:reply|response)|abwesenheit|"
    r"automatische antwort|réponse automatique|"
    r"respuesta automática|risposta automatica|automatisch antwoord|автоответ)",
    re.IGNORECASE,
)
_BOUNCED = re.compile(
    r"(?:undeliver(?:ed|able)|mail delivery (?:failed|failure|subsystem)|delivery status notification|"
    r"returned mail|failure notice|unzustellbar)",
    re.IGNORECASE,
)
_ROBOTS = re.compile(r"(?:mailer-daemon|mail-daemon)@", re.IGNORECASE)
_OF_SENDING = ("From", "Date", "Message-ID", "Subject", "Received", "To", "Return-Path")
_SURVIVED = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, OverflowError)
"""What the standard library raises for mail that is damaged in ways it does not foresee."""


@dataclass(frozen=True)
class Message:
    """A message as the desk knows it."""

    line: int
    """The line of the file on which it begins."""
    key: str
    """What makes it the same as another: from its Message-ID, or from its content where it has none."""
    message_id: str
    sender: str
    """Its one sender's address; "" where there is none or several."""
    sender_name: str
    subject: str
    sent_at: int | None
    received_at: int | None
    """When the last server took it; microseconds since 1970, UTC."""
    parts: Parts
    answers: tuple[str, ...]
    """The keys of the messages that it answers, the nearest first."""
    automatic: str
    """Why it is no claim, such as that a program sent it; "" for one that people sent."""
    attachments: tuple[Attachment, ...]
    notices: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """What the sender wrote now."""
        return self.parts.newest


def key_of(message_id: str) -> str:
    """The key of a Message-ID without its brackets."""
    return hashlib.sha256(f"id {message_id}".encode("utf-8", "replace")).hexdigest()[:40]


def steps(data: bytes) -> int:
    """How many steps reading a message takes at most, beside one for each of its lines."""
    return len(re.findall(rb"multipart/", data, re.IGNORECASE)) * data.count(b"\n")


def parse(data: bytes, line: int = 1) -> Message:
    """Read one message. Raises `IntakeError` for what is no message, or for one that is too large or too deep."""
    if len(data) > LARGEST:
        raise IntakeError(f"The message in line {line:,} is larger than {LARGEST // 1_048_576} MB.")
    if steps(data) > MOST_STEPS:
        raise IntakeError(f"The message in line {line:,} has too many parts within parts for its length.")
    try:
        entity = email.message_from_bytes(data)
        if any(decoding.raw(entity, name) for name in _OF_SENDING):
            body = _Body()
            _walk(entity, body, depth=0, inline=True)
            return _message(entity, body, line)
    except _SURVIVED as error:
        raise IntakeError(f"The message in line {line:,} is damaged and cannot be read.") from error
    raise IntakeError(
        f"In line {line:,} there is no e-mail: none of {', '.join(_OF_SENDING[:4])} is there. Save the message"
        " from the mail program as .eml and bring that file."
    )


def _message(entity: Entity, body: _Body, line: int) -> Message:
    notices = list(dict.fromkeys(body.notices))
    senders = decoding.addresses(entity, "From")
    if len(senders) > 1:
        notices.append(f"There are several senders: {', '.join(address for _, address in senders[:5])}.")
    elif not senders:
        notices.append("No sender can be read.")
    name, sender = senders[0] if len(senders) == 1 else ("", "")
    written = decoding.header(entity, "Date")
    sent, received = decoding.instant(written), decoding.received(entity)
    if written and sent is None:
        notices.append(f"The date '{clip(written)}' cannot be read, or says no zone.")
    if sent is not None and received is not None and sent > received:
        notices.append("The sender's clock was ahead: the message was received before it says that it was sent.")
        sent = None
    text = "\n\n".join(piece for piece in body.texts if piece.strip()).replace("\0", "�")
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT]
        notices.append(f"The text is longer than {LONGEST_TEXT:,} characters; the rest is left out.")
    parts = part(text.encode("utf-8", "replace").decode())
    if parts.forwarded:
        notices.append("Nothing is written beside what is quoted, so the quotation is taken.")
    if not parts.newest.strip():
        notices.append("The message has no text.")
    found = _ids(decoding.raw(entity, "Message-ID"))
    if not found:
        notices.append("The message has no Message-ID; it is recognised by its content.")
    subject = decoding.header(entity, "Subject")
    message = Message(
        line=line,
        key=key_of(found[0]) if found else "",
        message_id=found[0] if found else "",
        sender=sender,
        sender_name=name,
        subject=subject,
        sent_at=sent,
        received_at=received,
        parts=parts,
        answers=_answers(entity),
        automatic=_automatic(entity, subject, senders),
        attachments=tuple(body.attachments),
        notices=tuple(notices),
    )
    return message if found else replace(message, key=_content_key(message, written, text))


def _ids(texts: list[str]) -> list[str]:
    """The Message-IDs in headers; one without brackets is taken as it stands."""
    found = [one for text in texts for one in _ID.findall(text)]
    return found or [text.strip("<> ") for text in texts if text.strip("<> ") and " " not in text.strip("<> ")][:1]


def _answers(entity: Entity) -> tuple[str, ...]:
    nearest = _ids(decoding.raw(entity, "In-Reply-To"))
    thread = _ids(decoding.raw(entity, "References"))[::-1]
    return tuple(dict.fromkeys(key_of(one) for one in (*nearest, *thread)))[:MOST_REFERENCES]


def _content_key(message: Message, written: str, text: str) -> str:
    """The key of a message without a Message-ID: of what it says, however its lines end."""
    told = [message.sender.lower(), written, message.subject, " ".join(text.split())]
    told += [one.sha256 for one in message.attachments]
    return hashlib.sha256("\n".join(["content", *told]).encode("utf-8", "replace")).hexdigest()[:40]


def _automatic(entity: Entity, subject: str, senders: list[tuple[str, str]]) -> str:
    """Why no person wrote this to claim something; "" where one may have."""
    kind = entity.get_content_type()
    if kind == "multipart/report" or _BOUNCED.match(subject) or any(_ROBOTS.match(f"{one}") for _, one in senders):
        return "It is a report of a mail server about another message, not a claim."
    said = decoding.header(entity, "Auto-Submitted").lower()
    if (said and not said.startswith("no")) or any(
        decoding.raw(entity, f"X-Auto{end}") for end in ("reply", "respond")
    ):
        return "It is an automatic answer, not a claim."
    precedence = decoding.header(entity, "Precedence").lower()
    if _ANSWERED.match(subject) or precedence in {"auto_reply", "auto-reply"}:
        return "It is an automatic answer, not a claim."
    return ""


# The parts of a message.


class _Body:
    """What was gathered from the parts so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.attachments: list[Attachment] = []
        self.notices: list[str] = []
        self.count = 0

    def attach(self, name: str, data: bytes) -> None:
        if len(self.attachments) >= attachments.MOST:
            self.notices.append(f"Of its attachments only the first {attachments.MOST} are kept.")
            return
        one = Attachment(attachments.safe_name(name, len(self.attachments) + 1), data)
        if one.kind == "application/ms-tnef":
            self.notices.append(
                "Its attachments are packed by Outlook in winmail.dat, which is not unpacked here: ask for them again."
            )
        self.attachments.append(one)


def _walk(entity: Entity, body: _Body, depth: int, *, inline: bool) -> None:
    """Gather text and attachments of a part and of those within it."""
    body.count += 1
    if body.count > MOST_PARTS or depth > DEEPEST:
        body.notices.append("It has too many parts within parts; the rest is left out.")
        return
    kind = entity.get_content_type()
    if kind.startswith("message/") and depth:
        body.attach(_name(entity) or "message.eml", _bytes_of_message(entity))
    elif entity.is_multipart():
        within = list(_within(entity))
        if kind == "multipart/alternative":
            _alternative(within, body, depth, inline=inline)
        elif kind == "multipart/report":
            _walk(within[0], body, depth + 1, inline=inline)
        else:
            for one in within:
                _walk(one, body, depth + 1, inline=inline)
    elif _is_text(entity, depth) and inline:
        if text := _text(entity, body):
            body.texts.append(text)
    else:
        body.attach(_name(entity), _bytes(entity))


def _within(entity: Entity) -> Iterator[Entity]:
    payload = entity.get_payload()
    if isinstance(payload, list):
        yield from (one for one in payload if isinstance(one, Entity))


def _alternative(within: list[Entity], body: _Body, depth: int, *, inline: bool) -> None:
    """The same text in several kinds: the plain one where it says anything, else the last."""
    plain = [one for one in within if one.get_content_type() == "text/plain" and _text(one, _Body()).strip()]
    chosen = plain[0] if plain else within[-1] if within else None
    for one in within:
        if one is chosen:
            _walk(one, body, depth + 1, inline=inline)
        elif not one.get_content_type().startswith("text/"):
            _walk(one, body, depth + 1, inline=False)


def _is_text(entity: Entity, depth: int) -> bool:
    if entity.get_content_type() not in {"text/plain", "text/html", "text/enriched", "text/markdown"}:
        return False
    return not depth or (entity.get_content_disposition() != "attachment" and not _name(entity))


def _text(entity: Entity, body: _Body) -> str:
    data = _bytes(entity)
    charset = entity.get_param("charset")
    said = charset if isinstance(charset, str) else None
    text, good = decoding.text_of_bytes(data[: 4 * LONGEST_TEXT], said)
    if not good:
        body.notices.append("Some characters could not be read as the message says that they are written.")
    if entity.get_content_type() == "text/html":
        return web_text.text_of(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if str(entity.get_param("format", "")).lower() == "flowed":
        text = _unflowed(text, str(entity.get_param("delsp", "")).lower() == "yes")
    return text


def _unflowed(text: str, joined: bool) -> str:  # noqa: FBT001 - a parameter of RFC 3676
    """Paragraphs whose lines the sender's program broke, whole again (RFC 3676)."""
    lines: list[str] = []
    flowing = False
    for line in text.split("\n"):
        quoted, one = line.startswith(">"), line.removeprefix(" ") if line.startswith(" ") else line
        if flowing and not quoted and one != "-- ":
            lines[-1] = (lines[-1][:-1] if joined else lines[-1]) + one
        else:
            lines.append(one)
        flowing = one.endswith(" ") and not quoted and one != "-- "
    return "\n".join(lines)


def _bytes(entity: Entity) -> bytes:
    try:
        data = entity.get_payload(decode=True)
    except _SURVIVED:
        data = None
    if isinstance(data, bytes):
        return data
    payload = entity.get_payload()
    return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


def _bytes_of_message(entity: Entity) -> bytes:
    """An attached message as the bytes it would have as a file."""
    within = list(_within(entity))
    try:
        return b"\n".join(one.as_bytes() for one in within) if within else _bytes(entity)
    except (*_SURVIVED, UnicodeError):
        return b""


def _name(entity: Entity) -> str:
    try:
        found = entity.get_filename("")
    except _SURVIVED:
        return ""
    return decoding.words(found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:1_000])
