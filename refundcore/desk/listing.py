"""Lists of lines that are drawn by one component: clauses, deadlines, events, related claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from refundcore.deadlines import SECOND
from refundcore.desk import context
from refundcore.desk.parts import component


@dataclass(frozen=True)
class Line:
    """One line; all of it is shown as plain text.

    `due` is an instant in microseconds and ticks; `opens` is the reference of a claim that the head leads to.
    """

    head: str = ""
    text: str = ""
    note: str = ""
    icon: str = ""
    tone: str = ""
    word: str = ""
    when: str = ""
    due: int | None = None
    opens: str = ""
    dim: bool = False


def listing(lines: Sequence[Line], key: str, label: str, *, along: Mapping[str, str] | None = None) -> str:
    """Draw the lines; the reference of the claim that was just opened, or ''.

    `along` is what the links' addresses carry beside the claim: the queue's filter.
    """
    rows: list[dict[str, Any]] = []
    for line in lines:
        row = asdict(line)
        row["due"] = None if line.due is None else line.due / SECOND
        if opened := row.pop("opens"):
            row |= {"open": opened, "href": claim_address(opened, along or {})}
        rows.append(row)
    drawn = component("listing")(
        key=key,
        data={"label": label, "now": context.now_us() / SECOND, "rows": rows},
        on_opened_change=_ignore,
        height="content",
    )
    return str(drawn.opened or "")


def claim_address(ref: str, along: Mapping[str, str]) -> str:
    """Where a claim is shown, relative to the desk's root."""
    return f"claim?{urlencode({'claim': ref, **along})}"


def _ignore() -> None:
    """Reading the trigger after the run is enough."""


@dataclass(frozen=True)
class Pair:
    """A name and its value, shown as plain text; `unknown` marks what is not known."""

    name: str
    value: str
    wide: bool = False
    unknown: bool = False


def pairs(shown: Sequence[Pair], key: str) -> None:
    """Draw names and values side by side."""
    component("pairs")(key=key, data={"pairs": [asdict(pair) for pair in shown]}, height="content")
