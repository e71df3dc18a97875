"""The queue: its order, its pages while others add claims, its filters and figures; acts on many claims at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_of_tests import ANA, AT, BEN, MIA, POLICY, VERDICTS, Desk, facts, key, on_sqlite, open_desk

from refundcore import store
from refundcore.deadlines import HOUR, micros
from refundcore.store import Filter, tables
from refundcore.store.listing import page_queries


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A store of 600 claims of all verdicts, some of them decided, given to somebody or waiting."""
    opened = open_desk(tmp_path_factory.mktemp("full"))
    rows = [
        facts(claim_ref=f"T-{number:03d}", submitted_at=micros(AT) - number * HOUR, **VERDICTS[verdict])
        for number, verdict in enumerate([*VERDICTS] * 150, 1)
    ]
    opened.load(rows)
    pairs = [(row.id, row.version) for row in _page(opened, Filter(), limit=40).rows]
    store.assign_many(opened.store, actor=ANA, at=AT, key=key(), claims=pairs[:20], to=BEN)
    store.decide_many(opened.store, actor=ANA, at=AT, key=key(), claims=pairs[20:], outcome="approve")
    for number in (101, 103):
        claim = store.claim(opened.store, f"T-{number}")
        assert claim is not None
        opened.decide(claim, "ask", ask_for=["amount"])
    yield opened
    opened.verified()
    opened.store.engine.dispose()


def _page(desk: Desk, chosen: Filter, **others: object) -> store.QueuePage:
    return store.queue(desk.store, chosen, person=ANA, at=AT, **others)  # type: ignore[arg-type]


def _all(desk: Desk) -> list[sa.RowMapping]:
    with desk.store.read() as connection:
        return list(connection.execute(sa.select(tables.claims)).mappings())


FILTERS = [
    Filter(),
    Filter(state="us"),
    Filter(state="customer"),
    Filter(state="decided"),
    Filter(state="all"),
    Filter(verdict="approve"),
    Filter(verdict="review", reason="sms_not_received"),
    Filter(reason="other"),
    Filter(assignee="nobody"),
    Filter(assignee=str(BEN)),
    Filter(assignee="me"),
    Filter(text="T-1"),
    Filter(text="t-10"),
    Filter(text="CUSTOMER3"),
    Filter(text="nothing like that"),
    Filter(due="overdue"),
    Filter(due="soon"),
    Filter(due="day"),
    Filter(imported="1"),
    Filter(imported="7"),
    Filter(state="all", verdict="deny", text="T-2", imported="1"),
]


def _belongs(row: sa.RowMapping, chosen: Filter) -> bool:
    """The meaning of a filter, said in plain Python."""
    text, moment, soon = chosen.text, micros(AT), micros(AT) + 4 * HOUR
    people = {"": row["assignee_id"], "nobody": None, "me": ANA, str(BEN): BEN}
    starts = {row["ref"].startswith(text) or row["ref"].startswith(text.upper())}
    starts |= {row["order_ref"].startswith(text) or row["order_ref"].startswith(text.upper())}
    starts |= {row["customer_email"].lower().startswith(text.lower())}
    return (
        row["state"] in store.STATE_GROUPS[chosen.state]
        and chosen.verdict in {"", row["verdict"]}
        and chosen.reason in {"", row["reason"]}
        and row["assignee_id"] == people[chosen.assignee]
        and chosen.imported in {"", str(row["import_id"])}
        and (not text or any(starts))
        and (chosen.due != "overdue" or row["act_by"] < moment)
        and (chosen.due != "soon" or moment <= row["act_by"] <= soon)
        and (chosen.due != "day" or moment <= row["act_by"] <= moment + 24 * HOUR)
    )


@pytest.mark.parametrize("chosen", FILTERS, ids=lambda chosen: "&".join(f"{k}={v}" for k, v in chosen.params().items()))
def test_the_pages_of_a_filter_hold_each_of_its_claims_once_in_order(full: Desk, chosen: Filter) -> None:
    rows, after, pages = [], None, []
    while True:
        page = _page(full, chosen, after=after, limit=37)
        pages.append(page)
        rows += page.rows
        if page.next is None:
            break
        after = page.next
    expected = [row for row in _all(full) if _belongs(row, chosen)]
    is_open = set(store.STATE_GROUPS[chosen.state]) <= set(store.OPEN_STATES)
    expected.sort(key=lambda row: (row["act_by"], row["id"]) if is_open else (-row["id"], 0))
    assert [row.ref for row in rows] == [row["ref"] for row in expected]
    assert store.count_matching(full.store, chosen, person=ANA, at=AT) == len(expected)
    back = _page(full, chosen, before=pages[-1].previous, limit=37) if pages[-1].previous else None
    if len(pages) > 1:
        assert back is not None
        assert back.rows == pages[-2].rows
        assert (back.previous is None) == (len(pages) == 2)


def test_the_first_page_has_no_page_before_it_and_a_broken_cursor_is_the_first_page(full: Desk) -> None:
    first = _page(full, Filter())
    assert first.previous is None
    for broken in ("x", "1", "1.2.3", "9" * 40 + ".1", "", "1.x"):
        assert _page(full, Filter(), after=broken).rows == first.rows


def test_the_claims_beside_a_claim_are_those_of_the_filter(full: Desk) -> None:
    chosen = Filter(verdict="deny")
    rows = _page(full, chosen).rows
    here = store.neighbours(full.store, chosen, person=ANA, at=AT, claim=rows[5].id)
    assert here == (rows[4], rows[6])
    assert store.neighbours(full.store, chosen, person=ANA, at=AT, claim=rows[0].id) == (None, rows[1])
    other = next(row for row in _page(full, Filter(verdict="review")).rows if row.act_by)
    before, after = store.neighbours(full.store, chosen, person=ANA, at=AT, claim=other.id)
    for row in (before, after):
        assert row is None or row.verdict == "deny"
    assert store.neighbours(full.store, chosen, person=ANA, at=AT, claim=10_000) == (None, None)


def test_the_figures_count_what_their_filters_find(full: Desk) -> None:
    figures = store.queue_figures(full.store, person=BEN, at=AT)
    counted = {
        "due_soon": Filter(due="soon"),
        "overdue": Filter(due="overdue"),
        "waiting_us": Filter(state="us"),
        "waiting_customer": Filter(state="customer"),
        "waiting_technician": Filter(state="technician"),
        "awaiting_approval": Filter(state="approval"),
        "mine": Filter(assignee="me"),
        "open": Filter(),
    }
    for name, chosen in counted.items():
        assert getattr(figures, name) == store.count_matching(full.store, chosen, person=BEN, at=AT), name
    assert figures.mine == 20
    assert figures.waiting_customer == 2


def test_claims_of_one_order_or_customer_are_related(desk: Desk) -> None:
    one = desk.add(order_ref="O-1", customer_email="kim@example.com")
    two = desk.add(order_ref="O-1", item_ref="other")
    three = desk.add(customer_email="KIM@example.com")
    desk.add()
    assert [row.ref for row in store.related(desk.store, one.id)] == [three.ref, two.ref]
    alone = desk.add(order_ref=None, customer_email=None, claim_ref="T-9")
    assert store.related(desk.store, alone.id) == []


def _plan(connection: sa.Connection, query: sa.Select[Any]) -> list[str]:
    """How SQLite would answer a query, step by step."""
    compiled = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]


@on_sqlite
@pytest.mark.parametrize("chosen", [Filter(), Filter(verdict="deny"), Filter(state="us", assignee="nobody")])
@pytest.mark.parametrize("after", [None, (micros(AT), 300)])
def test_a_page_of_the_queue_is_a_range_of_one_covering_index(
    full: Desk, chosen: Filter, after: tuple[int, ...] | None
) -> None:
    with full.store.read() as connection:
        queries = page_queries(connection, chosen, ANA, micros(AT), 50, after=after)
        plans = [_plan(connection, query) for query in queries]
    ranges = ["queue_at=? AND id>?", "queue_at>?"] if after else ["queue_at>?"]
    assert plans == [[f"SEARCH claims USING COVERING INDEX claims_queue ({part})"] for part in ranges]


@on_sqlite
@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (Filter(assignee="me"), "claims_assignee"),
        (Filter(state="decided"), "claims_state"),
        (Filter(state="all", text="T-10"), "MULTI-INDEX OR"),
    ],
)
def test_other_lists_are_found_by_their_index(full: Desk, chosen: Filter, index: str) -> None:
    with full.store.read() as connection:
        plan = _plan(connection, page_queries(connection, chosen, ANA, micros(AT), 50)[0])
    assert index in " | ".join(plan)
    assert "SCAN claims" not in " | ".join(plan)


def test_pages_stay_whole_while_claims_are_added_before_and_behind(desk: Desk) -> None:
    there = [desk.add(claim_ref=f"A-{number:02d}").ref for number in range(30)]
    stop = threading.Event()

    def others() -> None:
        hours = 0
        while not stop.is_set() and hours < 200:
            hours += 1
            at = AT + timedelta(hours=hours % 7 - 3)
            store.add_claim(desk.store, actor=BEN, at=at, key=key(), facts=facts())

    adding = threading.Thread(target=others)
    adding.start()
    try:
        for _ in range(6):
            found = Counter(desk.queue(text="A-"))
            assert found == Counter(there)
            every = Counter(desk.queue())
            assert set(there) <= set(every)
            assert max(every.values()) == 1
    finally:
        stop.set()
        adding.join()


def test_a_filter_survives_an_address_and_drops_what_it_does_not_know() -> None:
    chosen = Filter(state="decided", verdict="deny", assignee="me", text="a b")
    assert Filter.of(chosen.params()) == chosen
    assert Filter().params() == {}
    wild = {"state": "?", "due": "x", "assignee": "-1", "imported": "1e9", "page": "7", "text": " x "}
    assert Filter.of(wild) == Filter(text="x")


def test_taking_the_next_claim_prefers_the_most_urgent_of_the_filter(desk: Desk) -> None:
    late = desk.add(**VERDICTS["deny"])
    store.set_setting(desk.store, actor=MIA, at=AT, name="answer_hours", value=8)
    urgent, other = desk.add(), desk.add(**VERDICTS["review"])
    given = {"actor": BEN, "at": AT}
    taken = store.take_next(desk.store, key=key(), filter=Filter(verdict="review"), **given)
    assert taken is not None
    assert taken.claim == other.id
    first = store.take_next(desk.store, key="same", **given)
    again = store.take_next(desk.store, key="same", **given)
    assert first is not None
    assert again is not None
    assert (first.claim, again.claim, again.repeated) == (late.id, late.id, True)
    assert store.take_next(desk.store, key=key(), **given) is not None
    assert store.take_next(desk.store, key=key(), **given) is None
    assert desk.claim(urgent.id).assignee == "Ben"


def test_eight_people_at_once_never_take_the_same_claim(desk: Desk) -> None:
    for _ in range(30):
        desk.add()
    taken: list[int] = []

    def take(person: int) -> None:
        while receipt := store.take_next(desk.store, actor=person, at=AT, key=key()):
            taken.append(receipt.claim)

    threads = [threading.Thread(target=take, args=(person,)) for person in (ANA, BEN, MIA, ANA, BEN, MIA, ANA, BEN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 31))
    desk.verified()


def _preview(desk: Desk, outcome: store.Outcome = "approve", chosen: store.Filter | None = None) -> store.Preview:
    given: dict[str, Any] = {"actor": ANA, "at": AT, "claims": chosen or Filter(), "outcome": outcome}
    return store.preview_decide_many(desk.store, **given)


def test_a_bulk_decision_does_what_its_preview_said_over_all_pages(desk: Desk) -> None:
    desk.load([facts(claim_ref=f"B-{n}", **VERDICTS[v]) for n, v in enumerate([*VERDICTS] * 60)])
    one, two = desk.add(order_ref="O-9"), desk.add(order_ref="O-9")
    preview = _preview(desk)
    assert (preview.will, preview.wont) == (61, 181)
    assert preview.refunds == {"USD": 61 * 1250}
    assert preview.reasons == {
        "The policy's verdict is Deny, not Approve: decide it by itself.": 60,
        "The policy's verdict is Need info, not Approve: decide it by itself.": 60,
        "The policy's verdict is Review, not Approve: decide it by itself.": 60,
        "Another of these claims is for the same item: only one of them is approved.": 1,
    }
    assert desk.number("SELECT count(*) FROM decisions") == 0
    given: dict[str, Any] = {"actor": ANA, "at": AT, "key": "bulk", "claims": Filter(), "outcome": "approve"}
    done = store.decide_many(desk.store, **given, seen=preview)
    assert (done.done, len(done.refused), done.total) == (61, 0, 61)
    assert [result.claim for result in done.results] == [number for number, _ in preview.pairs]
    assert {desk.claim(one.id).state, desk.claim(two.id).state} == {"decided", "new"}
    desk.add()
    again = store.decide_many(desk.store, **given, seen=preview)
    assert again == done
    assert desk.number("SELECT count(*) FROM decisions") == 61
    desk.verified()


def test_a_decision_on_a_filter_that_nobody_looked_at_is_refused(desk: Desk) -> None:
    claim = desk.add()
    with pytest.raises(store.Impossible, match="Look first at what would be decided"):
        store.decide_many(desk.store, actor=ANA, at=AT, key=key(), claims=Filter(), outcome="approve")
    assert desk.claim(claim.id).state == "new"


SINCE = {
    "one came in": (lambda desk, _: desk.add(), "1 claim changed or came in"),
    "one was noted": (lambda desk, claims: desk.do(store.note, claims[0], BEN, text="wait"), "1 claim changed"),
    "one was decided": (lambda desk, claims: desk.decide(claims[1], person=BEN), "1 claim changed"),
    "one came and two changed": (
        lambda desk, claims: [desk.add(), *(desk.do(store.assign, claim, to=BEN) for claim in claims[:2])],
        "3 claims changed",
    ),
}


@pytest.mark.parametrize("since", SINCE)
def test_a_bulk_decision_is_refused_where_it_would_do_other_than_what_was_seen(desk: Desk, since: str) -> None:
    claims = [desk.add() for _ in range(3)]
    seen = _preview(desk)
    happens, said = SINCE[since]
    happens(desk, claims)
    before = desk.number("SELECT count(*) FROM decisions")
    given: dict[str, Any] = {"actor": ANA, "at": AT, "key": key(), "claims": Filter(), "outcome": "approve"}
    with pytest.raises(store.Impossible, match=f"{said}.*look again"):
        store.decide_many(desk.store, **given, seen=seen)
    assert desk.number("SELECT count(*) FROM decisions") == before
    assert store.decide_many(desk.store, **given, seen=_preview(desk)).done >= 2


def test_what_does_not_concern_a_bulk_decision_may_happen_meanwhile(desk: Desk) -> None:
    desk.add()
    seen = _preview(desk)
    desk.add(**VERDICTS["deny"])
    given: dict[str, Any] = {"actor": ANA, "at": AT, "key": key(), "claims": Filter(), "outcome": "approve"}
    assert store.decide_many(desk.store, **given, seen=seen).done == 1


def test_a_preview_names_whatever_keeps_a_claim_from_being_decided(desk: Desk) -> None:
    had, waits, gone = desk.add(order_ref="O-1"), desk.add(**VERDICTS["deny"]), desk.add()
    desk.decide(had)
    desk.add(order_ref="O-1")
    desk.decide(waits, "approve", reason="known customer")
    stale = desk.add()
    desk.do(store.note, stale, BEN, text="hm")
    with desk.store.read() as connection:
        numbers = list(connection.execute(sa.select(tables.claims.c.id)).scalars())
    given: dict[str, Any] = {"actor": ANA, "at": AT, "outcome": "approve"}
    seen = store.preview_decide_many(desk.store, claims=[(number, 1) for number in [*numbers, 99]], **given)
    assert seen.pairs == ((gone.id, 1),)
    assert seen.reasons == {
        "It is decided, so there is nothing to decide.": 1,
        "It is waiting for a manager's approval, so there is nothing to decide.": 1,
        "Its item, or its whole order, has had a remedy on another claim: one remedy an item.": 1,
        "Somebody changed it since this page was loaded: look at it again.": 1,
        "There is no such claim.": 1,
    }


def test_a_preview_asks_as_often_for_many_claims_as_for_few(desk: Desk) -> None:
    asked: list[str] = []
    sa.event.listen(desk.store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    _preview(desk)
    for _ in range(2):
        desk.load([facts(claim_ref=key(), **VERDICTS[verdict]) for verdict in [*VERDICTS] * 30])
        asked.clear()
        _preview(desk)
        counts.append(len(asked))
    assert counts[0] == counts[1] < 30


def test_a_preview_goes_by_the_verdict_of_now(desk: Desk) -> None:
    waiting = desk.add(reason="major_defect", defect_approved=None, description="Calls drop after five seconds")
    later = AT + timedelta(days=60)
    assert waiting.holds_until is not None
    now = store.preview_decide_many(desk.store, actor=ANA, at=later, claims=Filter(), outcome="approve")
    assert (now.will + now.wont, desk.claim(waiting.id).holds_until) != (0, waiting.holds_until)


def test_a_repeated_bulk_act_returns_what_was_refused_too_and_does_no_more(desk: Desk) -> None:
    one, two = desk.add(order_ref="O-1"), desk.add(order_ref="O-1")
    given: dict[str, Any] = {"actor": ANA, "at": AT, "key": "marked", "outcome": "approve"}
    given["claims"] = [(one.id, 1), (two.id, 1)]
    first = store.decide_many(desk.store, **given)
    assert [result.done for result in first.results] == [True, False]
    desk.do(store.reopen, one, MIA, reason="a mistake")  # now nothing would stand against the second
    assert store.decide_many(desk.store, **given) == first
    assert desk.claim(two.id).state == "new"
    desk.verified()


def test_a_bulk_act_that_is_cut_off_says_so_and_goes_on_under_its_key(desk: Desk) -> None:
    desk.load([facts(claim_ref=f"C-{number}") for number in range(450)])
    seen, told = _preview(desk), list[tuple[int, int]]()
    given: dict[str, Any] = {"actor": ANA, "at": AT, "key": "long", "claims": Filter(), "outcome": "approve"}

    def told_and_gone(done: int, of: int) -> None:
        told.append((done, of))
        with desk.store.write() as connection:
            connection.execute(sa.update(tables.people).where(tables.people.c.id == ANA).values(active=False))

    cut = store.decide_many(desk.store, **given, seen=seen, progress=told_and_gone)
    assert told == [(200, 450)]
    assert (cut.done, cut.total, "not active" in cut.stopped) == (200, 450, True)
    with desk.store.write() as connection:
        connection.execute(sa.update(tables.people).where(tables.people.c.id == ANA).values(active=True))
    whole = store.decide_many(desk.store, **given, seen=seen, progress=lambda *_: None)
    assert (whole.done, whole.stopped) == (450, "")
    assert desk.number("SELECT count(*) FROM decisions") == 450
    desk.verified()


def test_an_import_whose_claims_a_bulk_act_left_alone_can_still_be_taken_back(desk: Desk) -> None:
    desk.load([facts(claim_ref="T-1", **VERDICTS["deny"])])
    claim = store.claim(desk.store, "T-1")
    assert claim is not None
    given: dict[str, Any] = {"claims": [(claim.id, 1)], "outcome": "approve"}
    assert store.decide_many(desk.store, actor=ANA, at=AT, key=key(), **given).done == 0
    assert store.undo_import(desk.store, 1, actor=MIA, at=AT) == 1
    desk.verified()


def test_a_bulk_act_on_marked_claims_leaves_those_that_others_changed(desk: Desk) -> None:
    one, two, three = desk.add(), desk.add(), desk.add()
    desk.decide(two, "deny", BEN, reason="withdrawn")
    pairs = [(claim.id, claim.version) for claim in (one, two, three)] + [(99, 1)]
    given = {"actor": ANA, "at": AT, "key": "marked", "claims": pairs, "outcome": "approve"}
    result = store.decide_many(desk.store, **given)
    assert [item.done for item in result.results] == [True, False, True, False]
    assert "Ben asked for approval" in result.refused[0].sentence
    assert result.refused[1].sentence == "There is no such claim."
    repeated = store.decide_many(desk.store, **given)
    assert [item.done for item in repeated.results] == [True, False, True, False]
    assert desk.number("SELECT count(*) FROM decisions WHERE status = 'standing'") == 2


def test_acts_on_many_say_beforehand_whose_claims_these_are(desk: Desk) -> None:
    mine, bens, nobodys = desk.add(), desk.add(), desk.add()
    desk.do(store.assign, mine, to=ANA)
    desk.do(store.assign, bens, to=BEN)
    for chosen in (Filter(), [(mine.id, 2), (bens.id, 1), (nobodys.id, 1)]):
        owners = store.preview_many(desk.store, actor=ANA, at=AT, claims=chosen)
        assert (owners.nobodys, owners.yours, owners.others, owners.closed) == (1, 1, {"Ben": 1}, 0)
    assert dict(owners.pairs)[bens.id] == 1, "the version that was seen, not that of now"
    given = store.assign_many(desk.store, actor=MIA, at=AT, key=key(), claims=owners.pairs, to=MIA)
    assert [result.done for result in given.results] == [True, False, True]
    assert "Ana gave this claim to Ben" in given.refused[0].sentence


def test_a_repeated_assignment_of_a_filter_returns_what_was_given(desk: Desk) -> None:
    for _ in range(3):
        desk.add()
    given: dict[str, Any] = {"actor": ANA, "at": AT, "key": "g", "claims": Filter(assignee="nobody"), "to": BEN}
    first = store.assign_many(desk.store, **given)
    later = desk.add()
    again = store.assign_many(desk.store, **given)
    assert sorted(again.results, key=str) == sorted(first.results, key=str)
    assert desk.claim(later.id).assignee == ""


def test_a_claim_that_time_will_settle_is_handed_out_last_and_said_so(desk: Desk) -> None:
    waiting = desk.add(
        reason="major_defect", defect_approved=None, description="Calls drop after five seconds every time"
    )
    with desk.store.write() as connection:
        named = tables.claims.c.id == waiting.id
        connection.execute(sa.update(tables.claims).where(named).values(verdict="pending", queue_at=1))
    other = desk.add()
    taken = [store.take_next(desk.store, actor=BEN, at=AT, key=key()) for _ in range(2)]
    assert [receipt and receipt.claim for receipt in taken] == [other.id, waiting.id]
    assert ["time alone will settle it" in receipt.sentence for receipt in taken if receipt] == [False, True]


def test_sentences_for_people_hold_no_codes(desk: Desk) -> None:
    claim = desk.add(**VERDICTS["need_info"])
    with pytest.raises(store.Impossible, match=r"verdict is Need info, so to approve"):
        desk.decide(claim)
    said = desk.decide(claim, reason="known customer").sentence
    assert "the policy's verdict (Need info)" in said
    other = desk.add(amount=128_000, currency="JPY")
    assert "128,000 JPY to be refunded" in desk.decide(other).sentence
    changed = desk.do(store.set_facts, desk.add(), changes={"sms_code_received": None})
    assert changed.sentence.endswith("the verdict is Need info.")
    own = desk.add(**VERDICTS["need_info"])
    desk.decide(own, person=MIA, reason="known customer")
    assert "against the policy's verdict, Need info" in store.events(desk.store, own.id)[-1].sentence


def test_many_claims_are_given_and_noted_at_once(desk: Desk) -> None:
    claims = [desk.add() for _ in range(3)]
    given = store.assign_many(desk.store, actor=ANA, at=AT, key=key(), claims=Filter(assignee="nobody"), to=BEN)
    assert given.done == 3
    store.note_many(desk.store, actor=ANA, at=AT, key=key(), claims=Filter(assignee=str(BEN)), text="call back")
    for claim in claims:
        assert [event.kind for event in store.events(desk.store, claim.id)] == ["created", "assigned", "noted"]
    desk.verified()


def test_a_verdict_that_time_has_changed_is_judged_anew_before_it_is_shown(desk: Desk) -> None:
    waiting = desk.add(
        reason="major_defect", defect_approved=None, description="Calls drop after five seconds every time"
    )
    fixed = desk.add()
    assert waiting.holds_until is not None
    assert store.rejudge_due(desk.store, AT) == 2
    assert store.rejudge_due(desk.store, AT) == 0
    later = AT + timedelta(days=90)
    assert store.rejudge_due(desk.store, later) == 1
    assert desk.claim(waiting.id).verdict != waiting.verdict
    assert desk.claim(fixed.id) == fixed
    assert store.rejudge_due(desk.store, later, everything=True) == 2
    desk.verified()


def test_the_journal_tells_of_all_claims_latest_first(desk: Desk) -> None:
    one, two = desk.add(), desk.add(BEN)
    desk.do(store.note, one, MIA, text="hello")
    told = store.journal(desk.store)
    assert [event.claim for event in told] == [one.id, two.id, one.id]
    assert [event.id for event in store.journal(desk.store, before=told[0].id, limit=1)] == [told[1].id]
    assert [event.person for event in store.journal(desk.store, person=BEN)] == ["Ben"]


def test_all_open_claims_are_judged_anew_where_the_policy_is_another(desk: Desk) -> None:
    claim, decided = desk.add(**VERDICTS["deny"]), desk.add()
    desk.decide(decided)
    assert store.rejudge_due(desk.store, AT) == 1, "the first time nothing is known of the policy"
    assert store.rejudge_due(desk.store, AT) == 0
    desk.store.policy = replace(POLICY, fingerprint="of another document")
    desk.sql("UPDATE claims SET verdict = 'approve', clause = '' WHERE id = 1")
    assert store.rejudge_due(desk.store, AT) == 1
    assert desk.claim(claim.id) == claim
    assert store.rejudge_due(desk.store, AT) == 0
