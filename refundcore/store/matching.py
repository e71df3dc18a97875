"""Which claim a row is: the same by its reference, or without one by order, item, customer, reason and instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from refundcore.facts import COLUMNS
from refundcore.store import sqlite, tables
from refundcore.store.acting import hidden_imports
from refundcore.store.acts import own_ref

NAMES = tuple(COLUMNS)
_AT_ONCE = 500
"""Values in one IN list: below every database's limit of parameters."""

Values = tuple[Any, ...]
"""The facts of a row, in the order of `COLUMNS`."""


@dataclass(slots=True)
class Known:
    """A claim that is there already, or was named by an earlier row of the file."""

    id: int
    ref: str
    print: str
    """Fingerprint of the row that it was imported from last."""
    of_this_file: bool
    state: str = "new"
    version: int = 1
    hidden: bool = False
    """Whether it belongs to another import that is not finished, or is being taken back."""
    facts: Values | None = None


def find(
    connection: sa.Connection, refs: Iterable[str], identities: Iterable[str], number: int, prints: Mapping[str, str]
) -> tuple[dict[str, Known], dict[str, Known]]:
    """The claims of these references and of these identities, each by its own.

    `number` is the running import; `prints` are the fingerprints of the rows, so that facts are loaded only for
    claims that differ from their row.
    """
    claims = tables.claims
    by_ref: dict[str, Known] = {}
    by_identity: dict[str, Known] = {}
    columns = (
        claims.c.id,
        claims.c.ref,
        claims.c.source_print,
        claims.c.import_id,
        claims.c.state,
        claims.c.version,
    )
    unfinished = set(hidden_imports(connection)) - {number}
    for column, wanted, found in ((claims.c.ref, refs, by_ref), (claims.c.same_as, identities, by_identity)):
        for among in _among(connection, column, list(wanted)):
            for row in connection.execute(sa.select(column.label("mark"), *columns).where(among)):
                mine = row.import_id == number
                hidden = row.import_id in unfinished
                found[row.mark] = Known(
                    row.id, row.ref, row.source_print or "", mine, row.state, row.version, hidden=hidden
                )
    differing = [
        known
        for found in (by_ref, by_identity)
        for mark, known in found.items()
        if known.print != prints.get(mark) and not known.of_this_file
    ]
    facts = [claims.c[name] for name in NAMES]
    for group in _parts(differing):
        several = {known.id: known for known in group}
        for row in connection.execute(sa.select(claims.c.id, *facts).where(claims.c.id.in_(several))):
            several[row[0]].facts = tuple(row[1:])
    return by_ref, by_identity


def _among(
    connection: sa.Connection, column: sa.Column[Any], values: Sequence[str]
) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that together find the rows in which a column is one of some texts."""
    if not values:
        return
    if connection.dialect.name == "sqlite":
        yield sqlite.among(column, values)
        return
    for some in _parts(values):
        yield column.in_(some)


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def changes(values: Values, present: Values) -> dict[str, Any]:
    """What a row says otherwise than the claim: a blank cell says nothing, and the reference is no fact to change."""
    return {
        name: value
        for name, value, now in zip(NAMES, values, present, strict=True)
        if value is not None and value != now and name != "claim_ref"
    }


def taken_refs(connection: sa.Connection, first: int, count: int) -> set[str]:
    """Those of the desk's own references for ids from `first` on that senders have used as theirs."""
    taken: set[str] = set()
    refs = tables.claims.c.ref
    for among in _among(connection, refs, [own_ref(number) for number in range(first, first + count)]):
        taken.update(connection.execute(sa.select(refs).where(among)).scalars())
    return taken
