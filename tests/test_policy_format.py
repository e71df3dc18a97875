"""docs/policy-format.md against the loader: its examples load, and what it says is refused is refused in its words."""

from __future__ import annotations

import re

import pytest

from refundcore import policy, rules
from refundcore.facts import REASONS

TEXT = (policy.DOCUMENT.parent.parent / "docs" / "policy-format.md").read_text()
HEAD, CLAUSE, SAID, READING, FEE = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
OTHERS = "".join(CLAUSE.replace("C4c", name) for name in ("C5c", "C8b"))
WHOLE = HEAD + CLAUSE + OTHERS + READING


def test_the_examples_of_the_format_load():
    found = policy.read(WHOLE, FEE)

    assert (found.zone, str(found.in_force_from)) == ("Europe/Berlin", "2024-04-02")
    assert found.readings["A06"].splits
    assert sorted(found.clauses["C4c"].numbers["window_days"].values()) == [7, 10]
    assert found.fees[0].parts(10_000, "EUR") == (250, 30)


@pytest.mark.parametrize("name", [*policy.ROLES, *REASONS, *policy.READINGS])
def test_every_role_reason_and_reading_is_described(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("word", sorted(set(re.findall(r"^\| `([a-z_`, ]+)` \|", TEXT, re.MULTILINE))))
def test_every_key_of_the_tables_is_one_that_the_documents_use_or_may_use(word):
    folder = policy.DOCUMENT.parent.parent / "refundcore"
    source = (folder / "policy.py").read_text() + (folder / "published.py").read_text()
    for key in word.replace("`", "").split(", "):
        assert f'"{key}"' in source


# What is put in place of what, and the sentence that the format promises for it.
REFUSED = [
    ("zone = ", "zone ", "is not TOML"),
    ('title = "Refund policy"', 'title = "x"\nowner = "me"', "nobody knows the key 'owner'; known are "),
    ('title = "Refund policy"', 'title = " "', "'title' must be a text"),
    ("in_force_from = 2024-04-02", 'in_force_from = "soon"', "must be a day such as 2024-04-02"),
    ("Europe/Berlin", "Europe/Atlantis", "is no time zone such as UTC, Europe/Berlin"),
    (READING, "", "must be a table with at least one entry"),
    ("paragraph = 6", "paragraph = 0", "'paragraph' must be the number of a paragraph"),
    ('roles = ["bar"]', 'roles = ["veto"]', "'roles' knows no 'veto'; it can be "),
    ('reasons = ["sms_not_received"]', 'reasons = ["boredom"]', "'reasons' knows no 'boredom'; it can be "),
    ('clauses = ["C4c"', 'clauses = ["C9"', "'clauses' knows no 'C9'; it can be "),
    ("[clauses.C4c.window_days]\n2024-04-02 = 7\n2027-01-01 = 10\n", "", "no such number is given"),
    ('roles = ["bar"]', 'roles = ["bar"]\nreason = ["other"]', "must be a table that gives a number"),
    ("2027-01-01 = 10", "later = 10", "is not a day such as 2024-04-02"),
    ("2027-01-01 = 10", "2027-01-01 = 10001", "is not a whole number from 0 to 10000"),
    ("2027-01-01 = 10", "2027-01-01 = 1.5", "is not a whole number from 0 to 10000"),
    ("within {window_days} days", "in time", "the text never says {window_days}"),
    ('strict = "received"', 'reading = "sent"', "has either one 'reading' or a strict, a default and a"),
    ('strict = "received"', 'strict = "posted"', "'posted' has no meaning"),
    ("why = ", 'leans = "left"\nwhy = ', "'leans' must be strict, default or generous"),
    ('percent = "2.5"', "percent = 2.5", "'percent' must be a text"),
    ('percent = "2.5"', 'percent = "101"', "'percent' is from 0 to 100 with at most two decimals"),
    ("EUR = ", "EURO = ", "is no currency code of ISO 4217"),
    ("from = 2026-01-01", 'from = "now"', "must be a day such as 2024-04-02"),
    ('roles = ["bar"]', 'roles = ["bar"]\noff = 1', "'off' must be true or false"),
    ('roles = ["bar"]', 'roles = ["ground"]\noff = true', "cannot be said of a ground"),
    ('roles = ["bar"]', 'roles = ["bar"]\nexcludes = ["joy"]', "'excludes' knows no 'joy'; it can be "),
    ('roles = ["bar"]', 'roles = ["bar"]\nterms = ["soon"]', "'terms' knows no 'soon'; it can be "),
    ('roles = ["bar"]', 'roles = ["bar"]\nexcepts = ["C9"]', "'excepts' knows no 'C9'; it can be "),
    ('roles = ["bar"]', 'roles = ["bar"]\nwindow = { event = "x", number = "window_days" }', "'event' knows no 'x'"),
    ('roles = ["bar"]', 'roles = ["bar"]\nwindow = 7', "is written as { event ="),
    ("why = ", 'settles = "x"\nwhy = ', "'settles' knows no 'x'; it can be "),
    ('method = "card"', 'method = "card"\nwhen = 1', "nobody knows the key 'when'; known are "),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_the_format_says_is_refused_is_refused_with_a_sentence(old, new, said):
    assert old in WHOLE + FEE, "The example doesn't say so any more."

    with pytest.raises(policy.PolicyError) as caught:
        policy.read(WHOLE.replace(old, new, 1), FEE.replace(old, new, 1))
    assert said in str(caught.value)


def test_what_the_published_text_says_is_read_as_the_format_shows_it():
    clause, terms = SAID.split("\n\n", 1)
    found = policy.read(WHOLE.replace("[clauses.C5c]\n", f"{clause}\n", 1) + terms)
    said = found.clauses["C5c"].said

    assert said.window is not None
    assert (said.window.event, said.window.start, said.window.number) == ("claim", "", "window_days")
    assert (said.terms, said.documents, said.excludes) == (("properly",), ("terms_and_conditions",), ("refund",))
    assert found.terms["properly"].word == "properly"
    assert not found.documents["terms_and_conditions"].supplied


def test_a_role_without_a_rule_is_refused():
    text = policy.DOCUMENT.read_text()
    with pytest.raises(policy.PolicyError, match="weighs as hold, and there is no rule for it"):
        rules.BOOK.check(policy.read(text.replace('roles = ["ground", "bar"]', 'roles = ["ground", "bar", "hold"]', 1)))
    with pytest.raises(policy.PolicyError, match="weighs as bar by a rule, and the document doesn't say so"):
        rules.BOOK.check(policy.read(text.replace('roles = ["ground", "bar"]', 'roles = ["ground"]', 1)))
