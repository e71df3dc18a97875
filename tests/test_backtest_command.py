"""The command `backtest`: a changed document tried on the store or on files, streamed, swept, and on a cluster."""

from __future__ import annotations

import builtins
import csv
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic
from store_of_tests import AT, MIA, open_desk

from refundcore import cluster, policy
from refundcore.__main__ import main
from refundcore.backtest import Population, Tally, compare, flips
from refundcore.columnar import parts
from refundcore.commands import backtest
from refundcore.deadlines import FAR_PAST, iso, micros
from refundcore.editions import Editions
from refundcore.facts import BY_NAME, Claims
from refundcore.intake.problems import IntakeError
from refundcore.store.population import Chosen, population
from refundcore.store.ruling import take_up

AS_OF = "2024-06-03T00:00:00Z"
SIZE = 1_500


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    """The policy with a longer window for the first reason."""
    text = policy.DOCUMENT.read_text()
    made = tmp_path / "new.toml"
    made.write_text(
        text.replace("[clauses.C4c.window_days]\n2024-04-02 = 7", "[clauses.C4c.window_days]\n2024-04-02 = 10")
    )
    return made


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return synthetic.claims(SIZE, 11)


@pytest.fixture(scope="module")
def parquet(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two row groups, so that a cluster has two parts."""
    path = tmp_path_factory.mktemp("claims") / "claims.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=SIZE // 2)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def editions(longer: Path) -> tuple[Editions, Editions]:
    now = Editions.only(policy.load())
    return now, now.with_draft(policy.load(longer), FAR_PAST)


def written(frame: pd.DataFrame, path: Path) -> Path:
    """The claims that are known to the moment, as a file of people."""
    cells = pd.DataFrame({"claim_ref": frame["claim_ref"]})
    for name in frame.columns:
        fact = BY_NAME.get(name)
        if fact is None or fact.kind == "money":
            continue
        values = frame[name].array._pa_array.to_pylist()
        if fact.kind == "instant":
            values = [None if at is None else iso(at) for at in values]
        cells[name] = ["" if value is None else str(value) for value in values]
    cells["amount"] = ["10"] * len(frame)
    cells.to_csv(path, index=False)
    return path


def test_flips_of_a_file_are_summed_up_and_listed(frame, longer, tmp_path, capsys):
    named = frame[frame["claim_ref"].notna()]
    file, out = written(named, tmp_path / "claims.csv"), tmp_path / "flips.csv"
    assert main(["backtest", "--policy", str(longer), "--claims", str(file), "--as-of", AS_OF, "-o", str(out)]) == 0
    said, listed = capsys.readouterr().out, rows(out)

    assert f"{len(named):,} claims judged by both policies, {len(listed)} verdicts flip." in said
    assert listed
    assert set(listed[0]) == set(backtest.COLUMNS)
    assert all(row["before"] != row["after"] and row["clause"] for row in listed)
    assert {row["reason"] for row in listed} <= {"sms_not_received", ""}
    assert "Reviews +" in said
    assert "By clause: C4c" in said


def test_a_parquet_file_gives_what_its_claims_give(frame, parquet, longer, tmp_path, capsys):
    out = tmp_path / "flips.csv"
    assert main(["backtest", "--policy", str(longer), "--claims", str(parquet), "--as-of", AS_OF, "-o", str(out)]) == 0
    alone = compare(Population.of_facts(Claims.of(frame), synthetic.AS_OF), *editions(longer))

    assert [(row["claim_ref"], row["before"], row["after"]) for row in rows(out)] == [
        (flip.name, flip.before, flip.after) for flip in flips(alone)
    ]
    assert f"{Tally.of(alone, policy.load()).flips} verdicts flip" in capsys.readouterr().out


def test_parquet_of_texts_and_times_is_read_as_cells_are(tmp_path):
    path = tmp_path / "texts.parquet"
    table = {
        "order_ref": ["O-1"],
        "submitted_at": pa.array([1_717_372_800_000], pa.timestamp("ms", "UTC")),
        "purchased_at": ["2024-06-01"],
        "sms_code_received": ["no"],
        "amount": ["10.50"],
        "currency": ["USD"],
        "colour": ["red"],
    }
    pq.write_table(pa.table(table), path)
    (claims,) = parts(path, "UTC")

    assert claims.columns["submitted_at"].to_pylist() == [1_717_372_800_000_000]
    assert claims.columns["amount"].to_pylist() == [1050]
    assert claims.columns["sms_code_received"].to_pylist() == [False]
    early, late = (claims.columns[name][0].as_py() for name in ("purchased_at", "purchased_at_latest"))
    assert late - early == 86_400_000_000 - 1


def test_a_file_that_is_no_parquet_is_refused_with_a_sentence(tmp_path):
    wrong = tmp_path / "claims.parquet"
    wrong.write_text("order_ref\nO-1\n")
    with pytest.raises(IntakeError, match="cannot be read as Parquet"):
        list(parts(wrong, "UTC"))


@pytest.fixture
def desk(tmp_path: Path):
    opened = open_desk(tmp_path)
    take_up(opened.store, AT)
    yield opened
    opened.store.engine.dispose()


def late_claim(desk, days: int = 9, **others):
    bought = micros(AT - timedelta(days=days))
    return desk.add(ordered_at=bought, purchased_at=bought, submitted_at=micros(AT - timedelta(hours=1)), **others)


def address(desk) -> str:
    return desk.store.engine.url.render_as_string(hide_password=False)


def test_the_claims_of_a_store_are_tried_at_the_moment_of_their_decision(desk, longer, tmp_path, capsys):
    bad = late_claim(desk)
    desk.decide(bad, "approve", MIA, reason="A good customer.")
    desk.decide(late_claim(desk), "deny")
    waiting = desk.add(sms_code_received=None)
    out = tmp_path / "flips.csv"
    words = ["backtest", "--policy", str(longer), "--as-of", "2026-08-01T00:00:00Z", "--store", address(desk)]
    assert main([*words, "-o", str(out)]) == 0
    said, listed = capsys.readouterr().out, rows(out)

    assert "3 claims judged by both policies, 2 verdicts flip." in said
    assert {row["decided"] for row in listed} == {"approve", "deny"}
    assert {(row["before"], row["after"], row["clause"]) for row in listed} == {("deny", "review", "C4c")}
    assert "regular: 1; the reverse: 0" in said
    assert waiting.ref not in {row["claim_ref"] for row in listed}


def test_what_is_read_for_a_backtest_is_judged_as_the_store_judges(desk):
    for number in range(12):
        late_claim(desk, number, reason=("sms_not_received", "major_defect", "invalid_number")[number % 3])
    (part,) = population(desk.store, micros(AT))
    codes = desk.store.laws.coded(part.read, part.since)
    kept = [desk.claim(ref).verdict for ref in part.names.to_pylist()]

    assert len(part) == 12
    assert [("approve", "exchange", "deny", "need_info", "pending", "review")[code] for code in codes.verdict] == kept


def test_a_chosen_set_of_claims(desk):
    late_claim(desk, claim_ref="A")
    late_claim(desk, claim_ref="B", reason="other")

    def names(**chosen):
        return [ref for part in population(desk.store, micros(AT), Chosen(**chosen)) for ref in part.names.to_pylist()]

    assert names() == ["A", "B"]
    assert names(reason="other") == names(ref="B") == ["B"]
    assert names(end=micros(AT - timedelta(days=1))) == []
    assert names(start=micros(AT - timedelta(days=1))) == ["A", "B"]


def test_what_was_erased_counts_as_it_did(desk):
    claim = desk.add()
    desk.decide(claim, "approve")
    desk.sql("UPDATE claims SET customer_email = 'erased on 2026-05-12', description = 'erased on 2026-05-12'")
    (part,) = population(desk.store, micros(AT))

    assert desk.store.laws.coded(part.read, part.since).verdict.tolist() == [0]


def test_a_sweep_prints_a_line_a_value(parquet, longer, capsys):
    words = ["backtest", "--policy", str(longer), "--claims", str(parquet), "--as-of", AS_OF]
    assert main([*words, "--sweep", "C4c.window_days=3..21"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("C4c.window_days: flips, approvals, reviews, refunds")
    found = {int(line.split(":")[0]): line.split(": ")[1] for line in lines[at + 1 :]}

    assert list(found) == list(range(3, 22))
    assert found[7].startswith("0, +0, +0, the same")
    assert found[10].split(",")[0] == lines[0].split(", ")[1].split()[0]


REFUSED = [
    (["--sweep", "C4c=3"], "is not written as C4c.window_days=3..21"),
    (["--sweep", "C4c.nothing=3..9"], "Clause C4c has no number called nothing"),
    (["--from", "soon"], "'soon' is not a day"),
    (["--as-of", "soon"], "'soon' is not an instant"),
    (["--cluster", "tcp://127.0.0.1:1"], "--cluster judges a Parquet file"),
    (["--claims", "/nowhere.csv"], "/nowhere.csv cannot be read"),
    (["--claims", "/nowhere.parquet"], "cannot be read as Parquet"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED, ids=str)
def test_what_cannot_be_tried_is_refused_with_a_sentence(longer, desk, words, sentence, capsys):
    given = ["backtest", "--policy", str(longer), "--store", address(desk), *words]
    assert main(given) == 2
    assert sentence in capsys.readouterr().err


def test_rows_that_cannot_be_read_are_told_and_left_out(longer, tmp_path, capsys):
    file = tmp_path / "claims.csv"
    file.write_text("order_ref,submitted_at\nO-1,2024-05-01\nO-2,yesterday\n")
    assert main(["backtest", "--policy", str(longer), "--claims", str(file)]) == 1
    told = capsys.readouterr()
    assert "1 claims judged" in told.out
    assert "1 of 2 rows could not be judged" in told.err


def test_a_cluster_is_told_to_be_an_extra_where_it_is_missing(parquet, longer, monkeypatch):
    real = builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *a, **k: (_ for _ in ()).throw(ImportError(name=name))
        if name.startswith("dask") else real(name, *a, **k)
    )  # fmt: skip
    with pytest.raises(cluster.ClusterError, match=r"needs Dask .*requirements-cluster.txt"):
        cluster.run("tcp://127.0.0.1:1", parquet, *editions(longer), synthetic.AS_OF)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Dask's own, about ports and its dashboard
def test_two_workers_find_what_one_process_finds(parquet, longer):
    distributed = pytest.importorskip(
        "distributed", reason="Dask is an extra: pip install -r requirements-cluster.txt tests this too"
    )
    alone_tally, alone_flips = Tally(), []
    for claims in parts(parquet, "UTC"):
        compared = compare(Population.of_facts(claims, synthetic.AS_OF), *editions(longer))
        alone_tally += Tally.of(compared, policy.load())
        alone_flips += flips(compared)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None, host="127.0.0.1"
    ) as workers:
        tally, listed = cluster.run(workers.scheduler_address, parquet, *editions(longer), synthetic.AS_OF)

    assert tally == alone_tally
    assert listed == alone_flips
    assert len(listed) == alone_tally.flips > 0
    assert np.array_equal(tally.flow, alone_tally.flow)
