"""Above which amount a payout needs a second manager: a setting for each currency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from refundcore import money
from refundcore.store.acting import acting
from refundcore.store.errors import Impossible
from refundcore.store.settings import kept_values, write
from refundcore.store.store import Store

NAME = "payout_limit_"
"""The beginning of the setting's name; the currency follows."""


def limits_of(kept: Mapping[str, str]) -> dict[str, int]:
    """The limits among what is kept under a name: currency -> the largest payout that needs nobody else."""
    return {name.removeprefix(NAME): int(value) for name, value in kept.items() if name.startswith(NAME) and value}


def payout_limits(store: Store) -> dict[str, int]:
    """Currency -> the largest payout that needs nobody else, in minor units; a currency without one has no limit."""
    with store.read() as connection:
        return limits_of(kept_values(connection))


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
        old = limits_of(act.kept_settings).get(currency)
        write(act.connection, NAME + currency, "" if limit is None else str(limit), at=act.at, by=actor)
        act.sealed = {"setting": NAME + currency, "old": old, "value": limit}
