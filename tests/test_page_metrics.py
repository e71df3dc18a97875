"""The metrics page: what it says at first, how its period stands in the address, and that hidden tabs cost nothing."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape

import pytest
from desk_of_tests import Desk, labels, open_desk, texts

from refundcore import charts, clock, metrics, store
from refundcore.charts import CHARTS
from refundcore.deadlines import micros
from refundcore.desk import framing, measures, report
from refundcore.store import exchange


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


def said(page) -> str:
    """What the page says, without the marks that keep it from being taken for Markdown."""
    return texts(page).replace("\\", "")


def questions(page) -> list[str]:
    return [header.value for header in page.header]


@pytest.mark.parametrize("person", ["mia", "ana", "aud"])
def test_everybody_who_reads_claims_sees_the_figures(desk, person):
    decide(desk, desk.add())
    page = desk.page("metrics", person).run()

    assert not page.exception
    assert figures(page) == {
        "Claims": "1",
        "Decided": "1",
        "Refund rate": "100%",
        "Net refunded": "12.50 USD",
        "Fees kept": "0.00 USD",
        "72 hours kept": "–",
        "Answered in 24 h": "100%",
        "Median to decision": "3 h 4 min",
        "Override rate": "0%",
        "Goodwill": "–",
    }


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
            question, entry.topic, lambda asked, entry=entry: drawn.append(entry) or entry.draw(asked), entry.managers
        )
        monkeypatch.setitem(CHARTS, question, watched)
    page = desk.page("metrics", topic=topic).run()

    assert not page.exception
    assert {entry.topic for entry in drawn} == {topic}
    assert set(questions(page)) == {question for question, entry in CHARTS.items() if entry.topic == topic}


@pytest.mark.parametrize("person", ["ana", "aud"])
def test_work_by_agent_is_for_managers_only(desk, person):
    decide(desk, desk.add())
    page = desk.page("metrics", person, topic="Team").run()

    assert not page.exception
    assert "Team" not in {tab.label for tab in page.tabs}
    assert "Who does the work?" not in questions(page)
    assert "agent" not in {box.key for box in page.selectbox}
    assert "Team" in {tab.label for tab in desk.page("metrics", "mia").run().tabs}


FILTERS = [
    ({"reason": "SMS not received"}, 2),
    ({"reason": "Invalid number"}, 1),
    ({"currency": "EUR"}, 1),
    ({"method": "bank transfer"}, 1),
    ({"method": "Not known"}, 2),
    ({"channel": "E-mail"}, 1),
    ({"product": "=1+1"}, 1),
    ({"agent": "Ben"}, 1),
    ({"reason": "SMS not received", "currency": "USD", "channel": "Not known"}, 0),
    ({"reason": "SMS not received", "currency": "USD", "channel": "E-mail"}, 1),
    ({"reason": "Nonsense"}, 3),
]


@pytest.mark.parametrize(("address", "claims"), FILTERS, ids=str)
def test_filters_stand_in_the_address(desk, address, claims):
    desk.add(channel="email", product="=1+1")
    desk.add(currency="EUR", payment_method="bank_transfer")
    third = desk.add(reason="invalid_number")
    to = desk.people["ben"].id
    store.assign(desk.store, actor=desk.people["mia"].id, at=clock.now(), key="give", claim=third.id, version=1, to=to)
    page = desk.page("metrics", **address).run()

    assert not page.exception
    assert figures(page)["Claims"] == str(claims)


def test_the_figures_say_how_they_changed_from_the_period_before_or_a_year_before(desk):
    for days in (1, 2, 3, 40, 366, 367):
        desk.add(submitted_at=micros(clock.now() - timedelta(days=days)))

    def change(**address: str) -> str:
        page = desk.page("metrics", period="Last 30 days", **address).run()
        return page.metric[0].delta

    assert change() == "+200% from 1"
    assert change(beside="The year before") == "+50% from 2"
    assert change(beside="Nothing") == ""


def behind(**where: str) -> str:
    today = clock.now().date()
    frame = metrics.Frame(today - timedelta(days=29), today)
    return metrics.to_text(metrics.pick("decided", frame, "n", "refund", **where))


def test_the_claims_behind_a_figure_have_an_address_and_a_way_back(desk):
    decide(desk, desk.add())
    decide(desk, desk.add(currency="EUR", amount=500))
    desk.add()
    page = desk.page("behind", figure=behind(what="approve"), view="period=Last+90+days&reason=Other+reason").run()

    assert not page.exception
    assert "**2 claims** · 5.00 EUR, 12.50 USD refunded" in said(page)
    assert "Decisions that took effect, refunded" in page.header[0].value
    assert "back_to_figures" in {button.key for button in page.button}


def test_an_address_of_no_figure_says_so(desk):
    desk.add()
    page = desk.page("behind", figure="kind=salaries").run()

    assert not page.exception
    assert "The address names no figure" in texts(page)


def test_a_chart_s_csv_is_its_table_and_no_spreadsheet_evaluates_it(desk):
    decide(desk, desk.add(product='=HYPERLINK("http://x")'))
    today = clock.now().date()
    chosen = framing.Chosen(metrics.Frame(today, today), "Last 7 days", "day")
    answer = measures.answer_of(desk.store, "Which products does the money go back on?", chosen, dark=False)

    assert measures.csv_rows(answer) == [
        ["Product", "Currency", "Net refunded", "Refunds", "Decided"],
        ['\'=HYPERLINK("http://x")', "USD", "12.50 USD", "1", "1"],
    ]


def test_a_report_has_the_figures_the_charts_and_the_tables_of_the_screen(desk):
    decide(desk, desk.add(product="<script>alert(1)</script>"))
    today = clock.now().date()
    chosen = framing.Chosen(metrics.Frame(today - timedelta(days=6), today), "Last 7 days", "day")
    made = report.report(desk.people["mia"], chosen)

    for question in CHARTS:
        assert escape(question) in made
        assert escape(measures.answer_of(desk.store, question, chosen, dark=False).sentence) in made
    assert "<script>alert(1)</script>" not in made
    assert '<div class="value">12.50 USD</div>' in made
    assert report.report(desk.people["ana"], chosen).count("<section>") == len(CHARTS) - 1


def test_rates_that_a_manager_enters_give_one_figure_over_all_currencies(desk):
    for currency, amount in (("USD", 1250), ("EUR", 1000), ("JPY", 1500)):
        decide(desk, desk.add(currency=currency, amount=amount))
    day = date(2026, 11, 1)
    named = {"actor": desk.people["mia"].id, "at": clock.now(), "into": "USD", "day": day}
    assert "together" not in texts(desk.page("metrics").run())
    exchange.set_exchange_rates(desk.store, **named, each={"EUR": "1.10"})
    assert "No combined figure: the rates of 1 Nov 2026 have none for JPY." in said(desk.page("metrics").run())
    exchange.set_exchange_rates(desk.store, **named, each={"EUR": "1.10", "JPY": "0.0065"})

    assert (  # 12.50 + 11.00 + 9.75
        "Net refunded in all currencies together: 33.25 USD, at the rates of 1 Nov 2026: 1 EUR = 1.1 USD, 1 JPY ="
        " 0.0065 USD." in said(desk.page("metrics").run())
    )


WRONG_RATES = [("EUR", "0"), ("EUR", "-1"), ("EUR", "a lot"), ("EUR", "NaN"), ("EUR", "1e9"), ("XXQ", "1")]


@pytest.mark.parametrize(("code", "rate"), WRONG_RATES)
def test_a_rate_that_cannot_be_is_refused(desk, code, rate):
    with pytest.raises(store.StoreError):
        exchange.set_exchange_rates(
            desk.store, actor=desk.people["mia"].id, at=clock.now(), into="USD", day=date(2026, 1, 1), each={code: rate}
        )
    assert exchange.exchange_rates(desk.store) == exchange.Rates()


def test_only_managers_enter_rates_and_orders(desk):
    desk.add()
    assert "save_rates" in {button.key for button in desk.page("metrics", "mia").run().button}
    assert "save_rates" not in {button.key for button in desk.page("metrics", "ana").run().button}
    with pytest.raises(store.Forbidden):
        exchange.set_exchange_rates(
            desk.store, actor=desk.people["ana"].id, at=clock.now(), into="USD", day=date(2026, 1, 1), each={}
        )


def test_an_uploaded_orders_file_becomes_the_whole_of_the_rates(desk):
    decide(desk, desk.add())
    bought = (clock.now() - timedelta(days=2)).date()
    rows = "".join(f"S-{number},{bought}T10:00:00Z,,5.00,USD\n" for number in range(50))
    page = desk.page("metrics", topic="Decisions").run()
    page.file_uploader(key="orders_file").upload(
        "orders.csv", f"order_ref,ordered_at,product,amount,currency\n{rows}".encode()
    )
    page.run()
    page.button(key="save_orders").click().run()

    assert not page.exception
    assert "of 50 orders" in texts(desk.page("metrics", topic="Decisions").run())


@pytest.mark.parametrize("topic", charts.TOPICS)
def test_a_chart_that_was_kept_is_the_one_that_was_drawn(desk, topic):
    """Else a click on a bar would be for a chart that is no longer there."""
    decide(desk, desk.add())
    decide(desk, desk.add(purchased_at=micros(clock.now() - timedelta(days=10))), "deny")
    ids = []
    for _ in range(2):
        page = desk.page("metrics", topic=topic).run()
        ids.append([chart.proto.id for chart in page.get("plotly_chart")])

    assert ids[0] == ids[1] != []


def test_a_decision_changes_the_figures_at_once(desk):
    claim = desk.add()
    before = desk.page("metrics", topic="Decisions").run()
    assert "Nothing was decided" in texts(before)
    decide(desk, claim)
    after = desk.page("metrics", topic="Decisions").run()

    assert "1 decision" in texts(after)
    assert figures(after)["Decided"] == "1"


def test_currencies_are_told_apart_in_the_headline(desk):
    for currency in ("USD", "USD", "EUR", "JPY"):
        decide(desk, desk.add(currency=currency, amount=1250))
    page = desk.page("metrics").run()

    assert figures(page)["Net refunded"] == "25.00 USD"
    assert "Currencies are never added up" in next(one.help for one in page.metric if one.label == "Net refunded")


def test_without_a_person_there_are_no_figures(desk):
    desk.add()
    page = desk.page("metrics")
    page.user = {}
    page.run()

    assert "You are signed out" in texts(page)
    assert not page.metric
