"""The checker of the policy document: what it finds in ours, in one with planted faults, and that no name guides it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest

from refundcore import policy, rules
from refundcore.amending import written
from refundcore.lint import KINDS, Finding, lint, structural, unreachable
from refundcore.policy import Policy, read
from refundcore.rulebook import Rulebook

TODAY = date(2026, 5, 12)
OURS = policy.load()
TEXT = policy.DOCUMENT.read_text(encoding="utf-8")


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.kind, " ".join(finding.about)) for finding in findings]


def settled(findings: list[Finding]) -> set[str]:
    return {name for finding in findings for name in finding.readings}


FOUND = [
    ("A01", "counts", "C3 C4c C5c C8b"),
    ("A03", "start", "C5c"),
    ("A12", "term", "C6f"),
    ("A16", "fee", "C6c C8c"),
    ("A21", "term", "C6d"),
    ("A37", "scope", "C2"),
    ("A40", "term", "C1 C8f"),
    ("A40", "term", "C5d"),
]


@pytest.mark.parametrize(("reading", "kind", "about"), FOUND, ids=lambda each: each)
def test_the_present_policy_shows_each_place_that_its_readings_settle(reading, kind, about):
    (finding,) = [one for one in lint(OURS, rules.BOOK, TODAY) if (one.kind, " ".join(one.about)) == (kind, about)]

    assert reading in finding.readings
    assert not finding.open


def test_what_no_reading_settles_is_told_as_open():
    found = [finding for finding in lint(OURS, rules.BOOK, TODAY) if finding.open]

    assert told(found) == [
        ("scope", "C6g"),
        ("document", "C8f"),
        ("document", "C7b"),
        ("dead", "C8c"),
        ("masked", "C4d"),
    ]


def renamed(given: Policy, seed: int) -> tuple[Policy, dict[str, str]]:
    """The same document with other ids in another alphabet, and with other words; the new names by the old."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    names = [*given.clauses, *given.readings, *given.terms, *given.documents]
    codes = [f"n{number}" for number in range(len(names))]
    chance.shuffle(codes)
    new = dict(zip(names, codes, strict=True))

    def all_of(some: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new[name] for name in some)

    clauses = {}
    for name, clause in given.clauses.items():
        said = clause.said
        wording = " ".join(["Blah", *(f"{{{number}}}" for number in clause.numbers)])
        clauses[new[name]] = replace(
            clause, id=new[name], title="Something", text=wording, paragraph=chance.randrange(1, 99),
            said=replace(
                said, excepts=all_of(said.excepts), terms=all_of(said.terms), documents=all_of(said.documents)
            ),
        )  # fmt: skip
    readings = {
        new[name]: replace(
            reading, id=new[name], title="Something", why="So.", clauses=all_of(reading.clauses),
            parts=all_of(reading.parts), meanings=dict.fromkeys(reading.meanings, "Blah"),
        )
        for name, reading in given.readings.items()
    }  # fmt: skip
    made = replace(
        given,
        title="Other",
        clauses=clauses,
        readings=readings,
        terms={new[name]: replace(term, id=new[name], word="blah") for name, term in given.terms.items()},
        documents={new[name]: replace(paper, id=new[name], title="Blah") for name, paper in given.documents.items()},
    )
    return read(*written(made)), new


def book_of(new: dict[str, str]) -> Rulebook:
    """Our rules under the new names of clauses and readings."""
    old = rules.BOOK

    def all_of(some):
        return [new[name] for name in some]

    book = Rulebook(
        all_of(name for name in old.precedence), all_of(old.asking),
        {axis: all_of(clauses) for axis, clauses in old.asks.items()},
        {new[one]: new[other] for one, other in old.closer.items()}, all_of(old.first),
    )  # fmt: skip
    for (clause, role), rule in old.rules.items():
        book.rule(new[clause], role)(lambda f, r, rule=rule: rule(f, Retold(r, new)))
    return book


class Retold:
    """Readings asked for by their old names."""

    def __init__(self, taken, new):
        self.taken, self.new, self.columns = taken, new, taken.columns

    def __call__(self, reading, value):
        return self.taken(self.new[reading], value)


@pytest.mark.parametrize("seed", range(3))
def test_with_other_ids_and_other_words_the_findings_are_the_same(seed):
    other, new = renamed(OURS, seed)
    ours, theirs = lint(OURS, rules.BOOK, TODAY), lint(other, book_of(new), TODAY)

    assert [
        (
            one.kind,
            {new[name] for name in one.clauses},
            {new[name] for name in one.about},
            {new[r] for r in one.readings},
        )
        for one in ours
    ] == [(one.kind, set(one.clauses), set(one.about), set(one.readings)) for one in theirs]
    assert {"A01", "A03", "A12", "A16", "A21", "A37", "A40"} <= settled(ours)


PLANTED = """
title = "A library's rules"
in_force_from = 2020-01-01
zone = "UTC"

[clauses.keep]
title = "Books"
paragraph = 1
roles = ["bar"]
window = { event = "claim", start = "order", number = "loan_days" }
text = "Bring them back within {loan_days} days."
[clauses.keep.loan_days]
2020-01-01 = 28

[clauses.film]
title = "Films"
paragraph = 2
roles = ["bar"]
reasons = ["other"]
window = { event = "claim", start = "order", number = "loan_hours" }
text = "Films within {loan_hours} hours."
[clauses.film.loan_hours]
2020-01-01 = 48

[clauses.alike]
title = "As long as books"
paragraph = 3
roles = ["bar"]
window = { event = "payment", start = "order", number = "pay_days" }
text = "Pay within {pay_days} days."
[clauses.alike.pay_days]
2020-01-01 = 5

[clauses.vague]
title = "Handled with care"
paragraph = 4
roles = ["hold"]
window = { event = "cure", number = "mend_days" }
terms = ["carefully", "soon"]
text = "Mend within {mend_days} days."
[clauses.vague.mend_days]
2020-01-01 = 3

[clauses.whole]
title = "The deposit"
paragraph = 5
roles = ["ground"]
in_full = true
text = "The whole deposit is paid back."

[clauses.cost]
title = "A charge"
paragraph = 6
roles = ["fee"]
text = "A charge may be kept."

[clauses.spared]
title = "Another charge"
paragraph = 6
roles = ["fee"]
excepts = ["whole"]
text = "A charge may be kept, but not of a deposit."

[clauses.ban]
title = "Banned"
paragraph = 7
roles = ["bar"]
excludes = ["exchange"]
text = "No exchange."

[clauses.wide]
title = "Closed"
paragraph = 8
roles = ["bar"]
excludes = ["refund", "exchange"]
documents = ["statutes", "list"]
text = "Neither."

[terms.carefully]
word = "carefully"

[terms.soon]
word = "soon"
meaning = "within the day"

[documents.statutes]
title = "The statutes"

[documents.list]
title = "The list"
supplied = true

[readings.R]
title = "What care is"
clauses = ["vague"]
settles = "term"
reading = "gloves"
why = "Gloves."
[readings.R.meanings]
gloves = "with gloves"
"""
FAULTS = [
    ("counts", "keep film"),
    ("start", "vague"),
    ("fee", "whole cost"),
    ("term", "vague"),
    ("scope", "ban"),
    ("document", "wide"),
]


def test_a_document_with_planted_faults_has_just_these():
    found = structural(read(PLANTED), TODAY)

    assert told(found) == FAULTS
    assert settled(found) == {"R"}
    assert "28 days" in found[0].detail
    assert "48 hours" in found[0].detail


MENDED = [
    ("counts", "loan_hours]\n2020-01-01 = 48", "loan_hours]\n2020-01-01 = 672"),
    ("start", 'event = "cure",', 'event = "cure", start = "notice",'),
    ("fee", '[clauses.cost]\ntitle = "A charge"', '[clauses.cost]\noff = true\ntitle = "A charge"'),
    ("term", 'word = "carefully"', 'word = "carefully"\nmeaning = "with gloves"'),
    ("scope", 'excludes = ["exchange"]', 'excludes = ["refund", "exchange"]'),
    ("document", 'title = "The statutes"', 'title = "The statutes"\nsupplied = true'),
]


@pytest.mark.parametrize(("kind", "old", "new"), MENDED, ids=lambda each: each[:12])
def test_a_mended_fault_is_found_no_more_and_the_others_still_are(kind, old, new):
    assert old in PLANTED
    found = structural(read(PLANTED.replace(old, new, 1)), TODAY)

    assert told(found) == [fault for fault in FAULTS if fault[0] != kind]


def test_naming_the_start_of_the_window_makes_the_finding_of_ours_disappear():
    named = TEXT.replace('window = { event = "claim", number', 'window = { event = "claim", start = "purchase", number')
    assert named != TEXT
    before, after = structural(OURS, TODAY), structural(read(named), TODAY)

    assert ("start", "C5c") in told(before)
    assert [one for one in told(before) if one != ("start", "C5c")] == told(after)


def test_periods_are_compared_with_the_numbers_of_the_day():
    later = read(
        TEXT.replace(
            "[clauses.C3.window_days]\n2024-04-02 = 14", "[clauses.C3.window_days]\n2024-04-02 = 14\n2027-01-01 = 7"
        )
    )

    assert "counts" in {finding.kind for finding in structural(later, TODAY)}
    assert "counts" not in {finding.kind for finding in structural(later, date(2027, 1, 1))}


def small_book() -> Rulebook:
    """Three bars: one that leads, one that stands behind it, one that can never be."""
    book = Rulebook(("keep", "film", "alike", "whole"), (), {}, {})
    book.rule("keep", "bar")(lambda f, _: f.unlawful_confirmed)
    book.rule("film", "bar")(lambda f, _: f.unlawful_confirmed & ~f.by_day_14)
    book.rule("alike", "bar")(lambda f, _: f.unlawful_confirmed & f.unlawful_alleged)
    book.rule("whole", "ground")(lambda f, _: ~f.unlawful_confirmed)
    return book


def test_trying_all_facts_finds_the_rule_that_can_never_apply_and_the_clause_behind_another():
    found = unreachable(read(PLANTED), small_book())

    assert told(found) == [("dead", "alike"), ("masked", "film")]
    assert found[1].clauses == ("keep", "film")


def test_a_fee_in_the_schedule_wakes_the_rule_that_waits_for_one():
    fee = '[[fee]]\nmethod = "card"\nfrom = 2024-04-02\npercent = "5"\n'

    assert ("dead", "C8c") in told(unreachable(OURS, rules.BOOK))
    assert ("dead", "C8c") not in told(unreachable(read(TEXT, fee), rules.BOOK))


def test_what_is_switched_off_is_not_checked():
    off = read(
        TEXT.replace("[clauses.C4d]\n", "[clauses.C4d]\noff = true\n").replace(
            "[clauses.C6f]\n", "[clauses.C6f]\noff = true\n"
        )
    )

    assert {("masked", "C4d"), ("term", "C6f")} <= set(told(lint(OURS, rules.BOOK, TODAY)))
    assert not {("masked", "C4d"), ("term", "C6f")} & set(told(lint(off, rules.BOOK, TODAY)))


def test_every_kind_of_finding_has_a_name_for_people():
    assert {finding.kind for finding in lint(OURS, rules.BOOK, TODAY)} == KINDS.keys()
