"""Rules that can never apply and clauses that can never lead, found by trying the rules on all facts there can be.

The facts are the small integers of the regions. Rules that look at no common column can be tried apart: each group of
columns is tried in every combination, only the distinct answers are kept, and these are combined. Some combinations
cannot happen, so what is called impossible here is certainly so; the reverse is not claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from refundcore.facts import REASONS
from refundcore.lint.finding import Finding
from refundcore.policy import Policy
from refundcore.rulebook import Known, Rulebook, Taken
from refundcore.rulebook import known as k
from refundcore.rulebook.book import WEIGHING
from refundcore.rulebook.known import Codes

Key = tuple[str, str]
"""A clause and the role in which its rule weighs."""

_LIMITS = (0, k.BY_14, k.BY_14 | k.BY_CURE, k.BY_14 | k.BY_CURE | k.BY_SMS_WINDOW, k.ALL_LIMITS,
           k.BY_SMS_WINDOW, k.BY_SMS_WINDOW | k.BY_PURCHASE_WINDOW)  # fmt: skip
"""How an instant can lie to the ends by which evidence must be there: no window ends before the one it contains."""

VALUES: Mapping[str, Sequence[int]] = {
    "unlawful": (k.NONE, k.ALLEGED, k.CONFIRMED),
    "approved": (k.NO, k.YES, k.UNDECIDED),
    "contact": (k.NO_CONTACT, k.CONTACT_LATE, k.CONTACT_IN_TIME),
    "sms": (k.SMS_KNOWN, k.SMS_EARLY, k.SMS_LATE),
    "replacement": (k.REFUND, k.AVAILABLE, k.UNAVAILABLE),
    "clock_standing": (k.RUNNING, k.OVER, k.STANDING, k.SILENT),
    "fix_standing": (k.UNFIXED, k.FIXED_IN_TIME, k.FIXED_DOUBTFUL, k.FIXED_LATE),
    "fix_plain": (k.UNFIXED, k.FIXED_IN_TIME, k.FIXED_DOUBTFUL, k.FIXED_LATE),
    "evidence_in": _LIMITS,
    "open_now": _LIMITS,
}
"""What the columns can be that are not simply no or yes."""

FIXED: Mapping[str, Mapping[str, int]] = {"incompatibility": {"third": k.YES}, "other": {"other_reason": k.YES}}
"""What a reason says by itself."""

CONCERNED: Mapping[str, tuple[str, ...]] = {
    "sms_not_received": ("code", "sms_came"),
    "invalid_number": ("code", "contact", "attached", "sufficient", "evidence_in", "open_now", "third", "listed"),
    "major_defect": (
        "approved", "accepted", "refused", "needed", "replacement", "third", "listed", "reproduced",
        "clock_standing", "clock_plain", "fix_standing", "fix_plain",
    ),
    "incompatibility": ("listed",),
    "other": ("third", "listed"),
}  # fmt: skip
"""The columns that vary under each reason, beside those of every claim."""
EVERY = ("timing", "unlawful", "terms", "thin", "nothing_left", "fee_takes_all")

_BITS = {
    "sms_not_received": (
        k.RECEIVED_FROM_PURCHASE, k.SENT_FROM_PURCHASE, k.RECEIVED_FROM_ORDER, k.SENT_FROM_ORDER, k.BY_DAY_14,
    ),
    "invalid_number": (
        k.RECEIVED_FROM_PURCHASE, k.SENT_FROM_PURCHASE, k.RECEIVED_FROM_SMS, k.SENT_FROM_SMS, k.BY_DAY_14,
    ),
    "major_defect": (k.RECEIVED_FROM_ORDER, k.SENT_FROM_ORDER, k.BY_DAY_14),
}  # fmt: skip
_IMPLIES = (
    (k.RECEIVED_FROM_PURCHASE, k.SENT_FROM_PURCHASE),
    (k.RECEIVED_FROM_ORDER, k.SENT_FROM_ORDER),
    (k.RECEIVED_FROM_SMS, k.SENT_FROM_SMS),
    (k.RECEIVED_FROM_PURCHASE, k.RECEIVED_FROM_SMS),
    (k.SENT_FROM_PURCHASE, k.SENT_FROM_SMS),
)
"""Bits of the timing that bring others along: what was received in time was sent in time, and so on."""


class _Spy(Known):
    """Facts that note which columns are looked at."""

    def __init__(self) -> None:
        super().__init__({}, 1)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Codes:
        self.seen.add(name)
        return super().__getitem__(name)


@dataclass
class _Seen:
    """What came of trying everything."""

    applied: set[Key] = field(default_factory=set)
    led: set[str] = field(default_factory=set)
    behind: dict[str, set[str]] = field(default_factory=dict)
    """Clause -> the clauses that led where it applied and weighed."""


def unreachable(policy: Policy, book: Rulebook) -> list[Finding]:
    """Rules that apply to no claim there can be, and clauses that apply but never lead."""
    seen = _Seen()
    for reason in REASONS:
        rules = [key for key in book.rules if policy.clauses[key[0]].concerns(reason) and key[0] not in book.first]
        if rules:
            _try(policy, book, reason, rules, _timings(reason), seen)
    return [*_dead(policy, book, seen), *_masked(policy, book, seen)]


def _dead(policy: Policy, book: Rulebook, seen: _Seen) -> list[Finding]:
    found = []
    for clause, role in book.rules:
        off = policy.clauses[clause].off or clause in book.first
        if not off and (clause, role) not in seen.applied:
            told = f"Whatever the facts are, {clause} never weighs as {role}."
            found.append(Finding("dead", (clause,), (clause,), told))
    return found


def _masked(policy: Policy, book: Rulebook, seen: _Seen) -> list[Finding]:
    asks = {clause for clauses in book.asks.values() for clause in clauses}
    parts = {clause for reading in policy.readings.values() if reading.splits for clause in reading.parts}
    found = []
    for clause, others in seen.behind.items():
        if clause not in seen.led | asks | parts | set(book.closer):
            names = tuple(name for name in policy.clauses if name in {clause, *others})
            told = f"Where {clause} applies, {' or '.join(sorted(others, key=book.bit))} leads: it never leads itself."
            found.append(Finding("masked", names, (clause,), told))
    return found


def _timings(reason: str) -> Sequence[int]:
    bits = _BITS.get(reason, (k.BY_DAY_14,))
    sets = (sum(bit for place, bit in enumerate(bits) if chosen >> place & 1) for chosen in range(1 << len(bits)))
    return [
        timing
        for timing in sets
        if all(not (timing & one) or timing & other or other not in bits for one, other in _IMPLIES)
    ]


def _try(  # noqa: PLR0917 - what a trial takes
    policy: Policy, book: Rulebook, reason: str, rules: Sequence[Key], timings: Sequence[int], seen: _Seen
) -> None:
    fixed = FIXED.get(reason, {})
    values = {name: VALUES.get(name, (k.NO, k.YES)) for name in (*EVERY, *CONCERNED[reason])} | {"timing": timings}
    if not policy.fees:
        values["fee_takes_all"] = (k.NO,)
    values |= {name: (value,) for name, value in fixed.items()}
    taken = Taken.three(policy)
    readings = len(taken.columns)
    looks = {key: _columns(book, key, taken) & values.keys() for key in rules}
    tables: list[tuple[list[Key], Codes]] = []
    for group in _groups(rules, looks):
        columns = sorted(set().union(*(looks[key] for key in group)))
        grid = np.meshgrid(*(np.array(values[name], dtype=np.int64) for name in columns), indexing="ij")
        size = grid[0].size if grid else 1
        known = Known({name: axis.reshape(-1) for name, axis in zip(columns, grid, strict=True)}, size)
        shape = (known.rows, readings)
        answers = [np.broadcast_to(book.rules[key](known, taken), shape).astype(np.int64) for key in group]
        packed = sum(answer << place for place, answer in enumerate(answers))
        tables.append((group, np.unique(np.asarray(packed), axis=0)))
    _combine(book, tables, readings, seen)


def _columns(book: Rulebook, key: Key, taken: Taken) -> set[str]:
    spy = _Spy()
    book.rules[key](spy, taken)
    return spy.seen


def _groups(rules: Sequence[Key], looks: Mapping[Key, set[str]]) -> list[list[Key]]:
    """Rules that look at a column in common, directly or through others, stand together."""
    groups: list[tuple[set[str], list[Key]]] = []
    for key in rules:
        near = [group for group in groups if group[0] & looks[key]]
        groups = [group for group in groups if group not in near]
        columns = set(looks[key]).union(*(group[0] for group in near))
        groups.append((columns, [rule for group in near for rule in group[1]] + [key]))
    return [rules for _, rules in groups]


def _combine(book: Rulebook, tables: Sequence[tuple[list[Key], Codes]], readings: int, seen: _Seen) -> None:
    """Weighs every combination of the groups' distinct answers, one reading after the other."""
    for reading in range(readings):
        roles: dict[str, Codes] = {role: np.zeros(1, dtype=np.int64) for role in WEIGHING}
        for group, answers in tables:
            distinct = np.unique(answers[:, reading])
            own = {role: np.zeros(len(distinct), dtype=np.int64) for role in WEIGHING}
            for place, (clause, role) in enumerate(group):
                applies = (distinct >> place & 1) == 1
                own[role] |= np.where(applies, book.bit(clause), 0)
                if applies.any():
                    seen.applied.add((clause, role))
            both = np.stack([(roles[role][:, None] | own[role][None, :]).reshape(-1) for role in WEIGHING])
            both = np.unique(both, axis=1)
            roles = dict(zip(WEIGHING, both, strict=True))
        deciding = reduce(
            lambda rest, role: np.where(roles[role] != 0, roles[role], rest),
            ("ground", "remedy", "clock", "supply", "hold", "bar"),
            np.zeros_like(roles["bar"]),
        )
        for bits in np.unique(deciding[deciding != 0]).tolist():
            lead, *others = book.names(bits)
            seen.led.add(lead)
            for other in others:
                seen.behind.setdefault(other, set()).add(lead)
