"""The engine and the independent oracle agree, column by column, on claims that neither was written for."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import synthetic
from counting import to_us
from oracle import from_cells
from oracle import judge as judge_by_oracle

from refundcore import policy, rules
from refundcore.facts import COLUMNS, FACTS, Claims

COMPARED = ("verdict", "leaning", "clause", "clauses", "missing", "next_deadline", "refund", "fee")
OWN = Path(__file__).parent / "data" / "cases.csv"
KATHMANDU_AHEAD = (5 * 60 + 45) * 60 * synthetic.SECOND
AUTUMN_LATER = to_us(datetime(2024, 11, 3, 12, tzinfo=UTC)) - synthetic.AS_OF


def plain(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows as plain dicts, None for unknown."""
    values = {name: [None if pd.isna(value) else value for value in frame[name]] for name in frame}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def assert_agreement(frame: pd.DataFrame, as_of: int, zone: str) -> None:
    by_engine = plain(rules.judge(Claims.of(frame), policy.load(), as_of, zone=zone))
    differ = []
    for at, (claim, engine) in enumerate(zip(plain(frame), by_engine, strict=True)):
        oracle = judge_by_oracle(claim, as_of, zone)
        apart = {name: (engine[name], oracle[name]) for name in COMPARED if engine[name] != oracle[name]}
        if apart:
            differ.append((at, apart, {name: value for name, value in claim.items() if value is not None}))
    assert not differ, f"{len(differ)} of {len(frame)} differ (engine, oracle); the first: {differ[0]}"


def moved(frame: pd.DataFrame, by: int) -> pd.DataFrame:
    """The same claims, all that happened at another time."""
    instants = [column for fact in FACTS if fact.kind == "instant" for column in (fact.name, fact.latest)]
    return frame.assign(**{name: frame[name] + by for name in instants})


def to_the_moment(frame: pd.DataFrame) -> pd.DataFrame:
    """The same claims without days known to the day only, which would be days of another zone."""
    return frame.assign(**{fact.latest: frame[fact.name] for fact in FACTS if fact.kind == "instant"})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_engine_and_oracle_agree_on_claims_with_unknowns(seed):
    assert_agreement(synthetic.claims(1_000, seed), synthetic.AS_OF, "UTC")


def test_engine_and_oracle_agree_on_claims_of_which_all_is_known():
    assert_agreement(synthetic.claims(1_000, 4, unknown=0.0), synthetic.AS_OF, "UTC")


def test_engine_and_oracle_agree_in_a_zone_of_quarter_hours():
    claims = moved(synthetic.claims(500, 5), -KATHMANDU_AHEAD)
    assert_agreement(claims, synthetic.AS_OF - KATHMANDU_AHEAD, "Asia/Kathmandu")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_engine_and_oracle_agree_over_the_change_of_the_clocks(zone):
    claims = moved(to_the_moment(synthetic.claims(500, 6)), AUTUMN_LATER)
    assert_agreement(claims, synthetic.AS_OF + AUTUMN_LATER, zone)


def test_engine_and_oracle_agree_on_the_projects_own_cases():
    together: dict[tuple[str, str], list[dict[str, object]]] = {}
    with OWN.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            together.setdefault((row["as_of"], row["zone"]), []).append(from_cells(row, row["zone"]))
    for (as_of, zone), claims in together.items():
        frame = pd.DataFrame(
            {name: pd.array([claim[name] for claim in claims], dtype=COLUMNS[name]) for name in COLUMNS}
        )
        assert_agreement(frame, to_us(datetime.fromisoformat(as_of)), zone)


def test_synthetic_claims_are_the_same_for_the_same_seed_and_lack_what_they_should():
    once, again = synthetic.claims(2_000, 7), synthetic.claims(2_000, 7)
    pd.testing.assert_frame_equal(once, again)
    assert not synthetic.claims(2_000, 8).equals(once)
    assert once["order_ref"].isna().mean() == pytest.approx(synthetic.UNKNOWN, abs=0.03)
    assert list(once) == list(COLUMNS)
    assert Claims.of(once).frame.equals(once)
