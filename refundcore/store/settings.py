"""Settings that a manager changes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.errors import Impossible
from refundcore.store.store import Store

LONGEST_HOURS = 24 * 365


@dataclass(frozen=True)
class Settings:
    """The settings and their defaults."""

    answer_hours: int = 24
    """Within how many hours a claim that is ours to answer is to be answered."""
    follow_up_hours: int = 168
    """After how many hours a claim that waits for somebody else is to be looked at again."""


JUDGED_UNDER = "judged_under"
"""The name under which the fingerprint of the policy is kept that open claims were last judged under."""

NAMES = tuple(f.name for f in fields(Settings))


def load(connection: sa.Connection) -> Settings:
    """The settings as they are now."""
    rows = connection.execute(sa.select(tables.settings.c.name, tables.settings.c.value))
    return Settings(**{row.name: int(row.value) for row in rows if row.name in NAMES})


def judged_under(connection: sa.Connection) -> str:
    """The fingerprint of the policy that open claims were last judged under; "" before the first time."""
    query = sa.select(tables.settings.c.value).where(tables.settings.c.name == JUDGED_UNDER)
    return connection.execute(query).scalar() or ""


def write(connection: sa.Connection, name: str, value: str, *, at: int, by: int | None) -> None:
    """Keep a value under a name."""
    connection.execute(sa.delete(tables.settings).where(tables.settings.c.name == name))
    connection.execute(sa.insert(tables.settings).values(name=name, value=value, changed_at=at, changed_by=by))


def setting(store: Store, name: str) -> int:
    """The present value of a setting. Raises `KeyError` for a name that is none of `Settings`."""
    if name not in NAMES:
        raise KeyError(name)
    with store.read() as connection:
        value: int = getattr(load(connection), name)
    return value


def set_setting(store: Store, *, actor: int, at: datetime, name: str, value: int) -> None:
    """Change a setting; open claims take it up at once.

    Raises `Forbidden`, or `Impossible` for a value that does not fit.
    """
    from refundcore.store.acting import acting  # noqa: PLC0415 - acts judge, judging reads settings
    from refundcore.store.judging import rejudge_due  # noqa: PLC0415

    if name not in NAMES:
        raise Impossible(f"There is no setting called {name}.")
    if not 1 <= value <= LONGEST_HOURS:
        raise Impossible(f"{name} is a number of hours from 1 to {LONGEST_HOURS}, not {value}.")
    with acting(store, "change_settings", actor=actor, at=at) as act:
        write(act.connection, name, str(value), at=act.at, by=actor)
        act.sealed = {"setting": name, "value": value}
    rejudge_due(store, at, everything=True)
