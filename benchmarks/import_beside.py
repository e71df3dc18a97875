"""How much others wait while a large file comes in by the command line.

`python benchmarks/import_beside.py [ROWS] [SESSIONS]`: a desk of 20,000 claims with SESSIONS (4) people, each a process
that reads a page of the queue and decides a claim, over and over with a short pause. First the desk is idle, then
`refund-desk import` of ROWS (1,000,000) rows runs beside them until it ends or 90 seconds are over. Told are the
middle and the 95th percentile of both kinds of act, idle and beside the import, how many acts were refused, and last
the ratios.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

import importlib.util  # noqa: E402 - the project is put on the path above

from refundcore import accounts, clock, store  # noqa: E402

BEFORE, IDLE, LONGEST, PAUSE = 20_000, 20.0, 90.0, 0.05
KINDS = ("read", "decide")


def _maker() -> object:
    """`benchmarks/import.py`, whose name no import statement can say."""
    found = importlib.util.spec_from_file_location("import_benchmark", Path(__file__).with_name("import.py"))
    assert found is not None and found.loader is not None  # noqa: S101, PT018 - it lies beside this file
    module = importlib.util.module_from_spec(found)
    sys.modules["import_benchmark"] = module
    found.loader.exec_module(module)
    return module


def work(number: int, sessions: int, pipe: Connection) -> None:
    """One session: read a page, decide one claim of one's own share; tells (kind, seconds) until it is told to stop."""
    opened = store.connect(at=clock.now())
    at = clock.now()
    mine = number
    took: list[tuple[str, float]] = []
    refused = 0
    while not pipe.poll():
        start = time.perf_counter()
        store.queue(opened, store.Filter(), person=1, at=at)
        took.append(("read", time.perf_counter() - start))
        claim = store.claim(opened, mine * sessions + 1 + number) if mine * sessions < BEFORE else None
        mine += 1
        if claim is not None and claim.state == "new":
            start = time.perf_counter()
            try:
                store.decide(
                    opened, actor=1, at=clock.now(), key=f"{number}-{claim.id}-{claim.version}", claim=claim.id,
                    version=claim.version, outcome="deny", reason="The measure of this benchmark.",
                )  # fmt: skip
                took.append(("decide", time.perf_counter() - start))
            except store.StoreError as refusal:
                refused += 1
                print(f"refused: {refusal}", file=sys.stderr)
        if pipe.poll(PAUSE):
            break
    pipe.send((took, refused))


def measured(sessions: int, until: Callable[[], None]) -> tuple[dict[str, list[float]], int]:
    """What the sessions took until `until()` returns."""
    context = multiprocessing.get_context("spawn")
    started = []
    for number in range(sessions):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(number, sessions, theirs))
        process.start()
        started.append((process, ours))
    until()
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    refused = 0
    for process, pipe in started:
        pipe.send("stop")
        acts, count = pipe.recv()
        process.join()
        refused += count
        for kind, seconds in acts:
            took[kind].append(seconds)
    return took, refused


def told(name: str, took: dict[str, list[float]], refused: int) -> dict[str, tuple[float, float]]:
    """The middle and the 95th percentile of each kind, in milliseconds, printed."""
    found = {}
    for kind in KINDS:
        times = sorted(took[kind]) or [0.0]
        found[kind] = (1000 * times[len(times) // 2], 1000 * times[min(len(times) - 1, int(len(times) * 0.95))])
        print(
            f"{name:10} {kind:7} p50 {found[kind][0]:7.1f} ms, p95 {found[kind][1]:7.1f} ms, longest"
            f" {1000 * times[-1]:7.0f} ms, {len(times):,} acts"
        )
    print(f"{name:10} {refused} refused")
    return found


def main() -> int:
    """Measure idle, then beside the import; 1 where an act was refused."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sessions = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    maker = _maker()
    folder = Path(tempfile.mkdtemp(prefix="refund-desk-beside-"))
    try:
        os.environ["REFUND_DESK_DATA"] = str(folder / "desk")
        os.environ.pop("DATABASE_URL", None)
        opened = store.connect(at=clock.now())
        accounts.create_person(opened, actor=None, at=clock.now(), **{**maker.PERSON, "role": "manager"})  # type: ignore[attr-defined]
        opened.engine.dispose()
        command = [sys.executable, "-m", "refundcore", "import", "--actor", maker.PERSON["email"]]  # type: ignore[attr-defined]
        there, large = folder / "there.csv", folder / "large.csv"
        maker.write_claims(there, BEFORE)  # type: ignore[attr-defined]
        subprocess.run([*command, there], check=False, cwd=PROJECT, capture_output=True)  # noqa: S603 - our own command
        maker.write_claims(large, rows)  # type: ignore[attr-defined]
        text = large.read_text(encoding="utf-8").replace("\nG0", "\nH0")  # other claims than those that are there
        large.write_text(text, encoding="utf-8")
        del text

        idle = told("idle", *measured(sessions, lambda: time.sleep(IDLE)))
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, large], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

        def until() -> None:
            begin = time.monotonic()
            while process.poll() is None and time.monotonic() - begin < LONGEST:
                time.sleep(0.2)

        took, refused = measured(sessions, until)
        over = process.poll() is not None
        if not over:
            process.kill()
        said = process.communicate()[0].strip()
        beside = told("beside", took, refused)
        print(f"The import: {said}" if over else f"The import was still running after {LONGEST:.0f} s and was stopped.")
        for kind in KINDS:
            print(f"{kind}: p50 {beside[kind][0] / idle[kind][0]:.2f}, p95 {beside[kind][1] / idle[kind][1]:.2f} times")
    finally:
        shutil.rmtree(folder)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
