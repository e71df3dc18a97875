"""What must always hold, over whole tables of facts: every combination of what can be known of a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from refundcore import policy
from refundcore.deadlines import DAY, HOUR
from refundcore.facts import BY_NAME, COLUMNS, VERDICTS, Claims
from refundcore.rules import judge

POLICY = policy.load()
BOUGHT = 1_715_005_800_000_000  # Monday 6 May 2024, 14:30 UTC
LONG = "the code for my new account never came to the number"
KNOWN = {
    "order_ref": "O-1",
    "customer_email": "ana@example.org",
    "description": LONG,
    "purchased_at": BOUGHT,
    "currency": "USD",
}
Axes = Mapping[str, Sequence[object]]

UNLAWFUL = (None, "alleged", "confirmed")
MAYBE = (None, False, True)


def day(number: float) -> int:
    """An instant so many days after the purchase."""
    return int(BOUGHT + number * DAY)


CLAIMED = (None, day(0), day(7), day(7.4), day(13), day(14), day(14.5))
TABLES: dict[str, Axes] = {
    "sms_not_received": {
        "submitted_at": CLAIMED,
        "sms_code_received": MAYBE,
        "sms_received_at": (None, day(0.1)),
        "sent_at": (None, day(6.9)),
        "ordered_at": (None, day(-1)),
        "unlawful_use": UNLAWFUL,
        "terms_section": (None, "4.2"),
        "grounds_sufficient": (None, False),
        "amount": (None, 1_000),
    },
    "invalid_number": {
        "submitted_at": CLAIMED,
        "sms_code_received": MAYBE,
        "sms_received_at": (None, day(0.1), day(7)),
        "evidence_attached": MAYBE,
        "evidence_sufficient": MAYBE,
        "evidence_received_at": (None, day(9), day(15)),
        "contacted_at": (None, day(4)),
        "third_party_cause": (None, True),
        "listed_compatible": MAYBE,
        "unlawful_use": UNLAWFUL,
    },
    "major_defect": {
        "defect_notified_at": (None, day(1), day(8), day(14.5)),
        "submitted_at": (None, day(9)),
        "defect_approved": MAYBE,
        "defect_fixed_at": (None, day(3), day(4.5)),
        "fix_accepted": (None, True),
        "access_requested_at": (None, day(2), day(4.2)),
        "access_granted_at": (None, day(3)),
        "access_refused": (None, True),
        "access_needed": MAYBE,
        "third_party_cause": (None, True),
        "listed_compatible": MAYBE,
        "reproduced_without_third_party": MAYBE,
    },
    "major_defect, replacement": {
        "defect_notified_at": (None, day(1), day(8), day(14.5)),
        "submitted_at": (None, day(9)),
        "defect_approved": MAYBE,
        "defect_fixed_at": (None, day(3)),
        "remedy_choice": (None, "replacement"),
        "replacement_price": (None, 1_100, 1_101),
        "amount": (None, 1_000),
        "unlawful_use": UNLAWFUL,
        "terms_section": (None, "4.2"),
    },
    "incompatibility": {"submitted_at": CLAIMED, "listed_compatible": MAYBE, "unlawful_use": UNLAWFUL},
    "other": {"submitted_at": CLAIMED, "third_party_cause": (None, True), "listed_compatible": MAYBE},
}
MOMENTS = (day(4.3), day(9.5), day(20))
DECIDED = ("approve", "exchange", "deny")
ASKED = [fact for fact in BY_NAME.values() if not fact.blank]
"""Facts whose blank is an unknown, not a value."""
HAS_A_MEANING = {"sms_not_received": ("sms_received_at",)}
"""Where a blank means something under one reason only: no SMS came, when no code came."""


def table(name: str) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """All combinations of a table's values as claims, and the table's shape."""
    axes = TABLES[name]
    rows = list(product(*axes.values()))
    columns: dict[str, list[object]] = {fact: [row[i] for row in rows] for i, fact in enumerate(axes)}
    known: dict[str, Any] = {"amount": 1_000, **KNOWN, "reason": name.split(",", maxsplit=1)[0]}
    for fact, value in known.items():
        columns.setdefault(fact, [value] * len(rows))
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in columns.items()})
    return frame, tuple(len(values) for values in axes.values())


def verdicts(name: str, as_of: int) -> tuple[pd.DataFrame, tuple[int, ...]]:
    frame, shape = table(name)
    return judge(Claims.of(frame), POLICY, as_of), shape


@pytest.fixture(scope="module", params=[(n, a) for n in TABLES for a in MOMENTS], ids=lambda p: f"{p[0]} {p[1] // DAY}")
def judged(request: pytest.FixtureRequest) -> tuple[str, int, pd.DataFrame, tuple[int, ...]]:
    name, as_of = request.param
    return name, as_of, *verdicts(name, as_of)


def grid(column: pd.Series, shape: tuple[int, ...]) -> np.ndarray:
    return column.to_numpy(dtype=object).reshape(shape)


def test_learning_an_unknown_fact_never_changes_a_decision(judged):
    name, _, out, shape = judged
    verdict = grid(out["verdict"], shape)
    for axis, (fact, _values) in enumerate(TABLES[name].items()):
        if BY_NAME[fact] not in ASKED or fact in HAS_A_MEANING.get(name, ()):
            continue
        unknown = verdict.take([0], axis)
        overturned = np.isin(unknown, DECIDED) & (unknown != verdict) & ~contradictory(name, fact, shape)
        assert not overturned.any(), f"{fact}: {np.argwhere(overturned)[0]}"


def contradictory(name: str, fact: str, shape: tuple[int, ...]) -> np.ndarray:
    """Where the value denies what another fact says already: no evidence, yet evidence that came or was judged."""
    facts = list(TABLES[name])
    if fact != "evidence_attached":
        return np.zeros(shape, dtype=bool)
    places = np.indices(shape)
    return (places[facts.index("evidence_sufficient")] > 0) | (places[facts.index("evidence_received_at")] > 0)


def test_a_missing_fact_matters(judged):
    name, as_of, out, shape = judged
    verdict, missing = grid(out["verdict"], shape), grid(out["missing"], shape)
    named = {fact: np.array([fact in cell.split() for cell in missing.ravel()]).reshape(shape) for fact in TABLES[name]}
    for axis, (fact, values) in enumerate(TABLES[name].items()):
        happened = BY_NAME[fact].kind != "instant"  # an instant after now hasn't happened, and reads as blank
        given = [i for i, value in enumerate(values) if value is not None and (happened or value <= as_of)]
        known = verdict.take(given, axis)
        assert not named[fact].take(given, axis).any(), f"{fact} is missing though it is known"
        alone = named[fact].take([0], axis) & (verdict.take([0], axis) == "need_info")
        others_known = np.array([len(cell.split()) == 1 for cell in missing.take([0], axis).ravel()])
        alone &= others_known.reshape(alone.shape)
        if values[0] is None and not BY_NAME[fact].required and len(given) > 1:
            same = (known == known.take([0], axis)).all(axis=axis, keepdims=True)
            assert not (alone & same).any(), f"{fact}: {np.argwhere(alone & same)[0]}"


def test_a_decided_claim_misses_nothing_and_leans_nowhere(judged):
    out = judged[2]
    decided = out[out["verdict"].isin(DECIDED)]
    assert (decided["missing"] == "").all()
    assert (decided["leaning"] == "").all()


def test_every_decided_claim_has_one_leading_clause_among_those_that_decided(judged):
    out = judged[2]
    decided = out[out["verdict"].isin(DECIDED)]
    assert (decided["clause"] != "").all()
    assert all(row.clauses.split()[0] == row.clause for row in decided.itertuples())


def test_only_a_review_leans(judged):
    out = judged[2]
    assert (out.loc[out["verdict"] != "review", "leaning"] == "").all()


def test_refund_and_fee_add_up_to_what_is_due_and_only_an_approval_pays(judged):
    out = judged[2]
    approved = out["verdict"] == "approve"
    assert (out.loc[approved, "refund"] + out.loc[approved, "fee"] == 1_000).all()
    assert out.loc[~approved, ["refund", "fee"]].isna().all(axis=None)


GOOD_FOR_THE_CUSTOMER = {"approve": 3, "exchange": 3, "pending": 2, "review": 2, "need_info": 2, "deny": 1}


@pytest.mark.parametrize("as_of", [day(9.5), day(20)])
@pytest.mark.parametrize("name", ["sms_not_received", "invalid_number", "incompatibility", "other"])
def test_claiming_earlier_never_makes_the_verdict_worse(name, as_of):
    out, shape = verdicts(name, as_of)
    rank = grid(out["verdict"].map(GOOD_FOR_THE_CUSTOMER), shape).astype(int)
    axis = list(TABLES[name]).index("submitted_at")
    happened = [i for i, at in enumerate(CLAIMED) if at is not None and at <= as_of]
    ranks = rank.take(happened, axis)
    assert (np.diff(ranks, axis=axis) <= 0).all()


@pytest.mark.parametrize("name", ["major_defect", "major_defect, replacement"])
def test_notifying_a_defect_earlier_never_makes_the_verdict_worse(name):
    # Long after every clock, so that no standstill runs for one notice and not for another.
    out, shape = verdicts(name, day(40))
    rank = grid(out["verdict"].map(GOOD_FOR_THE_CUSTOMER), shape).astype(int)
    axes = list(TABLES[name])
    ranks = rank.take([1, 2, 3], axes.index("defect_notified_at"))
    for fact in ("defect_fixed_at", "access_requested_at", "access_granted_at"):
        if fact in axes:  # a fix or a request before the notice would belong to another complaint
            ranks = ranks.take([0], axes.index(fact))
    assert (np.diff(ranks, axis=axes.index("defect_notified_at")) <= 0).all()


def test_a_verdict_holds_until_the_instant_it_names(judged):
    name, as_of, out, _ = judged
    frame, _ = table(name)
    until = out["holds_until"].to_numpy(dtype=np.int64, na_value=as_of + 400 * DAY)
    assert (until >= as_of).all()
    for moment in (until, as_of + (until - as_of) // 2):
        again = judge(Claims.of(frame), POLICY, moment)
        told = ["verdict", "leaning", "clause", "clauses", "missing", "next_deadline"]
        assert again[told].equals(out[told])


def test_one_claim_and_a_table_of_claims_are_judged_alike(judged):
    name, as_of, out, _ = judged
    frame, _ = table(name)
    for row in range(0, len(frame), max(1, len(frame) // 25)):
        alone = judge(Claims.of(frame.iloc[[row]]), POLICY, as_of)
        assert alone.equals(out.iloc[[row]].reset_index(drop=True))


def test_the_order_of_the_claims_does_not_matter():
    frame, _ = table("invalid_number")
    shuffled = frame.sample(frac=1, random_state=7)
    out, again = judge(Claims.of(frame), POLICY, day(9.5)), judge(Claims.of(shuffled), POLICY, day(9.5))
    assert again.set_index(shuffled.index).sort_index().equals(out)


@pytest.mark.parametrize("waited", [0, 1, 24, 71])
def test_a_standstill_never_brings_the_end_forward(waited):
    def end(**access: int) -> int:
        claim = {
            **KNOWN,
            "reason": "major_defect",
            "amount": 1_000,
            "defect_notified_at": day(1),
            "submitted_at": day(1),
        }
        out = judge(Claims.one(**claim, defect_approved=True, **access), POLICY, day(3))
        return int(out["next_deadline"].iloc[0])

    plain, asked = end(), day(1) + 2 * HOUR
    held = end(access_requested_at=asked, access_granted_at=min(asked + waited * HOUR, day(3)))
    assert held == plain + min(waited * HOUR, day(3) - asked)


def test_every_combination_of_facts_gets_a_verdict_of_the_dictionary(judged):
    assert set(judged[2]["verdict"]) <= set(VERDICTS)
    assert len(judged[2]) == len(table(judged[0])[0])


def test_a_claim_without_any_fact_asks_for_the_required_ones():
    nothing = judge(Claims.of(pd.DataFrame(index=range(1))), POLICY, day(20)).iloc[0]
    assert nothing["verdict"] == "need_info"
    required = {fact.name for fact in BY_NAME.values() if fact.required}
    assert set(nothing["missing"].split()) == required


def test_an_empty_table_is_judged_too():
    assert len(judge(Claims.of({name: [] for name in COLUMNS}), POLICY, day(1))) == 0
