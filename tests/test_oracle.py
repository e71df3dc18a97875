"""The independent judge of `oracle.py` against cases decided by hand: the shared ones and the project's own."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from counting import count_days, count_hours, from_us, to_us
from dictionary_rows import decimals
from oracle import FeeRow, from_cells, judge

from refundcore.facts import BY_NAME, VERDICTS

OWN = Path(__file__).parent / "data"
COMPARED = ("verdict", "leaning", "clause", "clauses", "missing", "refund", "next_deadline")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def differences(row: dict[str, str]) -> list[str]:
    """What the oracle says otherwise than the row; a blank expectation asserts nothing."""
    zone = row["zone"]
    got = judge(from_cells(row, zone), to_us(datetime.fromisoformat(row["as_of"])), zone)
    shown = {name: got[name] for name in COMPARED}
    if got["refund"] is not None:
        shown["refund"] = Decimal(got["refund"]).scaleb(-decimals(row["currency"]))
    wrong = []
    for name in COMPARED:
        want = (row.get(f"expected_{name}") or "").strip()
        if want and not same(name, want, shown[name]):
            wrong.append(f"{name}: wanted {want}, got {shown[name]}")
    if row["expected_verdict"] in ("approve", "exchange", "deny"):
        wrong += [f"{name}: wanted none, got {got[name]}" for name in ("leaning", "missing") if got[name]]
    return wrong


def same(name: str, want: str, got: object) -> bool:
    if name == "missing":
        return set(want.split()) == set(str(got).split())
    if name == "refund":
        return got is not None and Decimal(want) == got
    if name == "next_deadline":
        return got is not None and datetime.fromisoformat(want) == from_us(got)
    return want == got


def check_vector(row: dict[str, str]) -> None:
    event = to_us(datetime.fromisoformat(row["event_local"]))
    holidays = [date.fromisoformat(day) for day in row["holidays"].replace(";", " ").split()]
    counted = (event, int(row["n"]), row["convention"], row["zone"], holidays)
    if row["kind"] == "days":
        wanted = row["expected_last_second_utc"], row["expected_late_from_utc"]
        assert tuple(map(iso, count_days(*counted))) == wanted, row["why"]
    else:
        assert iso(count_hours(*counted)) == row["expected_due_utc"], row["why"]


def iso(us: int) -> str:
    return from_us(us).isoformat().replace("+00:00", "Z")


def test_the_oracle_agrees_with_every_shared_case(shared: Path):
    wrong = {row["case_id"]: differences(row) for row in rows_of(shared / "policy" / "cases.csv")}
    assert not {case: said for case, said in wrong.items() if said}


@pytest.mark.parametrize("row", rows_of(OWN / "cases.csv"), ids=lambda row: row["case_id"])
def test_the_oracle_agrees_with_the_projects_own_case(row):
    assert not differences(row), row["why"]


def test_the_shared_time_vectors_are_counted_alike(shared: Path):
    for row in rows_of(shared / "policy" / "time-vectors.csv"):
        check_vector(row)


@pytest.mark.parametrize("row", rows_of(OWN / "time_vectors.csv"), ids=lambda row: row["vector_id"])
def test_the_projects_own_time_vectors_are_counted_alike(row):
    check_vector(row)


def test_the_own_cases_have_ids_of_their_own_and_reach_every_verdict():
    rows = rows_of(OWN / "cases.csv")
    assert len({row["case_id"] for row in rows}) == len(rows)
    assert {row["expected_verdict"] for row in rows} == set(VERDICTS)
    assert set(BY_NAME) <= set(rows[0])


@pytest.mark.parametrize(
    ("percent", "fixed", "amount", "currency", "refund"),
    [
        ("5", 30, "10.00", "USD", "9.20"),
        ("5", 0, "9.99", "EUR", "9.49"),
        ("5", 0, "500", "JPY", "475"),
        ("0", 0, "3.10", "EUR", "3.10"),
        ("2.5", 0, "1.001", "KWD", "0.976"),
    ],
)
def test_a_fee_is_rounded_half_up_and_refund_and_fee_make_the_amount(percent, fixed, amount, currency, refund):
    claim, schedule = charged(percent, fixed, amount, currency)
    got = judge(claim, NOON, "UTC", fees=schedule)
    assert got["verdict"] == "approve"
    assert Decimal(got["refund"]).scaleb(-decimals(currency)) == Decimal(refund)
    assert got["refund"] + got["fee"] == claim["amount"]


def test_a_fee_that_eats_the_whole_refund_is_seen_by_a_person():
    claim, schedule = charged("0", 30, "0.20", "USD")
    got = judge(claim, NOON, "UTC", fees=schedule)
    assert (got["verdict"], got["clause"], got["leaning"]) == ("review", "C8c", "")


def test_nobody_pays_a_fee_they_were_not_told_of():
    claim, schedule = charged("5", 30, "10.00", "USD")
    assert judge(claim | {"fee_disclosed": None}, NOON, "UTC", fees=schedule)["refund"] == 1000


NOON = to_us(datetime(2025, 9, 12, 12, tzinfo=UTC))


def charged(percent: str, fixed: int, amount: str, currency: str):
    row = {
        "order_ref": "F-1",
        "customer_email": "fee@example.org",
        "reason": "sms_not_received",
        "grounds_sufficient": "yes",
        "purchased_at": "2025-09-10T08:00:00Z",
        "submitted_at": "2025-09-11T08:00:00Z",
        "sms_code_received": "no",
        "amount": amount,
        "currency": currency,
        "payment_method": "card",
        "fee_disclosed": "yes",
    }
    return from_cells(row, "UTC"), [FeeRow("card", date(2025, 1, 1), Decimal(percent), fixed)]
