"""Exchange rates that a manager enters, for one figure over several currencies; kept in the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from refundcore.money import exponent
from refundcore.store.errors import Impossible
from refundcore.store.settings import kept_value, write
from refundcore.store.store import Store

NAME = "exchange_rates"
LARGEST = Decimal(1_000_000)


@dataclass(frozen=True)
class Rates:
    """What one unit of each currency is worth in another, on a day."""

    into: str = ""
    """The currency in which a combined figure is told; '' where nobody entered rates."""
    day: date | None = None
    each: Mapping[str, Decimal] = field(default_factory=dict)

    def together(self, amounts: Iterable[tuple[str, int]]) -> int | None:
        """Amounts of several currencies (code, minor units) in minor units of `into`; None where a rate is missing.

        Each is rounded half up once, after it was converted.
        """
        if not self.into:
            return None
        total, places = 0, exponent(self.into)
        for code, minor in amounts:
            rate = Decimal(1) if code == self.into else self.each.get(code)
            if rate is None:
                return None
            whole = Decimal(minor).scaleb(-exponent(code)) * rate
            total += int(whole.scaleb(places).quantize(Decimal(1), ROUND_HALF_UP))
        return total


def exchange_rates(store: Store) -> Rates:
    """The rates as they were entered last."""
    with store.read() as connection:
        text = kept_value(connection, NAME)
    if not text:
        return Rates()
    kept = json.loads(text)
    each = {code: Decimal(rate) for code, rate in kept["each"].items()}
    return Rates(kept["into"], date.fromisoformat(kept["day"]), each)


def set_exchange_rates(  # the key is for the form: entering the same twice changes nothing
    store: Store, *, actor: int, at: datetime, into: str, day: date, each: Mapping[str, str], key: str | None = None
) -> str:
    """Enter rates: one unit of each currency in units of `into`, as of a day. A sentence that says what was kept.

    Raises `Forbidden`, or `Impossible` for a code or a rate that cannot be.
    """
    from refundcore.store.acting import acting  # noqa: PLC0415 - acts judge, judging reads settings

    del key
    kept = {}
    for code, text in {into: "1", **each}.items():
        try:
            exponent(code)
        except ValueError as wrong:
            raise Impossible(str(wrong)) from wrong
        if code != into:
            kept[code] = _rate(code, text)
    value = json.dumps({"into": into, "day": day.isoformat(), "each": kept}, sort_keys=True)
    with acting(store, "change_settings", actor=actor, at=at) as act:
        old = kept_value(act.connection, NAME)
        if old == value:
            return "These are the rates already: nothing was changed."
        write(act.connection, NAME, value, at=act.at, by=actor)
        act.sealed = {"setting": NAME, "old": old, "value": value}
    return f"The rates into {into} of {day:%d %b %Y} were kept."


def _rate(code: str, text: str) -> str:
    try:
        rate = Decimal(text.strip())
    except InvalidOperation:
        rate = Decimal(0)
    if not (rate.is_finite() and 0 < rate <= LARGEST):
        raise Impossible(f"{code}: a rate is a number above 0 such as 1.0825, not '{text.strip()[:40]}'.")
    return format(rate.normalize(), "f")
