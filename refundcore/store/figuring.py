"""What a claim counts as: the row of `claim_figures` that follows from its facts, its decision, its first answer.

Pure: columns in, columns out, for one claim as for fifty thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import repeat
from typing import Any

import numpy as np

from refundcore.deadlines import FAR_FUTURE, HOUR, day_number
from refundcore.policy import Policy, instant_of
from refundcore.store.figure_tables import NAMES
from refundcore.store.time_bins import bins_of

CLAIM = (
    "id",
    "import_id",
    "version",
    "assignee_id",
    "created_at",
    "submitted_at",
    "purchased_at",
    "ordered_at",
    "reason",
    "currency",
    "payment_method",
    "channel",
    "product",
    "amount",
    "defect_approved",
    "defect_notified_at",
    "defect_fixed_at",
    "access_requested_at",
    "access_granted_at",
)
"""The columns of a claim that its figures follow from."""

HISTORY = "history"
"""Stands as the policy of a decision that was made before the claim came onto the desk."""

Columns = Mapping[str, Sequence[Any]]


def figured(given: Columns, policy: Policy) -> dict[str, list[Any]]:
    """The columns of `claim_figures` for claims.

    `given` holds the columns of `CLAIM` and, of claims that have them, of the decision that stands (`decision_at`,
    when it took effect, `outcome`, `override`, `verdict`, `clause`, `person_id`, `refund`, `fee`, `policy`), the first
    answer (`answered_at`) and goodwill (`granted_at`, `goodwill`). A column that is left out holds nothing.
    """
    size = len(given["id"])

    def of(name: str) -> Sequence[Any]:
        return given.get(name) or [None] * size

    def text(name: str) -> list[str]:
        return ["" if value is None else value for value in of(name)]

    def whole(name: str) -> list[int]:
        return [0 if value is None else int(value) for value in of(name)]

    zone, created, submitted = policy.zone, of("created_at"), of("submitted_at")
    came = [one if sent is None else sent for one, sent in zip(created, submitted, strict=True)]
    bought = [number if at is None else at for at, number in zip(of("ordered_at"), of("purchased_at"), strict=True)]
    past = [value == HISTORY for value in of("policy")]
    effect = of("decision_at")
    found: dict[str, list[Any]] = {
        "claim_id": list(given["id"]),
        "import_id": list(of("import_id")),
        "came": _days(came, zone),
        "bought": _days(bought, zone),
        "reason": text("reason"),
        "currency": text("currency"),
        "method": text("payment_method"),
        "channel": text("channel"),
        "product": text("product"),
        "agent": whole("assignee_id"),
        "amount": [
            max(paid, refund + fee)  # where what was paid isn't known, what was granted stands for it
            for paid, refund, fee in zip(whole("amount"), whole("refund"), whole("fee"), strict=True)
        ],
        "created": _days([None if was else at for at, was in zip(created, past, strict=True)], zone),
        "answer": _bins(
            [
                None if at is None or was else at - start
                for at, start, was in zip(of("answered_at"), created, past, strict=True)
            ]
        ),
        **_cures(given, policy, came, of),
        "decided": _days(effect, zone),
        "outcome": text("outcome"),
        "overridden": whole("override"),
        "verdict": text("verdict"),
        "clause": text("clause"),
        "decider": whole("person_id"),
        "refund": whole("refund"),
        "fee": whole("fee"),
        "lost": _lost(given, policy, bought, of),
        "took": _bins(
            [
                None if at is None or (was and sent == at) else at - (start if sent is None or sent > at else sent)
                for at, start, sent, was in zip(effect, created, submitted, past, strict=True)
            ]
        ),
        "granted": _days(of("granted_at"), zone),
        "goodwill": whole("goodwill"),
    }
    return {name: found[name] for name in NAMES}


def _days(instants: Sequence[int | None], zone: str) -> list[int | None]:
    """The local day of each instant; None stays None."""
    known = [at for at in instants if at is not None]
    if not known:
        return [None] * len(instants)
    days = day_number(np.array(known, dtype=np.int64), zone).tolist()
    if len(known) == len(instants):
        return list(days)
    following = iter(days)
    return [None if at is None else next(following) for at in instants]


def _bins(times: Sequence[int | None]) -> list[int]:
    """The bin of each length of time; -1 for none, 0 for one that would be negative."""
    known = [time for time in times if time is not None]
    if not known:
        return [-1] * len(times)
    following = iter(bins_of(np.array(known, dtype=np.int64)).tolist())
    return [-1 if time is None else next(following) for time in times]


def _cures(given: Columns, policy: Policy, came: Sequence[int], of: Any) -> dict[str, list[Any]]:  # noqa: ANN401 - columns by name
    """What became of the hours in which a confirmed defect is to be put right (C6b, A11).

    The hours are those at the order. The clock stands still from the request for access until it is granted, where it
    was asked for before the end.
    """
    size = len(given["id"])
    days: list[int | None] = [None] * size
    words, dues = [""] * size, [0] * size
    approved, reasons = of("defect_approved"), of("reason")
    places = [place for place in range(size) if approved[place] and reasons[place] == "major_defect"]
    if places:
        hours = policy.clauses["C6b"].numbers["cure_hours"]
        columns = [
            of(name)
            for name in (
                "defect_notified_at",
                "defect_fixed_at",
                "access_requested_at",
                "access_granted_at",
                "ordered_at",
                "purchased_at",
            )
        ]
        notices, ends = [], []
        for place in places:
            notified, fixed, asked, granted, ordered, bought = (column[place] for column in columns)
            notice = came[place] if notified is None else notified
            due = notice + HOUR * _hours(hours, bought if ordered is None else ordered)
            in_time = asked is not None and asked <= due
            if in_time and granted is not None:
                due += max(0, granted - max(asked, notice))
            if fixed is not None:
                words[place] = "kept" if fixed <= due else "missed"
            else:
                words[place] = "stands" if in_time and granted is None else "open"
            notices.append(notice)
            ends.append(due)
        for place, day, due in zip(places, _days(notices, policy.zone), _days(ends, policy.zone), strict=True):
            days[place] = day
            dues[place] = due or 0 if words[place] == "open" else 0
    return {"cure_day": days, "cure": words, "cure_due": dues}


def _hours(dated: Mapping[date, int], ordered: int | None) -> int:
    """The hours that held when an order was placed."""
    starts = sorted(dated)
    if len(starts) == 1:
        return dated[starts[0]]
    at = -FAR_FUTURE if ordered is None else ordered
    begun = [start for start in starts if instant_of(start) <= at]
    return dated[begun[-1] if begun else starts[0]]


def _lost(given: Columns, policy: Policy, bought: Sequence[int | None], of: Any) -> list[int]:  # noqa: ANN401 - columns by name
    """The processor's fee on each refund, by the fee schedule, less what was kept of the refund for it."""
    size = len(given["id"])
    outcomes = given.get("outcome")
    if not policy.fees or not outcomes:
        return [0] * size
    lost = []
    for outcome, method, currency, ordered, amounts in zip(
        outcomes,
        of("payment_method"),
        of("currency"),
        bought,
        zip(of("refund"), of("fee"), strict=True),
        strict=True,
    ):
        refund, fee = (value or 0 for value in amounts)
        row = policy.fee(method, ordered, policy.zone) if outcome == "approve" and method and ordered else None
        lost.append(max(0, sum(row.parts(refund + fee, currency or "")) - fee) if row else 0)
    return lost


def rows_of(columns: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Columns as rows, in the order of `claim_figures`."""
    return list(zip(*(columns.get(name) or repeat(None) for name in NAMES), strict=False))
