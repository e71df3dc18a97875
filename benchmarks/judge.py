"""How fast claims are judged: a million synthetic ones, against a judge that takes them one by one.

`python benchmarks/judge.py [CLAIMS] [COMPARED]`: judges CLAIMS (1,000,000) claims of all reasons, each fact unknown
with 10 %, under all three readings, with citations, missing facts and deadlines, nothing kept between runs. The peer is
the tests' oracle, written from the clauses without the rules, on COMPARED (100,000) of the same claims; every column of
both is compared. The last line is the ratio.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import oracle  # noqa: E402 - the folder of the tests is put on the path above
import synthetic  # noqa: E402

from refundcore import policy, rules, words  # noqa: E402
from refundcore.facts import REASONS, Claims  # noqa: E402
from refundcore.rulebook import completions  # noqa: E402
from refundcore.rulebook.reading import Reader  # noqa: E402
from refundcore.rulebook.regions import UNKNOWN_REASON, Region  # noqa: E402

SEED, RUNS, SINGLES = 20_240_603, 3, 200
COLUMNS = ("verdict", "leaning", "clause", "clauses", "missing", "next_deadline", "refund", "fee")


def census(claims: Claims, document: policy.Policy) -> tuple[int, int]:
    """Distinct patterns of the claims, and their completions."""
    read = Reader(claims, np.full(len(claims), synthetic.AS_OF))
    reason = read.codes("reason", UNKNOWN_REASON)
    patterns = table = 0
    for number, name in enumerate(REASONS):
        rows = np.flatnonzero((reason == number) | (reason == UNKNOWN_REASON))
        made = completions.of(Region(read, document, document.zone, name, rows))
        patterns, table = patterns + made.patterns, table + made.known.rows
    return patterns, table


def one_by_one(frame: pd.DataFrame, zone: str) -> tuple[list[dict[str, object]], float]:
    """The oracle's verdicts, and the seconds it took for judging alone."""
    rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")]
    start = time.perf_counter()
    made = [oracle.judge(row, synthetic.AS_OF, zone) for row in rows]
    return made, time.perf_counter() - start


def differences(out: pd.DataFrame, made: list[dict[str, object]]) -> int:
    """How many cells differ between both judges."""
    wrong = 0
    for name in COLUMNS:
        ours = [None if not isinstance(cell, str) and pd.isna(cell) else cell for cell in out[name].tolist()]
        for row, (one, other) in enumerate(zip(ours, made, strict=True)):
            if one != other[name]:
                wrong += 1
                if wrong <= 5:
                    print(f"  claim {row}, {name}: {one!r}, and by the oracle {other[name]!r}")
    return wrong


def main() -> int:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    compared = min(size, int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    document = policy.load()
    frame = synthetic.claims(size, SEED)
    claims = Claims.of(frame)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        out = rules.judge(claims, document, synthetic.AS_OF)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    patterns, table = census(claims, document)
    rate = size / sorted(seconds)[RUNS // 2]
    print(f"{size:,} claims: {', '.join(f'{each:.2f}' for each in seconds)} s; {rate:,.0f} claims/s (median)")
    print(f"{patterns:,} patterns, {table:,} completions, each under 3 readings")
    print(f"peak memory {peak:,.0f} MB, of which {before:,.0f} MB before judging")
    print("; ".join(f"{name} {count:,}" for name, count in out["verdict"].value_counts().items()))

    singles = [Claims.of(frame.iloc[[row]]) for row in range(SINGLES)]
    took = []
    for one in singles:
        start = time.perf_counter()
        words.explain(one, document, synthetic.AS_OF)
        took.append(time.perf_counter() - start)
    took.sort()
    middle, high = (took[place] * 1000 for place in (SINGLES // 2, -SINGLES // 20))
    print(f"one claim judged and explained: median {middle:.1f} ms, p95 {high:.1f} ms")

    made, spent = one_by_one(frame.iloc[:compared], document.zone)
    wrong = differences(out.iloc[:compared], made)
    cells, pace = compared * len(COLUMNS), compared / spent
    print(f"oracle: {compared:,} claims in {spent:.1f} s, {pace:,.0f} claims/s; {wrong} of {cells:,} cells differ")
    print(f"{rate / (compared / spent):.0f} times as fast as one by one")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
