"""`import` at the command line: what it says, what it stores, and its status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refundcore import __main__ as front
from refundcore import accounts, clock, intake, store
from refundcore.intake import importing

PROJECT = Path(__file__).resolve().parent.parent
AT = datetime(2026, 3, 16, 9, tzinfo=UTC)
HEAD = "claim_ref,order_ref,customer_email,why,purchased_at,submitted_at,amount,currency\n"
ROW = "{0},O-{0},c{0}@example.org,dead,{1},2026-03-12,{2},USD\n"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> store.Store:
    monkeypatch.setenv("REFUND_DESK_DATA", str(tmp_path / "desk"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    opened = store.connect(at=clock.now())
    person = {"name": "Ana", "email": "ana@example.org", "role": "agent", "password": "nine blue herons in Lund"}
    accounts.create_person(opened, actor=None, at=clock.now(), **person)
    return opened


SAID = ("--map", "why=reason", "--value", "reason:dead=invalid_number")


def run(tmp_path: Path, capsys, text: str, *options: str) -> tuple[int, str, str]:
    """The status, standard output and standard error of importing a file with this text."""
    path = tmp_path / "claims.csv"
    path.write_bytes(text.encode())
    status = front.main(["import", str(path), *options])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_all_rows_in_is_status_0_with_the_balance(desk, tmp_path, capsys):
    status, out, err = run(
        tmp_path,
        capsys,
        HEAD + ROW.format("A", "2026-03-10", "1.00"),
        "--map",
        "why=reason",
        "--value",
        "reason:dead=invalid_number",
    )

    assert (status, out) == (0, "Import 1: 1 row in the file: 1 created.\n")
    assert "100%, 1 rows" in err
    assert store.claim(desk, "A").facts["reason"] == "invalid_number"


@pytest.mark.usefixtures("desk")
def test_a_row_left_out_is_status_1_and_can_be_written_to_a_file(tmp_path, capsys):
    out_file = tmp_path / "left.csv"
    text = HEAD + ROW.format("A", "2026-03-10", "1.00") + ROW.format("B", "2026-02-30", "1.00")

    status, out, err = run(tmp_path, capsys, text, "--rejects", str(out_file))

    assert status == 1
    assert "2 rows in the file: 1 created, 1 rejected." in out
    assert "Line 3, purchased_at: '2026-02-30' is a day or a time of day that does not exist." in err
    assert "B,O-B" in out_file.read_text(encoding="utf-8-sig")


def test_an_open_question_is_status_2_and_stores_nothing(desk, tmp_path, capsys):
    text = HEAD + ROW.format("A", "01/02/2026", "1.00")

    status, _, err = run(tmp_path, capsys, text)
    assert status == 2
    assert "How are the dates of" in err
    assert "--date-order" in err
    assert store.imports(desk) == []

    assert run(tmp_path, capsys, text, "--date-order", "dmy")[0] == 0


def test_a_dry_run_tells_and_stores_nothing(desk, tmp_path, capsys):
    status, out, _ = run(tmp_path, capsys, HEAD + ROW.format("A", "2026-03-10", "1.00"), "--dry-run")

    assert status == 0
    assert "1 rows: 1 would come in, 0 would be rejected." in out
    assert "Verdicts:" in out
    assert store.imports(desk) == []


def test_what_was_said_once_need_not_be_said_again(desk, tmp_path, capsys):
    run(
        tmp_path,
        capsys,
        HEAD + ROW.format("A", "2026-03-10", "1.00"),
        "--map",
        "why=reason",
        "--value",
        "reason:dead=invalid_number",
    )

    run(tmp_path, capsys, HEAD + ROW.format("B", "2026-03-10", "1.00"))

    assert store.claim(desk, "B").facts["reason"] == "invalid_number"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--actor", "nobody@example.org"], "there is no open account with the e-mail address nobody@example.org"),
        (["--map", "why"], "'why' is not of the form NAME=VALUE"),
        (["--map", "why=colour"], "'colour' is no fact of a claim"),
        (["--value", "reason=x"], "'reason=x' is not of the form FACT:TEXT=VALUE"),
        (["--date-order", "ymd"], "'ymd' is not one of dmy mdy clear"),
        (["--zone", "Mars/Olympus"], "'Mars/Olympus' is no time zone"),
        (["--encoding", "klingon"], "'klingon' is no encoding known here"),
        (["--const", "currency=EUR"], "currency is in the file already"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_a_call_that_cannot_be_is_status_2_with_a_sentence(tmp_path, capsys, options, says):
    status, out, err = run(tmp_path, capsys, HEAD + ROW.format("A", "2026-03-10", "1.00"), *options)

    assert (status, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_an_auditor_cannot_import(desk, tmp_path, capsys):
    person = {"name": "Aud", "email": "aud@example.org", "role": "auditor", "password": "nine blue herons in Lund"}
    accounts.create_person(desk, actor=None, at=clock.now(), **person)

    status, _, err = run(tmp_path, capsys, HEAD + ROW.format("A", "2026-03-10", "1.00"), "--actor", "aud@example.org")

    assert status == 2
    assert "may not" in err or "cannot" in err


@pytest.mark.usefixtures("desk")
def test_a_file_that_is_not_there_is_told(capsys):
    assert front.main(["import", "/nowhere/claims.csv"]) == 2
    assert "There is no file /nowhere/claims.csv." in capsys.readouterr().err


@pytest.mark.usefixtures("desk")
def test_a_file_cannot_steer_the_terminal(tmp_path, capsys):
    text = "claim_ref,\x1b[2Jnote,reason\nA,\x1b]0;pwned\x07,\x1b[31mred\n"

    _, out, err = run(tmp_path, capsys, text)

    assert "\x1b" not in out + err


def test_a_dry_run_tells_what_is_here_with_other_facts_and_update_changes_it(desk, tmp_path, capsys):
    run(tmp_path, capsys, HEAD + ROW.format("A", "2026-03-10", "1.00") + ROW.format("B", "2026-03-10", "1.00"), *SAID)
    text = HEAD + ROW.format("A", "2026-03-10", "2.00") + ROW.format("B", "2026-03-10", "1.00")

    _, out, _ = run(tmp_path, capsys, text, "--dry-run")
    assert "1 are here already with the same facts." in out
    assert "1 are here with other facts: amount 1." in out
    assert "Line 2, A: amount 100 -> 200" in out
    assert "1 of them would be changed with --update." in out
    assert store.claim(desk, "A").facts["amount"] == 100

    assert run(tmp_path, capsys, text)[0] == 1
    assert run(tmp_path, capsys, text, "--update")[0] == 0
    assert store.claim(desk, "A").facts["amount"] == 200


@pytest.mark.slow
def test_an_import_that_is_killed_is_taken_back_and_can_be_brought_again(desk, tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(HEAD + "".join(ROW.format(f"K{number}", "2026-03-10", "1.00") for number in range(30_000)))
    command = [sys.executable, "-m", "refundcore", "import", str(path), *SAID]
    process = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not (found := store.imports(desk)) or not found[0].balance.rows:
        assert process.poll() is None, "It ended before it could be killed."
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not store.queue(desk, store.Filter(state="all"), person=1, at=clock.now()).rows
    assert store.verify(desk).good

    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert "30,000 created" in done.stdout, done.stderr
    assert [one.status for one in store.imports(desk)] == ["finished", "removed"]
    assert store.verify(desk).good


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the copy that reads is found in /proc")
def test_an_import_whose_reading_is_killed_says_so_and_is_taken_back(desk, tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(HEAD + "".join(ROW.format(f"K{number}", "2026-03-10", "1.00") for number in range(60_000)))
    command = [sys.executable, "-m", "refundcore", "import", str(path), *SAID]
    process = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (found := children.read_text().split()):
        assert process.poll() is None, "It ended before anything could be killed."
        time.sleep(0.005)
    os.kill(int(found[0]), signal.SIGKILL)

    _, said = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "The process that read the file was ended from outside (status -9)" in said
    assert [one.status for one in store.imports(desk)] == ["removed"]
    assert store.verify(desk).good


def test_what_is_read_ahead_is_stored_as_what_is_read_in_place(tmp_path, monkeypatch):
    rows = [ROW.format(f"R{n}", "2026-03-10" if n % 7 else "2026-02-30", f"{n % 90}.50") for n in range(9_000)]
    path = tmp_path / "claims.csv"
    rows[3_000:3_000] = rows[10:12]  # come twice, so that every claim after them gets another id than expected
    path.write_text(HEAD + "".join(rows))
    wishes = intake.Wishes(mapping={"why": "reason"}, meanings={"reason": {"dead": "invalid_number"}})
    told = []
    for alone in (True, False):
        opened = store.connect(f"sqlite:///{tmp_path / str(alone)}.db", at=AT)
        person = {"name": "Ana", "email": "ana@example.org", "role": "agent", "password": "nine blue herons in Lund"}
        accounts.create_person(opened, actor=None, at=AT, **person)
        file = intake.source(path)
        plan = intake.plan(file, zone=opened.policy.zone, wishes=wishes)
        monkeypatch.setattr(importing, "LARGE", 0)
        monkeypatch.setattr(importing.ahead, "possible", lambda: True)
        tally = intake.Tally()
        _, balance = intake.bring_in(file, plan, opened, actor=1, at=AT, tally=tally, alone=alone)
        with opened.read() as connection:
            claims = [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM claims ORDER BY id")]
            rejects = [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM import_rejects ORDER BY line")]
        assert store.verify(opened).good
        opened.engine.dispose()
        told.append((balance, claims, rejects, [(group.count, group.first) for group in tally.groups]))
    assert told[0] == told[1]
    assert told[0][0] == store.Balance(rows=9_002, created=7_714, duplicates=2, rejected=1_286)
