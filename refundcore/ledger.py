"""The ledger of a claim's clocks: what started, moved, stopped and ended each of them, and what a customer was told.

Clocks are computed from facts and never stored, so the ledger is computed as well: the deadlines as they stood after
each event of the claim, and the differences from one event to the next. What only time does is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from refundcore import promises
from refundcore.facts import COLUMNS, Claims
from refundcore.policy import Policy
from refundcore.store import Event
from refundcore.words import DeadlineLine, case_of
from refundcore.words.deadlines import lines
from refundcore.words.effects import halted

Move = Literal["started", "resumed", "earlier", "later", "stopped", "ended", "told"]

_Clock = tuple[str, str]
"""A clock's title and clause, and the event from which it is counted."""


@dataclass(frozen=True)
class Entry:
    """One movement of one clock."""

    at: int
    """When it was moved, in microseconds."""
    person: str
    because: str
    """The event that moved it, as a sentence."""
    title: str
    clause: str
    move: Move
    before: int | None
    """Its last instant when it ran before; None for a clock that never did."""
    after: int | None
    """Its last instant since; None for a clock that ended or stands still."""


def ledger(events: Sequence[Event], policy: Policy) -> list[Entry]:
    """What moved the clocks of a claim, first to last; `events` are all of one claim, in their order."""
    facts: dict[str, Any] = dict.fromkeys(COLUMNS)
    now: dict[_Clock, DeadlineLine] = {}
    ends: dict[_Clock, int] = {}
    found: list[Entry] = []
    failed = {event.body.get("reply_event") for event in events if event.kind == "reply_failed"}
    for event in events:
        said = _facts_of(event)
        if said:
            facts |= said
            then = _clocks(facts, policy, event.at)
            found += _moves(event, now, then, ends)
            now = then
            ends |= {clock: line.at for clock, line in then.items()}
        if event.id not in failed:
            found += _told(event)
    return found


def _facts_of(event: Event) -> Mapping[str, Any]:
    """The facts that an event says."""
    said = event.body.get("facts", {}) if event.kind == "created" else event.body.get("changes", {})
    return {name: value for name, value in {**said, **event.body.get("marks", {})}.items() if name in COLUMNS}


def _clocks(facts: Mapping[str, Any], policy: Policy, at: int) -> dict[_Clock, DeadlineLine]:
    claim = Claims.of({name: [facts[name]] for name in COLUMNS})
    return {(line.title, line.counted): line for line in lines(case_of(claim, policy, at))}


def _moves(
    event: Event,
    before: Mapping[_Clock, DeadlineLine],
    after: Mapping[_Clock, DeadlineLine],
    ends: Mapping[_Clock, int],
) -> Iterator[Entry]:
    """The differences that an event made; `ends` are the last ends of all clocks that ever ran."""
    for clock in dict.fromkeys((*before, *after)):
        old, new = before.get(clock), after.get(clock)
        line = new or old
        if line is None or (old and new and (old.at, halted(old)) == (new.at, halted(new))):
            continue
        yield Entry(
            event.at,
            event.person,
            event.sentence,
            line.title,
            line.clause,
            _move(ends.get(clock), new),
            ends.get(clock),
            None if new is None or halted(new) else new.at,
        )


def _move(before: int | None, new: DeadlineLine | None) -> Move:
    """What became of a clock."""
    if new is None:
        return "ended"
    if halted(new):
        return "stopped"
    if before is None:
        return "started"
    return "resumed" if before == new.at else "later" if new.at > before else "earlier"


def _told(event: Event) -> Iterator[Entry]:
    """The deadlines that a customer was told with an event."""
    for told in promises.of_body(event.body) if event.kind in {"replied", "reply_begun"} else ():
        kind = promises.KINDS[told.what]
        yield Entry(event.at, event.person, event.sentence, kind.title, kind.clause, "told", None, told.at)
