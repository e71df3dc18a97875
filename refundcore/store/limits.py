"""Above which amount a payout needs a second manager: a setting for each currency."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from refundcore import money
from refundcore.store import tables
from refundcore.store.acting import acting
from refundcore.store.errors import Impossible
from refundcore.store.settings import write
from refundcore.store.store import Store

NAME = "payout_limit_"
"""The beginning of the setting's name; the currency follows."""


def limits_now(connection: sa.Connection) -> dict[str, int]:
    """Currency -> the largest payout that needs nobody else, in minor units."""
    settings = tables.settings
    query = sa.select(settings.c.name, settings.c.value).where(settings.c.name.startswith(NAME, autoescape=True))
    return {row.name.removeprefix(NAME): int(row.value) for row in connection.execute(query) if row.value}


def payout_limits(store: Store) -> dict[str, int]:
    """Currency -> the largest payout that needs nobody else, in minor units; a currency without one has no limit."""
    with store.read() as connection:
        return limits_now(connection)


def set_payout_limit(store: Store, *, actor: int, at: datetime, currency: str, limit: int | None) -> None:
    """Set the limit of a currency (minor units), or lift it (None). Payouts that are there already keep their state.

    Raises `Forbidden`, or `Impossible` for a currency or an amount that cannot be.
    """
    try:
        money.exponent(currency)
    except ValueError as wrong:
        raise Impossible(str(wrong)) from wrong
    if limit is not None and not 0 <= limit <= money.LARGEST:
        raise Impossible(f"A limit is an amount from 0 to {money.LARGEST:,} minor units, not {limit:,}.")
    with acting(store, "change_settings", actor=actor, at=at) as act:
        old = limits_now(act.connection).get(currency)
        write(act.connection, NAME + currency, "" if limit is None else str(limit), at=act.at, by=actor)
        act.sealed = {"setting": NAME + currency, "old": old, "value": limit}
