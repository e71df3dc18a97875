"""History: claims that were decided before come in as decided, and the totals of real files come out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from store_of_tests import ANA, AT, open_desk

from refundcore import intake, metrics, store
from refundcore.intake import IntakeError
from refundcore.intake.history import past_of
from refundcore.metrics import Frame, pick
from refundcore.store.history import Past, record_history

EVER = Frame(date(2000, 1, 1), date(2026, 12, 31))


@pytest.fixture
def desk(tmp_path):
    opened = open_desk(tmp_path)
    yield opened
    opened.store.engine.dispose()


def bring(desk, path: Path | bytes, **words: str):
    """Import a file with its past, as the command does."""
    file = intake.source(path, "claims.csv")
    plan = intake.plan(file, zone="UTC")
    assert plan.ready, (plan.questions, plan.blockers)
    past = past_of(file, plan, words)
    _, balance = intake.bring_in(file, plan, desk.store, actor=ANA, at=AT)
    told = (Past(one.ref, one.outcome, one.at, one.refund) for one in past)
    return balance, record_history(desk.store, told, actor=ANA, at=AT)


def money_of(desk) -> dict[str, tuple[int, int]]:
    return {one.currency: (one.refunds, one.net) for one in metrics.headline(desk.store, EVER, AT.date()).money}


def test_what_was_paid_on_claims_of_2014_comes_out(desk, corpus):
    """2,360 of the TSA's claims were approved or settled, for 538,739.51 USD in all (MANIFEST of the real files)."""
    balance, recorded = bring(desk, corpus / "claims" / "tsa_2014.csv")
    found = metrics.headline(desk.store, EVER, AT.date())

    assert balance.created == found.claims == 8855
    assert recorded.decided == found.decisions == 2758 + 1668 + 692
    assert money_of(desk)["USD"] == (2360, 53873951)
    behind = metrics.behind(desk.store, pick("decided", EVER, "n", "refund", what="approve"))
    assert (behind.count, dict(behind.sums)) == (2360, {"USD": 53873951})
    outcomes = {row["what"]: row["n"] for row in metrics.read(desk.store, "decided", EVER, ("what",))}
    assert outcomes == {"deny": 2758, "approve": 1668 + 692}
    assert found.overridden == 0
    assert found.median is None  # nobody knows when they were decided
    assert store.verify(desk.store).good


def test_the_refunds_of_a_shop_come_out(desk, corpus):
    """3,783 cancelled lines of the Online Retail data, 357,898.95 GBP in all (UCI, CC BY 4.0)."""
    balance, recorded = bring(desk, corpus / "claims" / "online_retail_2010-12_2011-05.csv")

    assert balance.created == 3783
    assert recorded.decided == 3783
    assert money_of(desk)["GBP"] == (3783, 35789895)
    assert sum(row["n"] for row in metrics.read(desk.store, "bought", EVER)) == 2717


CSV = b"""claim_ref,order_ref,reason,submitted_at,amount,currency,outcome,decided_at,refunded_amount
A,O-1,other,2024-05-01T10:00:00Z,10.00,USD,Approved,2024-05-03T10:00:00Z,8.50
B,O-2,other,2024-05-01T10:00:00Z,10.00,USD,Denied,2024-05-02T10:00:00Z,
C,O-3,other,2024-05-01T10:00:00Z,10.00,USD,,,
D,O-4,other,2024-05-01T10:00:00Z,10.00,USD,,,2.00
E,O-1,other,2024-05-01T10:00:00Z,10.00,USD,Replaced,,
"""


def test_decided_rows_come_in_as_decided_and_the_others_as_new(desk):
    _, recorded = bring(desk, CSV)
    claims = {ref: store.claim(desk.store, ref) for ref in "ABCDE"}

    assert {ref: (one.state, one.outcome) for ref, one in claims.items()} == {
        "A": ("decided", "approved"),
        "B": ("decided", "denied"),
        "C": ("new", ""),
        "D": ("decided", "approved"),
        "E": ("decided", "exchanged"),
    }
    assert (recorded.decided, recorded.left) == (4, 0)
    assert money_of(desk)["USD"] == (2, 1050)
    assert store.payouts_of(desk.store, claims["A"].id) == []
    took = metrics.read(desk.store, "took", EVER, ("what",))
    assert sum(metrics.times(took).values()) == 2  # those whose day of decision is known
    assert metrics.headline(desk.store, EVER, AT.date()).answered.whole == 1  # C alone came to be answered here
    desk.verified()


def test_the_same_history_again_changes_nothing_and_work_since_is_left(desk):
    bring(desk, CSV)
    number = store.claim(desk.store, "C").id
    desk.do(store.note, number, text="Looked at it.")
    before = metrics.headline(desk.store, EVER, AT.date())
    _, recorded = bring(desk, CSV.replace(b"USD,,,\n", b"USD,Denied,,\n"))

    assert (recorded.decided, recorded.left) == (0, 5)
    assert metrics.headline(desk.store, EVER, AT.date()) == before


def test_a_word_that_nobody_explained_stops_it_before_anything_is_stored(desk):
    strange = CSV.replace(b"Denied", b"Bounced")
    with pytest.raises(IntakeError, match="“Bounced” means: --outcome 'Bounced=approve'"):
        bring(desk, strange)
    assert metrics.first_and_last(desk.store) is None

    bring(desk, strange, Bounced="deny")
    assert store.claim(desk.store, "B").outcome == "denied"


REFUSED = [
    (b"order_ref,outcome\nO-1,approve\n", "needs a reference"),
    (b"claim_ref,order_ref\nA,O-1\n", "tells no outcome"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_a_file_without_a_past_is_refused(desk, text, says):
    with pytest.raises(IntakeError, match=says):
        bring(desk, text)
