"""The digest: which open claims are overdue, due soon or waiting for a manager, by the person who has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from refundcore.deadlines import HOUR, SECOND, micros, moment, zone_of
from refundcore.store import DueClaim, Store, due_claims, rejudge_due

OVERDUE, IN_4, IN_24, APPROVAL = "overdue", "in_4", "in_24", "approval"
TITLES = {
    OVERDUE: "Overdue",
    IN_4: "Due within 4 hours",
    IN_24: "Due within 24 hours",
    APPROVAL: "Waiting for a manager's approval",
}
SHOWN = 50
"""Claims that are named in each part, for each person; of more, the number is told."""

NOBODY = "Nobody"


@dataclass(frozen=True)
class Digest:
    """What is due, as of an instant."""

    at: int
    zone: str
    groups: dict[str, list[DueClaim]]
    """A part -> its claims, the most urgent first; a claim stands in one part only, an approval also in its own."""

    @property
    def claims(self) -> int:
        """How many claims there are to look at."""
        return len({claim.id for group in self.groups.values() for claim in group})

    @property
    def subject(self) -> str:
        """The subject of the mail: the figures."""
        overdue, soon = len(self.groups[OVERDUE]), len(self.groups[IN_4])
        return f"Refund Desk: {overdue:,} overdue, {soon:,} due within 4 hours"

    @property
    def text(self) -> str:
        """The whole digest as plain text."""
        when = _when(self.at, self.zone)
        if not self.claims:
            return f"Refund Desk, {when}\n\nNothing is overdue, due within 24 hours or waiting for approval.\n"
        figures = [f"{TITLES[name]}: {len(group):,}" for name, group in self.groups.items()]
        parts = [part for name, group in self.groups.items() if group for part in self._part(name, group)]
        return "\n".join([f"Refund Desk, {when}", "", *figures, "", *parts])

    def _part(self, name: str, group: Sequence[DueClaim]) -> Iterable[str]:
        title = TITLES[name].upper()
        yield from (title, "-" * len(title))
        for who, theirs in groupby(sorted(group, key=_by_person), key=lambda claim: claim.assignee):
            claims = list(theirs)
            yield f"{who or NOBODY} ({len(claims):,})"
            yield from (f"  {self._line(claim)}" for claim in claims[:SHOWN])
            if len(claims) > SHOWN:
                yield f"  and {len(claims) - SHOWN:,} more"
        yield ""

    def _line(self, claim: DueClaim) -> str:
        what = claim.verdict.replace("_", " ") if claim.state == "new" else claim.state.replace("_", " ")
        return f"{claim.ref}  {_when(claim.act_by, self.zone)}  ({_span(claim.act_by - self.at)})  {what}"


def digest(store: Store, *, at: datetime) -> Digest:
    """What is due at an instant; claims whose verdict may have changed are judged first."""
    rejudge_due(store, at)
    now = micros(at)
    groups: dict[str, list[DueClaim]] = {name: [] for name in TITLES}
    for claim in due_claims(store, until=now + 24 * HOUR):
        if claim.state == "awaiting_approval":
            groups[APPROVAL].append(claim)
        if claim.act_by < now:
            groups[OVERDUE].append(claim)
        elif claim.act_by <= now + 4 * HOUR:
            groups[IN_4].append(claim)
        elif claim.act_by <= now + 24 * HOUR:
            groups[IN_24].append(claim)
    return Digest(now, store.policy.zone, groups)


def _by_person(claim: DueClaim) -> tuple[bool, str, int]:
    return (not claim.assignee, claim.assignee.lower(), claim.act_by)


def _when(at: int, zone: str) -> str:
    return f"{moment(at, zone_of(zone)):%Y-%m-%d %H:%M} ({zone})"


def _span(left: int) -> str:
    minutes = abs(left) // (60 * SECOND)
    days, hours = minutes // 1440, minutes % 1440 // 60
    told = f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    return f"{told} ago" if left < 0 else f"in {told}"
