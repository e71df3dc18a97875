"""Claims that never were, a million in seconds: every reason, every fact unknown now and then, every boundary hit.

`claims(n, seed)` depends on nothing but its arguments. The instants lie around the boundaries of the policy: whole days
and hours after the order, with the last instant in time and the first late one drawn often, days without a time of
day, instants after `AS_OF`, and orders from before the policy. Each fact is unknown with 10 %.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from refundcore.facts import COLUMNS, FACTS, REASONS

AS_OF_TEXT = "2024-06-03T12:00:00Z"
AS_OF = 1_717_416_000_000_000
"""The moment at which the claims are meant to be judged, in microseconds UTC."""

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
MIDNIGHT = AS_OF - 12 * HOUR
UNKNOWN = 0.10

WORDS = (
    "",
    "does not work",
    "no message ever came to my number",  # 7 words, one too few
    "no message ever came to my new number",
    "the rented inbox shows an error page every time that I open it",
)
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
HOURS_APART = (0, 1, 24, 71, 72, 73, 96, 120, 239, 240, 241, 264)
DAYS_APART = (0, 1, 3, 6, 7, 8, 10, 13, 14, 15, 20)


def claims(n: int, seed: int, unknown: float = UNKNOWN) -> pd.DataFrame:
    """`n` claims with the columns of `COLUMNS`, each fact null with the chance `unknown`."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    whole_day: dict[str, np.ndarray] = {}
    _dates(rng, n, columns, whole_day)
    _words_and_codes(rng, n, columns)
    _money(rng, n, columns)
    frame = {}
    for fact in FACTS:
        blank = rng.random(n) < unknown
        if fact.kind == "instant":
            blank |= columns.pop(f"{fact.name} never")
            first, last = columns[fact.name], columns[fact.name]
            day = whole_day[fact.name]
            first = np.where(day, first - first % DAY, first)
            last = np.where(day, first + DAY - 1, last)
            frame[fact.name] = _column(fact.name, first, blank)
            frame[fact.latest] = _column(fact.latest, last, blank)
        else:
            if fact.kind == "truth":
                columns[fact.name] = rng.random(n) < _OFTEN.get(fact.name, 0.3)
            frame[fact.name] = _column(fact.name, columns[fact.name], blank)
    return pd.DataFrame(frame)


_OFTEN = {
    "grounds_sufficient": 0.85,
    "evidence_attached": 0.8,
    "evidence_sufficient": 0.7,
    "defect_approved": 0.75,
    "access_refused": 0.1,
    "third_party_cause": 0.15,
    "chargeback_open": 0.05,
}


def _column(name: str, values: np.ndarray, blank: np.ndarray) -> pd.Series:
    dtype = COLUMNS[name]
    return pd.Series(pa.array(values, type=dtype.pyarrow_dtype, mask=blank), dtype=dtype)


def _apart(rng: np.random.Generator, n: int) -> np.ndarray:
    """A span of time: days or hours of the policy, exactly, an instant or a second off, or anything."""
    days = rng.choice(DAYS_APART, n) * DAY
    hours = rng.choice(HOURS_APART, n) * HOUR
    loose = rng.integers(-2 * HOUR, 16 * DAY, n)
    span = np.select([rng.random(n) < 0.45, rng.random(n) < 0.6], [days, hours], loose)
    return span + rng.choice((0, 0, 0, -1, 1, -SECOND, SECOND, 5 * HOUR), n)


def _edge(rng: np.random.Generator, instants: np.ndarray) -> np.ndarray:
    """Now and then the instant moves to its day's first or last moment."""
    start = instants - instants % DAY
    move = rng.random(len(instants))
    return np.select([move < 0.08, move < 0.16, move < 0.2], [start, start + DAY - 1, start + DAY - SECOND], instants)


def _dates(rng: np.random.Generator, n: int, columns: dict, whole_day: dict) -> None:
    ordered = MIDNIGHT - rng.integers(0, 26 * DAY, n)
    old = rng.random(n) < 0.03
    ordered = np.where(old, ordered - rng.integers(36, 60, n) * DAY, ordered)
    allocated = ordered + np.where(rng.random(n) < 0.7, 0, rng.integers(0, 5 * DAY, n))
    submitted = allocated + _apart(rng, n)
    notified = np.where(rng.random(n) < 0.5, submitted, allocated + _apart(rng, n))
    requested = notified + _apart(rng, n) // 3

    def put(name: str, instants: np.ndarray, never: float = 0.0) -> None:
        columns[name] = _edge(rng, instants)
        columns[f"{name} never"] = rng.random(n) < never
        whole_day[name] = rng.random(n) < 0.12

    put("ordered_at", ordered)
    put("purchased_at", allocated)
    put("submitted_at", submitted)
    put("sent_at", submitted - np.where(rng.random(n) < 0.5, 10 * 60 * SECOND, rng.integers(-HOUR, 3 * DAY, n)), 0.5)
    put("contacted_at", allocated + _apart(rng, n), 0.3)
    put("sms_received_at", allocated + _apart(rng, n), 0.2)
    put("evidence_received_at", submitted + _apart(rng, n), 0.4)
    put("defect_notified_at", notified, 0.2)
    put("defect_fixed_at", notified + _apart(rng, n), 0.55)
    put("access_requested_at", requested, 0.5)
    put("access_granted_at", requested + _apart(rng, n) // 2, 0.4)


def _words_and_codes(rng: np.random.Generator, n: int, columns: dict) -> None:
    def pick(name: str, values: tuple[str, ...], weights: tuple[float, ...] | None = None) -> None:
        columns[name] = np.array(values, dtype=object)[rng.choice(len(values), n, p=weights)]

    number: Callable[[str], np.ndarray] = lambda prefix: np.char.add(prefix, np.arange(n).astype("U9")).astype(object)  # noqa: E731
    columns["claim_ref"] = number("S-")
    columns["order_ref"] = number("O-")
    columns["item_ref"] = number("N-")
    columns["customer_email"] = np.char.add(np.arange(n).astype("U9"), "@example.org").astype(object)
    pick("product", ("virtual number", "rented inbox"))
    pick("reason", REASONS, (0.28, 0.28, 0.34, 0.05, 0.05))
    pick("description", WORDS, (0.02, 0.04, 0.04, 0.45, 0.45))
    pick("channel", ("email", "form", "chat", "phone", "csv"))
    pick("unlawful_use", ("none", "alleged", "confirmed"), (0.9, 0.05, 0.05))
    pick("remedy_choice", ("refund", "replacement"))
    pick("currency", CURRENCIES)
    pick("payment_method", ("card", "paypal", "crypto", "balance", "bank_transfer"))
    columns["terms_section"] = np.where(rng.random(n) < 0.05, "T&C 4.2", None)
    columns["payment_split"] = np.where(rng.random(n) < 0.05, "card:6.00;balance:4.00", None)


def _money(rng: np.random.Generator, n: int, columns: dict) -> None:
    amount = rng.integers(1, 50, n) * 100
    columns["amount"] = amount
    tenth = amount // 10
    off = rng.choice((0, 0, 1, -1), n) + np.where(rng.random(n) < 0.5, tenth, -tenth)
    columns["replacement_price"] = amount + np.where(rng.random(n) < 0.3, 0, off)
    columns["refunded_before"] = np.where(rng.random(n) < 0.9, 0, rng.integers(0, amount + 2))
