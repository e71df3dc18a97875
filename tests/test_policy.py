"""The policy document is read strictly: what it says has an effect, or it is refused with a sentence."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from refundcore import policy
from refundcore.deadlines import DAY
from refundcore.policy import PolicyError, instant_of, load, read
from refundcore.rules import BOOK

HEAD = 'title = "A policy"\nin_force_from = 2024-04-02\nzone = "UTC"\n'
CLAUSE = '[clauses.C3]\ntitle = "In time"\nparagraph = 5\nroles = ["bar"]\ntext = "Within {window_days} days."\n'
NUMBER = "[clauses.C3.window_days]\n2024-04-02 = 14\n"
READING = (
    '[readings.A01]\ntitle = "Days"\nclauses = ["C3"]\nreading = "week"\nwhy = "Because."\n'
    '[readings.A01.meanings]\nweek = "a week"\n'
)
WHOLE = HEAD + CLAUSE + NUMBER + READING


def replaced(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


def test_a_whole_document_is_read():
    found = read(WHOLE)
    assert found.clauses["C3"].on(date(2024, 5, 1)) == "Within 14 days."
    assert found.readings["A01"].default == "week"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param("title =", "is not TOML", id="no TOML"),
        pytest.param("colour = 1\n" + WHOLE, "nobody knows the key 'colour'", id="unknown key"),
        pytest.param(replaced('"UTC"', '"Mars"'), "'Mars' is no time zone", id="unknown zone"),
        pytest.param(replaced("2024-04-02\nzone", '"spring"\nzone'), "must be a day", id="no day"),
        pytest.param(HEAD + READING, "'clauses' must be a table", id="no clauses"),
        pytest.param(HEAD + CLAUSE + NUMBER, "'readings' must be a table", id="no readings"),
        pytest.param(HEAD + "clauses.C3 = 1\n" + READING, "Clause C3 must be a table", id="clause is no table"),
        pytest.param(replaced(NUMBER, ""), "no such number is given", id="number not given"),
        pytest.param(replaced(" {window_days}", ""), "the text never says {window_days}", id="number never said"),
        pytest.param(replaced(NUMBER, "window_days = 14\n"), "a number for each day", id="number without a date"),
        pytest.param(replaced("2024-04-02 = 14", "soon = 14"), "'soon' is not a day", id="number from no day"),
        pytest.param(replaced("= 14", "= -1"), "-1 is not a whole number", id="negative number"),
        pytest.param(replaced("= 14", "= 1.5"), "1.5 is not a whole number", id="broken number"),
        pytest.param(replaced("= 14", "= true"), "True is not a whole number", id="true is no number"),
        pytest.param(replaced('"bar"', '"veto"'), "'roles' knows no 'veto'", id="unknown role"),
        pytest.param(replaced('["bar"]', "[]"), "'roles' must be a list of texts", id="no role"),
        pytest.param(
            replaced("paragraph = 5", "paragraph = 0"), "must be the number of a paragraph", id="no paragraph"
        ),
        pytest.param(replaced('"In time"', '""'), "'title' must be a text", id="empty title"),
        pytest.param(replaced('reading = "week"', 'strict = "week"\nreading = "week"'), "either one", id="two ways"),
        pytest.param(replaced('reading = "week"', 'strict = "week"'), "'default' must be a text", id="half a reading"),
        pytest.param(replaced('reading = "week"', 'reading = "month"'), "'month' has no meaning", id="no meaning"),
        pytest.param(replaced('clauses = ["C3"]', 'clauses = ["C9"]'), "'clauses' knows no 'C9'", id="unknown clause"),
        pytest.param(replaced('why = "Because."', 'why = "Because."\nleans = "left"'), "'leans' must be", id="leans"),
        pytest.param(replaced("[readings.A01]\n", "[readings.A01]\nmood = 1\n"), "the key 'mood'", id="unknown part"),
    ],
)
def test_a_document_that_says_what_nobody_would_hear_is_refused(document, says):
    with pytest.raises(PolicyError) as refused:
        read(document)
    assert says in str(refused.value)


FEE = '[[fee]]\nmethod = "card"\nfrom = 2024-04-02\npercent = "2.5"\nfixed = { EUR = "0.30" }\n'


@pytest.mark.parametrize(
    ("fees", "says"),
    [
        pytest.param("[fee]", "each row is written as [[fee]]", id="no row"),
        pytest.param(FEE.replace("method", "colour"), "nobody knows the key 'colour'", id="unknown key"),
        pytest.param(FEE.replace('"2.5"', '"many"'), "'percent' must be written", id="no percentage"),
        pytest.param(FEE.replace('"2.5"', '"2.555"'), "at most two decimals", id="too fine"),
        pytest.param(FEE.replace('"2.5"', '"101"'), "from 0 to 100", id="more than all"),
        pytest.param(FEE.replace("EUR", "EURO"), "'EURO' is no currency code", id="no currency"),
        pytest.param(FEE.replace("0.30", "0.305"), "more decimals than its currency", id="no cents"),
        pytest.param(FEE.replace('{ EUR = "0.30" }', "3"), "'fixed' is written by currency", id="no table"),
        pytest.param(FEE.replace("2024-04-02", '"now"'), "must be a day", id="no day"),
    ],
)
def test_a_fee_schedule_that_cannot_be_meant_is_refused(fees, says):
    with pytest.raises(PolicyError) as refused:
        read(WHOLE, fees)
    assert says in str(refused.value)


def test_a_document_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"nowhere\.toml cannot be read"):
        load(tmp_path / "nowhere.toml")


def test_a_document_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(PolicyError, match="not UTF-8"):
        load(tmp_path / "policy.toml")


def test_each_claim_meets_the_number_in_force_at_its_order():
    dated = read(replaced(NUMBER, NUMBER + "2024-06-01 = 21\n"))
    orders = np.array(
        [instant_of(date(2024, 5, 31)) + DAY - 1, instant_of(date(2024, 6, 1)), instant_of(date(2020, 1, 1))]
    )
    assert list(np.asarray(dated.number("C3", "window_days", orders, "UTC"))) == [14, 21, 14]
    assert dated.clauses["C3"].on(date(2024, 6, 1)) == "Within 21 days."


def test_a_number_that_never_changed_is_one_number():
    assert read(WHOLE).number("C3", "window_days", np.array([0]), "UTC") == 14


def test_the_fee_of_an_order_is_the_row_in_force_for_its_method():
    found = read(WHOLE, FEE + FEE.replace("2024-04-02", "2025-01-01").replace("2.5", "5"))
    at = instant_of(date(2024, 12, 31))
    assert found.fee("card", at, "UTC").basis_points == 250
    assert found.fee("card", at + DAY, "UTC").basis_points == 500
    assert found.fee("crypto", at, "UTC") is None


def test_the_fingerprint_changes_with_any_letter_of_the_documents():
    assert len({read(text, fees).fingerprint for text, fees in ((WHOLE, ""), (WHOLE + "\n", ""), (WHOLE, FEE))}) == 3


def test_a_clause_without_its_rule_stops_the_program():
    document = policy.DOCUMENT.read_text(encoding="utf-8")
    silent = document.replace(
        'roles = ["bar", "hold"]\nexcludes = ["refund"]', 'roles = ["bar"]\nexcludes = ["refund"]'
    )
    assert silent != document
    with pytest.raises(PolicyError, match="Clause C2 weighs as hold by a rule"):
        BOOK.check(read(silent))
    extra = document.replace(
        '[clauses.C1]\ntitle = "Write to support first"\nparagraph = 3\nroles = ["note"]',
        '[clauses.C1]\ntitle = "x"\nparagraph = 3\nroles = ["bar"]',
    )
    assert extra != document
    with pytest.raises(PolicyError, match="Clause C1 weighs as bar, and there is no rule"):
        BOOK.check(read(extra))


def test_a_clause_has_one_rule_for_each_of_its_roles():
    with pytest.raises(PolicyError, match="Clause C2 has two rules as bar"):
        BOOK.rule("C2", "bar")(lambda f, _: f.unlawful_confirmed)
    with pytest.raises(PolicyError, match="has a place in the order of precedence"):
        BOOK.rule("C99", "bar")(lambda f, _: f.unlawful_confirmed)


def test_all_forty_one_places_that_can_be_read_in_two_ways_are_in_the_document():
    assert list(load().readings) == [f"A{number:02}" for number in range(1, 42)]


def test_every_reading_that_splits_says_on_which_clause():
    nameless = [r.id for r in load().readings.values() if r.splits and not r.parts and r.id != "A22"]
    assert nameless == [], "A22 alone holds a claim for a person instead of splitting it."
