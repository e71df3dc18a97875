"""Every chart keeps one contract: it draws with no, one and many claims, and says what it draws."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import plotly.graph_objects as go
import pytest
from metrics_history import history
from store_of_tests import ANA, BEN, MAX, MIA, open_desk

from refundcore import metrics, policy, store
from refundcore.charts import CHARTS, TOPICS, Asked, Cell, chart, looks, money, timing
from refundcore.deadlines import DAY, micros
from refundcore.desk.measures import WORDS
from refundcore.facts import REASONS, VERDICTS
from refundcore.metrics import Frame, of_text
from refundcore.store import figure_keeping

NOW = datetime(2025, 11, 20, 15, 30, tzinfo=UTC)
AT = micros(NOW)
TODAY = NOW.date()
YEAR = Frame(TODAY - timedelta(days=365), TODAY)
LONG_AGO = Frame(date(2019, 1, 1), date(2019, 2, 1))


def opened(folder, size: int) -> store.Store:
    desk = open_desk(folder).store
    history(desk, n=size, seed=5, at=NOW, agents=(ANA, BEN, MIA), managers=(MIA, MAX))
    return desk


@pytest.fixture(scope="module", params=[0, 1, 90], ids=["no claims", "one claim", "many claims"])
def desk(request, tmp_path_factory):
    found = opened(tmp_path_factory.mktemp("charts"), request.param)
    yield found
    found.engine.dispose()


@pytest.fixture(scope="module")
def one_decision(tmp_path_factory):
    found = open_desk(tmp_path_factory.mktemp("one")).store
    came = micros(NOW - timedelta(days=3))
    facts = {
        "order_ref": "O-1", "customer_email": "k@example.com", "reason": "sms_not_received", "amount": 1234567,
        "currency": "KWD", "purchased_at": came - DAY, "submitted_at": came, "sms_code_received": False,
        "description": "I waited for two hours and no code came at all",
    }  # fmt: skip
    receipt = store.add_claim(found, actor=ANA, at=NOW - timedelta(days=2), key="a", facts=facts)
    store.decide(
        found, actor=ANA, at=NOW - timedelta(days=1), key="b", claim=receipt.claim, version=receipt.version,
        outcome="approve",
    )  # fmt: skip
    yield found
    found.engine.dispose()


def asked(desk, frame=YEAR, unit="week", **named) -> Asked:
    names = {ANA: "Ana", BEN: "Ben", MIA: "Mia", MAX: "Max"}
    return Asked(desk, frame, unit, TODAY, AT, desk.policy.zone, WORDS, names, **named)


def number(cell: Cell | int) -> int:
    return int((cell.text if isinstance(cell, Cell) else str(cell)).replace(",", ""))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("question", CHARTS)
def test_a_chart_answers_its_question(desk, question, dark):
    answer = CHARTS[question].draw(asked(desk, dark=dark))

    assert re.fullmatch(r"[A-Z0-9].*\.", answer.sentence), answer.sentence
    if answer.figure is None:
        assert "never fire" in question or not answer.table
        return
    assert isinstance(answer.figure, go.Figure)
    assert answer.figure.layout.height >= 50
    assert answer.table
    assert all(row.keys() == answer.table[0].keys() for row in answer.table)
    answer.figure.to_json()


@pytest.mark.parametrize("question", CHARTS)
def test_a_chart_of_an_empty_period_says_so_instead_of_drawing(desk, question):
    answer = CHARTS[question].draw(asked(desk, LONG_AGO))

    assert "period" in answer.sentence or question == "What falls due in the coming days?"
    assert answer.figure is None or question == "What falls due in the coming days?"


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("question", CHARTS)
def test_every_number_of_a_table_is_that_of_the_claims_behind_it(desk, question, unit):
    answer = CHARTS[question].draw(asked(desk, unit=unit))
    opened = 0
    for row in answer.table:
        for cell in row.values():
            if not isinstance(cell, Cell) or not cell.pick:
                continue
            wanted = of_text(cell.pick)
            found = metrics.behind(desk, wanted)
            if not wanted.money or cell.text.replace(",", "") == str(found.count):
                assert found.count == number(cell), (question, row)
            else:
                ((code, minor),) = found.sums
                assert money.amount(minor, code) == cell.text, (question, row)
            opened += 1
            if opened > 60:
                return


@pytest.mark.parametrize("question", CHARTS)
def test_every_bar_is_as_long_as_its_claims_are_many(desk, question):
    answer = CHARTS[question].draw(asked(desk))
    if answer.figure is None:
        return
    for (curve, point), text in list(answer.picks.items())[:60]:
        trace, wanted = answer.figure.data[curve], of_text(text)
        found = metrics.behind(desk, wanted)
        length = (trace.x if trace.orientation == "h" else trace.y)[point]
        if wanted.money:
            ((code, minor),) = found.sums
            assert length * 10 ** money.EXPONENTS[code] == pytest.approx(minor)
        elif trace.type == "bar" and trace.customdata is not None and isinstance(trace.customdata[point][-1], int):
            assert trace.customdata[point][0] == found.count or length == found.count
        elif trace.type == "bar":
            assert length == found.count, question
        else:
            assert found.count > 0


def test_every_question_is_a_question_and_every_tab_has_one():
    assert all(question.endswith("?") for question in CHARTS)
    assert {entry.topic for entry in CHARTS.values()} == set(TOPICS)


def test_a_question_cannot_be_answered_twice():
    with pytest.raises(ValueError, match="has two charts: decided and other"):

        @chart("What was decided?", "Decisions")
        def other(_: Asked):
            raise AssertionError


def test_the_sentences_of_one_decision_are_in_the_singular(one_decision):
    said = {question: entry.draw(asked(one_decision)).sentence for question, entry in CHARTS.items()}

    assert said["How many claims come in, and why?"] == "1 claim came in, all for “SMS not received”."
    assert said["What was decided?"] == "1 decision: 1 approved."
    went = said["Where does the claimed money go, by reason?"]
    assert went == "Of 1,234.567 KWD claimed, 1,234.567 KWD went back on 1 refund."
    assert said["How long does a decision take?"] == "The one decision came about 1 d 23 h after the claim."
    assert said["Who does the work?"] == "1 decision by 1 person."
    assert said["Are deadlines kept?"] == "A first answer came within 24 hours for 1 of 1 claim (100%)."
    assert said["How often does money go back?"] == (
        "Money went back on 1 of 1 decision (100%). So few decisions say little: the rate may as well be 21% or 100%."
    )


def test_the_bars_the_table_and_the_sentence_have_the_same_numbers(desk):
    answer = CHARTS["How many claims come in, and why?"].draw(asked(desk))
    if answer.figure is None:
        assert metrics.headline(desk, YEAR, TODAY).claims == 0
        return
    bars = [trace for trace in answer.figure.data if trace.type == "bar"]
    drawn = sum(sum(trace.y) for trace in bars)

    assert drawn == sum(number(row["All"]) for row in answer.table) == metrics.headline(desk, YEAR, TODAY).claims
    assert answer.sentence.startswith(f"{drawn:,} claim")
    assert len({len(trace.x) for trace in bars}) == 1


def test_every_bar_of_shares_is_whole(desk):
    for question in ("What was decided?", "Are deadlines kept?"):
        figure = CHARTS[question].draw(asked(desk)).figure
        if figure is not None:
            assert np.sum([trace.x for trace in figure.data], axis=0) == pytest.approx(1.0)


def test_few_decisions_are_marked(one_decision):
    figure = CHARTS["How often does money go back?"].draw(asked(one_decision)).figure

    assert [trace.marker.symbol for trace in figure.data if trace.mode == "markers"] == [("circle-open",)]
    assert "few" in figure.data[0].y[0]


def test_amounts_of_two_currencies_stand_in_panels_of_their_own(desk):
    answer = CHARTS["Where does the claimed money go, by reason?"].draw(asked(desk))
    if answer.figure is None:
        return
    currencies = {row["Currency"] for row in answer.table} - {"unknown"}

    assert len({trace.xaxis for trace in answer.figure.data}) == min(len(currencies), money.MOST_CURRENCIES)


@pytest.mark.parametrize("by", ["by reason", "by payment method"])
def test_the_bridge_adds_up_from_what_was_claimed_to_what_was_paid(desk, by):
    question = next(one for one in CHARTS if by in one)
    answer = CHARTS[question].draw(asked(desk))
    found = metrics.headline(desk, YEAR, TODAY).money

    for one in found:
        assert one.gross == one.refused + one.exchanged + one.approved
        assert one.approved == one.net + one.fees + one.withheld
    totals = {row["Currency"]: row for row in answer.table if "All" in row.values()}
    for code, row in totals.items():
        parts = [each for each in answer.table if each["Currency"] == code and "All" not in each.values()]
        assert sum(number(each["Decisions"]) for each in parts) == number(row["Decisions"])
    if answer.figure is not None:
        assert {one.currency or "unknown" for one in found if one.decisions} == set(totals)


AMOUNTS = [
    (123450, "USD", "1,234.50 USD"),
    (1280, "JPY", "1,280 JPY"),
    (7000, "KWD", "7.000 KWD"),
    (5, "EUR", "0.05 EUR"),
]


@pytest.mark.parametrize(("minor", "currency", "said"), AMOUNTS)
def test_an_amount_has_the_decimals_of_its_currency(minor, currency, said):
    assert money.amount(minor, currency) == said


SPANS = [(8 * 60, "8 min"), (5 * 3600 + 12 * 60, "5 h 12 min"), (100 * 3600, "4 d 4 h"), (0, "0 min")]


@pytest.mark.parametrize(("seconds", "said"), SPANS)
def test_a_length_of_time_is_told_in_two_units(seconds, said):
    assert timing.span_text(seconds * 1_000_000) == said


PERCENTS = [
    (0, "0%"),
    (0.001, "under 1%"),
    (0.004, "under 1%"),
    (0.006, "1%"),
    (0.62, "62%"),
    (0.997, "over 99%"),
    (1, "100%"),
]


@pytest.mark.parametrize(("share", "said"), PERCENTS)
def test_a_share_is_not_rounded_to_none_or_all(share, said):
    assert looks.percent(share) == said


GRAINS = [(1, "day"), (35, "day"), (36, "week"), (365, "week"), (770, "week"), (771, "month"), (4000, "month")]


@pytest.mark.parametrize(("days", "unit"), GRAINS)
def test_the_grain_follows_the_length_of_the_period(days, unit):
    assert metrics.grain(days) == unit


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_buckets_hold_each_day_of_the_period_once(unit):
    first, last = date(2024, 1, 31), date(2025, 3, 2)
    spans = metrics.buckets(first, last, unit)

    assert spans[0].start <= first < spans[0].end
    assert spans[-1].start <= last < spans[-1].end
    assert all(before.end == after.start for before, after in itertools.pairwise(spans))
    assert all(metrics.begin(span.start, unit) == span.start for span in spans)


# Seeing fewer colours: Machado, Oliveira and Fernandes (2009), matrices of severity 1.0 on linear RGB.
SIGHT = {
    "full": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ rgb / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    "codes", [REASONS, VERDICTS, ("kept", "missed", "running")], ids=["reasons", "verdicts", "ends"]
)
@pytest.mark.parametrize("palette", [looks.LIGHT, looks.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_can_be_told_apart_by_everybody(codes, palette, sight):
    seen = {code: lab(np.clip(SIGHT[sight] @ linear(palette[code]), 0, 1)) for code in codes}

    for one, other in itertools.combinations(codes, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 14, (one, other)


def luminance(colour: str) -> float:
    return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))


@pytest.mark.parametrize(
    ("palette", "background"), [(looks.LIGHT, "#FFFFFF"), (looks.DARK, "#14181D")], ids=["light", "dark"]
)
def test_words_in_a_bar_and_reasons_on_the_page_can_be_read(palette, background):
    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    assert all(contrast(fill, looks.ink(fill)) >= 4.5 for fill in palette.values())
    assert all(contrast(palette[reason], background) >= 2.95 for reason in REASONS)


def test_fees_kept_and_lost_are_told_beside_what_went_back(tmp_path):
    desk = open_desk(tmp_path).store
    desk.policy = policy.read(
        policy.DOCUMENT.read_text(),
        '[[fee]]\nmethod = "card"\nfrom = 2024-04-02\npercent = "5"\nfixed = { EUR = "0.30" }\n',
    )
    figure_keeping.rebuild_where_needed(desk, AT)
    came = micros(NOW - timedelta(days=3))
    for number_, told in enumerate((True, False)):
        facts = {
            "order_ref": f"O-{number_}", "customer_email": "k@example.com", "reason": "sms_not_received",
            "amount": 1000, "currency": "EUR", "purchased_at": came - DAY, "submitted_at": came,
            "sms_code_received": False, "payment_method": "card", "fee_disclosed": told,
            "description": "I waited for two hours and no code came at all",
        }  # fmt: skip
        receipt = store.add_claim(desk, actor=ANA, at=NOW - timedelta(days=2), key=f"a{number_}", facts=facts)
        store.decide(
            desk, actor=ANA, at=NOW - timedelta(days=1), key=f"b{number_}", claim=receipt.claim,
            version=receipt.version, outcome="approve",
        )  # fmt: skip
    answer = CHARTS["Where does the claimed money go, by reason?"].draw(asked(desk))
    (row,) = [row for row in answer.table if row["Reason"] == "All"]
    desk.engine.dispose()

    assert answer.sentence == "Of 20.00 EUR claimed, 19.20 EUR went back on 2 refunds and 0.80 EUR were kept as fees."
    steps = {name: cell.text if isinstance(cell, Cell) else cell for name, cell in row.items()}
    assert steps["Fees kept"] == "0.80 EUR"
    assert steps["Processor's fees lost"] == "0.80 EUR"  # the customer who was not told of the fee paid none
    assert steps["Paid out"] == "19.20 EUR"
