"""Mappings of columns, remembered for files of the same header."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import acting
from refundcore.store.chain import canonical, digest
from refundcore.store.store import Store


def _header_hash(header: Sequence[str]) -> str:
    return digest(canonical([" ".join(name.split()).casefold() for name in header]))


def remembered_mapping(store: Store, header: Sequence[str]) -> dict[str, str] | None:
    """The mapping used last for files of this header; None for a header not seen before."""
    with store.read() as connection:
        query = sa.select(tables.mappings.c.mapping).where(tables.mappings.c.header_hash == _header_hash(header))
        found = connection.execute(query).scalar()
    return None if found is None else dict(json.loads(found))


def remember_mapping(
    store: Store, *, actor: int, at: datetime, header: Sequence[str], mapping: Mapping[str, str]
) -> None:
    """Keep the mapping for files of this header."""
    table = tables.mappings
    with acting(store, "import", actor=actor, at=at) as act:
        act.connection.execute(sa.delete(table).where(table.c.header_hash == _header_hash(header)))
        act.connection.execute(
            sa.insert(table).values(
                header_hash=_header_hash(header), mapping=canonical(dict(mapping)), at=act.at, person_id=actor
            )
        )
