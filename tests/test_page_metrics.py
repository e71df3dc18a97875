"""The metrics page: what it says at first, how its period stands in the address, and that hidden tabs cost nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import Desk, labels, open_desk, texts

from refundcore import charts, clock, store
from refundcore.charts import CHARTS
from refundcore.deadlines import micros


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def decide(desk: Desk, claim: store.ClaimRecord, outcome: str = "approve", person: str = "ana") -> None:
    store.decide(
        desk.store, actor=desk.people[person].id, at=clock.now(), key=f"decide {claim.ref}", claim=claim.id,
        version=claim.version, outcome=outcome,
    )  # fmt: skip


def figures(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def questions(page) -> list[str]:
    return [header.value for header in page.header]


@pytest.mark.parametrize("person", ["mia", "ana", "aud"])
def test_everybody_who_reads_claims_sees_the_figures(desk, person):
    decide(desk, desk.add())
    page = desk.page("metrics", person).run()

    assert not page.exception
    assert figures(page) == {
        "Claims": "1",
        "Decisions": "1",
        "Refund rate": "100%",
        "Net refunded": "12.50 USD",
        "Median to decision": "3 h 0 min",
        "Answered within 24 h": "100%",
    }
    assert "1 of 1, few" in texts(page)


def test_an_empty_desk_says_what_to_do_next(desk):
    page = desk.page("metrics", "ana").run()

    assert "No claims yet" in texts(page)
    assert {"Load the sample", "Upload a file", "Enter a claim"} <= set(labels(page))
    assert not page.metric


def test_a_period_in_which_nothing_happened_leads_to_all_time(desk):
    desk.add(submitted_at=micros(clock.now() - timedelta(days=200)))
    page = desk.page("metrics", period="Last 7 days").run()
    assert "Nothing happened in this period" in texts(page)
    assert not questions(page)
    page.button(key="all_time").click().run()

    assert not page.exception
    assert figures(page)["Claims"] == "1"
    assert questions(page)


PERIODS = [
    ({"period": "Last 7 days"}, 1),
    ({"period": "Last 30 days"}, 2),
    ({"period": "Last 90 days"}, 3),
    ({"period": "Last 12 months"}, 4),
    ({"period": "All time"}, 5),
    ({}, 2),
    ({"period": "Nonsense"}, 2),
]


@pytest.mark.parametrize(("address", "claims"), PERIODS, ids=str)
def test_the_period_stands_in_the_address(desk, address, claims):
    for days in (0, 20, 60, 300, 900):
        desk.add(submitted_at=micros(clock.now() - timedelta(days=days)))
    page = desk.page("metrics", **address).run()

    assert not page.exception
    assert figures(page)["Claims"] == str(claims)


def test_two_dates_are_a_period_whichever_comes_first(desk):
    today = clock.now().date()
    for days in (10, 12, 14):
        desk.add(submitted_at=micros(clock.now() - timedelta(days=days)))
    first, last = str(today - timedelta(days=12)), str(today - timedelta(days=10))

    for ends in ((first, last), (last, first)):
        page = desk.page("metrics", period="Between dates", **{"from": ends[0], "to": ends[1]}).run()
        assert not page.exception
        assert figures(page)["Claims"] == "2"


@pytest.mark.parametrize("topic", charts.TOPICS)
def test_a_tab_draws_its_own_questions_and_no_others(desk, topic, monkeypatch):
    decide(desk, desk.add())
    drawn = []
    for question, entry in CHARTS.items():
        watched = charts.Chart(
            question, entry.topic, lambda asked, entry=entry: drawn.append(entry) or entry.draw(asked)
        )
        monkeypatch.setitem(CHARTS, question, watched)
    page = desk.page("metrics", topic=topic).run()

    assert not page.exception
    assert {entry.topic for entry in drawn} == {topic}
    assert set(questions(page)) == {question for question, entry in CHARTS.items() if entry.topic == topic}


def test_a_decision_changes_the_figures_at_once(desk):
    claim = desk.add()
    before = desk.page("metrics", topic="Decisions").run()
    assert "Nothing was decided" in texts(before)
    decide(desk, claim)
    after = desk.page("metrics", topic="Decisions").run()

    assert "1 decision" in texts(after)
    assert figures(after)["Decisions"] == "1"


def test_a_chart_has_its_numbers_as_a_table_too(desk):
    decide(desk, desk.add())
    decide(desk, desk.add(purchased_at=micros(clock.now() - timedelta(days=10))), "deny")
    page = desk.page("metrics", topic="Decisions").run()
    table = next(element.value for element in page.table if "Approved" in element.value.columns)

    assert table.to_dict("records") == [
        {"Reason": "SMS not received", "Approved": 1, "Exchanged": 0, "Denied": 1, "All": 2}
    ]


def test_currencies_are_told_apart_in_the_headline(desk):
    for currency in ("USD", "USD", "EUR", "JPY"):
        decide(desk, desk.add(currency=currency, amount=1250))
    page = desk.page("metrics").run()

    assert figures(page)["Net refunded"] == "25.00 USD"
    assert "2 more currencies" in texts(page)


def test_without_a_person_there_are_no_figures(desk):
    desk.add()
    page = desk.page("metrics")
    page.user = {}
    page.run()

    assert "You are signed out" in texts(page)
    assert not page.metric
