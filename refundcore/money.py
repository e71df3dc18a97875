"""Money: whole numbers of a currency's minor units, never floats (ISO 4217; policy paragraph 10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

# ISO 4217, "minor unit" column of list one: whatever is not named here has two decimals.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK "
    "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
    "SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER "
    "ZAR ZMW ZWG ZWL"
)

EXPONENTS: Mapping[str, int] = MappingProxyType(
    {code: places for codes, places in ((_NONE, 0), (_TWO, 2), (_THREE, 3), (_FOUR, 4)) for code in codes.split()}
)
"""Decimals of each currency."""

LARGEST = 10**15
"""No amount is larger, in minor units: far above any purchase, far below the limit of 64 bits."""

_PLAIN = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?")


def exponent(currency: str) -> int:
    """How many decimals amounts of `currency` have. Raises `ValueError` for a code that ISO 4217 doesn't list."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"'{currency}' is no currency code of ISO 4217, such as USD, EUR or JPY.") from None


def parse(text: str, currency: str) -> int:
    """Minor units of an amount written as `12`, `12.3` or `12.30`.

    Raises `ValueError` with a sentence for anything else, for more decimals than the currency has (never
    rounded), and for an amount beyond `LARGEST`.
    """
    places = exponent(currency)
    found = _PLAIN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text.strip()}' is not an amount such as {plain(1050, currency)}.")
    whole, fraction = found[1], (found[2] or "").rstrip("0")
    if len(fraction) > places:
        allowed = f"{currency} has {places} decimals" if places else f"{currency} has no decimals"
        raise ValueError(f"'{text.strip()}' has more decimals than its currency: {allowed}.")
    minor = int(whole) * 10**places + int(fraction.ljust(places, "0") or "0")
    if minor > LARGEST:
        raise ValueError(f"'{text.strip()}' is too large for an amount of {currency}.")
    return minor


def plain(minor: int, currency: str) -> str:
    """The amount as digits with its currency's decimals: 1050 of USD is `10.50`, 500 of JPY is `500`."""
    places = exponent(currency)
    if not places:
        return str(minor)
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def grouped(minor: int, currency: str) -> str:
    """The amount as `plain` writes it, its thousands apart: 128000 of USD is `1,280.00`, 1280 of JPY is `1,280`."""
    whole, point, fraction = plain(minor, currency).partition(".")
    return f"{int(whole):,}{point}{fraction}" if int(whole) else f"{whole}{point}{fraction}"


def percent_half_up(minor: int, basis_points: int) -> int:
    """`basis_points` hundredths of a percent of an amount, rounded half up to the minor unit."""
    return (minor * basis_points + 5_000) // 10_000


def split(total: int, parts: Mapping[str, int]) -> dict[str, int]:
    """`total` shared out in proportion to `parts`, by largest remainder: the shares add up to the total exactly.

    Raises `ValueError` where there is nothing to share by, or more to share than the parts hold.
    """
    paid = sum(parts.values())
    if paid <= 0 or min(parts.values()) < 0 or not 0 <= total <= paid:
        raise ValueError(f"{total} cannot be shared over parts of {paid} in all.")
    shares = {name: total * part // paid for name, part in parts.items()}
    by_remainder = sorted(parts, key=lambda name: (-(total * parts[name] % paid), list(parts).index(name)))
    for name in by_remainder[: total - sum(shares.values())]:
        shares[name] += 1
    return shares
