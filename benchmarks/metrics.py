"""How fast the metrics page has its data, beside plain GROUP BY and pandas; what keeping the figures costs.

    python benchmarks/metrics.py [SIZE ...] [--pandas-to N] [--keep FOLDER]

For each SIZE (10,000, 100,000 and 1,000,000; 10,000,000 takes some 15 minutes and 12 GB of disk) claims are generated
straight into a store: two years, five reasons, four currencies, most decided. Events are left out, since no figure of
the page is read from them but answers, which are made with the claims. Then the same questions are asked for the last
365 days three ways: from the desk's own figures, by plain SQL with GROUP BY over claims and decisions, and by pandas,
which loads the columns and groups them. The answers are compared before anything is timed. A combination of filters
that the daily figures don't hold is timed too. The last lines are the ratios; what keeping costs an import and a
decision is measured at the end in one run, with and without.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from store_of_tests import ANA, AT, batch, facts, open_desk  # noqa: E402 - the folder of the tests is put on the path

from refundcore import metrics, store  # noqa: E402
from refundcore.charts import CHARTS, Asked  # noqa: E402
from refundcore.deadlines import DAY, micros  # noqa: E402
from refundcore.metrics import Frame  # noqa: E402
from refundcore.store import figure_keeping, sqlite  # noqa: E402

END = datetime(2026, 5, 12, tzinfo=UTC)
TODAY = END.date()
FRAME = Frame(TODAY - timedelta(days=364), TODAY)
SPAN = 730
OPEN = 20_000
"""At most so many of the newest claims are undecided."""

GENERATE = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :size),
r AS MATERIALIZED (SELECT i, abs(random()) AS a, abs(random()) AS b, abs(random()) AS c FROM n)
INSERT INTO claims (id, ref, state, outcome, version, created_at, updated_at, answer_from, verdict, leaning, clause,
  clauses, missing, asked_for, queue_at, act_by, order_ref, customer_email, email_key, product, reason, description,
  channel, purchased_at, purchased_at_latest, submitted_at, submitted_at_latest, amount, currency, payment_method,
  assignee_id)
SELECT i, 'G-' || i,
  CASE WHEN i > :open THEN 'new' ELSE 'decided' END, CASE WHEN i > :open THEN '' ELSE 'x' END, 2,
  :start + i * :step, 0, 0, 'approve', '', 'C4a', 'C4a', '', '',
  CASE WHEN i > :open THEN :start + i * :step + 86400000000 END, NULL, 'O-' || i, 'c' || i || '@example.com',
  'c' || i || '@example.com', 'Number, ' || (a % 60),
  substr('sms_not_receivedinvalid_number  major_defect    incompatibility other           ', 1 + 16 * (b % 5), 16),
  'I waited for the code for two hours and tried it with two services, but none came at all.',
  substr('emailform chat phonecsv  ', 1 + 5 * (c % 5), 5), :start + i * :step - (1 + a % 9) * 86400000000,
  :start + i * :step - (1 + a % 9) * 86400000000, :start + i * :step, :start + i * :step, 300 + b % 9000,
  substr('USDUSDUSDEURGBPJPY', 1 + 3 * (a % 6), 3), substr('card  card  paypalcrypto', 1 + 6 * (c % 4), 6),
  1 + b % 4 FROM r
"""
TIDY = "UPDATE claims SET reason = trim(reason), channel = trim(channel), payment_method = trim(payment_method)"
DECIDE = """
INSERT INTO decisions (claim_id, event_id, at, person_id, outcome, status, override, verdict, clause, policy, reason,
  reply, refund, fee, currency, order_ref, item_ref, remedy, approver_reason)
SELECT id, 1, submitted_at + 3600000000 * (1 + abs(random()) % 200), 1 + abs(random()) % 4,
  CASE amount % 3 WHEN 0 THEN 'deny' ELSE 'approve' END, 'standing', amount % 20 = 0,
  CASE amount % 3 WHEN 0 THEN 'deny' ELSE 'approve' END, 'C' || (3 + amount % 6), 'p', '', '',
  CASE amount % 3 WHEN 0 THEN NULL ELSE amount - amount % 7 END, CASE amount % 3 WHEN 0 THEN NULL ELSE amount % 7 END,
  currency, '', '', '', '' FROM claims WHERE state = 'decided'
"""


def made(folder: Path, size: int) -> store.Store:
    """A store with so many claims, and its figures."""
    opened = open_desk(folder).store
    path = folder / "made"
    if path.exists():
        return opened
    began = time.monotonic()
    first = micros(END) - SPAN * DAY
    values = {
        "size": size, "start": first, "step": SPAN * DAY // size, "open": size - min(OPEN, size // 50),
    }  # fmt: skip
    raw = sqlite.library().connect(str(opened.path))  # the events that decisions name are left out
    raw.execute("PRAGMA synchronous = OFF")
    for statement in (GENERATE, TIDY, DECIDE):
        raw.execute(statement, values if statement is GENERATE else {})
    raw.commit()
    raw.close()
    generated = time.monotonic() - began
    figure_keeping.rebuild(opened, micros(AT))
    spent = time.monotonic() - began - generated
    with opened.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    with opened.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    path.touch()
    print(f"{size:,} claims were generated in {generated:.0f} s; their figures made in {spent:.1f} s", flush=True)
    return opened


PERIOD = f"{micros(datetime(FRAME.first.year, FRAME.first.month, FRAME.first.day, tzinfo=UTC))}"
"""The first instant of the period; it ends with the data."""
JOIN = f"FROM decisions d JOIN claims c ON c.id = d.claim_id WHERE d.status = 'standing' AND d.at >= {PERIOD}"
CAME = f"FROM claims c WHERE c.submitted_at >= {PERIOD}"
LAST = f" AND d.at < {micros(END + timedelta(days=1))}"

Told = dict[tuple[Any, ...], Any]


def _of(rows: list[dict[str, Any]], *by: str, of: str = "n") -> Told:
    return {tuple(row[name] for name in by): row[of] for row in rows}


QUESTIONS: dict[str, tuple[tuple[str, tuple[str, ...], str, str], str, Callable[[pd.DataFrame, pd.DataFrame], Any]]] = {
    # question: (kind, by, facet, sum), plain SQL, pandas
    "claims by day and reason": (
        ("came", ("day", "reason"), "", "n"),
        f"SELECT c.submitted_at / {DAY}, c.reason, count(*) {CAME} GROUP BY 1, 2",
        lambda claims, _: claims.groupby([claims.submitted_at // DAY, "reason"]).size(),
    ),
    "decisions by reason and outcome": (
        ("decided", ("reason", "what"), "", "n"),
        f"SELECT c.reason, d.outcome, count(*) {JOIN}{LAST} GROUP BY 1, 2",
        lambda _, decided: decided.groupby(["reason", "outcome"]).size(),
    ),
    "money by currency and outcome": (
        ("decided", ("currency", "what"), "", "refund"),
        f"SELECT c.currency, d.outcome, coalesce(sum(d.refund), 0) {JOIN}{LAST} GROUP BY 1, 2",
        lambda _, decided: decided.groupby(["currency", "outcome"]).refund.sum(),
    ),
    "decisions by clause": (
        ("clause", ("what",), "", "n"),
        f"SELECT d.clause, count(*) {JOIN}{LAST} GROUP BY 1",
        lambda _, decided: decided.groupby(["clause"]).size(),
    ),
    "decisions by day": (
        ("decided", ("day",), "", "n"),
        f"SELECT d.at / {DAY}, count(*) {JOIN}{LAST} GROUP BY 1",
        lambda _, decided: decided.groupby([decided["at"] // DAY]).size(),
    ),
    "decisions by payment method": (
        ("decided", ("value",), "method", "n"),
        f"SELECT c.payment_method, count(*) {JOIN}{LAST} GROUP BY 1",
        lambda _, decided: decided.groupby(["payment_method"]).size(),
    ),
    "decisions by agent": (
        ("decided", ("value",), "agent", "n"),
        f"SELECT CAST(d.person_id AS TEXT), count(*) {JOIN}{LAST} GROUP BY 1",
        lambda _, decided: decided.groupby([decided.person_id.astype(str)]).size(),
    ),
    "refunds by product": (
        ("decided", ("value",), "product", "refund"),
        f"SELECT c.product, coalesce(sum(d.refund), 0) {JOIN}{LAST} GROUP BY 1",
        lambda _, decided: decided.groupby(["product"]).refund.sum(),
    ),
}


def kept(opened: store.Store) -> dict[str, Told]:
    """The answers from the desk's figures."""
    with opened.read() as connection:
        return {
            name: _of(metrics.reading.sums(connection, kind, FRAME, by, facet=facet), *by, of=of)
            for name, ((kind, by, facet, of), _, _) in QUESTIONS.items()
        }


def grouped(opened: store.Store) -> dict[str, Told]:
    """The answers by plain GROUP BY."""
    with opened.read() as connection:
        return {
            name: {tuple(row[:-1]): row[-1] for row in connection.exec_driver_sql(sql)}
            for name, (_, sql, _) in QUESTIONS.items()
        }


def loaded(opened: store.Store) -> dict[str, Told]:
    """The answers by pandas: the columns that are needed, of the rows of the period, then grouped."""
    with opened.read() as connection:
        claims = pd.read_sql(
            f"SELECT c.submitted_at, c.reason {CAME}",
            connection,
        )
        columns = "c.reason, c.currency, c.payment_method, c.product, d.at, d.outcome, d.clause, d.person_id, d.refund"
        decided = pd.read_sql(f"SELECT {columns} {JOIN}{LAST}", connection)
    found = {}
    for name, (_, _, ask) in QUESTIONS.items():
        series = ask(claims, decided)
        found[name] = {key if isinstance(key, tuple) else (key,): int(value) for key, value in series.items()}
    return found


def timed(what: Callable[[], Any], repeat: int) -> float:
    """The middle of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        what()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(opened: store.Store, size: int, pandas_to: int) -> tuple[float, float]:
    """Compare the ways, print their times; the seconds of the desk's own and of plain GROUP BY."""
    ours, plain = kept(opened), grouped(opened)
    for name in QUESTIONS:
        if ours[name] != plain[name]:
            raise SystemExit(f"{size:,}: the answers to '{name}' differ.")
    own = timed(lambda: kept(opened), 5)
    by_sql = timed(lambda: grouped(opened), 3 if size <= 100_000 else 1)
    page = timed(lambda: metrics.headline(opened, FRAME, TODAY), 5)
    asked = Asked(opened, FRAME, "week", TODAY, micros(END), opened.policy.zone)
    drawn = {name: timed(lambda entry=entry: entry.draw(asked), 1) for name, entry in CHARTS.items()}
    combined = Frame(FRAME.first, FRAME.last, method="card", channel="email", product="Number, 7")
    exact = timed(lambda: metrics.headline(opened, combined, TODAY), 1)
    one = timed(lambda: metrics.read(opened, "decided", combined, ("reason", "what")), 1)
    listed = timed(lambda: metrics.behind(opened, metrics.pick("decided", FRAME, "n", "refund", what="approve")), 1)
    told = f"{size:>11,}: figures {own * 1000:8.1f} ms, GROUP BY {by_sql:8.3f} s"
    if size <= pandas_to:
        by_pandas = timed(lambda: loaded(opened), 1)
        if loaded(opened) != plain:
            raise SystemExit(f"{size:,}: pandas answers otherwise.")
        told += f", pandas {by_pandas:8.3f} s"
    print(told)
    print(f"{'':>13}headline {page * 1000:.1f} ms; all charts drawn {sum(drawn.values()) * 1000:.0f} ms,"
          f" the slowest {max(drawn, key=drawn.__getitem__)} {max(drawn.values()) * 1000:.0f} ms")  # fmt: skip
    print(f"{'':>13}three filters at once, summed exactly: one question {one:.3f} s, the whole headline {exact:.3f} s;"
          f" the claims behind all refunds {listed:.3f} s", flush=True)  # fmt: skip
    return own, by_sql


def costs(folder: Path) -> tuple[float, float]:
    """What keeping the figures costs an import and a decision: with them, as a multiple of without."""
    rows = [
        facts(
            claim_ref=f"I-{n}", submitted_at=micros(AT - timedelta(hours=n % 2000)),
            purchased_at=micros(AT - timedelta(hours=n % 2000 + 40)), channel=("email", "form")[n % 2],
            payment_method=("card", "paypal")[n % 2], product=f"Number, {n % 60}",
        )
        for n in range(50_000)
    ]  # fmt: skip
    given = batch(rows)
    none = mock.DEFAULT
    spent: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    for turn in range(6):
        name = ("with", "without")[turn % 2]
        home = folder / f"cost-{turn}"
        home.mkdir()
        desk = open_desk(home)
        quiet = dict.fromkeys(("keep", "add_batch", "count"), none) if name == "without" else {}
        with mock.patch.multiple(figure_keeping, **quiet) if quiet else mock.patch.object(sys, "argv", sys.argv):
            began = time.perf_counter()
            number = desk.begin()
            store.import_batch(desk.store, number, actor=ANA, at=AT, **given)
            store.finish_import(desk.store, number, actor=ANA, at=AT)
            imported = time.perf_counter() - began
            for claim in range(1, 11):
                _decide(desk.store, claim)
            began = time.perf_counter()
            for claim in range(11, 311):
                _decide(desk.store, claim)
            decided = time.perf_counter() - began
        spent[name].append((imported, decided))
        if name == "with" and not store.verify(desk.store).good:
            raise SystemExit("The figures are not those of the claims.")
        desk.store.engine.dispose()
    best = {name: [min(column) for column in zip(*values, strict=True)] for name, values in spent.items()}
    print(f"an import of 50,000 rows: {best['with'][0]:.2f} s with figures, {best['without'][0]:.2f} s without")
    milliseconds = [best[name][1] / 300 * 1000 for name in ("with", "without")]
    print(f"a decision: {milliseconds[0]:.2f} ms with figures, {milliseconds[1]:.2f} ms without")
    return best["with"][0] / best["without"][0], best["with"][1] / best["without"][1]


def _decide(opened: store.Store, claim: int) -> None:
    store.decide(opened, actor=ANA, at=AT, key=f"b {claim}", claim=claim, version=1, outcome="approve")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--pandas-to", type=int, default=1_000_000, metavar="N", help="no pandas above N claims")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the stores, and use those that are there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found: dict[int, tuple[float, float]] = {}
        for size in args.sizes:
            folder = (args.keep or Path(temporary)) / str(size)
            folder.mkdir(parents=True, exist_ok=True)
            opened = made(folder, size)
            found[size] = measure(opened, size, args.pandas_to)
            opened.engine.dispose()
        least, most = min(found), max(found)
        importing, deciding = costs(Path(temporary))
    print(f"{most:,} claims take {found[most][0] / found[least][0]:.1f} times what {least:,} take.")
    print(f"At {most:,} the figures are {found[most][1] / found[most][0]:,.0f} times as fast as plain GROUP BY.")
    print(f"Keeping them costs an import {importing:.2f} times, a decision {deciding:.2f} times.")


if __name__ == "__main__":
    main()
