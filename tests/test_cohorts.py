"""Two ways to tell a rate, on the example by which Stripe explains its own, and orders as the whole of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from store_of_tests import ANA, AT, MIA, batch, facts, open_desk

from refundcore import metrics, store
from refundcore.deadlines import micros
from refundcore.facts import Claims
from refundcore.metrics import Bucket, Frame
from refundcore.metrics.cohorts import orders_by_day
from refundcore.store import figure_keeping
from refundcore.store.errors import Forbidden
from refundcore.store.ordering import add_orders

MONDAY = date(2026, 3, 2)
WEEK = Frame(MONDAY, MONDAY + timedelta(days=6))
BUCKETS = [Bucket(MONDAY, MONDAY + timedelta(days=7))]


def at(day: date, hour: int = 12) -> int:
    return micros(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def orders(count: int, **others: object) -> Claims:
    days = [MONDAY + timedelta(days=number % 7) for number in range(count)]
    return Claims.of(
        {
            "order_ref": [f"S-{number}" for number in range(count)],
            "ordered_at": [at(day) for day in days],
            "product": ["Number, Peru" if number % 4 == 0 else None for number in range(count)],
            "amount": [1000] * count,
            "currency": ["USD"] * count,
        }
        | others
    )


@pytest.fixture
def desk(tmp_path):
    """A week in which 10 claims came in, 3 of them on what was bought in it, 7 on earlier purchases."""
    opened = open_desk(tmp_path)
    rows = []
    for number in range(10):
        bought = MONDAY + timedelta(days=1) if number < 3 else MONDAY - timedelta(days=3)
        rows.append(
            facts(
                claim_ref=f"C-{number}", order_ref=f"S-{number}", ordered_at=at(bought), purchased_at=at(bought),
                submitted_at=at(MONDAY + timedelta(days=4)), product="Number, Peru" if number == 0 else None,
            )
        )  # fmt: skip
    imported = opened.begin()
    store.import_batch(opened.store, imported, actor=ANA, at=AT, **batch(rows))
    store.finish_import(opened.store, imported, actor=ANA, at=AT)
    yield opened
    opened.store.engine.dispose()


def week(desk, frame: Frame = WEEK, today: date = date(2026, 5, 12)) -> metrics.Cohort:
    (found,) = metrics.cohorts(desk.store, frame, BUCKETS, today)
    return found


def test_a_thousand_payments_with_ten_disputes_are_one_percent_by_activity_and_0_3_by_cohort(desk):
    add_orders(desk.store, [orders(1000)], actor=MIA, at=AT)
    found = week(desk)

    assert (found.orders, found.came, found.bought) == (1000, 10, 3)
    assert found.came / found.orders == pytest.approx(0.010)
    assert found.bought / found.orders == pytest.approx(0.003)
    assert metrics.behind(desk.store, metrics.pick("came", WEEK)).count == 10
    assert metrics.behind(desk.store, metrics.pick("bought", WEEK)).count == 3


def test_without_an_orders_file_there_is_no_whole_but_the_claims(desk):
    assert week(desk).orders == 0
    assert not metrics.has_orders(desk.store)


def test_a_cohort_is_ripe_once_claims_on_its_last_day_had_their_time(desk):
    last = WEEK.last + timedelta(days=metrics.RIPE)

    assert not week(desk, today=last).mature
    assert week(desk, today=last + timedelta(days=1)).mature


def test_orders_are_narrowed_by_product_or_currency_and_told_of_by_no_other_filter(desk):
    add_orders(desk.store, [orders(1000)], actor=MIA, at=AT)

    def narrowed(**chosen: str) -> tuple[int, int]:
        found = week(desk, Frame(WEEK.first, WEEK.last, **chosen))
        return found.orders, found.came

    assert narrowed(product="Number, Peru") == (250, 1)
    assert narrowed(product="") == (750, 9)
    assert narrowed(currency="USD") == (1000, 10)
    assert narrowed(currency="EUR") == (0, 0)
    assert narrowed(reason="other")[0] == narrowed(channel="email")[0] == 0


def test_the_same_orders_again_change_nothing_and_others_replace_them(desk):
    first = add_orders(desk.store, [orders(10)], actor=MIA, at=AT)
    again = add_orders(desk.store, [orders(10)], actor=MIA, at=AT)
    moved = add_orders(
        desk.store, [orders(10, ordered_at=[at(MONDAY)] * 5 + [None] * 5)], actor=MIA, at=AT
    )  # fmt: skip

    assert (first.added, again.unchanged) == (10, 10)
    assert (moved.changed, moved.unchanged, moved.left_out) == (4, 1, 5)
    assert moved.sentence.startswith("0 orders were added, 4 changed, 1 were here already, 5 rows")
    with desk.store.read() as connection:
        by_day = orders_by_day(connection, WEEK)
    assert by_day[metrics.number_of(MONDAY)] == 5 + 1  # the eighth order was a Monday's too
    desk.verified()
    figure_keeping.rebuild(desk.store, 0)
    desk.verified()
    assert week(desk).orders == 10


def test_only_a_manager_brings_orders(desk):
    with pytest.raises(Forbidden):
        add_orders(desk.store, [orders(1)], actor=ANA, at=AT)
