"""Files into the store: every row accounted for, once, and nothing while a question is open."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refundcore import accounts, intake, store
from refundcore.deadlines import micros
from refundcore.intake import IntakeError, Wishes
from refundcore.rules import judge

AT = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
MIA = 2
HEAD = "claim_ref,order_ref,customer_email,reason,purchased_at,submitted_at,amount,currency,note\n"
ROW = "{0},O-{0},c{0}@example.org,sms_not_received,2026-03-10,2026-03-12,{1},USD,x\n"


@pytest.fixture
def desk(tmp_path) -> store.Store:
    opened = store.connect(f"sqlite:///{tmp_path / 'refunds.db'}", at=AT)
    accounts.create_person(
        opened,
        actor=None,
        name="Ana",
        email="ana@example.org",
        role="agent",
        password="nine blue herons in Lund",
        at=AT,
    )
    accounts.create_person(
        opened,
        actor=None,
        name="Mia",
        email="mia@example.org",
        role="manager",
        password="nine blue herons in Lund",
        at=AT,
    )
    return opened


def bring(desk: store.Store, data: bytes, *, update: bool = False, **wishes: object) -> tuple[int, store.Balance]:
    file = intake.source(data, "claims.csv")
    plan = intake.plan(file, zone="UTC", wishes=Wishes(**wishes))
    number, balance = intake.bring_in(file, plan, desk, actor=1, at=AT, update=update)
    assert balance.holds, f"{balance} does not add up."
    return number, balance


def refs(desk: store.Store) -> list[str]:
    rows = store.queue(desk, store.Filter(state="all"), person=1, at=AT, limit=500).rows
    return sorted(row.ref for row in rows)


def test_rows_become_claims_and_the_balance_adds_up(desk):
    data = (HEAD + ROW.format("A", "1.00") + ROW.format("B", "x") + ROW.format("A", "1.00")).encode()

    _, balance = bring(desk, data)

    assert (balance.rows, balance.created, balance.duplicates, balance.rejected) == (3, 1, 1, 1)
    assert intake.sentence(balance) == "3 rows in the file: 1 created, 1 duplicate within the file, 1 rejected."
    assert refs(desk) == ["A"]


def test_the_same_file_twice_creates_nothing_new(desk):
    data = (HEAD + ROW.format("A", "1.00") + ROW.format("B", "2.00")).encode()
    bring(desk, data)

    _, again = bring(desk, data)

    assert (again.created, again.unchanged) == (0, 2)
    assert refs(desk) == ["A", "B"]


def test_a_reference_with_other_facts_is_never_overwritten_silently(desk):
    bring(desk, (HEAD + ROW.format("A", "1.00")).encode())
    changed = (HEAD + ROW.format("A", "9.00")).encode()

    assert bring(desk, changed)[1].conflicting == 1
    assert store.claim(desk, "A").facts["amount"] == 100

    assert bring(desk, changed, update=True)[1].updated == 1
    assert store.claim(desk, "A").facts["amount"] == 900


def test_rejects_come_out_as_a_file_that_can_be_mended_and_brought_again(desk):
    bad = (
        HEAD + ROW.format("A", "1.00") + ROW.format("B", "-5") + ROW.format("C", "2,x").replace("2,x", '"2,x"')
    ).encode()
    number, _ = bring(desk, bad)

    out = b"".join(intake.rejects_file(desk, number)).decode("utf-8-sig")
    assert out.splitlines()[0].endswith(",note,rejected_line,rejected_because")
    assert "B,O-B" in out
    assert "is negative" in out
    mended = out.replace(",-5,", ",5.00,").replace('"2,x"', "2.00")
    _, balance = bring(desk, mended.encode())

    assert (balance.rows, balance.created) == (2, 2)
    assert refs(desk) == ["A", "B", "C"]


def test_rejects_brought_again_as_they_are_are_rejected_again(desk):
    data = (HEAD + ROW.format("A", "1.00,spare") + ROW.format("B", "-5")).encode()
    number, balance = bring(desk, data)
    assert balance.rejected == 2

    _, again = bring(desk, b"".join(intake.rejects_file(desk, number)))

    assert (again.rows, again.rejected) == (2, 2)


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@x", "\tx"])
def test_what_a_spreadsheet_would_run_is_neutralised_in_the_file_of_rejects(desk, text):
    data = (HEAD + ROW.format("A", "-5").replace(",x\n", f',"{text}"\n')).encode()
    number, _ = bring(desk, data)

    out = b"".join(intake.rejects_file(desk, number)).decode("utf-8-sig")

    assert f"'{text}" in out
    assert "-5" in out


def test_nothing_is_stored_while_a_question_is_open(desk):
    data = (HEAD + ROW.format("A", "1.00").replace("2026-03-10", "01/02/2026")).encode()

    with pytest.raises(IntakeError, match="How are the dates of"):
        bring(desk, data)

    assert store.imports(desk) == []
    assert bring(desk, data, answers={"dates": "dmy"})[1].created == 1


def test_an_import_that_fails_half_way_leaves_nothing_behind(desk):
    file = intake.source((HEAD + ROW.format("A", "1.00")).encode())

    def fail(done: float, rows: int) -> None:
        raise RuntimeError(f"The power went at {done:.0%}, row {rows}.")

    with pytest.raises(RuntimeError, match="The power went"):
        intake.bring_in(file, intake.plan(file, zone="UTC"), desk, actor=1, at=AT, progress=fail)

    assert refs(desk) == []
    assert bring(desk, file.data)[1].created == 1


def test_what_was_said_of_a_header_is_remembered(desk):
    data = b"ref,why,note\nA,dead,x\nB,dead,y\n"
    wishes = {
        "mapping": {"note": "product", "why": "reason"},
        "meanings": {"reason": {"dead": "invalid_number"}},
        "constants": {"currency": "EUR"},
    }
    bring(desk, data, **wishes)

    later = intake.source(b"ref,why,note\nC,dead,z\n")
    first = intake.plan(later, zone="UTC")
    kept = intake.remembered(desk, first)
    plan = intake.plan(later, zone="UTC", wishes=kept)
    intake.bring_in(later, plan, desk, actor=1, at=AT)

    facts = store.claim(desk, "C").facts
    assert (facts["product"], facts["reason"], facts["currency"]) == ("z", "invalid_number", "EUR")


def test_a_column_left_out_for_its_cells_is_looked_at_anew_in_the_next_file(desk):
    bring(desk, b"claim_ref,customer\nA,17850.0\n")

    later = intake.source(b"claim_ref,customer\nB,bob@example.org\n")
    kept = intake.remembered(desk, intake.plan(later, zone="UTC"))

    assert intake.plan(later, zone="UTC", wishes=kept).mapping["customer"] == "customer_email"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C", ""]),
            st.sampled_from(["O-1", "O-2", ""]),
            st.sampled_from(["sms_not_received", "other", "nonsense", ""]),
            st.sampled_from(["1.00", "2.00", "-1", "1.005", ""]),
        ),
        max_size=12,
    )
)
def test_the_balance_always_holds_and_importing_twice_is_importing_once(desk, rows):
    text = "claim_ref,order_ref,reason,amount,currency\n" + "".join(f"{','.join(row)},USD\n" for row in rows)
    counted = sum(any(row) for row in rows)

    _, first = bring(desk, text.encode(), answers={"decimals": "."})
    before = refs(desk)
    _, second = bring(desk, text.encode(), answers={"decimals": "."})

    assert first.rows == second.rows == len(rows)
    assert counted <= first.rows
    assert second.created == 0
    assert refs(desk) == before


@pytest.mark.parametrize("hours", [0, 7, 1_000, 5_003])
def test_the_sample_meets_every_verdict_whenever_it_is_loaded(desk, hours):
    at = AT + timedelta(hours=hours)
    file = intake.sample(at)
    plan = intake.plan(file, zone="UTC")
    assert plan.ready

    found = intake.preview(file, plan, desk.policy, micros(at))

    assert found.rejected == 0
    assert set(found.verdicts) == {"approve", "exchange", "deny", "need_info", "pending", "review"}
    assert found.verdicts == intake.preview(intake.sample(AT), plan, desk.policy, micros(AT)).verdicts


def test_the_sample_is_an_import_like_any_other(desk):
    file = intake.sample(AT)

    _, balance = intake.bring_in(file, intake.plan(file, zone="UTC"), desk, actor=1, at=AT)

    assert balance.created == balance.rows >= 60


def test_every_clause_that_decides_is_met_by_the_sample(desk):
    file = intake.sample(AT)
    batch = next(intake.rows(file, intake.plan(file, zone="UTC")))

    verdicts = judge(batch.claims, desk.policy, micros(AT))

    cited = set(" ".join(verdicts["clauses"]).split())
    silent = {name for name, clause in desk.policy.clauses.items() if not set(clause.roles) - {"note", "clock", "fee"}}
    no_fees_are_set = {"C8c"}
    assert set(desk.policy.clauses) - silent - cited <= no_fees_are_set | {"C6a", "C6e"}


# Rows mended by hand, two people at once.

CELLS = st.tuples(
    st.sampled_from(["A", "B", "C", ""]),
    st.sampled_from(["O-1", "O-2", ""]),
    st.sampled_from(["sms_not_received", "other", ""]),
    st.sampled_from(["1.00", "2.00", "-1", "1.005", ""]),
)
NARROW_HEAD = "claim_ref,order_ref,reason,amount,currency\n"


def _text(rows: list[tuple[str, ...]]) -> str:
    return NARROW_HEAD + "".join(f"{','.join(row)},USD\n" for row in rows)


def _facts(desk: store.Store) -> list[tuple[object, ...]]:
    """What the claims of a store are, apart from their numbers."""
    with desk.read() as connection:
        query = "SELECT claim_ref, order_ref, reason, amount, currency, verdict FROM claims"
        return sorted(map(tuple, connection.exec_driver_sql(query)), key=repr)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(st.lists(CELLS, min_size=1, max_size=8), st.dictionaries(st.integers(0, 7), CELLS, max_size=4))
def test_mending_rows_here_is_importing_the_mended_file(desk, given_rows, mends):
    mends = {place: row for place, row in mends.items() if place < len(given_rows)}
    stores = []
    for here in (True, False):
        rows = list(given_rows)
        mended = {place + 2: [*row, "USD"] for place, row in mends.items()}
        if not here:
            rows = [mends.get(place, row) for place, row in enumerate(rows)]
            mended = {}
        file = intake.source(_text(rows).encode(), "claims.csv")
        plan = intake.plan(file, zone="UTC", wishes=Wishes(answers={"decimals": "."}))
        number, balance = intake.bring_in(file, plan, desk, actor=1, at=AT, mended=mended)
        assert balance.holds
        assert balance.rows == len(rows)
        _, again = intake.bring_in(file, plan, desk, actor=1, at=AT, mended=mended)
        assert again.created == 0
        stores.append((balance, _facts(desk)))
        store.undo_import(desk, number, actor=MIA, at=AT)
        assert not _facts(desk)
    assert stores[0] == stores[1]


@pytest.mark.parametrize("same", [True, False])
def test_two_people_who_import_at_once_create_each_claim_once_and_lose_no_row(desk, same):
    person = {"name": "Ben", "email": "ben@example.org", "role": "agent", "password": "nine blue herons in Lund"}
    accounts.create_person(desk, actor=None, at=AT, **person)
    text = HEAD + "".join(ROW.format(f"T{number}", "1.00") for number in range(3_000))
    files = [text, text if same else text + ROW.format("LAST", "1.00")]
    results: list[store.Balance | str] = []
    gate = threading.Barrier(2)

    def send(actor: int, data: bytes) -> None:
        file = intake.source(data, "claims.csv")
        plan = intake.plan(file, zone="UTC")
        gate.wait()
        try:
            results.append(intake.bring_in(file, plan, desk, actor=actor, at=AT)[1])
        except store.StoreError as refusal:
            results.append(str(refusal))

    threads = [
        threading.Thread(target=send, args=(actor, data.encode())) for actor, data in zip((1, 2), files, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 2
    balances = [result for result in results if isinstance(result, store.Balance)]
    assert all("importing this very file now" in result for result in results if isinstance(result, str))
    assert sum(balance.created for balance in balances) == (3_000 if same else 3_001)
    assert all(balance.holds for balance in balances)
    assert store.verify(desk).good
    for data in files:
        assert bring(desk, data.encode())[1].unchanged == data.count("\n") - 1
