"""How fast a change of the policy is tried on the claims of a store, against a judge that takes them one by one.

`python benchmarks/backtest.py [CLAIMS] [COMPARED]`: makes a store of CLAIMS (1,000,000) claims, half of them decided,
and tries one draft on all of it: reads the store, judges by both policies, finds the flips, adds up money, deadlines
and work, nothing kept between runs. The peer is the tests' oracle, which reads the same rows of the same store one by
one and judges each by both policies, on COMPARED (50,000) of them; all its verdicts are compared. Then 19 values of one
number are swept. A process of its own measures each, so memory is that of the measured work alone. The last line is
the ratio.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import numpy as np  # noqa: E402 - the folder of the tests is put on the path above
import one_reading  # noqa: E402
import oracle  # noqa: E402
import synthetic  # noqa: E402

from refundcore import backtest, clock, policy, store  # noqa: E402
from refundcore.amending import Amendment, amended  # noqa: E402
from refundcore.editions import Editions  # noqa: E402
from refundcore.facts import COLUMNS, VERDICTS  # noqa: E402
from refundcore.store.population import population  # noqa: E402

SEED, PART, RUNS = 20_240_603, 100_000, 3
NUMBER = ("C4c", "window_days")
WEEKS = {(clause, "window_days"): 10 for clause in ("C4c", "C5c", "C8b")}
"""The draft: ten days instead of seven, wherever the policy says so."""
START = date(2024, 4, 2)
BEGINS = synthetic.AS_OF - 400 * 86_400_000_000


def fill(path: Path, size: int) -> None:
    """A store with generated claims; written past the desk's own acts, since it is only to be read."""
    store.connect(f"sqlite:///{path}", at=clock.now(), backup=False).engine.dispose()
    own = ("id", "ref", "state", "outcome", "version", "created_at", "updated_at", "answer_from", "verdict", "leaning",
           "clause", "clauses", "missing", "asked_for", *COLUMNS)  # fmt: skip
    insert = f"INSERT INTO claims ({', '.join(own)}) VALUES ({', '.join('?' * len(own))})"  # noqa: S608
    decided = (
        "INSERT INTO decisions (claim_id, event_id, at, person_id, outcome, status, override, verdict, clause, policy,"
        " reason, reply, order_ref, item_ref, remedy, approver_reason)"
        " VALUES (?, 0, ?, 1, 'approve', 'standing', 0, '', '', '', '', '', ?, '', '', '')"
    )
    at = synthetic.AS_OF
    with sqlite3.connect(path) as connection:
        for start in range(0, size, PART):
            count = min(PART, size - start)
            frame = synthetic.claims(count, SEED + start)
            columns = [frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in COLUMNS]
            rows = zip(range(start + 1, start + count + 1), *columns, strict=True)
            connection.executemany(
                insert,
                ((n, f"B-{n}", "new", "", 1, at, at, at, "", "", "", "", "", "", *facts) for n, *facts in rows),
            )
            connection.executemany(decided, ((n, at, f"O-{n}") for n in range(start + 1, start + count + 1, 2)))


def editions() -> tuple[Editions, Editions]:
    """The policy as it is, and with the draft."""
    now = Editions.only(policy.load())
    return now, now.with_draft(amended(now.all[0].policy, Amendment(START, numbers=WEEKS)), BEGINS)


def connected(path: str) -> store.Store:
    """The store, judging by the document of the project."""
    return store.connect(f"sqlite:///{path}", at=datetime(2024, 6, 3, tzinfo=UTC), policy=policy.load())


def once(path: str) -> dict[str, object]:
    """One draft, end to end."""
    opened, (now, draft) = connected(path), editions()
    start = time.perf_counter()
    total, listed, read, spent = backtest.Tally(), 0, 0.0, start
    for part in population(opened, synthetic.AS_OF):
        read += time.perf_counter() - spent
        compared = backtest.compare(part, now, draft)
        total += backtest.Tally.of(compared, now.all[0].policy)
        listed += sum(1 for _ in backtest.flips(compared))
        spent = time.perf_counter()
    return {"seconds": time.perf_counter() - start, "reading": read, "claims": total.claims, "flips": listed}


def swept(path: str) -> dict[str, object]:
    """Nineteen values of one number, end to end."""
    opened, (now, _) = connected(path), editions()
    drafts = {
        days: now.with_draft(amended(now.all[0].policy, Amendment(START, numbers={NUMBER: days})), BEGINS)
        for days in range(3, 22)
    }
    start = time.perf_counter()
    found = backtest.sweep(population(opened, synthetic.AS_OF), now, drafts)
    return {"seconds": time.perf_counter() - start, "flips": [found[days].flips for days in drafts]}


def longer_weeks() -> None:
    """Let the oracle count by the draft."""
    one_reading.WEEK_DAYS = 10
    one_reading.STRICT["A01 days for a defect"] = 10


def one_by_one(path: str, compared: int) -> dict[str, object]:
    """The oracle, reading rows of the store and judging one after the other, by both policies."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        truths = [name for name, kind in COLUMNS.items() if str(kind.pyarrow_dtype) == "bool"]
        rows = f"SELECT {', '.join(COLUMNS)} FROM claims ORDER BY id LIMIT ?"  # noqa: S608
        start = time.perf_counter()
        claims = []
        for row in connection.execute(rows, (compared,)):
            claim = dict(row)
            for name in truths:
                claim[name] = None if claim[name] is None else bool(claim[name])
            claims.append(claim)
        before = [oracle.judge(claim, synthetic.AS_OF, "UTC")["verdict"] for claim in claims]
        longer_weeks()
        after = [oracle.judge(claim, synthetic.AS_OF, "UTC")["verdict"] for claim in claims]
        seconds = time.perf_counter() - start
    opened, (now, draft) = connected(path), editions()
    part = next(iter(population(opened, synthetic.AS_OF)))
    ours = backtest.compare(part.take(np.arange(min(compared, len(part)))), now, draft)
    wrong = 0
    for side, made in ((ours.before, before), (ours.after, after)):
        told = [VERDICTS[code] for code in side.verdict.tolist()]
        wrong += sum(one != other for one, other in zip(told, made, strict=False))
    return {"seconds": seconds, "differ": wrong, "compared": 2 * len(ours.claims)}


def peak() -> float:
    """The most memory of this process in MB; `ru_maxrss` would count what the parent had when it started us."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measured(what: str, *given: object) -> dict[str, object]:
    """Do one of these in a process of its own."""
    done = subprocess.run(  # noqa: S603 - this script itself
        [sys.executable, __file__, f"--{what}", *map(str, given)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    compared = min(size, int(sys.argv[2]) if len(sys.argv) > 2 else 50_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "refunds.db"
        fill(path, size)
        runs = [measured("once", path) for _ in range(RUNS)]
        sweep = measured("swept", path)
        peer = measured("one_by_one", path, compared)
    seconds = sorted(run["seconds"] for run in runs)[RUNS // 2]
    pace, theirs = size / seconds, compared / peer["seconds"]
    each = ", ".join(f"{run['seconds']:.1f} ({run['reading']:.1f} of it reading)" for run in runs)
    print(f"one draft on {size:,} claims: {each} s; {pace:,.0f} claims/s (median), {runs[0]['flips']:,} flips")
    print(f"peak memory {max(run['peak'] for run in runs):,.0f} MB; of the sweep {sweep['peak']:,.0f} MB")
    print(f"19 values of {' '.join(NUMBER)}: {sweep['seconds']:.1f} s, {sweep['seconds'] / seconds:.1f} times one run")
    print(f"one by one: {theirs:,.0f} claims/s; {peer['differ']} of {peer['compared']:,} verdicts differ")
    print(f"{pace / theirs:.1f} times as fast as one by one")
    return 1 if peer["differ"] else 0


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in {"--once", "--swept", "--one_by_one"}:
        work = {"--once": once, "--swept": swept, "--one_by_one": one_by_one}[sys.argv[1]]
        result = work(sys.argv[2], *map(int, sys.argv[3:]))
        result["peak"] = peak()
        print(json.dumps(result))
        sys.exit(0)
    sys.exit(main())
