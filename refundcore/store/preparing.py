"""Rows of an import before they meet the store: judged, fingerprinted, their events written, all of it by columns.

Nothing here asks the database, so that it can be done by another process while the rows before are being stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from refundcore.deadlines import micros
from refundcore.facts import Claims
from refundcore.store.chain import canonical, first_hashes
from refundcore.store.incoming import Incoming, encoded, incoming
from refundcore.store.judging import pay_by, verdict_columns
from refundcore.store.store import Store

_AFTER = canonical({"state": "new", "outcome": "", "assignee_id": None, "asked_for": ""})


@dataclass(frozen=True)
class Guess:
    """The hashes of the events that create claims, made before their ids are known: good only where these come true."""

    first: int
    """The id that the claim of the first row gets, if no row before was anything but a new claim."""
    at: int
    person: int
    hashes: Sequence[str]

    def of(self, row: int, count: int, *, first: int, at: int, person: int) -> Sequence[str] | None:
        """The hashes of `count` rows from `row` on, whose claims have ids from `first` on; None where it came else."""
        if (first, at, person) != (self.first + row, self.at, self.person):
            return None
        return self.hashes[row : row + count]


@dataclass(frozen=True)
class Prepared:
    """Some rows of an import, ready to be stored; every column in the order of the rows."""

    rows: Incoming
    verdicts: Mapping[str, pa.Array]
    """The columns of `VERDICT_COLUMNS`."""
    paid: pa.Int64Array
    """Until when the desk means to pay each claim; null where it isn't known when it came."""
    bodies: pa.StringArray | None
    """The body of the event that creates each claim; None where some row has no reference yet: the store gives it one.

    Where it is there, `rows` no longer have the facts as JSON.
    """
    guess: Guess | None = None
    """The hashes of those events, if all goes as expected."""

    def __len__(self) -> int:
        return self.rows.size


def prepare(
    store: Store, number: int, claims: Claims, at: datetime, *, first: int | None = None, actor: int = 0
) -> Prepared:
    """The rows of an import as of an instant. Of the store only its policy is asked, and its judge.

    With `first`, the id that the first of the claims is expected to get, the hashes of their events are made ahead
    for the one who imports them; they are made anew where it comes otherwise.
    """
    rows, verdicts = incoming(claims), verdict_columns(store, claims, micros(at))
    dates = (claims.columns[name] for name in ("submitted_at", "ordered_at", "purchased_at"))
    paid = pay_by(store.laws, verdicts["edition"], *dates)
    if None in rows.refs:
        return Prepared(rows, verdicts, paid, None)
    told = bodies(rows.facts, verdicts, claims.columns["claim_ref"], number, store)
    guess = None
    if first is not None:
        guess = Guess(first, micros(at), actor, first_hashes(first, micros(at), actor, "created", told.to_pylist()))
    return Prepared(replace(rows, facts=pa.nulls(0, pa.string())), verdicts, paid, told, guess)


def bodies(
    facts: pa.StringArray, verdicts: Mapping[str, pa.Array], refs: pa.StringArray, number: int, store: Store
) -> pa.StringArray:
    """The bodies of the events that create claims: what `chain.Ledger.row` would make of each as a mapping."""
    editions = verdicts["edition"].dictionary_encode()
    prints = pa.array([canonical(store.fingerprint(each)) for each in editions.dictionary.to_pylist()], pa.string())
    return pc.binary_join_element_wise(
        f'{{"after":{_AFTER},"clause":',
        encoded(verdicts["clause"]),
        ',"facts":',
        facts,
        f',"import":{number},"policy":',
        prints.take(editions.indices),
        ',"ref":',
        encoded(refs),
        ',"verdict":',
        encoded(verdicts["verdict"]),
        "}",
        "",
    )
