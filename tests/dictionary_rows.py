"""Rows of the data dictionary's text format, read one cell at a time for the oracle."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from counting import ONE_DAY, day_begins, to_us

from refundcore.facts import FACTS

Claim = dict[str, object]

NO_DECIMALS = set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
THREE_DECIMALS = set("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


def from_cells(row: dict[str, str], zone: str) -> Claim:
    """The claim of a row in the dictionary's format. Raises `ValueError` for a cell that cannot be read."""
    claim: Claim = {}
    currency = (row.get("currency") or "").strip() or None
    for fact in FACTS:
        cell = (row.get(fact.name) or "").strip()
        claim[fact.name] = None
        if fact.kind == "instant":
            claim[fact.name], claim[fact.latest] = instant(cell, zone) if cell else (None, None)
        elif cell:
            claim[fact.name] = cell
            if fact.kind == "truth":
                claim[fact.name] = truth(cell)
            elif fact.kind == "money":
                claim[fact.name] = minor_units(cell, currency)
    return claim


def instant(cell: str, zone: str) -> tuple[int, int]:
    """The earliest and the latest moment that the cell can mean."""
    if len(cell) == len("2024-05-06"):
        day = date.fromisoformat(cell)
        return day_begins(day, zone), day_begins(day + ONE_DAY, zone) - 1
    moment = datetime.fromisoformat(cell)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    us = to_us(moment.astimezone(UTC))
    return us, us


def truth(cell: str) -> bool:
    word = cell.lower()
    if word in ("yes", "true", "y", "1"):
        return True
    if word in ("no", "false", "n", "0"):
        return False
    raise ValueError(f"{cell!r} is neither yes nor no.")


def decimals(currency: str | None) -> int:
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def minor_units(cell: str, currency: str | None) -> int:
    units = Decimal(cell).scaleb(decimals(currency))
    if units != units.to_integral_value():
        raise ValueError(f"{cell} has more decimals than {currency} has.")
    return int(units)
