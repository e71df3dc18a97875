"""The figures of the metrics page, against the same figures told from the events in plain Python."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import figures_by_hand as by_hand
import pytest
import sqlalchemy as sa
from metrics_history import history
from store_of_tests import ANA, BEN, MAX, MIA, open_desk

from refundcore import clock, metrics, policy, store
from refundcore.deadlines import DAY, HOUR, micros
from refundcore.metrics import Period, Rate, wilson
from refundcore.store import tables

SIZE = 220
NOW = datetime(2025, 11, 20, 15, 30, tzinfo=UTC)
AT = micros(NOW)
PERIODS = {
    "all": Period(AT - 300 * DAY, AT + DAY),
    "a quarter": Period(AT - 90 * DAY, AT),
    "a month long ago": Period(AT - 150 * DAY, AT - 120 * DAY),
    "an hour": Period(AT - 30 * HOUR, AT - 29 * HOUR),
    "nothing": Period(AT + DAY, AT + 2 * DAY),
    "turned round": Period(AT, AT - DAY),
}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


WORKERS, MANAGERS = (ANA, BEN, MIA), (MIA, MAX)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    opened = open_desk(tmp_path_factory.mktemp("metrics")).store
    history(opened, n=SIZE, seed=11, at=NOW, agents=WORKERS, managers=MANAGERS)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def fresh(tmp_path):
    opened = open_desk(tmp_path).store
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def told(desk) -> list[by_hand.Case]:
    return by_hand.cases(desk, SIZE)


@pytest.fixture(params=PERIODS.values(), ids=PERIODS)
def period(request) -> Period:
    return request.param


def counted(rows) -> Counter:
    return Counter({(row.reason, row.value): row.claims for row in rows})


def test_the_history_holds_what_the_figures_are_about(told):
    """Else the comparisons below would compare nothing with nothing."""
    stands = [case.decided for case in told if case.decided]

    assert len(stands) > 80
    assert {decision.outcome for decision in stands} >= {"approve", "deny"}
    assert sum(decision.override for decision in stands) > 3
    assert len({decision.currency for decision in stands}) > 3
    assert {case.reason for case in told} >= {"", "sms_not_received", "invalid_number", "major_defect"}


@pytest.mark.parametrize("zone", ZONES)
def test_claims_by_day_are_those_counted_by_hand(desk, told, period, zone):
    found = metrics.claims_by_day(desk, period, zone)

    assert {(row.day, row.reason): row.claims for row in found} == by_hand.by_day(told, period.start, period.end, zone)
    assert [row.day for row in found] == sorted(row.day for row in found)


def test_verdicts_are_those_counted_by_hand(desk, told, period):
    assert counted(metrics.verdicts(desk, period)) == by_hand.verdicts(told, period.start, period.end)


def test_decisions_are_those_counted_by_hand(desk, told, period):
    assert counted(metrics.outcomes(desk, period)) == by_hand.outcomes(told, period.start, period.end)


def test_refund_rates_add_up_to_the_decisions(desk, period):
    found = metrics.outcomes(desk, period)
    rates = {rate.reason: rate for rate in metrics.refund_rates(found)}

    assert {reason: rate.whole for reason, rate in rates.items()} == Counter(
        {row.reason: sum(each.claims for each in found if each.reason == row.reason) for row in found}
    )
    assert sum(rate.part for rate in rates.values()) == sum(row.claims for row in found if row.value == "approve")


def test_denials_by_clause_are_those_counted_by_hand(desk, told, period):
    assert counted(metrics.denying_clauses(desk, period)) == by_hand.denying(told, period.start, period.end)


def test_money_is_that_counted_by_hand_currency_by_currency(desk, told, period):
    found = {(row.currency, row.reason): (row.refunds, row.net, row.fees) for row in metrics.sums(desk, period)}

    assert found == by_hand.sums(told, period.start, period.end)


def test_medians_are_those_counted_by_hand(desk, told, period):
    assert metrics.medians(desk, period) == by_hand.medians(told, period.start, period.end)


def test_the_bins_of_times_hold_every_decision_once(desk, told, period):
    took = [case.took for case in by_hand.decided(told, period.start, period.end)]
    lower, expected = -math.inf, []
    for _, upper in metrics.SPANS:
        expected.append(sum(lower < time <= (math.inf if upper is None else upper) for time in took))
        lower = upper

    assert [span.decisions for span in metrics.times(desk, period)] == expected


def test_kept_and_missed_answers_are_those_counted_by_hand(desk, told, period):
    kept, hours = metrics.answers(desk, period, AT)

    assert hours == 24
    assert Counter(vars(kept)) == by_hand.answers(told, period.start, period.end, AT) + Counter()


def test_kept_and_missed_repairs_are_those_counted_by_hand(desk, told, period):
    kept, hours = metrics.cures(desk, period, AT)

    assert hours == 72
    assert {k: v for k, v in vars(kept).items() if v} == by_hand.cures(told, period.start, period.end, AT)


def test_the_headline_is_the_sum_of_its_parts(desk, told, period):
    found = metrics.headline(desk, period)
    came = [case for case in told if period.start <= case.came < period.end]
    stands = by_hand.decided(told, period.start, period.end)

    assert found.claims == len(came) == sum(row.claims for row in metrics.verdicts(desk, period))
    assert found.undecided == sum(case.decided is None for case in came)
    assert found.decided == len(stands) == sum(row.claims for row in metrics.outcomes(desk, period))
    assert found.refunded == sum(row.refunds for row in metrics.sums(desk, period))
    assert found.overridden == sum(case.decided.override for case in stands)


def test_periods_that_adjoin_add_up_to_the_whole(desk):
    edges = [AT - 300 * DAY, AT - 100 * DAY, AT - 40 * DAY - 7, AT - HOUR, AT + DAY]
    parts = [metrics.headline(desk, Period(start, end)) for start, end in pairwise(edges)]
    whole = metrics.headline(desk, Period(edges[0], edges[-1]))

    for name in ("claims", "undecided", "decided", "refunded", "overridden"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name


def test_claims_of_an_unfinished_import_are_not_counted(desk):
    before = metrics.headline(desk, PERIODS["all"]), metrics.first_and_last(desk)
    with desk.write() as connection:
        parts = ("rows", "created", "updated", "unchanged", "duplicates", "conflicting", "rejected")
        numbers = dict.fromkeys(parts, 0)
        connection.execute(
            sa.insert(tables.imports).values(
                id=1, filename="f", sha256="x", person_id=1, started_at=AT, touched_at=AT, status="running", owner="",
                header="[]", mapping="{}", update_claims=False, **numbers,
            )
        )  # fmt: skip
        connection.execute(sa.update(tables.claims).where(tables.claims.c.id <= 100).values(import_id=1))
    during = metrics.headline(desk, PERIODS["all"])
    with desk.write() as connection:
        connection.execute(sa.update(tables.imports).values(status="finished"))

    assert during.claims == before[0].claims - 100
    assert (metrics.headline(desk, PERIODS["all"]), metrics.first_and_last(desk)) == before


def test_the_journal_s_end_moves_with_every_change(fresh):
    ends = [metrics.journal_end(fresh)]
    receipt = store.add_claim(fresh, actor=ANA, at=NOW, key="a", facts={"order_ref": "O-1"})
    ends.append(metrics.journal_end(fresh))
    store.note(fresh, actor=ANA, at=NOW, key="b", claim=receipt.claim, version=receipt.version, text="Seen.")
    ends.append(metrics.journal_end(fresh))
    store.set_setting(fresh, actor=MIA, at=NOW, name="answer_hours", value=48)
    ends.append(metrics.journal_end(fresh))

    assert ends == sorted(set(ends))
    assert metrics.answers(fresh, Period(AT - DAY, AT + DAY), AT)[1] == 48


def test_an_empty_desk_has_figures_too(fresh):
    assert metrics.first_and_last(fresh) is None
    assert metrics.headline(fresh, PERIODS["all"]) == metrics.Headline(0, 0, 0, 0, 0, None)
    assert metrics.claims_by_day(fresh, PERIODS["all"], "Europe/Berlin") == []
    assert metrics.cures(fresh, PERIODS["all"], AT)[0] == metrics.Kept()


# The intervals that Newcombe (1998), Statistics in Medicine 17, table I, gives for Wilson's method.
WILSON = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("part", "whole", "low", "high"), WILSON)
def test_wilsons_interval_is_the_published_one(part, whole, low, high):
    assert wilson(part, whole) == pytest.approx((low, high), abs=0.00006)


@pytest.mark.parametrize("whole", [1, 2, 19, 400])
def test_wilsons_interval_holds_the_share_and_stays_within_bounds(whole):
    for part in range(whole + 1):
        low, high = Rate("", part, whole).interval
        assert 0 <= low <= part / whole <= high <= 1
        assert wilson(whole - part, whole) == pytest.approx((1 - high, 1 - low))


def test_nothing_seen_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
    assert Rate("", 0, 0).share == 0.0


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_are_those_of_the_zone_at_every_instant(zone):
    first, last = micros(datetime(2024, 1, 1, tzinfo=UTC)), micros(datetime(2026, 1, 1, tzinfo=UTC))
    found = metrics.offsets(zone, first, last)

    for at in range(first, last, 3 * HOUR + 977_000_000):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
        wanted = moment.astimezone(ZoneInfo(zone)).utcoffset() // timedelta(microseconds=1)
        assert next(offset for until, offset in found if at < until) == wanted, moment


def test_the_hours_of_a_defect_are_those_that_held_at_the_order(fresh):
    document = policy.DOCUMENT.read_text().replace(
        "[clauses.C6b.cure_hours]\n2024-04-02 = 72", "[clauses.C6b.cure_hours]\n2024-04-02 = 72\n2025-11-01 = 24"
    )
    fresh.policy = policy.read(document)
    for number, ordered in enumerate((date(2025, 10, 30), date(2025, 11, 5))):
        began = micros(datetime(ordered.year, ordered.month, ordered.day, 9, tzinfo=UTC))
        store.add_claim(
            fresh, actor=ANA, at=NOW, key=str(number),
            facts={
                "order_ref": f"O-{number}", "reason": "major_defect", "purchased_at": began, "defect_approved": True,
                "defect_notified_at": began + DAY, "defect_fixed_at": began + DAY + 48 * HOUR,
            },
        )  # fmt: skip

    kept, hours = metrics.cures(fresh, PERIODS["all"], AT)
    assert (kept.kept, kept.missed, hours) == (1, 1, 24)


def test_the_clock_is_not_asked(monkeypatch, desk):
    monkeypatch.setattr(clock, "now", lambda: pytest.fail("A figure asked what time it is."))

    metrics.headline(desk, PERIODS["all"])
    metrics.answers(desk, PERIODS["all"], AT)
