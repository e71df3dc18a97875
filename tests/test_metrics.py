"""The figures of the metrics page, against the same figures told from the events in plain Python."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import figures_by_hand as by_hand
import pytest
import sqlalchemy as sa
from metrics_history import history
from store_of_tests import ANA, BEN, MAX, MIA, POLICY, batch, facts, open_desk

from refundcore import clock, metrics, policy, store
from refundcore.deadlines import DAY, HOUR, micros
from refundcore.metrics import FILTERS, Frame, Rate, pick, wilson
from refundcore.store import figure_keeping, tables, time_bins
from refundcore.store.figure_tables import claim_figures, daily_figures
from refundcore.store.summing import KINDS

SIZE = 220
NOW = datetime(2025, 11, 20, 15, 30, tzinfo=UTC)
TODAY = NOW.date()
AT = micros(NOW)
EVER = Frame(date(2025, 1, 1), date(2025, 12, 31))
FRAMES = {
    "all": EVER,
    "a quarter": Frame(TODAY - timedelta(days=89), TODAY),
    "a month long ago": Frame(TODAY - timedelta(days=150), TODAY - timedelta(days=120)),
    "a day": Frame(TODAY - timedelta(days=3), TODAY - timedelta(days=3)),
    "nothing": Frame(TODAY + timedelta(days=1), TODAY + timedelta(days=2)),
    "turned round": Frame(TODAY, TODAY - timedelta(days=1)),
    "one reason": replace(EVER, reason="major_defect"),
    "no reason": replace(EVER, reason=""),
    "one currency": replace(EVER, currency="EUR"),
    "one method": replace(EVER, method="card"),
    "no channel": replace(EVER, channel=""),
    "one product": replace(EVER, product="Number, <b>Peru</b>"),
    "one agent": replace(EVER, agent=str(ANA)),
    "nobody": replace(EVER, agent="0"),
    "reason and method": replace(EVER, reason="invalid_number", method="paypal"),
    "method and channel": replace(EVER, method="card", channel="email"),
    "product and agent": replace(EVER, product="=1+1", agent=str(MIA)),
    "all of them": Frame(
        date(2025, 5, 1), TODAY, "sms_not_received", "USD", "card", "email", "Number, Germany", str(BEN)
    ),
}
WORKERS, MANAGERS = (ANA, BEN, MIA), (MIA, MAX)
FEES = '[[fee]]\nmethod = "card"\nfrom = 2024-04-02\npercent = "5"\nfixed = { EUR = "0.30", USD = "0.30" }\n'


@pytest.fixture(scope="module", params=["UTC", "Australia/Lord_Howe"])
def desk(request, tmp_path_factory):
    """A desk with a past and a fee schedule, in a zone."""
    opened = open_desk(tmp_path_factory.mktemp("metrics")).store
    document = policy.DOCUMENT.read_text()
    zone = f'zone = "{POLICY.zone}"'
    assert zone in document
    opened.policy = policy.read(document.replace(zone, f'zone = "{request.param}"'), FEES)
    figure_keeping.rebuild_where_needed(opened, AT)
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


@pytest.fixture(params=FRAMES.values(), ids=FRAMES)
def frame(request) -> Frame:
    return request.param


def counted(rows, *names: str, of: str = "n") -> dict:
    found = {tuple(row[name] for name in names): row[of] for row in rows if row[of]}
    return {key[0] if len(names) == 1 else key: value for key, value in found.items()}


def test_the_history_holds_what_the_figures_are_about(told):
    """Else the comparisons below would compare nothing with nothing."""
    stands = [case.decided for case in told if case.decided]

    assert len(stands) > 80
    assert {decision.outcome for decision in stands} >= {"approve", "deny"}
    assert sum(decision.override for decision in stands) > 3
    assert sum(case.lost > 0 for case in told if case.decided) > 1
    assert sum(decision.fee > 0 for decision in stands) > 1
    assert sum(case.goodwill is not None for case in told) > 3
    assert {case.fact("reason") for case in told} >= {"", "sms_not_received", "invalid_number", "major_defect"}
    assert len({case.assignee for case in told}) > 2


def test_the_headline_is_the_one_counted_by_hand(desk, told, frame):
    found = metrics.headline(desk, frame, TODAY)
    came, stands = by_hand.came(told, frame), by_hand.decided(told, frame)

    assert found.claims == len(came)
    assert found.undecided == sum(case.decided is None for case in came)
    assert found.decisions == len(stands)
    assert found.refunds == sum(case.decided.outcome == "approve" for case in stands)
    assert found.overridden == sum(case.decided.override for case in stands)
    wanted = by_hand.money(told, frame)
    assert {one.currency for one in found.money} == set(wanted)
    for one in found.money:
        assert Counter({name: n for name, n in vars(one).items() if name != "currency" and n}) == +wanted[one.currency]
    assert Counter(vars(found.cured)) == by_hand.cures(told, frame, TODAY) + Counter(kept=0)
    assert Counter(vars(found.answered)) == by_hand.answers(told, frame, 24, TODAY)


@pytest.mark.parametrize("hours", [1, 7, 23, 25, 72, 100])
def test_answers_are_judged_by_the_hours_of_the_target_to_the_microsecond(desk, told, hours):
    with desk.read() as connection:
        found = metrics.answered(metrics.answers_of(connection, EVER), hours, TODAY)

    assert Counter(vars(found)) == by_hand.answers(told, EVER, hours, TODAY)


def test_claims_by_day_and_reason_are_those_counted_by_hand(desk, told, frame):
    found = metrics.read(desk, "came", frame, ("day", "reason"))
    wanted = Counter((metrics.number_of(case.came), case.fact("reason")) for case in by_hand.came(told, frame))

    assert counted(found, "day", "reason") == wanted
    assert [row["day"] for row in found] == sorted(row["day"] for row in found)


def test_decisions_by_reason_and_outcome_are_those_counted_by_hand(desk, told, frame):
    found = metrics.read(desk, "decided", frame, ("reason", "what"))

    assert counted(found, "reason", "what") == Counter(
        (case.fact("reason"), case.decided.outcome) for case in by_hand.decided(told, frame)
    )


@pytest.mark.parametrize("facet", ["currency", "method", "channel", "product", "agent"])
def test_decisions_by_a_facet_are_those_counted_by_hand(desk, told, frame, facet):
    def value(case: by_hand.Case) -> str:
        if facet == "agent":
            return str(case.decided.who)
        return case.fact("payment_method" if facet == "method" else facet)

    found = metrics.read(desk, "decided", frame, ("value",), facet=facet)
    assert counted(found, "value") == Counter(value(case) for case in by_hand.decided(told, frame))


def test_clauses_are_those_counted_by_hand(desk, told, frame):
    found, stands = metrics.read(desk, "clause", frame, ("what",)), by_hand.decided(told, frame)

    assert counted(found, "what") == Counter(case.decided.clause for case in stands)
    denied = [case.decided for case in stands if case.decided.outcome == case.decided.verdict == "deny"]
    assert counted(found, "what", of="denied") == Counter(one.clause for one in denied)
    over = [case.decided for case in stands if case.decided.override]
    assert counted(found, "what", of="overridden") == Counter(one.clause for one in over)


def test_purchases_are_those_counted_by_hand(desk, told, frame):
    found, wanted = metrics.read(desk, "bought", frame, ("day",)), by_hand.bought(told, frame)

    assert counted(found, "day") == Counter(metrics.number_of(case.bought) for case in wanted)
    refunded = [case for case in wanted if case.decided and case.decided.outcome == "approve"]
    assert counted(found, "day", of="approved") == Counter(metrics.number_of(case.bought) for case in refunded)


def test_times_lie_in_bins_and_the_median_within_5_percent_of_the_one_counted_by_hand(desk, told, frame):
    rows = metrics.read(desk, "took", frame, ("what",))
    times = [case.took for case in by_hand.decided(told, frame)]
    edges = time_bins.EDGES

    assert metrics.times(rows) == Counter(next(n for n, edge in enumerate(edges) if time <= edge) for time in times)
    median, middle = metrics.headline(desk, frame, TODAY).median, by_hand.middle(times)
    if middle is None:
        assert median is None
    else:
        assert median == pytest.approx(middle, rel=0.05, abs=60 * 1_000_000)


def test_bins_are_5_percent_wide_at_most_and_hours_are_edges():
    edges = time_bins.EDGES

    assert time_bins.widest() <= 0.05
    assert {hour * HOUR for hour in range(1, 101)} <= set(edges)
    assert list(edges) == sorted(set(edges))


def picks_of(frame: Frame):
    """Each kind of pick that the page offers, with the number and the sum that the figure shows."""
    for name, kind in KINDS.items():
        for part in ("n", *(sum_ for sum_ in kind.sums if sum_ in {"decided", "approved", "denied", "overridden"})):
            yield pick(name, frame, part), part
        if name == "decided":
            for money in ("gross", "refund", "fee", "lost"):
                for outcome in ("approve", "deny", "exchange"):
                    yield pick(name, frame, "n", money, what=outcome), outcome


def test_the_claims_behind_a_figure_are_as_many_and_sum_up_to_it(desk, frame):
    for wanted, named in picks_of(frame):
        part = named
        found = metrics.behind(desk, wanted)
        if wanted.money:
            rows = metrics.read(desk, "decided", frame, ("currency", "what"))
            rows = [row for row in rows if row["what"] == part]
            assert dict(found.sums) == {row["currency"]: row[wanted.money] for row in rows}
            part = "n"
        else:
            rows = metrics.read(desk, wanted.kind, frame)
        assert found.count == sum(row[part] for row in rows), wanted
        assert len(found.rows) == min(found.count, 50)
        assert metrics.of_text(metrics.to_text(wanted)) == wanted


def test_the_claims_behind_deadlines_and_goodwill_are_those_counted_by_hand(desk, told, frame):
    day = metrics.number_of(TODAY)
    cures, answers = by_hand.cures(told, frame, TODAY), by_hand.answers(told, frame, 24, TODAY)
    for state in ("kept", "missed", "running"):
        assert metrics.behind(desk, pick("cure", frame, kept=f"{state}.{day}")).count == cures[state]
        assert metrics.behind(desk, pick("answered", frame, kept=f"{state}.{day}.24")).count == answers[state]
    given = metrics.behind(desk, pick("goodwill", frame, "n", "goodwill"))
    sums = {code: part["goodwill"] for code, part in by_hand.money(told, frame).items() if part["gifts"]}
    assert dict(given.sums) == sums
    assert {row.id for row in given.rows} == {case.number for case in by_hand.gifts(told, frame)}


def test_the_pages_of_a_list_hold_each_claim_once(desk, told):
    wanted = pick("came", EVER)
    rows = [row.id for page in range(6) for row in metrics.behind(desk, wanted, page).rows]

    assert sorted(rows) == [case.number for case in by_hand.came(told, EVER)]


NOT_PICKS = [
    "",
    "nonsense",
    "kind=came",
    "kind=came&first=2025-01-01&last=soon",
    "kind=secrets&first=2025-01-01&last=2025-01-02",
    "kind=came&first=2025-01-01&last=2025-01-02&part=ref",
    "kind=came&first=2025-01-01&last=2025-01-02&money=salary",
    "kind=came&first=2025-01-01&last=2025-01-02&-email_key=x",
    "kind=came&first=2025-01-01&last=2025-01-02&-what=x",
    "kind=took&first=2025-01-01&last=2025-01-02&-upto=x",
    "kind=cure&first=2025-01-01&last=2025-01-02&-kept=never.1",
    "kind=due&first=2025-01-01&last=2025-01-02&-from=1",
]


@pytest.mark.parametrize("text", NOT_PICKS)
def test_an_address_that_says_nothing_opens_no_list(text):
    assert metrics.of_text(text) is None


def test_periods_that_adjoin_add_up_to_the_whole(desk):
    edges = [EVER.first, date(2025, 6, 30), date(2025, 10, 26), TODAY, EVER.last + timedelta(days=1)]
    parts = [metrics.headline(desk, Frame(start, end - timedelta(days=1)), TODAY) for start, end in pairwise(edges)]
    whole = metrics.headline(desk, EVER, TODAY)

    for name in ("claims", "undecided", "decisions", "refunds", "overridden", "timed"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_a_filter_add_up_to_the_whole(desk, kind):
    whole = counted(metrics.read(desk, kind, EVER, ("day",)), "day")
    for facet in FILTERS:
        rows = metrics.read(desk, kind, EVER, ("day", "value"), facet=facet)
        parts = Counter()
        for row in rows:
            parts[row["day"]] += row["n"]
        assert parts == whole, facet


@pytest.mark.parametrize("kind", KINDS)
def test_claims_summed_one_by_one_are_the_daily_sums(desk, kind):
    """What the daily figures hold for one filter is also what the exact way finds."""
    for name in ("method", "channel", "agent"):
        with desk.read() as connection:
            for value in metrics.values(connection, kind, name):
                narrowed = replace(EVER, **{name: value})
                assert metrics.from_rollup(kind, narrowed)
                held = metrics.reading.sums(connection, kind, narrowed, ("day", "what"))
                exact = metrics.reading.exact_sums(connection, kind, narrowed, ("day", "what"))
                assert sorted(map(str, held)) == sorted(map(str, exact)), (name, value)


def test_verify_compares_the_figures_with_the_claims(desk):
    found = store.verify(desk)

    assert found.good, found.sentence
    assert "days are the sums of their claims" in found.sentence


def every_figure(desk) -> tuple[list, list]:
    with desk.read() as connection:
        claims = [tuple(row) for row in connection.execute(sa.select(claim_figures).order_by("claim_id"))]
        daily = [tuple(row) for row in connection.execute(sa.select(daily_figures)) if row.n]
    return claims, sorted(daily)


def test_figures_made_anew_are_those_that_were_kept(desk):
    before = every_figure(desk)
    assert figure_keeping.rebuild(desk, AT) == SIZE

    assert every_figure(desk) == before


TAMPERED = [
    (sa.update(claim_figures).where(claim_figures.c.claim_id == 3).values(refund=1), "claim number 3"),
    (sa.delete(claim_figures).where(claim_figures.c.claim_id == SIZE), "claim number|last claims"),
    (sa.update(daily_figures).where(daily_figures.c.kind == "took").values(n=daily_figures.c.n + 1), "kind took"),
    (sa.delete(daily_figures).where(daily_figures.c.kind == "goodwill"), "kind goodwill.*missing"),
]


@pytest.mark.parametrize(("statement", "says"), TAMPERED, ids=lambda value: value if isinstance(value, str) else "")
def test_verify_names_figures_that_are_not_what_they_follow_from(desk, statement, says):
    with desk.write() as connection:
        connection.execute(statement)
    found = store.verify(desk)
    figure_keeping.rebuild(desk, AT)

    assert not found.good
    assert __import__("re").search(says, found.sentence), found.sentence


def test_every_act_of_random_histories_keeps_the_figures(tmp_path):
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        opened = open_desk(folder).store
        history(opened, n=40, seed=seed, at=NOW, agents=WORKERS, managers=MANAGERS)
        kept = every_figure(opened)
        figure_keeping.rebuild(opened, AT)
        assert every_figure(opened) == kept
        opened.engine.dispose()


def test_claims_of_an_import_count_from_its_end_on_and_not_after_it_was_taken_back(tmp_path):
    desk = open_desk(tmp_path)
    desk.add()
    whole = Frame(date(2026, 1, 1), date(2026, 12, 31))
    day = desk.at.date()

    def counts() -> tuple[int, int]:
        return metrics.headline(desk.store, whole, day).claims, metrics.behind(desk.store, pick("came", whole)).count

    number = desk.begin()
    rows = [facts(claim_ref=f"I-{n}", channel="email" if n % 2 else None) for n in range(30)]
    store.import_batch(desk.store, number, actor=ANA, at=desk.at, **batch(rows))
    assert counts() == (1, 1)
    assert metrics.headline(desk.store, replace(whole, channel="email", method=""), day).claims == 0
    store.finish_import(desk.store, number, actor=ANA, at=desk.at)
    assert counts() == (31, 31)
    assert metrics.headline(desk.store, replace(whole, channel="email", method=""), day).claims == 15
    desk.verified()
    store.undo_import(desk.store, number, actor=MIA, at=desk.at)
    assert counts() == (1, 1)
    desk.verified()


def test_an_import_that_was_cut_off_leaves_nothing_in_the_figures(tmp_path):
    desk = open_desk(tmp_path)
    number = desk.begin()
    store.import_batch(desk.store, number, actor=ANA, at=desk.at, **batch([facts(claim_ref="X")]))
    store.cancel_import(desk.store, number, actor=ANA, at=desk.at)

    assert every_figure(desk.store) == ([], [])
    desk.verified()


def test_another_zone_or_fee_schedule_makes_the_figures_anew(fresh):
    store.add_claim(fresh, actor=ANA, at=NOW.replace(hour=23), key="a", facts={"order_ref": "O-1"})
    assert metrics.first_and_last(fresh) == (TODAY, TODAY)
    document = policy.DOCUMENT.read_text().replace(f'zone = "{POLICY.zone}"', 'zone = "Asia/Tokyo"')
    fresh.policy = policy.read(document)
    figure_keeping.rebuild_where_needed(fresh, AT)

    following = TODAY + timedelta(days=1)
    assert metrics.first_and_last(fresh) == (following, following)


def test_the_journal_s_end_moves_with_every_change(fresh):
    ends = [metrics.journal_end(fresh)]
    receipt = store.add_claim(fresh, actor=ANA, at=NOW, key="a", facts={"order_ref": "O-1"})
    ends.append(metrics.journal_end(fresh))
    store.note(fresh, actor=ANA, at=NOW, key="b", claim=receipt.claim, version=receipt.version, text="Seen.")
    ends.append(metrics.journal_end(fresh))
    store.set_setting(fresh, actor=MIA, at=NOW, name="answer_hours", value=48)
    ends.append(metrics.journal_end(fresh))

    assert ends == sorted(set(ends))


def test_an_empty_desk_has_figures_too(fresh):
    assert metrics.first_and_last(fresh) is None
    found = metrics.headline(fresh, EVER, TODAY)
    assert (found.claims, found.decisions, found.money, found.median) == (0, 0, (), None)
    assert metrics.read(fresh, "came", EVER, ("day", "reason")) == []
    assert metrics.behind(fresh, pick("came", EVER)).count == 0


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

    cured = metrics.headline(fresh, EVER, TODAY).cured
    assert (cured.kept, cured.missed) == (1, 1)


def test_the_period_before_and_the_year_before_adjoin_and_repeat_it():
    february = Frame(date(2024, 2, 1), date(2024, 2, 29), method="card")

    assert february.before() == Frame(date(2024, 1, 3), date(2024, 1, 31), method="card")
    assert february.year_before() == Frame(date(2023, 2, 1), date(2023, 2, 28), method="card")
    assert february.days == february.before().days == 29


def test_the_clock_is_not_asked(monkeypatch, desk):
    monkeypatch.setattr(clock, "now", lambda: pytest.fail("A figure asked what time it is."))

    metrics.headline(desk, EVER, TODAY)


def test_an_unfinished_import_is_not_in_the_first_and_last_day(tmp_path):
    desk = open_desk(tmp_path)
    number = desk.begin()
    store.import_batch(desk.store, number, actor=ANA, at=desk.at, **batch([facts(claim_ref="X")]))
    with desk.store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.claims)).scalar() == 1

    assert metrics.first_and_last(desk.store) is None
