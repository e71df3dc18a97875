"""Real files that nobody made for us, where they lie beside the project: every row accounted for, nothing guessed."""

from __future__ import annotations

import csv
import json
import os
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from refundcore import accounts, intake, store
from refundcore.deadlines import micros
from refundcore.intake import IntakeError, Plan, Wishes

AT = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
CLAIMS = ("fcc_comcast_2015.csv", "tsa_2014.csv", "online_retail_2010-12_2011-05.csv", "cfpb_2015q1.csv")


@pytest.fixture
def desk(tmp_path) -> store.Store:
    opened = store.connect(f"sqlite:///{tmp_path / 'refunds.db'}", at=AT)
    person = {"name": "Ana", "email": "ana@example.org", "role": "agent", "password": "nine blue herons in Lund"}
    accounts.create_person(opened, actor=None, at=AT, **person)
    return opened


def planned(path: Path, **wishes: object) -> Plan:
    return intake.plan(path, zone="UTC", wishes=Wishes(**wishes))


def frame(path: Path, plan: Plan) -> pd.DataFrame:
    batches = [batch.claims.frame for batch in intake.rows(intake.source(path), plan)]
    return pd.concat(batches, ignore_index=True)


def moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC).replace(tzinfo=None)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_real_file_comes_in_whole_and_twice_is_once(desk, corpus, name):
    expected = json.loads((corpus / "expected_real.json").read_text())[f"claims/{name}"]
    file = intake.source(corpus / "claims" / name)
    plan = intake.plan(file, zone="UTC")

    _, balance = intake.bring_in(file, plan, desk, actor=1, at=AT)
    _, again = intake.bring_in(file, plan, desk, actor=1, at=AT)

    assert balance.holds
    assert again.holds
    assert (balance.rows, balance.created) == (expected["data_rows"], expected["data_rows"])
    assert (again.rows, again.created, again.unchanged) == (expected["data_rows"], 0, expected["data_rows"])


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_real_file_does_not_say_is_asked_for(desk, corpus, name):
    file = intake.source(corpus / "claims" / name)

    found = intake.preview(file, intake.plan(file, zone="UTC"), desk.policy, micros(AT))

    assert found.rejected == 0
    assert set(found.verdicts) <= {"need_info", "review"}  # review: ordered before the policy's first day
    assert found.verdicts.get("review", 0) == (2717 if name.startswith("online") else 0)


@pytest.mark.parametrize("name", ["fcc_comcast_2015.csv", "tsa_2014.csv", "cfpb_2015q1.csv"])
def test_the_dates_of_a_real_file_are_right(corpus, name):
    expected = json.loads((corpus / "expected_real.json").read_text())[f"claims/{name}"]

    submitted = frame(corpus / "claims" / name, planned(corpus / "claims" / name))["submitted_at"]

    first, last = (pd.Timestamp(expected[f"submitted_{end}"]).to_pydatetime() for end in ("min", "max"))
    assert (moment(submitted.min()), moment(submitted.max())) == (first, last)
    assert submitted.notna().all()


def test_both_date_formats_of_one_real_column_are_read(corpus):
    path = corpus / "claims" / "fcc_comcast_2015.csv"
    expected = json.loads((corpus / "expected_real.json").read_text())["claims/fcc_comcast_2015.csv"]

    submitted = frame(path, planned(path))["submitted_at"]

    months = submitted.map(lambda us: moment(us).strftime("%Y-%m")).value_counts()
    assert months.to_dict() == expected["by_month"]


def test_an_event_can_be_mapped_to_the_purchase(corpus):
    path = corpus / "claims" / "tsa_2014.csv"
    expected = json.loads((corpus / "expected_real.json").read_text())["claims/tsa_2014.csv"]["days_event_to_submit"]

    claims = frame(path, planned(path, mapping={"event_at": "purchased_at"}))

    days = (claims["submitted_at"] - claims["purchased_at"]) // 86_400_000_000
    counted = {
        "negative": int((days < 0).sum()),
        "d0_7": int(days.between(0, 7).sum()),
        "d8_14": int(days.between(8, 14).sum()),
        "over_14": int((days > 14).sum()),
        "counted": int(days.notna().sum()),
    }
    assert counted == expected


def test_money_of_a_real_file_adds_up(corpus):
    path = corpus / "claims" / "tsa_2014.csv"
    claims = frame(path, planned(path, mapping={"refunded_amount": "refunded_before"}))
    assert int(claims["refunded_before"].sum()) == 53_873_951
    assert int((claims["refunded_before"] > 0).sum()) == 2_360

    path = corpus / "claims" / "online_retail_2010-12_2011-05.csv"
    assert int(frame(path, planned(path))["amount"].sum()) == 35_789_895


# One slice, written in many ways.

ENCODED = {"03_": "cp1252", "24_": "cp1252", "52_": "cp1252", "54_": "mac_roman"}
REFUSED = {
    "34_empty_file.csv": "is empty",
    "36_bom_only.csv": "is empty",
    "37_html_saved_as.xls": "is a web page",
    "38_xlsx_renamed_csv.csv": "is cut off or damaged",
    "39_json_lines_named_csv.csv": "is JSON",
}


def wishes_for(name: str) -> dict[str, object]:
    """What a person who knows the file would answer."""
    answers = {"encoding": ENCODED[name[:3]]} if name[:3] in ENCODED else {}
    if name[:2] in {"26", "50", "51", "52", "53", "54", "55", "56", "57"} or name.startswith("canonical_text"):
        answers["dates"] = "dmy"
    mapping = {"amount": "amount"} if name.startswith("19") else None
    return {"answers": answers, "mapping": mapping}


def variants(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "expected.json").read_text())["files"]


def slice_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="|" if "text" in name else ","))


def test_one_slice_written_in_many_ways_ends_as_its_manifest_says(corpus, subtests):
    folder = corpus / "b_csv" / "variants"
    facts = {row["claim_ref"]: row for row in slice_of(folder, "canonical_shared.csv")}
    for name, expected in variants(folder).items():
        if name in REFUSED or name.startswith(("25", "28", "30", "33", "5", "canonical_text")):
            continue
        with subtests.test(name):
            path = folder / name
            plan = planned(path, **wishes_for(name))
            assert plan.ready, plan.questions
            batches = list(intake.rows(intake.source(path), plan))
            claims = pd.concat([batch.claims.frame for batch in batches], ignore_index=True)
            rejected = [reject for batch in batches for reject in batch.rejected]

            assert sorted(reject.line for reject in rejected) == expected.get("bad_lines", [])
            for row in claims.itertuples():
                right = facts[row.claim_ref]
                assert row.order_ref == right["order_ref"], name
                assert row.currency == right["currency"]
                assert row.amount == int(right["amount"].replace(".", ""))
                for instant in ("purchased_at", "submitted_at"):
                    read = moment(getattr(row, instant))
                    wanted = datetime.fromisoformat(right[instant])
                    assert read == (wanted.replace(hour=0, minute=0, second=0) if name.startswith("26") else wanted)
            count = {"35": 0, "26": 25, "32": 20}.get(name[:2], 120 - len(expected.get("bad_lines", [])))
            assert len(claims) == count


@pytest.mark.parametrize(("name", "says"), sorted(REFUSED.items()))
def test_what_is_no_table_is_refused_with_what_it_is(corpus, name, says):
    with pytest.raises(IntakeError, match=says):
        planned(corpus / "b_csv" / "variants" / name)


@pytest.mark.parametrize(
    "name",
    [
        "canonical_text_shared.csv", "50_text_utf8.csv", "51_text_utf8_bom.csv", "52_text_cp1252.csv",
        "53_text_utf16.csv", "54_text_mac_roman.csv", "55_text_utf32.csv", "57_text_nfd.csv",
    ],
)  # fmt: skip
def test_texts_in_seven_languages_come_in_as_they_were_written(corpus, name):
    folder = corpus / "b_csv" / "variants"
    facts = {row["claim_ref"]: row for row in slice_of(folder, "canonical_text_shared.csv")}

    claims = frame(folder / name, planned(folder / name, **wishes_for(name)))

    assert len(claims) == 7
    for row in claims.itertuples():
        for column in ("product", "description"):
            read = unicodedata.normalize("NFC", getattr(row, column)).replace("\r\n", "\n")
            assert read == unicodedata.normalize("NFC", facts[row.claim_ref][column]).replace("\r\n", "\n")


def test_text_damaged_before_it_came_is_pointed_out(corpus):
    plan = planned(corpus / "b_csv" / "variants" / "56_text_double_encoded_mojibake.csv")

    assert any("damaged before this file was written" in notice for notice in plan.notices)


def test_dates_mixed_by_row_are_asked_about(corpus):
    plan = planned(corpus / "b_csv" / "variants" / "25_mixed_date_formats_by_row.csv")

    assert [question.key for question in plan.questions] == ["dates:purchased_at", "dates:submitted_at"]


def test_negative_amounts_are_all_refused_alike(corpus):
    path = corpus / "b_csv" / "variants" / "28_negative_amounts.csv"
    batches = list(intake.rows(intake.source(path), planned(path)))

    assert sum(len(batch.claims) for batch in batches) == 0
    assert {reject.why.split("'")[-1] for batch in batches for reject in batch.rejected} == {
        " is negative, and an amount is zero or more."
    }


def test_references_that_a_spreadsheet_shortened_are_refused_and_floats_mended(corpus):
    path = corpus / "b_csv" / "variants" / "30_float_ids_and_scientific.csv"
    batches = list(intake.rows(intake.source(path), planned(path)))

    assert all(ref.isdigit() for batch in batches for ref in batch.claims.frame["order_ref"])
    assert all("shortened by a spreadsheet" in reject.why for batch in batches for reject in batch.rejected)
    assert sum(batch.rows for batch in batches) == 120


def test_repeats_are_duplicates_and_a_contradiction_is_conflicting(desk, corpus):
    file = intake.source(corpus / "b_csv" / "variants" / "33_duplicates_exact_and_conflicting.csv")

    _, balance = intake.bring_in(file, intake.plan(file, zone="UTC"), desk, actor=1, at=AT)

    assert (balance.rows, balance.created, balance.duplicates, balance.conflicting) == (36, 30, 5, 1)


# Files of all kinds: rows or a sentence, soon.


@pytest.mark.parametrize("folder", ["a_real", "b_csv/third_party", "b_xlsx", "d_email", "e_malicious"])
def test_every_file_ends_in_rows_or_in_a_sentence(corpus, folder):
    found = [path for path in sorted((corpus / folder).rglob("*")) if path.is_file()]
    slow, failed = [], []
    for path in found:
        begun = sum(os.times()[:4])  # seconds of computing, those of child processes included
        try:
            plan = planned(path)
            for batch in intake.rows(intake.source(path), plan):
                assert batch.rows == len(batch.lines) + len(batch.rejected)
        except IntakeError as refusal:
            if not str(refusal).rstrip("”").endswith((".", "”.")):
                failed.append((path.name, str(refusal)))
        except Exception as error:  # noqa: BLE001 - whatever comes is what this test looks for
            failed.append((path.name, repr(error)))
        if sum(os.times()[:4]) - begun > 5:
            slow.append(path.name)

    assert found
    assert failed == []
    assert slow == []


def test_hostile_text_comes_back_to_the_letter(corpus):
    path = corpus / "e_malicious" / "claims_with_payloads.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        wanted = {row["claim_ref"]: row["description"] for row in csv.DictReader(stream)}

    claims = frame(path, planned(path))

    read = dict(zip(claims["claim_ref"], claims["description"].fillna(""), strict=True))
    assert read == {ref: text if text.strip() else "" for ref, text in wanted.items()}
