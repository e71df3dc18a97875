"""Replies say only what facts carry, name what each sentence rests on, and mark what an agent made of them."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from dictionary_rows import from_cells
from hypothesis import given
from hypothesis import strategies as st
from test_cases import OWN
from test_oracle import rows_of

from refundcore import policy, replies
from refundcore.deadlines import DAY, micros
from refundcore.facts import BY_NAME, FACTS, Claims
from refundcore.replies import texts
from refundcore.replies.composing import compose_of
from refundcore.replies.samples import AS_OF, SAMPLES
from refundcore.words import case_of

POLICY = policy.load()
CASES = rows_of(OWN)
VERDICT_OF = replies.FOLLOWS
OUTCOME_OF = {verdict: outcome for outcome, verdict in VERDICT_OF.items()}


def of_case(case: dict[str, str], **changes: object) -> tuple[Claims, int, str]:
    facts = {**from_cells(case, case["zone"]), **changes}
    return Claims.one(**facts), micros(datetime.fromisoformat(case["as_of"])), case["zone"]


def composed(claims: Claims, as_of: int, zone: str, outcome: str, **more: object) -> replies.Reply:
    return replies.compose(claims, POLICY, as_of, outcome, zone=zone, ref="RC-000001", **more)


def sample(name: str, outcome: str = "", **more: object) -> replies.Reply:
    claim = SAMPLES[name]
    outcome = outcome or OUTCOME_OF[case_of(claim, POLICY, AS_OF).verdict]
    return replies.compose(claim, POLICY, AS_OF, outcome, **more)


@pytest.fixture(scope="module")
def every() -> list[tuple[Claims, str, replies.Reply]]:
    """Each of the project's cases, in every outcome."""
    made = []
    for case in CASES:
        claims, as_of, zone = of_case(case)
        judged = case_of(claims, POLICY, as_of, zone)
        made += [(claims, judged.verdict, compose_of(judged, outcome, ref="RC-000001")) for outcome in replies.OUTCOMES]
    return made


def test_no_sentence_rests_on_a_fact_that_is_unknown(every):
    for claims, _, reply in every:
        for sentence in reply.sentences:
            if sentence.id.startswith("ask_"):
                continue  # a question asks for what is unknown
            blank = [name for name in sentence.facts if claims.columns[name][0].as_py() is None]
            assert [name for name in blank if not BY_NAME[name].blank] == [], (sentence, reply.text)


def test_every_reply_reads_like_one(every):
    for _, _, reply in every:
        assert reply.text.startswith("Hello,\n\nThank you for your message")
        assert reply.text.endswith("Kind regards\nCustomer support")
        assert len(reply.sentences) >= 4, reply.text
        assert not re.search(r"\{|\}|None|nan|<NA>|  |\n\n\n|undefined", reply.text), reply.text


def test_what_is_decided_otherwise_than_the_policy_says_claims_nothing_of_the_policy(every):
    for _, verdict, reply in every:
        if VERDICT_OF[reply.outcome] == verdict:
            continue
        assert {s.clause for s in reply.sentences} <= {"", "C8d", "C6d"}, reply.text
        assert "refund policy" not in reply.text
        assert not re.search(r"You get|Please answer|have until", reply.text)


def test_every_clause_that_denies_a_case_is_given_as_a_reason(every):
    bare = {
        reply.sentences[2].clause
        for claims, verdict, reply in every
        if verdict == "deny" and reply.outcome == "deny" and claims.columns["reason"][0].as_py()
        if not reply.sentences[3].id.startswith("deny_")
    }
    assert bare == set()


DATE = r"\d+ [A-Z][a-z]+ \d{4}"


def test_every_moment_that_a_customer_has_to_keep_is_absolute_and_names_its_zone(every):
    told = [s for _, _, reply in every for s in reply.sentences if s.id in {"ask_until", "wait_fix", "approve_by"}]
    assert len(told) > 20
    for sentence in told:
        assert re.search(rf"(?:by|until) (?:the end of {DATE}|{DATE}, \d\d:\d\d(?::\d\d)?) \([\w/]+\)", sentence.text)


CHANGED = {
    "truth": lambda value: not value,
    "instant": lambda value: value - 3 * DAY,
    "money": lambda value: value + 77,
    "text": lambda value: f"{value} other",
}


@pytest.mark.parametrize("case", CASES[::14], ids=lambda case: case["case_id"])
def test_a_sentence_changes_only_with_the_facts_that_it_names(case):
    """The margin is complete: whatever fact is changed or blanked, a sentence that reads otherwise has named it."""
    claims, as_of, zone = of_case(case)
    for outcome in replies.OUTCOMES:
        before = {s.id: s for s in composed(claims, as_of, zone, outcome).sentences if s.id != "ask_question"}
        for fact in FACTS:
            value = claims.columns[fact.name][0].as_py()
            if fact.kind not in CHANGED or value is None:
                continue
            for new in (CHANGED[fact.kind](value), None):
                changes = {fact.name: new} | ({fact.latest: new} if fact.kind == "instant" else {})
                other, _, _ = of_case(case, **changes)
                for after in composed(other, as_of, zone, outcome).sentences:
                    if (
                        after.id in before
                        and after.text != before[after.id].text
                        and after.clause == before[after.id].clause
                    ):
                        named = {*before[after.id].facts, *after.facts}
                        assert fact.name in named, (fact.name, before[after.id], after)


def test_the_order_in_a_reply_is_the_claims_and_stays_on_one_line():
    claim = Claims.one(order_ref="A-1\nBcc: all@example.org {{ fee }}", reason="other")
    text = replies.compose(claim, POLICY, AS_OF, "look").text
    assert "about order A-1 Bcc: all@example.org {{ fee }}.\n" in text


@pytest.mark.parametrize("outcome", replies.OUTCOMES)
def test_an_unknown_order_is_not_named(outcome):
    claim = Claims.one(reason="sms_not_received")
    assert "about order" not in replies.compose(claim, POLICY, AS_OF, outcome).text


def test_the_amounts_of_a_decision_stand_in_the_reply_though_the_policy_gives_none():
    decided = replies.Decided(refund=500, fee=25, currency="EUR")
    text = sample("Too late", "approve", decided=decided).text
    assert "You get 5.00 EUR back by the way you paid (card)." in text
    assert "A fee of 0.25 EUR" in text
    assert "You get" not in sample("Too late", "approve").text


def test_another_outcome_or_more_than_one_claim_is_refused():
    with pytest.raises(ValueError, match="'maybe' is no outcome"):
        sample("Too late", "maybe")
    two = Claims.of({"reason": ["other", "other"]})
    with pytest.raises(ValueError, match="One claim"):
        replies.compose(two, POLICY, AS_OF, "look")


# ---- What an agent makes of it


def test_a_reply_that_nobody_changed_has_no_sentence_of_the_agents_own(every):
    for _, _, reply in every:
        same = replies.attributed(reply, reply.text)
        assert (same.own, same.removed, same.text) == (0, (), reply.text)


def test_a_changed_sentence_is_the_agents_own_and_the_others_keep_their_grounds():
    reply = sample("Too late")
    edited = replies.attributed(reply, reply.text.replace("We cannot accept", "We are sorry that we cannot accept"))
    (own,) = [s for s in edited.sentences if s.own]
    assert (own.text, own.clause, own.facts) == ("We are sorry that we cannot accept your claim.", "", ())
    assert [s.id for s in edited.removed] == ["deny_opening"]
    assert [s.facts for s in edited.sentences if s.id == "deny_purchase_window"] == [("submitted_at", "purchased_at")]


def test_a_changed_amount_is_the_agents_own():
    reply = sample("No code came")
    edited = replies.attributed(reply, reply.text.replace("12.50 EUR", "99.00 EUR"))
    assert [s.text for s in edited.sentences if s.own] == ["You get 99.00 EUR back by the way you paid (card)."]


def test_an_added_sentence_is_the_agents_own_and_the_lines_stay_as_typed():
    reply = sample("No code came")
    typed = reply.text.replace("\n\nKind regards", "\n\nAll the best!\n\nKind regards")
    edited = replies.attributed(reply, typed)
    assert ([s.text for s in edited.sentences if s.own], edited.removed) == (["All the best!"], ())
    assert edited.text == typed


WORDS = st.text(st.sampled_from("ab .!?:\n”"), max_size=40)


@given(WORDS, WORDS, st.sampled_from(sorted(SAMPLES)))
def test_whatever_is_typed_stays_readable_and_each_piece_is_either_ours_or_the_agents(start, end, name):
    reply = sample(name)
    edited = replies.attributed(reply, f"{start}{reply.text}{end}")
    assert edited.text.split() == f"{start}{reply.text}{end}".split()
    ours = {" ".join(piece.split()) for piece in re.split(r"(?<=[.!?:”)])\s|\n", reply.text)} | {reply.text}
    kept = [s for s in edited.sentences if not s.own]
    assert all(any(s.text in known or known in s.text for known in ours) for s in kept)
    assert all((not s.clause and not s.facts) for s in edited.sentences if s.own)


# ---- Wordings


def test_the_document_holds_together_and_each_sentence_is_said_of_some_sample():
    said = set()
    for claim in SAMPLES.values():
        for outcome in replies.OUTCOMES:
            decided = replies.Decided(refund=500, fee=25, currency="EUR")
            said |= {s.id for s in replies.compose(claim, POLICY, AS_OF, outcome, decided=decided).sentences}
    assert [text.id for text in replies.document() if text.id not in said] == []


def test_a_managers_wording_takes_the_place_of_ours_and_keeps_clause_and_facts():
    plain = sample("No code came")
    own = sample(
        "No code came", texts={"approve_amount_method": "{{ refund }} will be yours again soon ({{ method }})."}
    )
    (before,) = [s for s in plain.sentences if s.id == "approve_amount_method"]
    (after,) = [s for s in own.sentences if s.id == "approve_amount_method"]
    assert after.text == "12.50 EUR will be yours again soon (card)."
    assert (after.clause, set(after.facts), after.desks) == (before.clause, set(before.facts), True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("You get {{ refnud }} back.", "no value called “refnud”"),
        ("You get {{ refund back.", "cannot be read"),
        ("{% for a in range(9) %}x{% endfor %}", "no conditions"),
        ("{{ refund.__class__ }}", "no conditions"),
        ("{{ refund|upper }}", "no conditions"),
        ("{{ 7 * 7 }}", "no conditions"),
        ("{{ range(9) }}", "no conditions"),
        ("x" * 1_001, "too long"),
        ("a\x00b", "character"),
        ("a\rb", "character"),
        ("Until {{ work_until }} you get {{ refund }} back.", "never be said"),
    ],
)
def test_a_wording_that_does_not_do_is_refused_with_a_sentence(text, says):
    with pytest.raises(replies.ReplyError, match=re.escape(says)):
        replies.check("approve_amount", text, POLICY)


def test_a_wording_is_checked_under_the_name_of_a_sentence():
    with pytest.raises(replies.ReplyError, match="no sentence called"):
        replies.check("nonsense", "Hello", POLICY)
    assert replies.check("approve_amount", "{{ refund }} comes back to you.", POLICY) == ""
    fewer = replies.check("greeting", "Hello about order {{ order }},", POLICY)
    assert "left out" in fewer


def test_a_kept_wording_that_a_later_edition_cannot_read_gives_way_to_ours():
    assert sample("No code came", texts={"greeting": "{{ gone }}"}).text.startswith("Hello,")


def test_values_of_a_customer_are_never_read_as_a_text():
    assert texts.render("{{ order }}", {"order": "{{ 7 * 7 }}"}) == "{{ 7 * 7 }}"
