"""The words that `data/mail.toml` looks for, ready to be searched."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from refundcore.facts import REASONS
from refundcore.intake.problems import IntakeError
from refundcore.money import EXPONENTS

DEFAULT = Path(__file__).resolve().parents[3] / "data" / "mail.toml"

_REFERENCE = r"(?P<ref>[^\W_](?:[\w/-]{0,38}\w)?)"
_NUMBER = r"\d{1,3}(?:[., '\u00a0\u202f]\d{3}){1,4}(?:[.,]\d{1,3})?|\d{1,12}(?:[.,]\d{1,3})?"
_WORDS_OF_CODES = frozenset({"ALL", "TOP", "TRY", "CUP", "MOP", "BAM", "ANG", "PEN", "GEL", "LAK", "SOS", "RON"})
"""Currency codes that are words: they count after a number, not before one."""


@dataclass(frozen=True)
class Phrases:
    """Patterns over a text in small letters on one line (amounts: as it is written)."""

    order: re.Pattern[str]
    beginning: re.Pattern[str]
    hash: re.Pattern[str]
    reasons: Mapping[str, re.Pattern[str]]
    dates: Mapping[str, re.Pattern[str]]
    paid: re.Pattern[str]
    amount: re.Pattern[str]
    signs: Mapping[str, str]
    """Sign -> currency, or "" for one of several currencies."""


@cache
def load(path: Path = DEFAULT) -> Phrases:
    """The phrases of a document. Raises `IntakeError` naming what is wrong in it."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntakeError(f"{path.name} cannot be read: {error}.") from error
    order, amounts = _table(given, "order", path), _table(given, "amounts", path)
    reasons, dates = _table(given, "reasons", path), _table(given, "dates", path)
    if strange := sorted(set(reasons) - set(REASONS)):
        raise IntakeError(f"{path.name}, [reasons]: there is no reason called {strange[0]}.")
    if strange := sorted(set(dates) - {"purchased_at", "ordered_at"}):
        raise IntakeError(f"{path.name}, [dates]: {strange[0]} is neither purchased_at nor ordered_at.")
    signs = {str(sign): str(code) for sign, code in _table(amounts, "signs", path).items()}
    if wrong := sorted(code for code in signs.values() if code and code not in EXPONENTS):
        raise IntakeError(f"{path.name}, [amounts.signs]: {wrong[0]} is no currency code of ISO 4217.")
    between = rf"(?:\s*(?:{_any(_texts(order, 'between', path))}|[#:=.]|\()){{0,6}}"
    after = "".join(rf"(?<!{re.escape(word.lower())} )" for word in _texts(order, "not_after", path))
    codes = sorted(EXPONENTS)
    before = "|".join(
        [*map(re.escape, sorted(signs, key=len, reverse=True)), *(c for c in codes if c not in _WORDS_OF_CODES)]
    )
    behind = "|".join([*map(re.escape, sorted(signs, key=len, reverse=True)), *codes])
    return Phrases(
        order=re.compile(rf"(?<!\w)(?:{_any(_texts(order, 'words', path))})(?!\w){between}\s*#?\s*{_REFERENCE}"),
        beginning=re.compile(rf"(?<![\w-])(?P<ref>(?:{_any(_texts(order, 'beginnings', path))})[\w/-]{{0,38}}\w)"),
        hash=re.compile(rf"(?<![\w#]){after}#\s?(?P<ref>(?=[\w-]{{0,20}}\d)\w[\w/-]{{1,38}}\w)"),
        reasons={reason: _phrases(_texts(reasons, reason, path)) for reason in reasons},
        dates={fact: _phrases(_texts(dates, fact, path)) for fact in dates},
        paid=_phrases(_texts(amounts, "paid", path)),
        amount=re.compile(
            rf"(?<![\w.,])(?:(?P<before>{before})\s?(?P<first>{_NUMBER})|(?P<last>{_NUMBER})\s?(?P<behind>{behind}))(?![\w%]|[.,]\d)"
        ),
        signs=signs,
    )


def _table(given: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    found = given.get(name)
    if not isinstance(found, dict):
        raise IntakeError(f"{path.name}: the part [{name}] is missing.")
    return found


def _texts(given: Mapping[str, Any], name: str, path: Path) -> list[str]:
    found = given.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one.strip() for one in found):
        raise IntakeError(f"{path.name}: {name} is not a list of words in quotes.")
    return found


def _any(texts: Iterable[str]) -> str:
    """A pattern for any of some words, the longest first."""
    return "|".join(
        r"\s+".join(re.escape(word) for word in text.lower().split()) for text in sorted(texts, key=len, reverse=True)
    )


def _phrases(texts: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of some phrases; a * stands for none to four words of the same sentence."""
    patterns = []
    for text in sorted(texts, key=len, reverse=True):
        pieces = [r"\s+".join(map(re.escape, piece.lower().split())) for piece in text.split("*")]
        patterns.append(r"(?:\s+[^\s.!?]{1,40}){0,4}\s+".join(pieces))
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)")
