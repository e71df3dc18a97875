"""The journal: events that hash the one before them on their claim, and heads that hash each transaction.

An event's hash is sha256 over the canonical JSON of [claim, seq, at, person, kind, body, hash before].
Personal values (`PERSONAL`) stand in the body only as salted commitments, so that they can be erased later without
breaking the chain; the values and the salt stand beside it in `private`. A head hashes the events that one
transaction added, in order, and the head before it, so that a cut end or a claim taken out whole is noticed.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from refundcore.store import tables

GENESIS = "0" * 64
"""The hash before the first."""

PERSONAL = frozenset({"customer_email", "description", "text", "reply", "subject", "problem"})
"""Names in a body whose values are personal: `problem` is what a mail server said, which names addresses."""

ERASED_ON = "erased on "
"""How what stands in the place of an erased value begins; its day follows."""

_dump = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON
    """JSON in the one form that is hashed: sorted keys, no blanks, letters as they are."""
    return _dump(value)


def digest(text: str) -> str:
    """sha256 of a text, as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def commitment(salt: str, name: str, value: object) -> str:
    """What stands in a body for a personal value."""
    return "#" + digest(f"{salt}\x00{name}\x00{value}")


def committed(values: Mapping[str, Any], salt: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values as a body holds them, and the personal ones apart."""
    body, private = dict(values), {}
    for name in PERSONAL & values.keys():
        if values[name]:
            private[name] = values[name]
            body[name] = commitment(salt, name, values[name])
    return body, private


def event_hash(  # noqa: PLR0917 - in the order in which they are hashed
    claim: int, seq: int, at: int, person: int, kind: str, body: str, prev: str
) -> str:
    """The hash of an event: sha256 of the canonical JSON of the list of these. `body` is canonical JSON already."""
    return hashlib.sha256(
        f'[{claim},{seq},{at},{person},"{kind}",{body},"{prev}"]'.encode("utf-8", "surrogatepass")
    ).hexdigest()


def first_hashes(first: int, at: int, person: int, kind: str, bodies: Sequence[str]) -> list[str]:
    """The hashes of the first events of new claims, whose ids count up from `first`: as `event_hash` has each."""
    sha256, between, end = hashlib.sha256, f',1,{at},{person},"{kind}",', f',"{GENESIS}"]'
    return [  # a call of `event_hash` each would take half as long again
        sha256(f"[{claim}{between}{body}{end}".encode("utf-8", "surrogatepass")).hexdigest()
        for claim, body in enumerate(bodies, first)
    ]


def head_hash(  # noqa: PLR0917 - in the order in which they are hashed
    at: int, person: int, first: int, last: int, events: str, import_id: int | None, body: str, prev: str
) -> str:
    """The hash of a head: sha256 of the canonical JSON of the list of these."""
    return digest(canonical([at, person, first, last, events, import_id, body, prev]))


# Made once: to build a statement takes as long as to run it.
_EVENT, _HEAD = sa.insert(tables.events), sa.insert(tables.heads)
_LAST_HEAD = (
    sa.select(tables.heads.c.id, tables.heads.c.at, tables.heads.c.last_event, tables.heads.c.hash)
    .order_by(tables.heads.c.id.desc())
    .limit(sa.literal_column("1", sa.Integer))
)


class Ledger:
    """The journal's end within one write transaction: adds events, then one head over them."""

    def __init__(self, connection: sa.Connection, *, at: int, person: int) -> None:
        self.connection, self.at, self.person = connection, at, person
        last = connection.execute(_LAST_HEAD).first()
        self._head: int = last.id if last else 0
        self._prev: str = last.hash if last else GENESIS
        self.last_at: int = last.at if last else at
        """When the journal's last entry was made."""
        self.first: int = last.last_event + 1 if last else 1
        self.next = self.first
        self._hashes = hashlib.sha256()

    def append(
        self, claim: int, seq: int, prev: str, kind: str, values: Mapping[str, Any], *, facts_in: str | None = None
    ) -> tuple[int, str]:
        """Add an event; its id and hash. `facts_in` names the part of the body that holds facts."""
        row = self.row(claim, seq, prev, kind, values, facts_in=facts_in)
        self.connection.execute(_EVENT, dict(zip(EVENT_COLUMNS, row, strict=True)))
        return row[0], row[-1]

    def row(
        self, claim: int, seq: int, prev: str, kind: str, values: Mapping[str, Any], *, facts_in: str | None = None
    ) -> tuple[Any, ...]:
        """An event as a row of `EVENT_COLUMNS`, counted as added: the caller inserts it."""
        salt = secrets.token_hex(8)
        body, private = committed(values, salt)
        if facts_in is not None:
            body[facts_in], within = committed(values[facts_in], salt)
            private.update(within)
        kept = _dump({"salt": salt, **private}) if private else None
        return self.ready(claim, seq, prev, kind, _dump(body), kept)

    def ready(  # noqa: PLR0917 - in the order in which they are hashed
        self, claim: int, seq: int, prev: str, kind: str, body: str, private: str | None
    ) -> tuple[Any, ...]:
        """An event whose body and private part are canonical JSON already, as a row of `EVENT_COLUMNS`."""
        found = event_hash(claim, seq, self.at, self.person, kind, body, prev)
        self._hashes.update(found.encode())
        number, self.next = self.next, self.next + 1
        return number, claim, seq, self.at, self.person, kind, body, private, prev, found

    def first_events(self, hashes: Sequence[str]) -> range:
        """The ids of the first events of some new claims, counted as added: the caller inserts them."""
        self._hashes.update("".join(hashes).encode())
        begin, self.next = self.next, self.next + len(hashes)
        return range(begin, self.next)

    def seal(self, body: Mapping[str, Any] | None = None, import_id: int | None = None) -> None:
        """Add the head over the events added so far; nothing where there is nothing to seal."""
        if self.next == self.first and body is None:
            return
        text, events = _dump(body or {}), self._hashes.hexdigest()
        last = self.next - 1
        found = head_hash(self.at, self.person, self.first, last, events, import_id, text, self._prev)
        self._head += 1
        head = {
            "id": self._head,
            "at": self.at,
            "person_id": self.person,
            "first_event": self.first,
            "last_event": last,
            "digest": events,
            "import_id": import_id,
            "body": text,
            "prev_hash": self._prev,
            "hash": found,
        }
        self.connection.execute(_HEAD, head)
        self._prev, self.first, self._hashes = found, self.next, hashlib.sha256()


EVENT_COLUMNS = ("id", "claim_id", "seq", "at", "person_id", "kind", "body", "private", "prev_hash", "hash")


def insert_rows(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert many rows by the driver's own executemany, several times faster than a mapping a row."""
    if rows:
        insert_columns(connection, table, dict(zip(columns, zip(*rows, strict=True), strict=True)))


def insert_columns(connection: sa.Connection, table: sa.Table, columns: Mapping[str, Sequence[Any] | pa.Array]) -> None:
    """Insert many rows, given as columns, by the driver's own executemany.

    Binding a value costs the driver as much as storing it. So columns that are null in every row are left out, one
    that is the same in every row is bound once for all, and one that equals another column is bound with it.
    """
    size = len(next(iter(columns.values()), ()))
    plain = connection.dialect.paramstyle == "qmark"
    filled = {name: _values(values, plain=plain) for name, values in columns.items() if _nulls(values) < size}
    if not filled:
        return
    if not plain:
        rows = zip(*filled.values(), strict=True)
        connection.execute(sa.insert(table), [dict(zip(filled, row, strict=True)) for row in rows])
        return
    bound: list[Sequence[Any]] = []
    marks: list[str] = []
    for values in filled.values():
        literal = _literal(values[0]) if values[0] == values[-1] and values.count(values[0]) == size else None
        if literal is None:
            place = next((number for number, earlier in enumerate(bound) if _equal(earlier, values)), len(bound))
            if place == len(bound):
                bound.append(values)
            literal = f"?{place + 1}"
        marks.append(literal)
    quoted = ", ".join(f'"{name}"' for name in filled)
    statement = f'INSERT INTO "{table.name}" ({quoted}) VALUES ({", ".join(marks)})'  # noqa: S608 - our own names
    connection.exec_driver_sql(statement, list(zip(*bound, strict=True)) if bound else [()] * size)


def _nulls(values: Sequence[Any] | pa.Array) -> int:
    return values.null_count if isinstance(values, pa.Array) else values.count(None)


def _values(values: Sequence[Any] | pa.Array, *, plain: bool) -> Sequence[Any]:
    """A column as Python's values; with `plain`, truths as 1 and 0, which SQLite's driver binds far faster."""
    if not isinstance(values, pa.Array):
        return values
    found: list[Any] = (values.cast(pa.int8()) if plain and pa.types.is_boolean(values.type) else values).to_pylist()
    return found


def _literal(value: object) -> str | None:
    """A value as SQL writes it; None for one that is better bound."""
    if isinstance(value, int):
        return str(int(value))
    return f"'{value}'" if isinstance(value, str) and _PLAIN.fullmatch(value) else None


def _equal(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two columns are the same, of one type: true and 1 are equal, but bound otherwise."""
    return one is other or (
        one[0] == other[0]
        and one[-1] == other[-1]
        and list(one) == list(other)
        and list(map(type, one)) == list(map(type, other))
    )


_PLAIN = re.compile(r"[A-Za-z0-9_.:-]*")


def opened(body: str, private: str | None) -> dict[str, Any]:
    """A body with its personal values put back in; an erased one reads "(erased)"."""
    values: dict[str, Any] = json.loads(body)
    kept = json.loads(private) if private else {}
    for part in [values, *(value for value in values.values() if isinstance(value, dict))]:
        for name in PERSONAL & part.keys():
            if part[name]:
                part[name] = kept.get(name, "(erased)")
    return values
