"""Which column of a file is which fact: by name, by synonyms, and by what stands in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from refundcore.facts import BY_NAME, FACTS, Fact

OWN_COLUMNS = ("rejected line", "rejected because")
"""What the desk adds to a file of rejected rows: neither facts nor unknown columns when it comes back."""

HINTS = dict.fromkeys(
    ("refunded", "refunded amount", "amount refunded", "refund amount"),
    "it may be what this very claim was paid; map it to “Refunded before” if it was paid before the claim",
)
"""Normal name -> why a column is offered for no fact by its name alone."""

_PARTS = re.compile(r"[\s_\-./:#]+")
_BRACKET = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")
_DIGIT = re.compile(r"\d")
_NUMERIC = re.compile(
    r"[^\w]*(?:[A-Za-z]{3})?[^\w]*\d[\d.,'\s\u00a0\u202f]*[^\w]*(?:[A-Za-z]{3})?[^\w]*|[-–—?]+|n/?a|null|none|nan",
    re.IGNORECASE,
)
_TRUTHS = frozenset(["yes", "no", "true", "false", "y", "n", "1", "0", "t", "f", "x"])
_SHARE = 0.5


def normal(name: str) -> str:
    """A column's name without regard to case, spaces, underscores and accents' encoding."""
    return _PARTS.sub(" ", unicodedata.normalize("NFC", name).replace("\ufeff", "").casefold()).strip()


def _names() -> dict[str, tuple[int, str]]:
    """Normal name -> (rank, fact): 0 its own name, 1 a synonym, 2 its label."""
    names: dict[str, tuple[int, str]] = {}
    for rank, given in (
        (0, lambda fact: (fact.name,)),
        (1, lambda fact: fact.synonyms),
        (2, lambda fact: (fact.label,)),
    ):
        for fact in FACTS:
            for name in given(fact):
                names.setdefault(normal(name).rstrip("?"), (rank, fact.name))
    return names


NAMES = _names()


def fact_of(name: str) -> tuple[int, str] | None:
    """The fact that a column's name stands for, with its rank (lower is surer)."""
    plain = normal(name).rstrip("?")
    if found := NAMES.get(plain):
        return found
    if bracket := _BRACKET.search(name):
        found = NAMES.get(normal(name[: bracket.start()]).rstrip("?"))
        return None if found is None else (found[0] + 3, found[1])
    return None


def unit_of(name: str) -> str:
    """What stands in brackets at the end of a column's name, such as a currency."""
    found = _BRACKET.search(name)
    return found[1].strip().upper() if found else ""


def unique(header: Sequence[str]) -> tuple[str, ...]:
    """The names of a header, each different: a repeated one is numbered, a blank one named by its place."""
    seen: dict[str, int] = {}
    names = []
    for place, name in enumerate(header, start=1):
        clean = unicodedata.normalize("NFC", name).replace("\ufeff", "").replace("\0", "").strip() or f"column {place}"
        seen[clean] = seen.get(clean, 0) + 1
        while seen[clean] > 1 and f"{clean} ({seen[clean]})" in seen:
            seen[clean] += 1
        names.append(clean if seen[clean] == 1 else f"{clean} ({seen[clean]})")
        seen.setdefault(names[-1], 1)
    return tuple(names)


@dataclass(frozen=True)
class Proposal:
    """A mapping of columns to facts that was found, and what could not be settled."""

    mapping: Mapping[str, str]
    rivals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fact -> columns that claim it with equal right and different cells: the person chooses."""
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Column -> why it was not taken for the fact of its name."""


def propose(header: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]]) -> Proposal:
    """The facts of a file's columns.

    `header` holds the names as they stand, `names` the unique ones, `cells` the first cells of each column.
    """
    claims: dict[str, list[tuple[int, int]]] = {}
    unfit: dict[str, str] = {}
    for place, name in enumerate(header):
        if hint := HINTS.get(normal(name)):
            unfit[names[place]] = hint
        found = fact_of(name)
        if found is None:
            continue
        rank, fact = found
        if rank % 3 and (why := misfit(BY_NAME[fact], cells[place])):
            unfit[names[place]] = why
            continue
        claims.setdefault(fact, []).append((rank, place))
    mapping: dict[str, str] = {}
    rivals: dict[str, tuple[str, ...]] = {}
    for fact, wanted in claims.items():
        best = min(rank for rank, _ in wanted)
        places = [place for rank, place in wanted if rank == best]
        filled = [place for place in places if any(map(str.strip, cells[place]))] or places[:1]
        if any(list(cells[place]) != list(cells[filled[0]]) for place in filled[1:]):
            rivals[fact] = tuple(names[place] for place in filled)
        mapping[names[filled[0]]] = fact
    ordered = {name: mapping[name] for name in names if name in mapping}
    return Proposal(ordered, rivals, unfit)


def misfit(fact: Fact, cells: Sequence[str]) -> str:
    """Why cells are not of a fact's kind, judged by most of them; empty where they may be."""
    filled = [text for cell in cells if (text := cell.strip())]
    if not filled:
        return ""

    def share(fits: int) -> bool:
        return fits < _SHARE * len(filled)

    if fact.name == "customer_email" and share(sum("@" in text for text in filled)):
        return "its cells are no e-mail addresses"
    if fact.kind == "instant" and share(sum(bool(_DIGIT.search(text)) or text == "-" for text in filled)):
        return "its cells are no dates"
    if fact.kind == "money" and share(sum(bool(_NUMERIC.fullmatch(text)) for text in filled)):
        return "its cells are no amounts"
    if fact.kind == "truth" and share(sum(text.casefold() in _TRUTHS for text in filled)):
        return "its cells are not yes or no"
    return ""
