"""Laws of the backtest: what no change, a reversal, a longer window and a sweep must do, over generated claims."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest
import synthetic

from refundcore import backtest, policy, rules
from refundcore.amending import Amendment, amended
from refundcore.backtest import Population, Tally, compare, flips
from refundcore.deadlines import DAY, start_of_day
from refundcore.editions import Edition, Editions
from refundcore.facts import VERDICTS, Claims

POLICY = policy.load()
START = date(2024, 4, 2)
BEGINS = int(start_of_day(np.array([(START - date(1970, 1, 1)).days]), "UTC")[0])
NOW = Editions.only(POLICY)


@cache
def claims(size: int = 4_000, seed: int = 7) -> Population:
    frame = synthetic.claims(size, seed)
    frame["fee_disclosed"] = (
        frame["amount"].map(lambda minor: None if minor is None else minor % 200 == 0).astype("bool[pyarrow]")
    )
    found = Population.of_facts(Claims.of(frame), synthetic.AS_OF)
    rng = np.random.default_rng(seed)
    outcome = np.where(rng.random(size) < 0.5, rng.choice((0, 2), size), -1)
    return Population(found.claims, found.as_of, found.names, outcome)


def draft(start: date = START, begins: int = BEGINS, **changes) -> Editions:
    return NOW.with_draft(amended(POLICY, Amendment(start, **changes)), begins)


CHANGES = {
    "a longer window": {"numbers": {("C4c", "window_days"): 10}},
    "a shorter day 14": {"numbers": {("C3", "window_days"): 9}},
    "a longer cure": {"numbers": {("C6b", "cure_hours"): 120}},
    "a fee": {"fees": {"card": 500, "paypal": 250}},
    "a reading": {"readings": {"A01": ("week", "week", "week")}},
    "a clause off": {"off": frozenset({"C8e", "C2"})},
}
changed = pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)


def test_a_draft_that_changes_nothing_flips_nothing():
    found = compare(claims(), NOW, draft())
    tally = Tally.of(found, POLICY)

    assert not list(flips(found))
    assert (tally.flips, tally.claims) == (0, len(claims()))
    assert all(money.refund == money.fee == 0 for money in tally.money.values())


@changed
def test_each_change_does_something_and_its_reversal_restores_every_verdict(changes):
    there = compare(claims(), NOW, draft(**changes))
    assert (there.before.verdict != there.after.verdict).any() or (there.before.fee != there.after.fee).any()

    back = compare(claims(), draft(**changes), NOW)
    for name in vars(there.before):
        assert np.array_equal(getattr(there.before, name), getattr(back.after, name)), name
        assert np.array_equal(getattr(there.after, name), getattr(back.before, name)), name
    ours, theirs = Tally.of(there, POLICY), Tally.of(back, POLICY)
    assert ours.pairs() == {(new, old): count for (old, new), count in theirs.pairs().items()}
    assert {code: money.refund for code, money in ours.money.items()} == {
        code: -money.refund for code, money in theirs.money.items()
    }


WINDOWS = [
    (name, number) for name, clause in POLICY.clauses.items() for number in clause.numbers if number == "window_days"
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_longer_window_turns_no_approval_into_a_denial(window):
    for days in (8, 15, 30):
        tally = Tally.of(
            compare(claims(), NOW, draft(numbers={window: max(days, 14 if window[0] == "C3" else 0)})), POLICY
        )
        assert ("approve", "deny") not in tally.pairs()
        assert not tally.missed


SWEPT = [
    (("C4c", "window_days"), range(3, 22)),
    (("C3", "window_days"), range(3, 22)),
    (("C5c", "window_days"), range(0, 15, 2)),
    (("C8b", "window_days"), range(5, 12)),
    (("C5b", "cure_hours"), range(0, 400, 30)),
    (("C6b", "cure_hours"), range(0, 400, 24)),
    (("C6d", "tolerance_percent"), range(0, 30, 3)),
    (("C6f", "silence_hours"), range(0, 500, 48)),
    (("C8e", "words"), range(12)),
]


@pytest.mark.parametrize(("number", "values"), SWEPT, ids=str)
def test_a_sweep_is_the_same_as_its_values_one_by_one(number, values):
    drafts = {value: draft(numbers={number: value}) for value in values}
    found = backtest.sweep([claims(), claims(700, 3)], NOW, drafts)

    for value, editions in drafts.items():
        alone = sum((Tally.of(compare(part, NOW, editions), POLICY) for part in (claims(), claims(700, 3))), Tally())
        assert found[value] == alone, value
    # When evidence must be there splits the readings whatever the hours are (A07), so no verdict hangs on them.
    assert len({found[value].flips for value in values}) > (number != ("C5b", "cure_hours"))


def test_a_sweep_of_a_fee_is_the_same_as_its_values_one_by_one():
    drafts = {points: draft(fees={"card": points, "crypto": points}) for points in range(0, 1001, 100)}
    found = backtest.sweep([claims()], NOW, drafts)

    for points, editions in drafts.items():
        assert found[points] == Tally.of(compare(claims(), NOW, editions), POLICY)
    kept = [sum(money.fee for money in found[points].money.values()) for points in drafts]
    assert kept == sorted(kept)
    assert kept[0] == 0 < kept[-1]


@changed
def test_parts_add_up_to_the_whole(changes):
    whole, editions = claims(), draft(**changes)
    parts = [whole.take(np.arange(start, min(start + 999, len(whole)))) for start in range(0, len(whole), 999)]

    assert sum((Tally.of(compare(part, NOW, editions), POLICY) for part in parts), Tally()) == Tally.of(
        compare(whole, NOW, editions), POLICY
    )


def test_a_draft_from_a_later_day_leaves_earlier_orders_as_they_were():
    middle = synthetic.AS_OF - 12 * DAY
    begins = middle - middle % DAY
    start = date.fromordinal(date(1970, 1, 1).toordinal() + begins // DAY)
    found = compare(claims(), NOW, draft(start, begins, numbers={("C4c", "window_days"): 30}))
    ordered, given = claims().read.whole("ordered_at")
    known = given & (ordered <= synthetic.AS_OF)

    assert found.flipped.any()
    assert not found.flipped[known & (ordered < begins)].any()


def test_editions_judge_as_each_document_does_alone():
    longer = amended(POLICY, Amendment(START, numbers={("C4c", "window_days"): 30}))
    begins = synthetic.AS_OF - 12 * DAY
    both = Editions([Edition(1, POLICY), Edition(2, longer, begins)])
    found = both.judge(claims().claims, claims().as_of)
    one, two = (rules.judge(claims().claims, each, claims().as_of) for each in (POLICY, longer))
    ordered, given = claims().read.whole("ordered_at")
    after = given & (ordered <= synthetic.AS_OF) & (ordered >= begins)
    before = given & (ordered < begins)

    assert found["edition"][after].eq(2).all()
    assert found["edition"][before].eq(1).all()
    assert found["verdict"][after].equals(two["verdict"][after])
    assert found["verdict"][before].equals(one["verdict"][before])
    codes = both.coded(claims().read)
    assert [VERDICTS[place] for place in codes.verdict] == found["verdict"].tolist()


def test_every_flip_names_its_claim_both_verdicts_and_the_clause_that_did_it():
    found = compare(claims(), NOW, draft(numbers={("C4c", "window_days"): 10}))
    listed = list(flips(found))
    tally = Tally.of(found, POLICY)

    assert len(listed) == tally.flips == sum(tally.by_reason().values()) > 0
    assert {flip.clause for flip in listed} <= {"C4c", "C4d"}
    assert all(flip.before != flip.after for flip in listed)
    counted: dict[tuple[str, str], int] = {}
    for flip in listed:
        counted[flip.before, flip.after] = counted.get((flip.before, flip.after), 0) + 1
    assert counted == tally.pairs()
    assert sum(tally.won.values()) > 0


def test_decisions_against_the_policy_are_counted_where_the_draft_gives_them():
    found = compare(claims(), NOW, draft(numbers={("C4c", "window_days"): 21}))
    tally = Tally.of(found, POLICY)
    review = VERDICTS.index("review")
    expected = sum(
        old not in {said, review} and new in {said, review}
        for old, new, said in zip(found.before.verdict, found.after.verdict, claims().outcome, strict=True)
        if said >= 0
    )

    assert tally.regular == expected > 0


def test_a_window_is_proposed_where_people_approve_late_claims_again_and_again():
    base = claims()
    old = NOW.coded(base.read)
    longer = draft(numbers={("C4c", "window_days"): 10}).coded(base.read)
    late = np.flatnonzero((old.verdict == 2) & (longer.verdict == 5))  # the strict reading still counts from the order
    assert len(late)
    outcome = np.full(len(base), -1)
    outcome[late] = 0
    decided = Population(base.claims, base.as_of, base.names, outcome)
    (found,) = backtest.proposals([decided], NOW, START, BEGINS)

    assert found.clause == "C4c"
    assert found.amendment is not None
    assert set(found.amendment.numbers) == {("C4c", "window_days")}
    assert 7 < found.amendment.numbers["C4c", "window_days"] <= 10
    assert found.regular == len(late) == len(found.claims)
