"""What the store takes and gives: plain, frozen values.

Every time is an int of microseconds since 1970 in UTC unless it is a `datetime`, which is always aware. Money is an
int of minor units of the claim's currency. Facts are a mapping from a column of `facts.COLUMNS` to str, bool, int
or None (unknown).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

from refundcore.promises import Told

Facts = Mapping[str, Any]
"""Column of `facts.COLUMNS` -> str, bool, int or None."""

Role = Literal["agent", "manager", "auditor"]
ROLES: tuple[Role, ...] = ("agent", "manager", "auditor")

Outcome = Literal["approve", "exchange", "deny", "ask"]
OUTCOMES: tuple[Outcome, ...] = ("approve", "exchange", "deny", "ask")

STATES = (
    "new",
    "waiting_customer",
    "waiting_technician",
    "awaiting_approval",
    "decided",
    "payout_failed",
    "closed",
)
OPEN_STATES = ("new", "waiting_customer", "waiting_technician", "awaiting_approval", "payout_failed")
"""The states in which a claim stands in the queue."""

STATE_GROUPS: Mapping[str, tuple[str, ...]] = {
    "open": OPEN_STATES,
    "us": ("new", "awaiting_approval", "payout_failed"),
    "customer": ("waiting_customer",),
    "technician": ("waiting_technician",),
    "approval": ("awaiting_approval",),
    "decided": ("decided",),
    "failed": ("payout_failed",),
    "closed": ("closed",),
    "all": STATES,
}
"""The choices of `Filter.state`: a group and the states it holds."""


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    id: int
    name: str
    email: str
    role: Role
    active: bool
    created_at: int
    last_seen_at: int | None = None


@dataclass(frozen=True)
class Receipt:
    """What an act did."""

    claim: int
    version: int
    """The claim's version after the act: what the next act has to name."""
    event_id: int
    repeated: bool
    """True: the key was used before; nothing was done now, this is what was done then."""
    sentence: str
    ref: str = ""


@dataclass(frozen=True)
class Filter:
    """Which claims a queue shows. `of` and `params` are its form in a page's address."""

    state: str = "open"
    """A key of `STATE_GROUPS`."""
    verdict: str = ""
    reason: str = ""
    assignee: str = ""
    """"" anybody, "me", "nobody", or a person's id in digits."""
    text: str = ""
    """A reference, an order or an e-mail address: exact or its beginning."""
    due: str = ""
    """"" any, "soon": to be acted on within 4 hours, "day": within 24, "overdue": that moment has passed."""
    imported: str = ""
    """The id of an import, in digits: only the claims it created."""

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Self:
        """The filter of an address; unknown names and impossible values are dropped."""
        known = {f.name: str(params[f.name]).strip() for f in fields(cls) if f.name in params}
        found = cls(**known)
        if found.state not in STATE_GROUPS:
            found = replace(found, state="open")
        if found.due not in {"", "soon", "day", "overdue"}:
            found = replace(found, due="")
        if found.assignee not in {"", "me", "nobody"} and not found.assignee.isdecimal():
            found = replace(found, assignee="")
        if not found.imported.isdecimal():
            found = replace(found, imported="")
        return found

    def params(self) -> dict[str, str]:
        """What of the filter differs from the plain queue, for an address."""
        plain = type(self)()
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(plain, f.name)}


@dataclass(frozen=True)
class QueueRow:
    """A claim as the queue shows it."""

    id: int
    ref: str
    version: int
    state: str
    outcome: str
    """"" until decided; then approved, exchanged or denied."""
    verdict: str
    leaning: str
    clause: str
    missing: tuple[str, ...]
    reason: str | None
    order_ref: str | None
    item_ref: str | None
    customer_email: str | None
    product: str | None
    amount: int | None
    currency: str | None
    refund: int | None
    fee: int | None
    submitted_at: int | None
    next_deadline: int | None
    act_by: int | None
    assignee_id: int | None
    assignee: str
    """The assignee's name, "" for nobody."""


@dataclass(frozen=True)
class QueuePage:
    """Some rows of a queue and the cursors of the pages around them (None: there is none)."""

    rows: tuple[QueueRow, ...]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class Figures:
    """The figures on top of the queue: numbers of open claims."""

    due_soon: int
    """To be acted on within 4 hours, not yet overdue."""
    overdue: int
    waiting_us: int
    """new, awaiting a manager's approval, or with a payout that failed."""
    waiting_customer: int
    waiting_technician: int
    awaiting_approval: int
    mine: int
    open: int


@dataclass(frozen=True)
class Decision:
    """What somebody decided on a claim."""

    id: int
    claim: int
    at: int
    person_id: int
    person: str
    outcome: str
    """approve, exchange or deny."""
    status: str
    """awaiting_approval, standing, rejected or withdrawn (by reopening)."""
    override: bool
    """Against the policy's verdict."""
    verdict: str
    """The policy's verdict at that moment."""
    reason: str
    reply: str
    refund: int | None
    fee: int | None
    currency: str | None
    approver_id: int | None
    approver: str
    approved_at: int | None
    approver_reason: str


@dataclass(frozen=True)
class ClaimRecord:
    """Everything that the store knows of one claim."""

    id: int
    ref: str
    version: int
    facts: Facts
    state: str
    outcome: str
    verdict: str
    leaning: str
    clause: str
    clauses: tuple[str, ...]
    missing: tuple[str, ...]
    next_deadline: int | None
    refund: int | None
    fee: int | None
    holds_until: int | None
    edition: int
    """Of the policy that judged it."""
    act_by: int | None
    assignee_id: int | None
    assignee: str
    created_at: int
    updated_at: int
    import_id: int | None
    asked_for: tuple[str, ...]
    """The facts that the claim waits for."""
    asked_until: int | None
    """Until when they were asked for; None where no moment was named."""
    told: tuple[Told, ...]
    """The deadlines that the customer was told."""
    decision: Decision | None
    """The last decision that stands or waits for approval."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a claim. Events are only ever added."""

    id: int
    claim: int
    seq: int
    """1, 2, 3, ... on each claim."""
    at: int
    person_id: int
    person: str
    kind: str
    """created, facts_set, assigned, noted, asked, decided, override_requested, override_approved, override_rejected,
    reopened or closed."""
    body: Mapping[str, Any]
    sentence: str
    """What happened, in a sentence without time."""
    hash: str


@dataclass(frozen=True)
class Result:
    """What a bulk act did, or would do, to one claim."""

    claim: int
    ref: str
    done: bool
    sentence: str


@dataclass(frozen=True)
class ManyResult:
    """What a bulk act did, claim by claim."""

    results: tuple[Result, ...]
    total: int = 0
    """How many claims were to be changed."""
    stopped: str = ""
    """Why it ended before the last claim, as a sentence; what is in `results` was done all the same."""

    @property
    def done(self) -> int:
        """How many claims were changed."""
        return sum(result.done for result in self.results)

    @property
    def refused(self) -> tuple[Result, ...]:
        """The claims that were not changed, each with its sentence."""
        return tuple(result for result in self.results if not result.done)


@dataclass(frozen=True)
class Preview:
    """What a bulk decision would do."""

    will: int
    wont: int
    reasons: Mapping[str, int]
    """Why not, as a sentence, and for how many claims."""
    refunds: Mapping[str, int]
    """Currency -> the sum that would be refunded, in minor units."""
    pairs: tuple[tuple[int, int], ...] = ()
    """(id, version) of each claim that would be decided: what the act is held to."""
    waits: int = 0
    """How many of them would then wait for a manager's approval."""


@dataclass(frozen=True)
class Owners:
    """Whose claims a bulk act would touch."""

    pairs: tuple[tuple[int, int], ...]
    """(id, version) of each claim."""
    nobodys: int
    yours: int
    others: Mapping[str, int]
    """Colleague -> how many of the claims are theirs."""
    closed: int
    """How many are closed: they are not given to anybody."""


@dataclass(frozen=True)
class Balance:
    """Where the rows of an imported file went: `rows` is always the sum of the others."""

    rows: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    conflicting: int = 0
    rejected: int = 0

    @property
    def holds(self) -> bool:
        """Whether every row is accounted for."""
        parts = (self.created, self.updated, self.unchanged, self.duplicates, self.conflicting, self.rejected)
        return self.rows == sum(parts)

    def __str__(self) -> str:
        return (
            f"{self.rows:,} rows = {self.created:,} created + {self.updated:,} updated + {self.unchanged:,} unchanged"
            f" + {self.duplicates:,} duplicates + {self.conflicting:,} conflicting + {self.rejected:,} rejected"
        )


@dataclass(frozen=True)
class Reject:
    """A row of a file that did not become a claim: rejected, or in conflict with a claim that is there."""

    import_id: int
    line: int
    kind: str
    """rejected or conflicting."""
    cells: Mapping[str, str]
    """The row as it stood in the file: header -> cell."""
    why: str
    claim: int | None = None
    """The claim it conflicts with."""


@dataclass(frozen=True)
class Difference:
    """A row of a file whose claim is there with other facts."""

    line: int
    claim: int
    ref: str
    version: int
    """The version of the claim that was compared."""
    stored: Mapping[str, Any]
    """The facts of the claim: column -> value."""
    wanted: Mapping[str, Any]
    """What the row says otherwise: column -> value."""
    state: str
    refusal: str = ""
    """Why the claim is not changed, whatever is chosen; "" where it may be: nobody decided it."""

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that differ."""
        return tuple(dict.fromkeys(name.removesuffix("_latest") for name in self.wanted))


@dataclass(frozen=True)
class Comparison:
    """What rows of a file would meet in the store."""

    new: int
    unchanged: int
    differing: tuple[Difference, ...]
    repeated: int = 0
    """Rows that say the same of a claim as an earlier row of the file."""
    contradicting: int = 0
    """Rows that say otherwise."""


@dataclass(frozen=True)
class Undoing:
    """Whether a finished import can be taken back, and what that would do."""

    possible: bool
    claims: int
    """How many claims would be removed."""
    sentence: str


@dataclass(frozen=True)
class ImportRecord:
    """One import of a file."""

    id: int
    filename: str
    sha256: str
    person_id: int
    person: str
    started_at: int
    finished_at: int | None
    status: str
    """running, finishing, finished, removing or removed (cut off or taken back)."""
    balance: Balance
    share: float | None = None
    """How much of the file is read, from 0 to 1, while it is being imported."""
    undone_by: str = ""
    """Who took it back after it was finished."""
    undone_at: int | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
