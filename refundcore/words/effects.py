"""What a change of facts does to a claim: its verdict and its deadlines before and after, told before it is done."""

from __future__ import annotations

from dataclasses import dataclass

from refundcore.words.deadlines import STOPPED, DeadlineLine


@dataclass(frozen=True)
class Moved:
    """A deadline that would move, begin or end."""

    title: str
    clause: str
    before: int | None
    """Its last instant now; None for one that is not there yet."""
    after: int | None
    """Its last instant then; None for one that ends."""
    stops: bool = False
    """The clock would stand still."""


def halted(line: DeadlineLine) -> bool:
    """Whether a clock stands still; its instant is then the end that it had before."""
    return line.state == STOPPED


def moved(before: list[DeadlineLine], after: list[DeadlineLine]) -> list[Moved]:
    """The deadlines that differ, in the order in which they stand."""
    old = {(line.title, line.counted): line for line in before}
    new = {(line.title, line.counted): line for line in after}
    found = []
    for clock in dict.fromkeys((*old, *new)):
        was, will = old.get(clock), new.get(clock)
        line = will or was
        if line is None or (was is not None and will is not None and (was.at, halted(was)) == (will.at, halted(will))):
            continue
        stops = will is not None and halted(will)
        found.append(Moved(line.title, line.clause, was.at if was else None, will.at if will else None, stops=stops))
    return found
