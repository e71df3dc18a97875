"""Money is whole minor units, and nothing of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refundcore import money
from refundcore.policy import read

currencies = st.sampled_from(sorted(money.EXPONENTS))


@given(st.integers(0, money.LARGEST), currencies)
def test_an_amount_written_and_read_back_is_the_same(minor, currency):
    assert money.parse(money.plain(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10", "USD", 1_000),
        ("10.5", "USD", 1_050),
        (" 10.50 ", "EUR", 1_050),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("1.255", "KWD", 1_255),
        ("1.5000", "USD", 150),
        ("007.00", "USD", 700),
        ("0", "BHD", 0),
    ],
)
def test_an_amount_is_read_in_its_currency(text, currency, minor):
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "says"),
    [
        ("10.001", "USD", "USD has 2 decimals"),
        ("500.5", "JPY", "JPY has no decimals"),
        ("1,000.00", "USD", "is not an amount such as 10.50"),
        ("1e999999", "USD", "is not an amount"),
        ("-5", "USD", "is not an amount"),
        ("", "USD", "is not an amount"),
        ("١٢", "USD", ""),
        ("999999999999999999", "USD", "is too large"),
        ("5", "XXQ", "is no currency code"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_sentence(text, currency, says):
    if not says:  # digits of other scripts are digits, too
        assert money.parse(text, currency) == 1_200
        return
    with pytest.raises(ValueError, match=says):
        money.parse(text, currency)


@pytest.mark.parametrize(
    ("percent", "fixed", "due", "currency", "parts"),
    [
        ("5", "0.30", 1_000, "USD", (50, 30)),
        ("5", "0", 999, "EUR", (50, 0)),  # 0.4995 goes up
        ("5", None, 500, "JPY", (25, 0)),
        ("0", "0.30", 20, "USD", (0, 20)),  # never more than what is due
        ("100", "0.30", 20, "USD", (20, 0)),
    ],
)
def test_a_fee_is_rounded_half_up_in_each_part_and_never_above_what_is_due(percent, fixed, due, currency, parts):
    whole = 'title = "x"\nin_force_from = 2024-04-02\nzone = "UTC"\n'
    whole += '[clauses.C1]\ntitle = "x"\nparagraph = 1\nroles = ["note"]\ntext = "x"\n'
    whole += (
        '[readings.A01]\ntitle = "x"\nclauses = ["C1"]\nreading = "a"\nwhy = "x"\n[readings.A01.meanings]\na = "x"\n'
    )
    row = f'[[fee]]\nmethod = "card"\nfrom = 2024-04-02\npercent = "{percent}"\n'
    row += f'fixed = {{ {currency} = "{fixed}" }}\n' if fixed else ""
    assert read(whole, row).fees[0].parts(due, currency) == parts


@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_a_percentage_is_within_half_a_unit_of_the_exact_one(minor, points):
    assert abs(money.percent_half_up(minor, points) * 10_000 - minor * points) <= 5_000


def test_a_split_payment_is_paid_back_in_proportion_by_the_largest_remainder():
    assert money.split(950, {"card": 600, "balance": 400}) == {"card": 570, "balance": 380}
    assert money.split(1, {"card": 1, "balance": 1}) == {"card": 1, "balance": 0}


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 10**6), min_size=1, max_size=5), st.data())
def test_the_shares_of_a_split_add_up_and_none_is_above_its_part(parts, data):
    total = data.draw(st.integers(0, sum(parts.values())))
    shares = money.split(total, parts)
    assert sum(shares.values()) == total
    assert all(0 <= shares[name] <= parts[name] for name in parts)


@pytest.mark.parametrize(
    ("total", "parts"), [(1, {}), (5, {"card": 4}), (-1, {"card": 4}), (1, {"card": 2, "balance": -1})]
)
def test_a_split_that_cannot_be_is_refused(total, parts):
    with pytest.raises(ValueError, match="cannot be shared"):
        money.split(total, parts)


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [
        (1280, "JPY", "1,280"),
        (128_000, "USD", "1,280.00"),
        (999, "JPY", "999"),
        (1, "KWD", "0.001"),
        (-50, "USD", "-0.50"),
        (-128_050, "USD", "-1,280.50"),
        (10**15, "USD", "10,000,000,000,000.00"),
    ],
)
def test_thousands_stand_apart_where_amounts_are_told(minor: int, currency: str, told: str) -> None:
    assert money.grouped(minor, currency) == told


@pytest.mark.parametrize(
    ("minor", "points", "rounded"),
    [(1, 5_000, 1), (1, 4_999, 0), (3, 5_000, 2), (1_000, 25, 3), (1_000, 24, 2), (0, 10_000, 0), (7, 10_000, 7)],
)
def test_exactly_half_a_unit_is_rounded_up_and_anything_less_down(minor, points, rounded):
    assert money.percent_half_up(minor, points) == rounded


@pytest.mark.parametrize(("currency", "largest"), [("USD", "10000000000000.00"), ("JPY", "1000000000000000")])
def test_the_largest_amount_is_taken_and_one_unit_more_is_not(currency, largest):
    assert money.parse(largest, currency) == money.LARGEST == 1_000_000_000_000_000
    more = largest[:-1] + "1"
    with pytest.raises(ValueError, match="too large"):
        money.parse(more, currency)


def test_each_currency_has_the_decimals_of_the_standard():
    places = {code: money.exponent(code) for code in ("JPY", "KRW", "USD", "EUR", "KWD", "BHD", "UYW", "CLF")}
    assert places == {"JPY": 0, "KRW": 0, "USD": 2, "EUR": 2, "KWD": 3, "BHD": 3, "UYW": 4, "CLF": 4}
    counted = {number: list(money.EXPONENTS.values()).count(number) for number in range(5)}
    assert (counted[1], counted[4]) == (0, 2)


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [(-1, "USD", "-0.01"), (-150, "USD", "-1.50"), (1, "USD", "0.01"), (0, "USD", "0.00"), (-5, "JPY", "-5"),
     (12, "KWD", "0.012"), (100, "USD", "1.00")],
)  # fmt: skip
def test_an_amount_is_written_with_all_its_decimals_and_its_sign(minor, currency, told):
    assert money.plain(minor, currency) == told


def test_the_larger_remainder_gets_the_unit_that_is_left_and_of_equal_ones_the_first():
    assert money.split(1, {"a": 1, "b": 2}) == {"a": 0, "b": 1}
    assert money.split(1, {"a": 2, "b": 1}) == {"a": 1, "b": 0}
    assert money.split(1, {"b": 1, "a": 1}) == {"b": 1, "a": 0}
    assert money.split(2, {"a": 1, "b": 1, "c": 1}) == {"a": 1, "b": 1, "c": 0}
    assert money.split(5, {"a": 0, "b": 10}) == {"a": 0, "b": 5}
    assert money.split(10, {"a": 0, "b": 10}) == {"a": 0, "b": 10}
    assert money.split(0, {"a": 3}) == {"a": 0}
