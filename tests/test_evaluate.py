"""`evaluate` judges a file without a desk: every row comes out in order, every fault is a sentence, nothing is lost."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from test_oracle import rows_of

from refundcore import __main__ as commands
from refundcore.commands import evaluate
from refundcore.intake import tables

PROJECT = Path(__file__).parent.parent
AS_OF = "2024-05-20T12:00:00Z"
HEADER = (
    "claim_ref,order_ref,customer_email,reason,description,purchased_at,submitted_at,sms_code_received,amount,currency"
)
GOOD = (
    "C-1,O-1,ana@example.org,sms_not_received,the code never came to the number that I bought,"
    "2024-05-06T14:30:00Z,2024-05-08,no,10.00,USD"
)


def call(folder: Path, text: str | bytes, *more: str) -> tuple[int, list[dict[str, str]]]:
    """Status and rows of `evaluate` over a file of this text."""
    source, target = folder / "claims.csv", folder / "out.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    status = commands.main(["evaluate", str(source), "--as-of", AS_OF, "-o", str(target), *more])
    return status, rows_of(target) if target.exists() else []


def test_a_claim_comes_out_with_everything_that_was_decided(tmp_path):
    status, rows = call(tmp_path, f"{HEADER}\n{GOOD}\n")
    assert status == 0
    assert rows == [
        {
            "claim_ref": "C-1",
            "verdict": "approve",
            "leaning": "",
            "clause": "C4a",
            "clauses": "C4a",
            "missing": "",
            "next_deadline": "",
            "refund": "10.00",
            "fee": "0.00",
            "currency": "USD",
            "error": "",
        }
    ]


def test_rows_come_out_in_the_order_of_the_file(tmp_path):
    refs = [f"C-{number}" for number in (5, 3, 9, 1)]
    _, rows = call(tmp_path, "\n".join([HEADER, *(GOOD.replace("C-1", ref) for ref in refs)]))
    assert [row["claim_ref"] for row in rows] == refs


@pytest.mark.parametrize(
    "header",
    [
        HEADER.upper(),
        HEADER.replace("_", " "),
        HEADER.replace("_", "").title(),
        HEADER.replace(",", " , "),
        "\ufeff" + HEADER,
    ],
)
def test_columns_are_known_whatever_their_case_spaces_and_underscores(tmp_path, header):
    status, rows = call(tmp_path, f"{header}\n{GOOD}\n")
    assert (status, rows[0]["verdict"]) == (0, "approve")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_noticed(tmp_path, delimiter):
    text = f"{HEADER}\n{GOOD}\n".replace(",", delimiter)
    assert call(tmp_path, text)[1][0]["verdict"] == "approve"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_marked_encoding_is_read(tmp_path, encoding):
    assert call(tmp_path, f"{HEADER}\n{GOOD}\n".encode(encoding))[1][0]["verdict"] == "approve"


FAULTS = [
    ("reason", "sms_not_received", "broken", "Line 2, reason: 'broken' is not one of sms_not_received"),
    ("money", "10.00,USD", "10.001,USD", "Line 2, amount: '10.001' has too many decimals"),
    ("huge", "10.00,USD", "1e999999,USD", "Line 2, amount: '1e999999' is not an amount"),
    ("currency", "USD", "DOLLARS", "Line 2, currency: 'DOLLARS' is no currency code"),
    (
        "instant",
        "2024-05-08",
        "2024-13-02",
        "Line 2, submitted_at: '2024-13-02' is a day or a time of day that does not exist",
    ),
    ("truth", ",no,", ",perhaps,", "Line 2, sms_code_received: 'perhaps' is not yes or no"),
    ("nameless", "C-1,O-1", ",", "Line 2: Neither claim_ref nor order_ref is given"),
    ("short", ",10.00,USD", "", "Line 2: the row has 8 cells where the header has 10"),
    ("long", "USD", "USD,more", "Line 2: the row has 11 cells where the header has 10"),
    ("unclosed", "C-1", '"C-1', "Line 2: the row opens a quotation mark"),
]


@pytest.mark.parametrize(("old", "new", "says"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_row_that_cannot_be_read_is_told_by_line_and_the_others_are_judged(tmp_path, capsys, old, new, says):
    bad = GOOD.replace(old, new)
    status, rows = call(tmp_path, f"{HEADER}\n{bad}\n{GOOD}\n{GOOD}\n")
    assert status == 1
    assert says in rows[0]["error"]
    assert rows[0]["verdict"] == ""
    assert [row["verdict"] for row in rows[1:]] == ["approve", "approve"]
    told = capsys.readouterr().err
    assert says in told
    assert "1 of 3 rows could not be judged." in told


def test_blank_lines_are_no_claims(tmp_path):
    status, rows = call(tmp_path, f"{HEADER}\n\n{GOOD}\n,,,,,,,,,\n{GOOD}\n\n")
    assert (status, len(rows)) == (0, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("colour,size\nred,1\n", "none of the columns is a fact of a claim"),
        ("claim_ref,Claim Ref\n1,2\n", "two columns are called claim_ref"),
        (b"claim_ref,order_ref\n\xff\xfe\xfa,1\n", "is not the text it begins as"),
    ],
)
def test_a_file_that_is_no_table_of_claims_is_refused(tmp_path, capsys, text, says):
    assert call(tmp_path, text) == (2, [])
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.csv", "--as-of", AS_OF], "nowhere.csv cannot be read"),
        ([__file__, "--as-of", "soon"], "'soon' is not an instant"),
        ([__file__, "--as-of", AS_OF, "--zone", "Mars"], "'Mars' is no time zone"),
        ([__file__, "--as-of", AS_OF, "--policy", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_a_call_that_cannot_be_done_ends_with_a_sentence(capsys, words, says):
    assert commands.main(["evaluate", *words]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""


def test_the_output_never_replaces_the_input(tmp_path, capsys):
    source = tmp_path / "claims.csv"
    source.write_text(f"{HEADER}\n{GOOD}\n")
    assert commands.main(["evaluate", str(source), "--as-of", AS_OF, "-o", str(source)]) == 2
    assert "would replace the input" in capsys.readouterr().err
    assert source.read_text().startswith(HEADER)


def test_nothing_is_left_behind_by_a_file_that_breaks_off(tmp_path):
    assert call(tmp_path, f"{HEADER}\n{GOOD}\n".encode() * 3 + b"\xff\xff")[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["claims.csv"]


def test_standard_input_and_output_serve_as_files():
    done = subprocess.run(
        [sys.executable, "-m", "refundcore", "evaluate", "-", "--as-of", AS_OF],
        input=f"{HEADER}\n{GOOD}\n",
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert next(csv.DictReader(io.StringIO(done.stdout)))["verdict"] == "approve"


def test_an_amount_without_a_currency_asks_for_the_currency_alone(tmp_path):
    status, rows = call(tmp_path, f"{HEADER}\n{GOOD.replace('USD', '')}\n")
    assert (status, rows[0]["verdict"], rows[0]["missing"]) == (0, "need_info", "currency")


def test_the_zone_of_the_call_decides_the_day(tmp_path):
    late = GOOD.replace("2024-05-08", "2024-05-14T03:00:00Z")
    assert call(tmp_path, f"{HEADER}\n{late}\n")[1][0]["verdict"] == "deny"
    assert call(tmp_path, f"{HEADER}\n{late}\n", "--zone", "America/New_York")[1][0]["verdict"] == "approve"


def test_another_policy_document_judges_otherwise(tmp_path):
    document = (PROJECT / "data" / "policy.toml").read_text(encoding="utf-8")
    other = tmp_path / "policy.toml"
    other.write_text(
        document.replace("[clauses.C4c.window_days]\n2024-04-02 = 7", "[clauses.C4c.window_days]\n2024-04-02 = 1")
    )
    assert call(tmp_path, f"{HEADER}\n{GOOD}\n", "--policy", str(other))[1][0]["verdict"] == "deny"


def test_a_large_file_is_read_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BATCH", 5_000)
    seen = []
    judge = evaluate.rules.judge
    monkeypatch.setattr(
        evaluate.rules, "judge", lambda claims, *a, **k: seen.append(len(claims)) or judge(claims, *a, **k)
    )
    _, rows = call(tmp_path, "\n".join([HEADER, *[GOOD] * 500]))
    assert len(rows) == 500
    assert max(seen) < 100


def test_it_starts_neither_the_pages_nor_the_store_nor_the_charts():
    script = (
        "import sys; from refundcore import __main__ as m; m.main(['evaluate', '/dev/null', '--as-of', '2024-05-20']);"
        "print([name for name in ('streamlit', 'sqlalchemy', 'plotly') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.strip() == "[]"
