"""Rows of an import before they meet the store: judged, fingerprinted, their events written, all of it by columns.

Nothing here asks the database, so that it can be done by another process while the rows before are being stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from refundcore.deadlines import micros
from refundcore.facts import Claims
from refundcore.store.chain import canonical
from refundcore.store.incoming import Incoming, encoded, incoming
from refundcore.store.judging import pay_by, verdict_columns
from refundcore.store.store import Store

_AFTER = canonical({"state": "new", "outcome": "", "assignee_id": None, "asked_for": ""})


@dataclass(frozen=True)
class Prepared:
    """Some rows of an import, ready to be stored; every column in the order of the rows."""

    rows: Incoming
    verdicts: Mapping[str, pa.Array]
    """The columns of `VERDICT_COLUMNS`."""
    paid: pa.Int64Array
    """Until when the desk means to pay each claim; null where it isn't known when it came."""
    bodies: pa.StringArray | None
    """The body of the event that creates each claim; None where some row has no reference yet: the store gives it one.

    Where it is there, `rows` no longer have the facts as JSON.
    """

    def __len__(self) -> int:
        return self.rows.size


def prepare(store: Store, number: int, claims: Claims, at: datetime) -> Prepared:
    """The rows of an import as of an instant. Of the store only its policy is asked, and its judge."""
    rows, verdicts = incoming(claims), verdict_columns(store, claims, micros(at))
    dates = (claims.columns[name] for name in ("submitted_at", "ordered_at", "purchased_at"))
    paid = pay_by(store.policy, *dates)
    if None in rows.refs:
        return Prepared(rows, verdicts, paid, None)
    told = bodies(rows.facts, verdicts, claims.columns["claim_ref"], number, store.policy.fingerprint)
    return Prepared(replace(rows, facts=pa.nulls(0, pa.string())), verdicts, paid, told)


def bodies(
    facts: pa.StringArray, verdicts: Mapping[str, pa.Array], refs: pa.StringArray, number: int, policy: str
) -> pa.StringArray:
    """The bodies of the events that create claims: what `chain.Ledger.row` would make of each as a mapping."""
    return pc.binary_join_element_wise(
        f'{{"after":{_AFTER},"clause":',
        encoded(verdicts["clause"]),
        ',"facts":',
        facts,
        f',"import":{number},"policy":{canonical(policy)},"ref":',
        encoded(refs),
        ',"verdict":',
        encoded(verdicts["verdict"]),
        "}",
        "",
    )
