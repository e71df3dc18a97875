"""Workbooks that nobody made for us, where they lie beside the project: each ends as is known of it."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest
from files_brought import brought, moment, planned
from store_of_tests import AT

from refundcore import accounts, intake, store
from refundcore.intake import IntakeError


def canonical(corpus: Path) -> dict[str, dict[str, str]]:
    with (corpus / "b_csv" / "variants" / "canonical_shared.csv").open(encoding="utf-8", newline="") as stream:
        return {row["claim_ref"]: row for row in csv.DictReader(stream)}


HOLDS_60 = ["h06", "h07", "h08", "h11", "h17"]
SAYS = {
    "h01": "times its size", "h02": "has more than 250,000 rows", "h03": "times its size", "h04": "declares entities",
    "h05": "declares entities", "h09": "texts that its cells point to", "h10": "parts that every workbook has",
    "h12": "cut off or damaged", "h13": "cut off or damaged", "h15": "is an image (PNG)", "h16": "is an archive (zip)",
}  # fmt: skip


def test_each_workbook_with_claims_ends_as_its_manifest_says(corpus, subtests):
    facts = canonical(corpus)
    wanted = json.loads((corpus / "b_xlsx" / "expected_claims.json").read_text())
    found = sorted((corpus / "b_xlsx" / "claims").iterdir())
    found += [path for path in sorted((corpus / "b_xlsx" / "hostile").iterdir()) if path.name[:3] in HOLDS_60]
    assert len(found) == 20
    for path in found:
        with subtests.test(path.name):
            file, plan = planned(path)
            if path.name.startswith("x07"):
                assert [question.key for question in plan.questions] == ["sheet"]
                frames = [brought(*planned(path, sheet=sheet.value))[0] for sheet in plan.questions[0].options]
                claims, rejected = pd.concat(frames), {}
            else:
                assert plan.ready, plan.questions
                claims, rejected, _ = brought(file, plan)
            rows = wanted.get(f"claims/{path.name}", {}).get("rows", 60)
            bad = wanted.get(f"claims/{path.name}", {}).get("bad_rows", [])
            assert len(claims) == (0 if path.name.startswith("x09") else rows if isinstance(rows, int) else 60)
            assert len(rejected) == (60 if path.name.startswith("x09") else len(bad))
            if path.name[:3] in {"x09", "x13"}:
                continue
            for row in claims.itertuples():
                right = facts[row.claim_ref]
                assert row.claim_ref not in bad
                assert (row.order_ref, row.currency) == (right["order_ref"], right["currency"])
                assert row.amount == int(right["amount"].replace(".", ""))
                assert row.product == right["product"] or path.name[:3] in {"x14", "h11"}
                for instant in ("purchased_at", "submitted_at"):
                    drift = abs(moment(getattr(row, instant)) - dt.datetime.fromisoformat(right[instant]))
                    assert drift <= dt.timedelta(seconds=0)


@pytest.mark.parametrize("name", sorted(SAYS))
def test_each_hostile_workbook_is_refused_with_a_sentence_and_soon(corpus, name):
    (path,) = (corpus / "b_xlsx" / "hostile").glob(f"{name}*")
    begun = sum(os.times()[:4])  # seconds of computing, those of child processes included

    with pytest.raises(IntakeError, match=re.escape(SAYS[name])) as refusal:
        planned(path)

    assert sum(os.times()[:4]) - begun < 5
    assert os.uname().nodename not in str(refusal.value)


def test_a_real_workbook_under_another_name_comes_in_whole(desk, corpus):
    file, plan = planned(corpus / "a_real" / "claims-2014.xls")

    _, balance = intake.bring_in(file, plan, desk, actor=1, at=AT)

    assert balance.holds
    assert (balance.rows, balance.created) == (8_855, 8_855)
    with (corpus / "claims" / "tsa_2014.csv").open(encoding="utf-8", newline="") as stream:
        refs = {row["claim_ref"].strip() for row in csv.DictReader(stream)}
    assert set(brought(file, plan)[0]["claim_ref"]) == refs


@pytest.fixture
def desk(tmp_path) -> store.Store:
    opened = store.connect(f"sqlite:///{tmp_path / 'refunds.db'}", at=AT)
    person = {"name": "Ana", "email": "ana@example.org", "role": "agent", "password": "nine blue herons in Lund"}
    accounts.create_person(opened, actor=None, at=AT, **person)
    return opened
