"""A verdict in words says what decided it, what is missing and what each answer would lead to."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pandas as pd
import pytest
from dictionary_rows import from_cells
from test_cases import OWN
from test_laws import TABLES, day, table
from test_oracle import rows_of

from refundcore import policy, words
from refundcore.deadlines import micros
from refundcore.facts import Claims
from refundcore.rules import judge

POLICY = policy.load()
CASES = rows_of(OWN)


def claim(**facts: object) -> Claims:
    known = {
        "order_ref": "O-1",
        "customer_email": "ana@example.org",
        "reason": "sms_not_received",
        "description": "the code for my account never came to the number",
        "purchased_at": day(0),
        "submitted_at": day(1),
        "amount": 1_050,
        "currency": "USD",
    }
    return Claims.one(**{**known, **facts})


def explained(as_of: int = day(20), **facts: object) -> words.Explanation:
    return words.explain(claim(**facts), POLICY, as_of)


def line(explanation: words.Explanation, clause: str) -> words.ClauseLine:
    return next(one for one in explanation.clauses if one.id == clause)


@pytest.fixture(scope="module")
def told() -> list[tuple[Claims, int, str, words.Explanation]]:
    """Each of the project's cases with its explanation."""
    made = []
    for case in CASES:
        claims, as_of = Claims.one(**from_cells(case, case["zone"])), micros(datetime.fromisoformat(case["as_of"]))
        made.append((claims, as_of, case["zone"], words.explain(claims, POLICY, as_of, case["zone"])))
    return made


def test_every_case_is_told_in_sentences(told):
    for _, _, _, one in told:
        for sentence in [one.headline, *(c.sentence for c in one.clauses), *(r.sentence for r in one.readings)]:
            assert re.fullmatch(r"[A-Z“].*\.", sentence), sentence
            assert not re.search(r"\{|\}|None|nan|<NA>|  ", sentence), sentence
        assert {c.id for c in one.clauses} == set(POLICY.clauses)


def test_what_is_told_is_what_was_judged(told):
    for claims, as_of, zone, one in told:
        judged = judge(claims, POLICY, as_of, zone=zone).iloc[0]
        assert (one.verdict, one.leaning) == (judged["verdict"], judged["leaning"])
        assert [missing.fact for missing in one.missing] == judged["missing"].split()
        if one.verdict == "deny" and claims.frame["reason"].notna().all():
            assert line(one, judged["clause"]).state in {"not_met", "unknown"}
            assert f"({judged['clause']})" in one.headline


def test_the_outcome_told_for_an_answer_is_what_judging_it_gives(told):
    for claims, as_of, zone, one in told:
        for missing in one.missing:
            for answer, verdict in missing.outcomes:
                if answer in {"yes", "no"}:
                    changed = claims.frame.assign(**{missing.fact: pd.Series([answer == "yes"], dtype="bool[pyarrow]")})
                    assert judge(Claims.of(changed), POLICY, as_of, zone=zone)["verdict"].iloc[0] == verdict


def test_a_late_claim_is_told_by_its_day_and_what_is_allowed():
    told = explained(submitted_at=day(9), sms_code_received=False)
    assert told.headline == (
        "Denied: the claim came on day 9; 7 days from the purchase on 6 May 2024 are allowed (C4c)."
    )


def test_an_approval_says_what_is_due():
    told = explained(sms_code_received=False, refunded_before=50)
    assert told.headline.startswith("Approved: no code reached the number")
    assert told.headline.endswith("10.00 USD is due.")
    assert (told.refund, told.fee) == ("10.00 USD", "")


def test_an_unknown_fact_is_asked_for_with_what_each_answer_leads_to():
    told = explained()
    (asked,) = told.missing
    assert (asked.fact, asked.asks) == ("sms_code_received", "the provider's log")
    assert asked.outcomes == [("yes", "deny"), ("no", "approve")]
    assert line(told, "C4a").state == "unknown"


def test_a_split_is_told_with_both_meanings():
    told = explained(sms_code_received=False, submitted_at=day(8), sent_at=day(7))
    assert told.headline.startswith("For a person: the policy can be read two ways here.")
    assert told.headline.endswith("It leans to approve.")
    assert [(one.name, one.verdict) for one in told.readings] == [
        ("strict", "deny"),
        ("default", "approve"),
        ("generous", "approve"),
    ]
    ((place, meaning),) = told.parting
    assert place == "A06"
    assert "a claim sent in time is in time" in meaning
    assert "must have reached the company in time" in meaning


def test_a_split_between_order_and_purchase_tells_both_days():
    told = explained(sms_code_received=False, ordered_at=day(-4), submitted_at=day(5))
    assert "The claim came on day 5; 7 days from the purchase on 6 May 2024 are allowed." in told.headline
    assert "From the order on 2 May 2024 it is day 9 (C4c)." in told.headline


def test_a_running_clock_is_told_with_its_end_and_convention():
    told = explained(as_of=day(2), reason="major_defect", defect_notified_at=day(1), defect_approved=True)
    assert told.headline == "Wait: time alone will settle it (C6b). The 72 hours run until 10 May 2024, 14:30 (UTC)."
    clock = next(one for one in told.deadlines if one.clause == "C6b")
    assert (clock.at, clock.state) == (day(4), "running")
    assert clock.convention == "72 elapsed hours from the first notice, nights and weekends included"


def test_a_window_of_days_is_told_by_its_last_second_with_its_zone():
    told = words.explain(claim(), POLICY, day(20), "Europe/Berlin")
    window = next(one for one in told.deadlines if one.clause == "C4c")
    assert window.at == micros(datetime(2024, 5, 13, 21, 59, 59, tzinfo=UTC))
    assert window.convention.endswith("(Europe/Berlin)")
    assert window.state == "kept"


def test_a_claim_before_its_purchase_is_told_as_a_mistake_of_dates():
    told = explained(submitted_at=day(-1), sms_code_received=False)
    assert told.headline == "Ask first: the claim is dated before the purchase, so one of the two dates is wrong."


def test_the_wording_is_that_of_the_day_of_the_order():
    assert "within {window_days}" not in line(explained(), "C4c").text
    assert "within 7 days" in line(explained(), "C4c").text


def test_one_claim_is_explained_at_a_time():
    with pytest.raises(ValueError, match="One claim is explained at a time, not 0"):
        words.explain(Claims.of({"order_ref": []}), POLICY, day(1))


@pytest.mark.parametrize("name", TABLES)
def test_a_spread_of_every_table_of_facts_is_told_without_a_gap(name):
    frame, _ = table(name)
    for row in range(0, len(frame), max(1, len(frame) // 40)):
        told = words.explain(Claims.of(frame.iloc[[row]]), POLICY, day(9.5))
        assert re.fullmatch(r"[A-Z“].*\.", told.headline)


def test_every_clause_that_weighs_is_seen_for_and_against_a_claim(told):
    seen: dict[str, set[str]] = {}
    for _, _, _, one in told:
        for clause in one.clauses:
            seen.setdefault(clause.id, set()).add(clause.state)
    weighing = [name for name, c in POLICY.clauses.items() if set(c.roles) & {"bar", "hold", "supply", "clock"}]
    # C8c: the fee schedule is empty, so no fee is kept and none eats a refund.
    lacking = [
        name for name in weighing if name != "C8c" and not ("met" in seen[name] and seen[name] & {"not_met", "unknown"})
    ]
    assert lacking == []


def test_the_clause_on_which_the_readings_part_is_neither_met_nor_not():
    one = explained(reason="major_defect", defect_notified_at=day(9), defect_approved=True)
    assert line(one, "C8b").state == "unknown"


def turned(as_of: int = day(20), **facts: object) -> list[words.Turn]:
    return words.turning_points(claim(**facts), POLICY, as_of)


def test_the_smallest_change_that_would_turn_a_late_claim_is_its_day():
    turns = turned(sms_code_received=False, submitted_at=day(9))
    assert (turns[0].verdict, turns[0].sentence) == (
        "approve",
        "If the claim had been received by the end of 13 May 2024 (UTC).",
    )


def test_two_facts_are_named_only_where_no_single_one_turns_the_verdict():
    facts = {"sms_code_received": False, "submitted_at": day(9), "unlawful_use": "confirmed"}
    assert {len(turn.facts) for turn in turned(**facts)} == {2}
    assert any(turn.verdict == "approve" and "received by" in turn.sentence for turn in turned(**facts))


def test_every_turn_is_what_judging_the_changed_claim_gives(told):
    for claims, as_of, zone, one in told[::4]:
        for turn in words.turning_points(claims, POLICY, as_of, zone):
            assert turn.verdict != one.verdict
            assert re.fullmatch(r"If .*\.", turn.sentence)


def test_a_claim_that_fails_its_reason_is_told_which_other_it_fits_and_until_when():
    (other,) = explained(as_of=day(3), sms_code_received=True).second_best
    assert (other.reason, other.verdict) == ("invalid_number", "need_info")
    assert other.sentence.startswith("The same facts fit “invalid number” better; to be known: evidence there")
    assert other.until == micros(datetime(2024, 5, 13, 23, 59, 59, tzinfo=UTC))
    assert explained(sms_code_received=False).second_best == []


def test_a_second_best_that_would_be_denied_too_is_not_told():
    assert explained(as_of=day(30), sms_code_received=True, submitted_at=day(15)).second_best == []


@pytest.mark.parametrize(
    ("facts", "clause", "word"),
    [
        ({"sms_code_received": False}, "C2", "doesn't apply"),
        ({"sms_code_received": False, "unlawful_use": "confirmed"}, "C2", "applies"),
        ({"sms_code_received": False, "submitted_at": day(9)}, "C4c", "missed"),
        ({"sms_code_received": False, "submitted_at": day(9)}, "C4d", "applies"),
        ({"sms_code_received": False}, "C4c", "kept"),
        ({"sms_code_received": False}, "C4a", "met"),
        ({"sms_code_received": False, "sms_received_at": day(0.5)}, "C4a", "readings differ"),
        ({}, "C4a", "unknown"),
        ({"reason": "other"}, "C3", "not met"),
        ({"reason": "other"}, "C4c", "not concerned"),
    ],
)
def test_the_word_for_a_clause_fits_what_kind_of_clause_it_is(facts, clause, word):
    assert line(explained(**facts), clause).word == word


def test_a_running_clock_is_called_running():
    told = explained(as_of=day(2), reason="major_defect", defect_notified_at=day(1), defect_approved=True)
    assert line(told, "C6b").word == "running"


def test_a_date_in_the_future_is_not_called_unknown():
    told = explained(as_of=day(2), submitted_at=day(5), sms_code_received=False)
    assert told.headline == "Ask first: “Claim received” lies in the future, so a date must be wrong."
    (asked,) = told.missing
    assert asked.question.startswith("The date given, 11 May 2024, 14:30 (UTC), lies in the future.")


def test_a_window_that_ends_on_the_same_day_twice_is_told_once():
    told = explained(reason="invalid_number", sms_code_received=True, sms_received_at=day(0.1))
    assert [one.clause for one in told.deadlines].count("C5c") == 1
