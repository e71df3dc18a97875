"""What an import makes of whole columns is what the store makes of one claim, letter for letter."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from store_of_tests import AT, POLICY

from refundcore import rules
from refundcore.deadlines import micros
from refundcore.facts import BY_NAME, COLUMNS, Claims
from refundcore.store import chain, judging, prepare
from refundcore.store.incoming import encoded
from refundcore.store.preparing import bodies
from refundcore.store.settings import Settings
from refundcore.store.store import Store

STORE = Store(None, "", POLICY, rules.judge)  # type: ignore[arg-type] - nothing here asks the database
NASTY = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.sampled_from('"\\\n\r\t\0\x01\x1f\x7f/é\u2028\ufeff😀 a'), max_size=12),
)
DAY = 86_400_000_000


def _values(name: str) -> st.SearchStrategy[Any]:
    fact = BY_NAME[name.removesuffix("_latest")]
    if fact.codes:
        return st.sampled_from(fact.codes)
    known = {
        "truth": st.booleans(),
        "money": st.integers(0, 10_000_000),
        "instant": st.integers(micros(AT) - 400 * DAY, micros(AT)),
        "currency": st.sampled_from(("USD", "EUR", "JPY")),
    }
    return known.get(fact.kind, NASTY)


ROW = st.fixed_dictionaries(
    {}, optional={name: st.none() | _values(name) for name in COLUMNS if not name.endswith("_latest")}
)


@given(st.lists(st.none() | NASTY, max_size=8), st.integers(0, 3))
def test_texts_are_written_as_json_writes_them(texts: list[str | None], start: int) -> None:
    column = pa.array(['"', "\\", "\n", *texts], type=pa.string()).slice(start)
    wanted = [None if text is None else chain.canonical(text) for text in column.to_pylist()]
    assert encoded(column).to_pylist() == wanted


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=5), named=st.booleans())
@example(rows=[{"claim_ref": '"', "description": "", "customer_email": None}], named=True)
def test_the_event_of_an_imported_claim_is_what_one_claim_alone_would_get(
    rows: list[dict[str, Any]], *, named: bool
) -> None:
    if named:
        rows = [{**row, "claim_ref": f"{place}{row.get('claim_ref') or ''}"} for place, row in enumerate(rows)]
    else:
        rows = [{**row, "claim_ref": None} for row in rows]
    claims = Claims.of({name: [row.get(name) for row in rows] for name in COLUMNS if not name.endswith("_latest")})
    made = prepare(STORE, 7, claims, AT)
    assert (made.bodies is None) == (not named)
    refs = [row["claim_ref"] or f"RC-{place}" for place, row in enumerate(rows)]
    told = made.bodies
    if told is None:
        told = bodies(made.rows.facts, made.verdicts, pa.array(refs), 7, STORE)
    for place, (body, private) in enumerate(zip(told.to_pylist(), made.rows.private.to_pylist(), strict=True)):
        facts = {name: column[place].as_py() for name, column in claims.columns.items()}
        kept = json.loads(private) if private else {}
        committed, personal = chain.committed(
            {name: value for name, value in facts.items() if value is not None}, kept.get("salt", "")
        )
        assert body == chain.canonical(
            {
                "after": {"state": "new", "outcome": "", "assignee_id": None, "asked_for": ""},
                "clause": made.verdicts["clause"][place].as_py(),
                "facts": committed,
                "import": 7,
                "policy": POLICY.fingerprint,
                "ref": refs[place],
                "verdict": made.verdicts["verdict"][place].as_py(),
            }
        )
        assert private == (chain.canonical({"salt": kept["salt"], **personal}) if personal else None)


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=6), st.integers(1, 200))
def test_new_claims_are_to_be_acted_on_when_each_alone_would_be(rows: list[dict[str, Any]], hours: int) -> None:
    claims = Claims.of({name: [row.get(name) for row in rows] for name in COLUMNS if not name.endswith("_latest")})
    made = prepare(STORE, 1, claims, AT)
    desk = Settings(answer_hours=hours)
    found = judging.first_act_by(
        made.verdicts["verdict"], made.verdicts["next_deadline"], made.paid, answer_from=micros(AT), settings=desk
    )
    facts = [{name: column[place].as_py() for name, column in claims.columns.items()} for place in range(len(rows))]
    alone = {"state": "new", "outcome": "", "answer_from": micros(AT), "asked_for": ""}
    each = [
        judging.kept(judging.judge_rows(STORE, [row], micros(AT))[0], {**row, **alone}, desk, STORE.laws)["act_by"]
        for row in facts
    ]
    assert found == each
