"""Claims decided by hand, judged by the desk: the project's own cases, and the shared ones where they are found."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_oracle import rows_of

from refundcore import __main__ as commands
from refundcore.facts import BY_NAME, VERDICTS
from refundcore.policy import load

OWN = Path(__file__).parent / "data" / "cases.csv"
COMPARED = ("verdict", "leaning", "clause", "clauses", "missing", "refund", "next_deadline")
DECIDED = {"approve", "exchange", "deny"}


def evaluated(rows: list[dict[str, str]], folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Each case beside what `evaluate` wrote for it; one call for each moment and zone."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["as_of"], row["zone"]].append(row)
    for number, ((as_of, zone), cases) in enumerate(groups.items()):
        source, target = folder / f"{number}.csv", folder / f"{number}.out.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [name for name in rows[0] if name in BY_NAME], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(cases)
        status = commands.main(["evaluate", str(source), "--as-of", as_of, "--zone", zone, "-o", str(target)])
        assert status == 0
        yield from zip(cases, rows_of(target), strict=True)


def differences(case: dict[str, str], got: dict[str, str]) -> list[str]:
    """What came out otherwise than expected; a blank expectation asserts nothing."""
    wrong = []
    for name in COMPARED:
        want, found = (case.get(f"expected_{name}") or "").strip(), got[name]
        if not want:
            continue
        alike = set(want.split()) == set(found.split()) if name == "missing" else want == found
        if not alike:
            wrong.append(f"{name}: wanted {want}, got {found}")
    if case["expected_verdict"] in DECIDED:
        wrong += [f"{name}: wanted none, got {got[name]}" for name in ("leaning", "missing") if got[name]]
    return wrong


def check(path: Path, folder: Path) -> None:
    rows = rows_of(path)
    wrong = {
        c["case_id"]: f"{'; '.join(bad)} ({c['why']})"
        for c, got in evaluated(rows, folder)
        if (bad := differences(c, got))
    }
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())


def test_the_projects_own_cases_come_out_as_decided_by_hand(tmp_path):
    check(OWN, tmp_path)


def test_the_shared_cases_come_out_as_expected(shared, tmp_path):
    check(shared / "policy" / "cases.csv", tmp_path)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_own_cases_show_every_verdict(verdict):
    assert sum(row["expected_verdict"] == verdict for row in rows_of(OWN)) >= 5


def test_the_own_cases_name_every_clause_and_every_reading_that_can_part_a_claim():
    rows = rows_of(OWN)
    said = " ".join(f"{row['group']} {row['why']} {row['expected_clauses']}" for row in rows)
    policy = load()
    assert [name for name in policy.clauses if name not in said] == []
    assert [name for name, reading in policy.readings.items() if reading.splits and name not in said] == []


def test_the_own_cases_have_names_of_their_own():
    rows = rows_of(OWN)
    assert len({row["case_id"] for row in rows}) == len(rows) >= 250
