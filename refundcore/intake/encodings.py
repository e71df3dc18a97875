"""In what encoding a text is written: certain by its mark, else proposed and never taken silently."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from refundcore.intake.problems import printable

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = ("cp1252", "mac_roman", "latin_1")
NAMES = {
    "cp1252": "Windows, Western Europe (cp1252)",
    "mac_roman": "Mac, Western Europe (mac_roman)",
    "latin_1": "Latin-1",
    "utf-8": "UTF-8",
}
_LINES = 4
_MOST = 4
_USUAL = 0.1
"""The advantage of the encodings that most files are in: ů and ù look equally right to a program."""
_SHARE = 0.6
_CONTROL = frozenset(range(32)) - set(b"\t\n\v\f\r\x1a\x1b")
DAMAGED = ("Ã", "Â", "â€")
"""How UTF-8 looks that was read as a Western encoding and saved again."""


@dataclass(frozen=True)
class Proposal:
    """An encoding that reads the file, and some of its lines as they then read."""

    encoding: str
    label: str
    sample: tuple[str, ...]


def marked(head: bytes) -> tuple[str | None, str]:
    """The encoding that a byte order mark, or the pattern of zero bytes, settles; and a notice for the latter."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, ""
    sample = head[:4_096]
    for name, width, zeros in (
        ("utf-32-le", 4, (1, 2, 3)),
        ("utf-32-be", 4, (0, 1, 2)),
        ("utf-16-le", 2, (1,)),
        ("utf-16-be", 2, (0,)),
    ):
        whole = sample[: len(sample) - len(sample) % width]
        if len(whole) >= 2 * width and all(_zeros(whole[place::width], zero=place in zeros) for place in range(width)):
            return name, f"Read as {name.upper()} without a byte order mark."
    return None, ""


def _zeros(column: bytes, *, zero: bool) -> bool:
    share = column.count(0) / len(column)
    return share > _SHARE if zero else share < 1 - _SHARE


def is_binary(head: bytes) -> bool:
    """Whether bytes hold what no text holds: more than a few control characters."""
    control = sum(byte in _CONTROL for byte in head[:8_192])
    return control > max(2, len(head[:8_192]) // 200)


def proposals(excerpt: bytes) -> tuple[Proposal, ...]:
    """Encodings for a text that is not UTF-8, the likeliest first, judged by an excerpt with the strange bytes."""
    lines = [line for line in excerpt.splitlines()[1:-1] or excerpt.splitlines() if not line.isascii()]
    sample = b"\n".join(lines[:400])
    names = list(_WESTERN)
    for name in _guesses(sample):
        if name not in names:
            names.append(name)
    scored = []
    for name in names:
        try:
            read = sample.decode(name)
        except UnicodeDecodeError:
            continue
        usual = _USUAL if name in _WESTERN else 0.0
        scored.append((-_plausible(read) - usual, names.index(name), name, read))
    found: dict[str, Proposal] = {}
    for _, _, name, read in sorted(scored):
        shown = tuple(printable(line[:160]) for line in read.split("\n")[:_LINES])
        if not any(shown == other.sample for other in found.values()):
            found[name] = Proposal(name, NAMES.get(name, name), shown)
    return tuple(found.values())[:_MOST]


def _guesses(sample: bytes) -> list[str]:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - seldom needed, and slow to import

    return [match.encoding for match in list(from_bytes(sample[:20_000]))[:3] if not match.encoding.startswith("utf")]


def _plausible(read: str) -> float:
    """How much the characters beyond ASCII look like what people write, between -1 and 1."""
    points = strange = 0
    for before, letter, after in zip(" " + read, read, read[1:] + " ", strict=False):
        if letter.isascii():
            continue
        strange += 1
        if letter.isalpha():
            in_word = before.isalpha() or after.isalpha()
            shouted = letter.isupper() and before.islower()
            points += 1 if in_word and not shouted else -1
        elif letter in "’‘“”–—…«»·•®™°№" or letter == "\u00a0":
            points += 1
        elif letter in "£€¥":
            points += 1 if before.isdigit() or after.isdigit() or after in " -" else -1
        else:
            points -= 1
    return points / strange if strange else 0.0


def looks_damaged(text: str) -> bool:
    """Whether a text was UTF-8, read as a Western encoding and saved again."""
    if not any(mark in text for mark in DAMAGED):
        return False
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        try:
            return text.encode("latin_1").decode("utf-8") != text
        except UnicodeError:
            return False
