"""Cells in the data dictionary's own format, one row a promise."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refundcore import money
from refundcore.facts import BY_NAME
from refundcore.intake import cells

LAST = 86_400_000_000 - 1


def us(*parts: int) -> int:
    moment = datetime(*parts, tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000


def read(zone: str = "UTC", **texts: str) -> tuple[dict[str, object], list[str]]:
    """The facts of one row and what was wrong with it."""
    columns = {name: [text] for name, text in ({"claim_ref": "A"} | texts).items()}
    found = cells.convert(columns, zone=zone, lines=[7])
    row = found.claims.frame.iloc[0]
    facts = {name: None if pd.isna(value) else value for name, value in row.items()}
    assert bool(found.bad[0]) == any(problem.fatal for problem in found.problems)
    return facts, [str(problem) for problem in found.problems]


@pytest.mark.parametrize(
    ("text", "zone", "earliest", "latest"),
    [
        ("2024-05-06T14:30:00Z", "UTC", us(2024, 5, 6, 14, 30), None),
        ("2024-05-06 14:30:00Z", "UTC", us(2024, 5, 6, 14, 30), None),
        ("2024-05-06t14:30z", "UTC", us(2024, 5, 6, 14, 30), None),
        ("  2024-05-06T14:30  ", "UTC", us(2024, 5, 6, 14, 30), None),
        ("2024-05-06T14:30:00+02:00", "UTC", us(2024, 5, 6, 12, 30), None),
        ("2024-05-06T14:30:00-0730", "UTC", us(2024, 5, 6, 22), None),
        ("2024-05-06T14:30:00+02", "UTC", us(2024, 5, 6, 12, 30), None),
        ("2024-05-06T14:30:00.5Z", "UTC", us(2024, 5, 6, 14, 30) + 500_000, None),
        ("2024-05-06T14:30:00.123456789Z", "UTC", us(2024, 5, 6, 14, 30) + 123_456, None),
        ("20240506T143000Z", "UTC", us(2024, 5, 6, 14, 30), None),
        ("2024-05-06 14:30", "Europe/Berlin", us(2024, 5, 6, 12, 30), None),
        ("2024-05-06", "UTC", us(2024, 5, 6), us(2024, 5, 6) + LAST),
        ("2024-03-31", "Europe/Berlin", us(2024, 3, 30, 23), us(2024, 3, 31, 22) - 1),
        ("2024-02-29", "UTC", us(2024, 2, 29), us(2024, 2, 29) + LAST),
        ("1900-01-01", "UTC", us(1900, 1, 1), us(1900, 1, 1) + LAST),
        ("2199-12-31", "UTC", us(2199, 12, 31), us(2199, 12, 31) + LAST),
    ],
)
def test_an_instant_is_read(text, zone, earliest, latest):
    facts, problems = read(zone, ordered_at=text)

    assert problems == []
    assert (facts["ordered_at"], facts["ordered_at_latest"]) == (earliest, earliest if latest is None else latest)


def test_a_clock_time_that_comes_twice_is_both_of_them():
    facts, problems = read("Europe/Berlin", ordered_at="2024-10-27 02:30")

    assert problems == []
    assert (facts["ordered_at"], facts["ordered_at_latest"]) == (us(2024, 10, 27, 0, 30), us(2024, 10, 27, 1, 30))


@pytest.mark.parametrize(
    ("text", "zone", "says"),
    [
        ("2026-13-02", "UTC", "Line 7, ordered_at: '2026-13-02' is a day or a time of day that does not exist."),
        ("2023-02-29", "UTC", "does not exist"),
        ("2024-05-06T24:00:00Z", "UTC", "does not exist"),
        ("2024-05-06T10:60:00Z", "UTC", "does not exist"),
        ("2024-05-06T10:00:00+25:00", "UTC", "does not exist"),
        ("0999-05-06", "UTC", "lies outside the years 1900 to 2199"),
        ("2200-01-01", "UTC", "lies outside the years 1900 to 2199"),
        ("2024-03-31 02:30", "Europe/Berlin", "is a clock time that Europe/Berlin skipped when summer time began"),
        ("06/05/2024", "UTC", "is not a date such as 2024-05-06"),
        ("yesterday", "UTC", "is not a date such as 2024-05-06"),
        ("٢٠٢٤-٠٥-٠٦", "UTC", "is not a date such as 2024-05-06"),
        ("45231.5", "UTC", "is not a date such as 2024-05-06"),
        ("9" * 500, "UTC", "is not a date such as 2024-05-06"),
    ],
)
def test_what_is_no_instant_is_told(text, zone, says):
    facts, problems = read(zone, ordered_at=text)

    assert facts["ordered_at"] is None
    assert len(problems) == 1
    assert says in problems[0]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10.00", "USD", 1000),
        ("10", "USD", 1000),
        ("10.5", "EUR", 1050),
        (" 0.01 ", "GBP", 1),
        ("0", "USD", 0),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.250", "KWD", 1250),
        ("1.2500", "KWD", 1250),
        ("1.2345", "CLF", 12345),
        ("0010.10", "usd", 1010),
        ("9999999999999.99", "USD", 999_999_999_999_999),
    ],
)
def test_an_amount_is_whole_minor_units_of_its_currency(text, currency, minor):
    facts, problems = read(amount=text, currency=currency)

    assert problems == []
    assert facts["amount"] == minor


@pytest.mark.parametrize(
    ("text", "currency", "says"),
    [
        ("10.005", "USD", "has too many decimals, and its currency has 2"),
        ("500.5", "JPY", "has too many decimals, and its currency has none"),
        ("1.0000000000000000000000000001", "USD", "has too many decimals"),
        ("-4", "USD", "is negative"),
        ("1e999999", "USD", "is not an amount such as 10.50"),
        ("1,50", "EUR", "is not an amount such as 10.50"),
        ("$5", "USD", "is not an amount such as 10.50"),
        ("NaN", "USD", "is not an amount such as 10.50"),
        ("Infinity", "USD", "is not an amount such as 10.50"),
        (".5", "USD", "is not an amount such as 10.50"),
        ("5.", "USD", "is not an amount such as 10.50"),
        ("1_000", "USD", "is not an amount such as 10.50"),
        ("9" * 19, "USD", "is too large for an amount"),
        ("9" * 60, "USD", "is too large for an amount"),
        ("9" * 5_000, "USD", "is not an amount such as 10.50"),
    ],
)
def test_what_is_no_amount_is_told_and_never_rounded(text, currency, says):
    facts, problems = read(amount=text, currency=currency)

    assert facts["amount"] is None
    assert len(problems) == 1
    assert says in problems[0]


def test_an_amount_without_a_currency_stays_unknown_and_the_row_comes_in():
    columns = {"claim_ref": ["A"], "amount": ["5.00"], "currency": [""]}

    found = cells.convert(columns, zone="UTC", lines=[2])

    assert found.claims.frame["amount"].isna().all()
    assert not found.bad.any()
    assert [str(problem) for problem in found.problems] == [
        "Line 2, amount: '5.00' is left unknown, since the row names no currency."
    ]


@given(st.integers(0, 10**15), st.sampled_from(sorted(money.EXPONENTS)))
def test_an_amount_told_and_read_back_is_the_same(minor, currency):
    facts, problems = read(amount=money.plain(minor, currency), currency=currency)

    assert (facts["amount"], problems) == (minor, [])


@given(
    st.datetimes(datetime(1901, 1, 1), datetime(2198, 12, 31)),  # noqa: DTZ001 - placed in the zone below
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from([0, 1]),
)
def test_an_instant_told_in_its_zone_and_read_back_is_the_same(moment, zone, fold):
    aware = moment.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC).astimezone(ZoneInfo(zone))
    offset = aware.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return  # offsets of local mean time have seconds, which ISO 8601 cannot write

    with_offset, _ = read(ordered_at=aware.isoformat())
    local, _ = read(zone, ordered_at=aware.replace(tzinfo=None).isoformat(sep=" "))

    exact = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // pd.Timedelta(microseconds=1).to_pytimedelta()
    assert with_offset["ordered_at"] == with_offset["ordered_at_latest"] == exact
    assert local["ordered_at"] <= exact <= local["ordered_at_latest"]


@pytest.mark.parametrize("text", ["yes", "YES", "True", "y", "1", " Y "])
def test_yes_is_read(text):
    assert read(sms_code_received=text)[0]["sms_code_received"] is True


@pytest.mark.parametrize("text", ["no", "No", "FALSE", "n", "0"])
def test_no_is_read(text):
    assert read(sms_code_received=text)[0]["sms_code_received"] is False


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("sms_code_received", "maybe", "is not yes or no"),
        ("sms_code_received", "2", "is not yes or no"),
        ("reason", "number dead", "is not one of sms_not_received, invalid_number"),
        ("unlawful_use", "yes", "is not one of none, alleged, confirmed"),
        ("currency", "XXX", "is no currency code of ISO 4217"),
        ("currency", "$", "is no currency code of ISO 4217"),
        ("product", "a\0b", "holds a NUL character"),
        ("description", "x" * 100_001, "is longer than 100,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(column, text, says):
    facts, problems = read(**{column: text})

    assert facts[column] is None
    assert len(problems) == 1
    assert says in problems[0]


@pytest.mark.parametrize("text", ["0012", "1e5", "  spaced  ", "=1+1", "ünï", "007.0", "O'Neil\r\nline"])
def test_text_is_kept_to_the_letter(text):
    assert read(product=text)[0]["product"] == text


@pytest.mark.parametrize("blank", ["", " ", "\t ", "\u00a0"])
@pytest.mark.parametrize("column", sorted(BY_NAME))
def test_a_blank_is_unknown(column, blank):
    found = cells.convert({"order_ref": ["O"], "claim_ref": ["A"], column: [blank]}, zone="UTC", lines=[2])

    assert found.claims.frame[column].isna().all()
    assert not found.problems


def test_a_row_without_claim_and_order_reference_is_left_out():
    found = cells.convert({"claim_ref": ["", "A", ""], "order_ref": [" ", "", "O"]}, zone="UTC", lines=[2, 3, 4])

    assert found.bad.tolist() == [True, False, False]
    assert str(found.problems[0]) == ("Line 2: Neither claim_ref nor order_ref is given, and one of them is wanted.")


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.sampled_from(sorted(BY_NAME)))
def test_no_text_makes_the_reading_fail(texts, column):
    columns = {"claim_ref": ["A"] * len(texts), "currency": ["USD"] * len(texts), column: texts}

    found = cells.convert(columns, zone="Europe/Berlin", lines=range(2, 2 + len(texts)))

    assert len(found.claims) == len(found.bad) == len(texts)


def test_a_column_of_another_length_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="order_ref has 1 cells where there are 2 rows"):
        cells.convert({"claim_ref": ["A", "B"], "order_ref": ["O"]}, zone="UTC", lines=[2, 3])
