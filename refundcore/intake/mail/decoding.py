"""Bytes and headers of mail to text: what is declared is tried, what is wrong with it is survived.

Encoded words are those of RFC 2047. The headers are read here and not by `email.policy.default`, whose parser raises
for some damaged headers and takes minutes for some long ones.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from datetime import datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from refundcore.deadlines import micros

LONGEST_HEADER = 4_000
"""Characters of a header that are looked at."""

_ALIASES = {
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "x-mac-roman": "mac_roman",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",  # as every reader of mail does
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "unicode-1-1-utf-7": "utf_7",
}
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]{0,2000})\?=")
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]]{1,64}@[^@\s<>,;:\"()\[\]]{1,253}")
_YEARS = (1990, 2199)


def text_of_bytes(data: bytes, charset: str | None) -> tuple[str, bool]:
    """Bytes as text, and whether all of them could be read in the declared charset, or in UTF-8 where none is."""
    wanted = (charset or "utf-8").strip().strip("\"'").lower()
    name = _ALIASES.get(wanted, wanted)
    try:
        if not {name, codecs.lookup(name).name} & _NO_CHARSETS:
            return data.decode(name), True
    except (LookupError, ValueError):  # there is no such codec, it is none of text, or the bytes mean nothing in it
        pass
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), False


def raw(message: Message, name: str) -> list[str]:
    """The headers of a name as they stand, unfolded; bytes beyond ASCII read as UTF-8, else as CP1252."""
    wanted = name.lower()
    return [_unfolded(value) for found, value in message.raw_items() if found.lower() == wanted][:20]


def _unfolded(value: object) -> str:
    data = str(value)[:LONGEST_HEADER].encode("utf-8", "surrogateescape")
    text, _ = text_of_bytes(data, None)
    return re.sub(r"\s*[\r\n]+\s*", " ", text).strip().replace("\0", "")


def header(message: Message, name: str) -> str:
    """A header as people read it; "" where there is none."""
    found = raw(message, name)
    return words(found[0]) if found else ""


def words(text: str) -> str:
    """A text with its encoded words decoded; those that are damaged stay as they are."""
    pieces: list[str] = []
    place, waiting, charset = 0, b"", ""

    def flush() -> None:
        nonlocal waiting
        if waiting:
            pieces.append(text_of_bytes(waiting, charset)[0])
            waiting = b""

    for found in _WORD.finditer(text):
        between = text[place : found.start()]
        decoded = _decoded(found[2], found[3])
        if between.strip() or not waiting or found[1].lower() != charset:
            flush()
            pieces.append(between if between.strip() or not place else "")
        if decoded is None:
            pieces.append(found[0])
        else:
            charset, waiting = found[1].lower(), waiting + decoded
        place = found.end()
    flush()
    pieces.append(text[place:])
    return "".join(letter if letter.isprintable() else " " for letter in "".join(pieces)).strip()


def _decoded(kind: str, text: str) -> bytes | None:
    try:
        data = text.encode("ascii")
        if kind in "qQ":
            return quopri.decodestring(data.replace(b"_", b" "), header=False)
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return None


def addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """The (name, address) pairs in the headers of a name, each address once."""
    try:
        pairs = getaddresses(raw(message, name))
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        pairs = []
    found = {address: words(shown) for shown, address in pairs if _ADDRESS.fullmatch(address)}
    if not found:
        found = {address.rstrip("."): "" for text in raw(message, name) for address in _ADDRESS.findall(text)}
    return [(shown, address) for address, shown in found.items() if address.isprintable()]


def instant(text: str) -> int | None:
    """A date of mail in microseconds since 1970, UTC; None where it cannot be read or names no offset."""
    try:
        found: datetime = parsedate_to_datetime(text)
        if found.tzinfo is None or not _YEARS[0] <= found.year <= _YEARS[1]:
            return None
        return micros(found)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def received(message: Message) -> int | None:
    """When the last server, whose header is the topmost, took the message."""
    for text in raw(message, "Received")[:1]:
        return instant(text.rpartition(";")[2].strip())
    return None
