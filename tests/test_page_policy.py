"""The policy page: the whole document is there, as it reads today, with its readings and examples judged live."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from desk_of_tests import Desk, drawn, open_desk, texts

from refundcore import clock, policy
from refundcore.desk.examples import EXAMPLES, worked
from refundcore.facts import BY_NAME, VERDICTS

POLICY = policy.load()
WEIGHS = {"ground", "bar", "hold", "supply", "clock", "remedy"}


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def clauses(page) -> dict[str, dict]:
    return {row["id"]: row for row in drawn(page, "document")["rows"]}


def said(row: dict) -> str:
    return "".join(text for text, _ in row["wording"])


@pytest.mark.parametrize("person", ["mia", "ana", "aud"])
def test_every_clause_of_the_document_appears_as_it_reads_today(desk, person):
    page = desk.page("policy", person).run()
    today = clock.now().date()

    assert not page.exception
    found = clauses(page)
    assert list(found) == list(POLICY.clauses)
    for clause in POLICY.clauses.values():
        row = found[clause.id]
        assert (row["title"], row["paragraph"]) == (clause.title, clause.paragraph)
        assert said(row) == clause.on(today)
        assert "{" not in said(row)


def test_every_reading_of_the_document_appears_with_its_meanings_and_why(desk):
    found = clauses(desk.page("policy").run())
    split = {reading["code"]: reading for row in found.values() for reading in row["readings"] if reading["values"]}
    settled = {reading["code"]: reading for row in found.values() for reading in row["settled"]}

    assert split.keys() | settled.keys() == POLICY.readings.keys()
    for name, reading in POLICY.readings.items():
        if reading.splits:
            assert {text for _, text in split[name]["values"]} == {
                reading.meanings[reading.value(each)] for each in policy.READINGS
            }
            assert split[name]["why"] == reading.why
        else:
            assert settled[name]["text"].casefold() == f"{reading.meanings[reading.default]}.".casefold()


def test_a_reading_elsewhere_says_where_it_is_told_in_full(desk):
    found = clauses(desk.page("policy").run())
    elsewhere = [reading for row in found.values() for reading in row["readings"] if not reading["values"]]

    assert elsewhere
    for reading in elsewhere:
        name, home = reading["code"].split(", see ")
        assert any(each["code"] == name and each["values"] for each in found[home]["readings"])


def test_every_number_is_marked_and_told_with_its_day(desk):
    found = clauses(desk.page("policy").run())

    for clause in POLICY.clauses.values():
        marked = [text for text, number in found[clause.id]["wording"] if number]
        assert len(marked) == len(clause.numbers)
        told = [value for name, value in found[clause.id]["facts"] if name not in {"Does", "Concerns"}]
        assert len(told) == len(clause.numbers)
        assert all("for orders from 2 April 2024 on" in value for value in told)


def test_a_number_that_will_change_is_told_with_both_its_days(desk):
    ahead = clock.now().date() + timedelta(days=40)
    text = policy.DOCUMENT.read_text().replace(
        "[clauses.C4c.window_days]\n2024-04-02 = 7", f"[clauses.C4c.window_days]\n2024-04-02 = 7\n{ahead} = 10"
    )
    desk.store.policy = policy.read(text)
    row = clauses(desk.page("policy").run())["C4c"]
    told = dict(row["facts"])["Window"]

    assert ["7", True] in row["wording"]
    assert told.startswith("7 days for orders from 2 April 2024 on; 10 days for orders from ")
    assert told.endswith("on, which lies ahead")


FILTERS = [
    ({"find": "C4c"}, "C4c"),
    ({"find": "screenshots evidence"}, "C5b"),
    ({"find": "A26"}, "C6e C6f C6g"),
    ({"does": "Starts a clock"}, "C6b"),
    ({"does": "Allows a fee"}, "C8c"),
    ({"concerns": "Incompatibility", "does": "Leaves it to a person"}, "V C2 C7b C8f"),
    ({"concerns": "Nonsense", "find": "c6d"}, "C6d"),
]


@pytest.mark.parametrize(("address", "wanted"), FILTERS, ids=str)
def test_the_search_stands_in_the_address(desk, address, wanted):
    assert list(clauses(desk.page("policy", **address).run())) == wanted.split()


def test_only_clauses_with_more_than_one_reading(desk):
    found = clauses(desk.page("policy", two_ways="true").run())

    assert found.keys() == {
        name for reading in POLICY.readings.values() if reading.splits for name in (*reading.clauses, *reading.parts)
    }


def test_a_search_that_finds_nothing_can_be_cleared(desk):
    page = desk.page("policy", find="unicorn").run()
    assert "No clause fits this search" in texts(page)
    page.button(key="clear_policy").click().run()

    assert len(clauses(page)) == len(POLICY.clauses)


def test_an_address_opens_at_a_clause(desk):
    assert drawn(desk.page("policy", clause="C6b").run(), "document")["open"] == "C6b"
    assert drawn(desk.page("policy", clause="<b>").run(), "document")["open"] == ""


def rows() -> list[dict[str, str]]:
    with EXAMPLES.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# What each example is there to show, in the order of the file.
SHOWN = """
approve C4a | approve C4a | deny C4c | review C4c | review C4c | deny C4a | review C4a | need_info C4a | need_info C8e
approve C4a | deny C8d | approve C5a | need_info C5b | deny C5b | review C5b | deny C5c | review C5d | review C5a
deny C7a | pending C6b | deny C6b | approve C6c | exchange C6d | deny C6c | review C6c | review C6b | deny C6g
review C6g | review C6f | review C8b | deny C3 | deny C7a | review C7b | deny C3 | deny C2 | review C2 | review C8f
review V
"""


def test_each_example_comes_out_as_it_is_there_to_show():
    expected = [tuple(each.split()) for line in SHOWN.strip().splitlines() for each in line.split("|")]
    found = worked(POLICY)

    assert [(each.verdict, each.clause) for each in found] == expected
    assert len({each.title for each in found}) == len(found) == len(rows())
    assert all(each.sentence.endswith(".") for each in found)


def test_the_examples_show_every_verdict_and_every_clause_that_weighs():
    found = worked(POLICY)
    shown = {name for each in found for name in each.clauses}
    weighing = {clause.id for clause in POLICY.clauses.values() if WEIGHS & set(clause.roles)}
    if not POLICY.fees:
        weighing -= {"C8c"}  # it holds a claim only where a fee of the schedule eats the whole refund

    assert {each.verdict for each in found} == set(VERDICTS)
    assert weighing <= shown


def test_the_examples_have_the_columns_of_the_dictionary():
    assert set(rows()[0]) <= BY_NAME.keys() | {"title", "as_of"}


def test_examples_are_judged_by_the_policy_of_the_moment():
    longer = policy.read(
        policy.DOCUMENT.read_text().replace("window_days]\n2024-04-02 = 7", "window_days]\n2024-04-02 = 9")
    )
    before, after = worked(POLICY), worked(longer)
    title = "Claimed in the first second after day 7"

    assert [each.verdict for each in before if each.title == title] == ["deny"]
    assert [each.verdict for each in after if each.title == title] == ["approve"]


def test_the_examples_of_a_reason_stand_together(desk):
    page = desk.page("policy", part="Worked examples", concerns="Major defect").run()

    assert not page.exception
    assert [heading.value for heading in page.header] == ["Major defect"]
    assert len(drawn(page, "examples_major_defect")["rows"]) == sum(row["reason"] == "major_defect" for row in rows())


def test_an_example_is_found_by_its_words(desk):
    page = desk.page("policy", part="Worked examples", find="provider log").run()

    assert [line["head"] for line in drawn(page, "examples_sms_not_received")["rows"]] == [
        "The provider's log shows that the code was delivered"
    ]


def test_counting_is_told_with_its_zone_and_examples(desk):
    page = desk.page("policy", part="How time is counted").run()
    ours, others = (element.value.to_dict("records") for element in page.table)

    assert not page.exception
    assert "**UTC**" in texts(page)
    assert {row["Period"]: row["In time up to and including"] for row in ours} == {
        "7 days": "Saturday 15 March 2025, 23:59:59",
        "14 days": "Saturday 22 March 2025, 23:59:59",
        "24 hours": "Sunday 9 March 2025, 16:45",
        "72 hours": "Tuesday 11 March 2025, 16:45",
        "240 hours": "Tuesday 18 March 2025, 16:45",
    }
    assert [row["Would end"] for row in others] == [
        "Friday 14 March 2025, 23:59:59",
        "Monday 17 March 2025, 23:59:59",
        "Tuesday 18 March 2025, 23:59:59",
        "Tuesday 11 March 2025, 17:00",
    ]


def test_the_counting_follows_the_zone_of_the_document(desk):
    desk.store.policy = policy.read(policy.DOCUMENT.read_text().replace('zone = "UTC"', 'zone = "Europe/Berlin"'))
    page = desk.page("policy", part="How time is counted").run()

    assert "**Europe/Berlin**" in texts(page).replace("\\", "")


def test_without_a_person_the_page_stops(desk):
    page = desk.page("policy")
    page.user = {}
    page.run()

    assert "You are signed out" in texts(page)
