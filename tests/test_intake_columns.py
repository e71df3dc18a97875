"""Columns by the evidence of all their cells: dates, amounts, references and names."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from refundcore import intake
from refundcore.facts import FACTS
from refundcore.intake import Plan, Wishes, columns


def table(column: str, *cells: str, more: str = "", currency: str = "USD") -> bytes:
    lines = [f"claim_ref,currency,{column}{more}"]
    lines += [f'A-{number},{currency},"{cell}"{"," * more.count(",")}' for number, cell in enumerate(cells)]
    return "\n".join(lines).encode()


def planned(data: bytes, **wishes: object) -> Plan:
    return intake.plan(data, zone="UTC", wishes=Wishes(**wishes))


def facts(data: bytes, fact: str, **wishes: object) -> list[object]:
    """The column's facts by row; None where it is unknown or the row was left out."""
    plan = planned(data, **wishes)
    values: dict[int, object] = {}
    lines = 0
    for batch in intake.rows(intake.source(data), plan):
        values |= dict(zip(batch.lines, batch.claims.frame[fact].tolist(), strict=True))
        lines += batch.rows
    return [None if pd.isna(value := values.get(line)) else value for line in range(2, 2 + lines)]


def days(data: bytes, fact: str = "submitted_at", **wishes: object) -> list[str | None]:
    read = facts(data, fact, **wishes)
    return [None if value is None else datetime.fromtimestamp(value / 1e6, UTC).isoformat()[:16] for value in read]


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["31/12/2024", "01/02/2024"], "2024-12-31T00:00"),
        (["12/31/2024", "01/02/2024"], "2024-12-31T00:00"),
        (["31.12.2024 14:05", "1.2.2024 9:00"], "2024-12-31T14:05"),
        (["31-12-24 2:05 PM"], "2024-12-31T14:05"),
        (["12/31/2024 12:00 AM"], "2024-12-31T00:00"),
        (["31-Dec-24"], "2024-12-31T00:00"),
        (["31 December 2024 14:05:09"], "2024-12-31T14:05"),
        (["Dec 31, 2024"], "2024-12-31T00:00"),
        (["Tue, 31 Dec 2024 14:05:00 +0200"], "2024-12-31T12:05"),
        (["2024/12/31"], "2024-12-31T00:00"),
        (["2024-12-31 2:05:00 PM"], "2024-12-31T14:05"),
        (["20241231"], "2024-12-31T00:00"),
        (["45657.586805556"], "2024-12-31T14:05"),
        (["45657"], "2024-12-31T00:00"),
        (["1735653900"], "2024-12-31T14:05"),
        (["31/12/2024, Lund"], "2024-12-31T00:00"),
        (["31/12/99", "1/2/03"], "1999-12-31T00:00"),
    ],
)
def test_a_date_is_read_as_people_write_it(cells, first):
    assert days(table("submitted_at", *cells))[0] == first


def test_one_day_above_twelve_settles_the_whole_column():
    assert days(table("submitted_at", "01/02/2024", "03/04/2024", "13/04/2024"))[0] == "2024-02-01T00:00"
    assert days(table("submitted_at", "01/02/2024", "03/04/2024", "04/13/2024"))[0] == "2024-01-02T00:00"


def test_each_form_in_a_column_is_settled_by_its_own_values():
    mixed = table("submitted_at", "22-04-15 3:53:50 PM", "2015-04-08 10:22:56 AM", "23-04-15 1:00:00 AM")

    assert days(mixed) == ["2015-04-22T15:53", "2015-04-08T10:22", "2015-04-23T01:00"]
    assert any("swapped" in notice for notice in planned(mixed).notices)


def test_dates_that_fit_both_orders_are_asked_about():
    plan = planned(table("submitted_at", "01/02/2024", "03/04/2024"))

    (question,) = plan.questions
    assert question.key == "dates:submitted_at"
    assert "03/04/2024" in question.text or "01/02/2024" in question.text
    assert not plan.ready


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("dmy", ["2024-02-01T00:00", "2024-12-31T00:00", None, "2024-05-05T00:00"]),
        ("mdy", ["2024-01-02T00:00", None, "2024-12-31T00:00", "2024-05-05T00:00"]),
        ("clear", [None, "2024-12-31T00:00", "2024-12-31T00:00", "2024-05-05T00:00"]),
    ],
)
def test_a_column_that_contradicts_itself_is_asked_about_and_never_guessed_by_row(answer, read):
    contradictory = table("submitted_at", "01/02/2024", "31/12/2024", "12/31/2024", "05/05/2024")
    assert not planned(contradictory).ready

    assert days(contradictory, answers={"dates": answer}) == read


@pytest.mark.parametrize(
    ("cells", "currency", "minor"),
    [
        (["$1,234.50", "($2.00)"], "USD", [123450, None]),
        (["1.234,50", "2,5"], "EUR", [123450, 250]),
        (["1 234,50 €", "2,50 €"], "EUR", [123450, 250]),
        (["1'234.50", "7"], "CHF", [123450, 700]),
        (["£ 1.95", "5.80 GBP", "GBP 9.95", "+25.20", "'1.95"], "GBP", [195, 580, 995, 2520, 195]),
        (["$50.00 ", "-"], "USD", [5000, None]),
        (["1.250", "0.500"], "KWD", [1250, 500]),
        (["1,000,000", "5"], "JPY", [1000000, 5]),
        (["-9.95", "−9.95", "9.95-", "-£9.95", "£-9.95", "(9.95)"], "GBP", [None] * 6),
        (["12.345", "1.00"], "USD", [None, 100]),
        (["€5.00", "$6.00"], "USD", [None, 600]),
        (["1,23,4.00", "1.00"], "USD", [None, 100]),
    ],
)
def test_an_amount_is_read_as_people_write_it(cells, currency, minor):
    assert facts(table("amount", *cells, currency=currency), "amount") == minor


@pytest.mark.parametrize("cells", [["1,234", "5,678"], ["1.234", "5.678"], ["1,50", "1.50"]])
def test_a_decimal_mark_that_the_column_does_not_settle_is_asked_about(cells):
    plan = planned(table("amount", *cells))

    assert [question.key for question in plan.questions] == ["decimals:amount"]


def test_the_answer_settles_the_decimal_mark():
    data = table("amount", "1,234", "5,678", currency="KWD")

    assert facts(data, "amount", answers={"decimals": ","}) == [1234, 5678]
    assert facts(data, "amount", answers={"decimals": "."}) == [1234000, 5678000]


@pytest.mark.parametrize(
    ("header", "fact"),
    [
        ("Order No", "order_ref"),
        ("ORDER_REF", "order_ref"),
        ("order-ref", "order_ref"),
        ("\u00a0Order\u00a0Ref ", "order_ref"),
        ("Amount (GBP)", "amount"),
        ("Purchase Date", "purchased_at"),
        ("Code delivered?", "sms_code_received"),
    ],
)
def test_a_column_is_known_by_its_name_however_it_is_written(header, fact):
    assert planned(f"claim_ref,{header}\nA,\n".encode()).mapping[header.strip()] == fact


def test_customers_without_an_at_sign_are_no_addresses():
    plan = planned(b"claim_ref,customer\nA,17850.0\nB,12583.0\n")

    assert "customer" not in plan.mapping
    assert plan.ignored["customer"] == "its cells are no e-mail addresses"


def test_two_columns_of_one_name_with_different_cells_are_asked_about():
    data = b"claim_ref,currency,amount,amount\nA,USD,8.95,0.00\n"

    assert [question.key for question in planned(data).questions] == ["column:amount"]
    assert facts(data, "amount", mapping={"amount (2)": "amount"}) == [0]
    assert facts(data, "amount", mapping={"amount": "amount"}) == [895]


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"mapping": {"nothing": "amount"}}, "no column 'nothing'"),
        ({"mapping": {"note": "colour"}}, "'colour' is no fact"),
        ({"mapping": {"note": "product", "price": "product"}}, "Two columns are mapped to product"),
        ({"constants": {"colour": "red"}}, "'colour' is no fact"),
        ({"constants": {"currency": "USD"}}, "currency is in the file already"),
        ({"constants": {"reason": "dead"}}, "'dead' is not one of"),
        ({"answers": {"encoding": "klingon"}}, "'klingon' is no encoding"),
        ({"answers": {"header": "99"}}, "No row begins in line 99"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(wishes, says):
    with pytest.raises(intake.IntakeError, match=says):
        planned(b"claim_ref,currency,note,price\nA,USD,x,1.00\n", **wishes)


def test_a_constant_fills_a_column_that_is_missing():
    data = b"claim_ref,amount\nA,1.50\nB,2.00\n"

    assert facts(data, "amount", constants={"currency": "EUR"}) == [150, 200]


def test_words_of_the_file_stand_for_codes():
    data = b"claim_ref,reason\nA,Number dead\nB,SMS not received\nC,Zahl tot\n"
    wishes = {"meanings": {"reason": {"number dead": "invalid_number"}}}

    assert facts(data, "reason", **wishes)[:2] == ["invalid_number", "sms_not_received"]


def test_reasons_of_another_trade_are_left_unknown_with_a_count():
    data = b"claim_ref,reason\nA,Property Damage\nB,Injury\nC,Injury\n"

    assert any("2 different values" in notice and "3 rows" in notice for notice in planned(data).notices)
    assert facts(data, "reason") == [None, None, None]
    assert facts(data, "claim_ref") == ["A", "B", "C"]


def test_one_wrong_reason_among_right_ones_leaves_its_row_out():
    data = b"claim_ref,reason\nA,other\nB,other\nC,sms_not_recieved\n"
    (batch, *_) = intake.rows(intake.source(data), planned(data))

    (reject,) = batch.rejected
    assert reject.line == 4
    assert reject.why.startswith("reason: 'sms_not_recieved' is not one of sms_not_received, invalid_number")


def test_an_unlawful_use_that_is_not_understood_is_never_left_unknown():
    data = b"claim_ref,unlawful_use\nA,suspected\n"
    (batch, *_) = intake.rows(intake.source(data), planned(data))

    assert [reject.line for reject in batch.rejected] == [2]


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (['=""00123""', '=""00124""'], ["00123", "00124"]),
        (["536379.0", "537762.0"], ["536379", "537762"]),
        (["536379.0", "A-1.0"], ["536379.0", "A-1.0"]),
        (["5.36E+05", "537762"], [None, "537762"]),
        (["007", "  8 "], ["007", "8"]),
    ],
)
def test_references_are_freed_of_what_spreadsheets_did_to_them(cells, read):
    assert facts(table("order_ref", *cells), "order_ref") == read


def test_other_among_the_words_of_another_trade_is_not_our_other():
    data = b"claim_ref,reason\nA,Property Damage\nB,Injury\nC,Other\n"

    assert facts(data, "reason") == [None, None, None]
    assert facts(data, "reason", meanings={"reason": {"Other": "other"}}) == [None, None, "other"]
    assert facts(b"claim_ref,reason\nA,Other\nB,sms_not_received\n", "reason") == ["other", "sms_not_received"]


def test_no_name_of_a_column_stands_for_two_facts():
    named: dict[str, set[str]] = {}
    for fact in FACTS:
        for name in (fact.name, fact.label, *fact.synonyms):
            named.setdefault(columns.normal(name).rstrip("?"), set()).add(fact.name)

    assert {name: found for name, found in named.items() if len(found) > 1} == {}
