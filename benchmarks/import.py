"""How fast a file of claims comes in, and in how much memory, beside what else would put it into a database.

`python benchmarks/import.py [ROWS ...] [--keep]`: for each of ROWS (100,000) a CSV of 25 columns is made, 3 % of its
rows dirty. Each way is a process of its own, timed from its start to its end. Its peak memory is read from the
kernel; where it has processes of its own, as the desk has, it is the most that all of them held together at one
moment, what they share counted once (PSS, looked at ten times a second):

- the desk: `refund-desk import`, which reads, converts, judges, stores with its indexes and writes an event a claim;
- sqlite-utils `insert --csv`, with its detection of types and without;
- pandas `read_csv` and `to_sql`;
- django-import-export, on 10,000 rows, whatever ROWS is;
- the floor: the rows that the desk stored, as ready tuples, into the same tables and indexes, an event each,
  in one transaction; only the inserting is timed.

The peers live in `.bench/peers` (benchmarks/peers.txt), which is made when it is not there. The last lines are ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BENCH = PROJECT / ".bench"
PEERS = Path(__file__).with_name("_import_peers.py")
SEED, DIRTY, FEW = 20_260_316, 0.03, 10_000
PERSON = {"name": "Ana", "email": "ana@example.org", "role": "agent", "password": "nine blue herons in Lund"}
HEADER = (
    *("claim_ref", "order_ref", "item_ref", "customer_email", "product", "reason", "description", "channel"),
    *("ordered_at", "purchased_at", "submitted_at", "sms_code_received", "sms_received_at", "evidence_attached"),
    *("evidence_sufficient", "defect_notified_at", "defect_approved", "third_party_cause", "remedy_choice", "amount"),
    *("currency", "payment_method", "refunded_before", "fee_disclosed", "chargeback_open"),
)


@dataclass(frozen=True)
class Run:
    """What one way took."""

    seconds: float
    cpu: float
    peak: float
    """Megabytes."""
    rows: int

    @property
    def pace(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def write_claims(path: Path, count: int) -> None:
    """A file of claims as an export would hold them; the same for the same count."""
    pick = random.Random(SEED)  # noqa: S311 - made-up claims
    reasons = ("sms_not_received", "invalid_number", "major_defect", "incompatibility", "other")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    said = (
        "The code never came although I waited for an hour. ",
        'Support told me to "try again", and I did.\n',
        "I used two phones; neither got it. ",
        "Bitte erstatten Sie den Betrag, die Nummer ist ungültig. ",
    )
    answers = ("yes", "no", "")
    with path.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file).writerow
        write(HEADER)
        for number in range(count):
            ordered = begin + timedelta(seconds=pick.randrange(5_000_000))
            bought = ordered + timedelta(seconds=pick.randrange(1_000))
            sent = bought + timedelta(seconds=pick.randrange(1_000_000))
            moments = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (ordered, bought, sent)]
            reason, amount = pick.choice(reasons), f"{pick.randrange(100, 9_000) / 100:.2f}"
            if pick.random() < DIRTY:
                kind = pick.randrange(4)
                if kind == 0:
                    moments[1] = "2026-02-30T10:00:00Z"
                elif kind == 1:
                    reason = "number dead"
                else:
                    amount = pick.choice(("12.345", "abc", "-4", "1e9"))
            told = "".join(pick.choice(said) for _ in range(pick.randrange(1, 5)))
            write(
                (
                    f"G{number:07d}", f"ORD-{pick.randrange(10**9):09d}", f"+44{number % 10**7:07d}",
                    f"customer{pick.randrange(count)}@example.org", "Virtual number", reason, told, "form", *moments,
                    pick.choice(answers), "", pick.choice(answers), pick.choice(answers), "", pick.choice(answers),
                    pick.choice(answers), "", amount, pick.choice(("USD", "EUR")), "card", "0", pick.choice(answers),
                    "no",
                )
            )  # fmt: skip


def timed(command: list[str | Path], rows: int, *, says: str = "", **named: str) -> Run:
    """Run a command to its end. Raises `SystemExit` where it fails, or does not say what it should."""
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own commands
        [str(word) for word in command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT, env={**os.environ, **named},
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - it was asked for
    together = Together(process.pid)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    together.end()
    process.returncode = os.waitstatus_to_exitcode(status)
    if (says not in said) if says else process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}: {said}")
    told = dict(word.split("=") for word in said.split() if word.startswith(("seconds=", "cpu=")))
    cpu = float(told.get("cpu", used.ru_utime + used.ru_stime))
    return Run(float(told.get("seconds", seconds)), cpu, max(used.ru_maxrss / 1024, together.peak), rows)


class Together:
    """The most memory that a process and those that it started held together, in megabytes; 0 for one alone."""

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,))
        self._thread.start()

    def _watch(self, pid: int) -> None:
        while not self._ended.wait(0.1):
            with contextlib.suppress(OSError):  # one has ended meanwhile
                if len(family := _family(pid)) > 1:
                    self.peak = max(self.peak, sum(map(_held, family)) / 1024)

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _held(pid: int) -> int:
    """Kilobytes of a process, its part of what it shares with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def peers() -> Path:
    """The folder of the programs of the peers' environment, which is made where it is not there."""
    folder, wanted = BENCH / "peers", Path(__file__).with_name("peers.txt")
    marker = folder / "installed.txt"
    if not marker.exists() or marker.read_text() != wanted.read_text():
        print("Installing the peers into .bench/peers ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603 - our own command
        pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", wanted]
        subprocess.run(pip, check=True)  # noqa: S603 - our own command
        marker.write_text(wanted.read_text())
    return folder / "bin"


def desk_run(claims: Path, rows: int, folder: Path) -> Run:
    """The import by the command line, into a new store."""
    named = {"REFUND_DESK_DATA": str(folder), "DATABASE_URL": ""}
    make = [sys.executable, __file__, "--make-store"]
    subprocess.run(make, check=True, cwd=PROJECT, env={**os.environ, **named})  # noqa: S603 - our own command
    command = [sys.executable, "-m", "refundcore", "import", claims, "--actor", PERSON["email"]]
    return timed(command, rows, says=f"{rows:,} rows in the file:", **named)


def make_store() -> None:
    """A store with the one who imports, where the environment says."""
    sys.path.insert(0, str(PROJECT))
    from refundcore import accounts, clock, store  # noqa: PLC0415 - only the process that makes it needs them

    opened = store.connect(at=clock.now())
    accounts.create_person(opened, actor=None, at=clock.now(), **PERSON)
    opened.engine.dispose()


def ways(claims: Path, few: Path, rows: int, folder: Path) -> dict[str, Run]:
    """Each way once, in the order in which they are told."""
    programs = peers()
    python, store = programs / "python", folder / "desk" / "refunds.db"
    insert: list[str | Path] = [programs / "sqlite-utils", "insert"]
    found: dict[str, Run] = {}

    def ran(name: str, run: Run) -> None:
        found[name] = run
        print(
            f"{name:36} {run.seconds:8.1f} s {run.cpu:8.1f} s CPU {run.pace:10,.0f} rows/s {run.peak:7,.0f} MB",
            flush=True,
        )

    ran("the desk", desk_run(claims, rows, folder / "desk"))
    ran("the floor (ready tuples)", timed([sys.executable, PEERS, "floor", store, folder / "floor.db"], rows))
    ran("sqlite-utils", timed([*insert, folder / "a.db", "claims", claims, "--csv"], rows))
    plain = [*insert, folder / "b.db", "claims", claims, "--csv", "--no-detect-types"]
    ran("sqlite-utils without detection", timed(plain, rows))
    ran("pandas read_csv, to_sql", timed([python, PEERS, "pandas", claims, folder / "c.db"], rows))
    ran("django-import-export (10,000 rows)", timed([python, PEERS, "django", few, folder / "d.db"], FEW))
    return found


def main() -> int:
    """Run all; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[100_000])
    parser.add_argument("--only-desk", action="store_true", help="leave the peers out")
    parser.add_argument("--keep", action="store_true", help="leave the files in the temporary folder")
    parser.add_argument("--make-store", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.make_store:
        make_store()
        return 0
    peaks: dict[int, float] = {}
    lines: list[str] = []
    for rows in args.rows:
        folder = Path(tempfile.mkdtemp(prefix="refund-desk-import-"))
        try:
            claims, few = folder / "claims.csv", folder / "few.csv"
            write_claims(claims, rows)
            write_claims(few, FEW)
            print(f"{rows:,} rows, {claims.stat().st_size / 1e6:,.0f} MB", flush=True)
            if args.only_desk:
                run = desk_run(claims, rows, folder / "desk")
                print(f"{run.seconds:.1f} s, {run.cpu:.1f} s CPU, {run.pace:,.0f} rows/s, {run.peak:,.0f} MB")
                peaks[rows] = run.peak
                continue
            found = ways(claims, few, rows, folder)
            peaks[rows] = found["the desk"].peak
            lines += ratios(rows, found)
        finally:
            if args.keep:
                print(f"The files are in {folder}.")
            else:
                shutil.rmtree(folder)
    print("\n".join(lines))
    if len(peaks) > 1:
        least, most = min(peaks), max(peaks)
        print(f"Peak memory at {most:,} rows: {peaks[most] / peaks[least]:.2f} times that at {least:,}.")
    return 0


def ratios(rows: int, found: dict[str, Run]) -> list[str]:
    """How many times as fast the desk is as each other way, by the clock and by the processors' time."""
    desk = found["the desk"]
    return [
        f"{rows:,} rows: {desk.pace / run.pace:.2f} times as fast as {name}"
        f" ({run.cpu / run.rows / (desk.cpu / desk.rows):.2f} by CPU)"
        for name, run in found.items()
        if run is not desk
    ]


if __name__ == "__main__":
    sys.exit(main())
