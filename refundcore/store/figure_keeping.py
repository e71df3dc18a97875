"""Keeping the figures: written with each act and each batch of an import, checked by `verify`, made anew by a command.

An act's claims are figured again at its end and the difference goes into the daily sums. Claims of an import get
their rows with each batch and their sums when it is finished, since nobody sees or changes them before: so its groups
are added up over the whole file, not once a batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from refundcore.policy import Policy
from refundcore.store import tables
from refundcore.store.chain import insert_columns
from refundcore.store.figure_tables import KEY, NAMES, SUMS, claim_figures, daily_figures
from refundcore.store.figuring import CLAIM, figured
from refundcore.store.payout_tables import payouts
from refundcore.store.settings import kept_value, write
from refundcore.store.summing import Key, Sums, add, key_of, months, shares, summed

if TYPE_CHECKING:
    from refundcore.store.acting import Act
    from refundcore.store.store import Store

Column: TypeAlias = Sequence[Any] | pa.Array

ANSWERS = ("asked", "decided", "override_approved")
"""The events by which a claim is answered."""

GRANTED = ("queued", "in_batch", "paid")
"""States of goodwill that somebody approved and that neither failed nor was taken back."""

AT_ONCE = 20_000
"""Claims that are figured together."""

SUMMED_AT_ONCE = 100_000
"""Claims whose figures are added up together."""

FIGURED_UNDER = "figured_under"
"""The name under which the settings keep what the figures follow from beside the claims."""

OF_NEW = (
    "claim_id",
    "came",
    "bought",
    "reason",
    "currency",
    "method",
    "channel",
    "product",
    "created",
    "answer",
    "cure_day",
    "cure",
    "cure_due",
)
"""The figures that a claim has before anybody works on it."""

HIDDEN = ("running", "finishing", "removing")
"""States of an import whose claims are in no sum."""

ORDERS = "orders"
"""The kind of daily figure that counts orders of an uploaded file; it follows from no claim."""

_claims, _decisions, _events = tables.claims, tables.decisions, tables.events


def basis(policy: Policy) -> str:
    """What the figures follow from beside the claims: the zone of days, the fee schedule, the hours of a cure."""
    hours = policy.clauses["C6b"].numbers["cure_hours"] if "C6b" in policy.clauses else {}
    text = json.dumps([policy.zone, [repr(fee) for fee in policy.fees], sorted(map(str, hours.items()))])
    return hashlib.sha256(text.encode()).hexdigest()


def keep(act: Act) -> None:
    """Bring the figures of every claim that an act wrote an event for up to date."""
    ledger = act.ledger
    count = ledger.next - ledger.first
    if count <= len(act.figured):
        return
    connection = act.connection
    touched = sa.select(_events.c.claim_id).where(_events.c.id.between(ledger.first, ledger.next - 1))
    numbers = sorted(set(connection.execute(touched).scalars()) - act.figured)
    hidden = _hidden(connection)
    change: Sums = {}
    for some in _parts(numbers, 400):
        if len(some) == 1:  # as most acts are: its statements are built once
            given, (kept_row, *queries) = {"number": some[0]}, _of_one()
        else:
            given, (kept_row, *queries) = {}, _queries(_of(some))
        before = {row["claim_id"]: dict(row) for row in connection.execute(kept_row, given).mappings()}
        for row in _as_rows(figured(_read(connection, queries, given), act.store.policy)):
            old = before.get(row["claim_id"])
            if old == row:
                continue
            if old is None:
                connection.execute(sa.insert(claim_figures).values(row))
            else:
                this = claim_figures.c.claim_id == row["claim_id"]
                changed = {name: row[name] for name in NAMES if row[name] != old[name]}
                connection.execute(sa.update(claim_figures).where(this).values(changed))
            if row["import_id"] not in hidden:
                add(change, shares(row))
                if old is not None:
                    add(change, shares(old), -1)
    write_sums(connection, change)


def add_batch(act: Act, columns: Mapping[str, Column]) -> None:
    """Write the figures of the claims of a batch, given as columns of `claims`; their sums follow at the end."""
    if not columns:
        return
    of_claims = {name: _listed(columns[name]) for name in CLAIM if name in columns}
    insert_columns(act.connection, claim_figures, figured(of_claims, act.store.policy))
    act.figured.update(_listed(columns["id"]))


def _listed(column: Column) -> Sequence[Any]:
    return column.to_pylist() if isinstance(column, pa.Array) else column


def sums_of_import(connection: sa.Connection, number: int) -> Sums:
    """What the claims of an import add to the daily figures."""
    imports, found = tables.imports, Sums()
    reach = connection.execute(
        sa.select(imports.c.first_claim, imports.c.last_claim).where(imports.c.id == number)
    ).one()
    if reach.first_claim is None:
        return found
    for start in range(reach.first_claim, reach.last_claim + 1, SUMMED_AT_ONCE):
        end = min(start + SUMMED_AT_ONCE - 1, reach.last_claim)
        ours = sa.and_(claim_figures.c.claim_id.between(start, end), claim_figures.c.import_id == number)
        summed(_new(connection, ours), found)
    return found


def _new(connection: sa.Connection, there: sa.ColumnElement[bool]) -> dict[str, Sequence[Any]]:
    """The figures of claims that nobody has decided, as columns: what decides nothing is not read."""
    rows = connection.execute(sa.select(*(claim_figures.c[name] for name in OF_NEW)).where(there)).all()
    size = len(rows)
    columns: dict[str, Sequence[Any]] = dict(zip(OF_NEW, zip(*rows, strict=True) if rows else [()] * 99, strict=False))
    for name in NAMES:
        column = claim_figures.c[name]
        if name not in columns:
            columns[name] = [None if column.nullable else "" if isinstance(column.type, sa.Text) else 0] * size
    return columns


def count(connection: sa.Connection, sums: Sums, sign: int = 1) -> None:
    """Add to the daily figures, or take away."""
    write_sums(connection, {key: [sign * value for value in values] for key, values in sums.items()})


def forget(connection: sa.Connection, ids: Any) -> None:  # noqa: ANN401 - what `IN` takes
    """Remove the rows of claims that are removed."""
    connection.execute(sa.delete(claim_figures).where(claim_figures.c.claim_id.in_(ids)))


def rebuild(store: Store, at: int) -> int:
    """Make all figures anew from the claims and orders; how many claims were counted."""
    from refundcore.store.ordering import all_orders  # noqa: PLC0415 - orders are kept by acts, acts keep figures

    with store.write() as connection:
        connection.execute(sa.delete(claim_figures))
        connection.execute(sa.delete(daily_figures))
        hidden, sums, done = _hidden(connection), Sums(), 0
        for columns in figured_anew(connection, store.policy):
            insert_columns(connection, claim_figures, columns)
            summed(_visible(columns, hidden), sums)
            done += len(columns["claim_id"])
        write_sums(connection, sums)
        write_sums(connection, all_orders(connection, store.policy.zone))
        write(connection, FIGURED_UNDER, basis(store.policy), at=at, by=None)
    return done


def rebuild_where_needed(store: Store, at: int) -> None:
    """Make the figures anew where they follow from another zone or fee schedule, or were never made."""
    with store.read() as connection:
        if kept_value(connection, FIGURED_UNDER) == basis(store.policy):
            return
    rebuild(store, at)


def check_figures(store: Store, connection: sa.Connection) -> tuple[int, str]:
    """Compare the figures with the claims they follow from; how many days there are, and the first difference.

    Figures of another zone or fee schedule are not compared: the next start of the desk makes them anew.
    """
    from refundcore.store.ordering import all_orders  # noqa: PLC0415 - orders are kept by acts, acts keep figures

    if store.policy is None or kept_value(connection, FIGURED_UNDER) != basis(store.policy):
        return 0, ""
    hidden, sums, last = _hidden(connection), Sums(), 0
    for columns in figured_anew(connection, store.policy):
        numbers = columns["claim_id"]
        there = sa.and_(claim_figures.c.claim_id > last, claim_figures.c.claim_id <= numbers[-1])
        before = _columns(connection, there)
        for name in NAMES:
            if list(before[name]) != list(columns[name]):
                return 0, f"{_differs(before, columns, name)}: run `refund-desk figures` to make them anew."
        summed(_visible(columns, hidden), sums)
        last = numbers[-1]
    if connection.execute(sa.select(claim_figures.c.claim_id).where(claim_figures.c.claim_id > last)).first():
        return 0, "There are figures of a claim that is missing: run `refund-desk figures` to make them anew."
    sums |= all_orders(connection, store.policy.zone)
    sums |= months(sums)
    days = set()
    with connection.execute(sa.select(daily_figures).execution_options(yield_per=AT_ONCE)) as rows:
        for row in rows:
            found = row._mapping  # noqa: SLF001 - the row as a mapping, which SQLAlchemy names so
            days.add(found["day"])
            if sums.pop(key_of(found), [0] * len(SUMS)) != [found[name] for name in SUMS]:
                return 0, f"The daily figures of {_told(key_of(found))} are not the sum of its claims."
    left = next((key for key, values in sums.items() if any(values)), None)
    return len(days), "" if left is None else f"The daily figures of {_told(left)} are missing."


def figured_anew(connection: sa.Connection, policy: Policy) -> Iterator[dict[str, list[Any]]]:
    """The figures of all claims as they follow from the claims now, some thousands at a time, by id."""
    last = 0
    while True:
        upper = connection.execute(
            sa.select(sa.func.max(sa.text("id"))).select_from(
                sa.select(_claims.c.id).where(_claims.c.id > last).order_by(_claims.c.id).limit(AT_ONCE).subquery()
            )
        ).scalar()
        if upper is None:
            return

        def reach(column: sa.ColumnElement[Any], low: int = last, high: int = upper) -> sa.ColumnElement[bool]:
            return sa.and_(column > low, column <= high)

        yield figured(_read(connection, _queries(reach)[1:], {}), policy)
        last = upper


_DECISION = ("outcome", "override", "verdict", "clause", "person_id", "refund", "fee", "policy")


def _queries(of: Any) -> tuple[sa.Select[Any], ...]:  # noqa: ANN401 - column -> condition
    """What is read of some claims: their figures, and what these follow from: claim, decision, answer, goodwill."""
    effect = sa.func.coalesce(_decisions.c.approved_at, _decisions.c.at)
    granted = sa.func.min(sa.func.coalesce(payouts.c.approved_at, payouts.c.at))
    return (
        sa.select(claim_figures).where(of(claim_figures.c.claim_id)),
        sa.select(*(_claims.c[name] for name in CLAIM)).where(of(_claims.c.id)).order_by(_claims.c.id),
        sa.select(_decisions.c.claim_id, effect, *(_decisions.c[name] for name in _DECISION)).where(
            _decisions.c.status == "standing", of(_decisions.c.claim_id)
        ),
        sa.select(_events.c.claim_id, sa.func.min(_events.c.at))
        .where(of(_events.c.claim_id), _events.c.seq > 1, _events.c.kind.in_(ANSWERS))
        .group_by(_events.c.claim_id),
        sa.select(payouts.c.claim_id, granted, sa.func.sum(payouts.c.amount))
        .where(of(payouts.c.claim_id), payouts.c.remedy == "goodwill", payouts.c.state.in_(GRANTED))
        .group_by(payouts.c.claim_id),
    )


@cache
def _of_one() -> tuple[sa.Select[Any], ...]:
    """`_queries` of the claim `number`."""
    return _queries(lambda column: column == sa.bindparam("number"))


def _read(
    connection: sa.Connection, queries: Sequence[sa.Select[Any]], given: Mapping[str, int]
) -> dict[str, list[Any]]:
    """What the figures of some claims follow from, as columns in the order of their ids."""
    claims, decided, answers, granted = queries
    rows = connection.execute(claims, given).all()
    columns: dict[str, list[Any]] = dict(zip(CLAIM, map(list, zip(*rows, strict=True)), strict=True))
    if not rows:
        return {name: [] for name in CLAIM}
    if max(columns["version"]) == 1:  # nothing but its arrival has happened to any of them
        return columns
    place = {number: at for at, number in enumerate(columns["id"])}
    size = len(rows)
    _place(columns, place, size, ("decision_at", *_DECISION), connection.execute(decided, given))
    _place(columns, place, size, ("answered_at",), connection.execute(answers, given))
    _place(columns, place, size, ("granted_at", "goodwill"), connection.execute(granted, given))
    return columns


def _place(
    columns: dict[str, list[Any]], place: Mapping[int, int], size: int, names: Sequence[str], rows: Iterable[Any]
) -> None:
    for name in names:
        columns[name] = [None] * size
    for row in rows:
        number, *values = row
        for name, value in zip(names, values, strict=True):
            columns[name][place[number]] = value


_HIDDEN = sa.select(tables.imports.c.id).where(
    sa.or_(*(tables.imports.c.status == sa.literal_column(f"'{state}'") for state in HIDDEN))
)


def _of(numbers: Sequence[int]) -> Any:  # noqa: ANN401 - column -> condition
    return lambda column: column.in_(numbers)


def _hidden(connection: sa.Connection) -> set[int]:
    return set(connection.execute(_HIDDEN).scalars())


def _visible(columns: dict[str, list[Any]], hidden: set[int]) -> dict[str, list[Any]]:
    if not hidden:
        return columns
    seen = [place for place, number in enumerate(columns["import_id"]) if number not in hidden]
    return {name: [values[place] for place in seen] for name, values in columns.items()}


def _columns(connection: sa.Connection, there: sa.ColumnElement[bool]) -> dict[str, Sequence[Any]]:
    rows = connection.execute(sa.select(claim_figures).where(there).order_by(claim_figures.c.claim_id)).all()
    return dict(zip(NAMES, zip(*rows, strict=True) if rows else [()] * len(NAMES), strict=True))


def _as_rows(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _parts(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


_NAMED = ", ".join((*KEY, *SUMS))
_UPSERT = (
    f"INSERT INTO daily_figures ({_NAMED}) VALUES ({', '.join('?' * (len(KEY) + len(SUMS)))})"  # noqa: S608 - our own names
    f" ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)}"
)


def write_sums(connection: sa.Connection, change: Mapping[Key, Sequence[int]]) -> None:
    """Add differences to the daily figures, and to the sums of their months."""
    whole = {**change, **months(change)}
    rows = [(*key, *values) for key, values in sorted(whole.items()) if any(values)]
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_UPSERT, rows)
        return
    insert = postgresql.insert(daily_figures)
    added = {name: daily_figures.c[name] + insert.excluded[name] for name in SUMS}
    statement = insert.on_conflict_do_update(index_elements=list(KEY), set_=added)
    connection.execute(statement, [dict(zip((*KEY, *SUMS), row, strict=True)) for row in rows])


def _differs(before: Mapping[str, Sequence[Any]], columns: Mapping[str, Sequence[Any]], name: str) -> str:
    pairs = zip(before["claim_id"], columns["claim_id"], before[name], columns[name], strict=False)
    number = next((wanted for had, wanted, one, other in pairs if had != wanted or one != other), None)
    which = f"claim number {number}" if number is not None else "the last claims"
    return f"The figures of {which} are not what its events say ({name})"


def _told(key: Key) -> str:
    parts = dict(zip(KEY, key, strict=True))
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value != "")
