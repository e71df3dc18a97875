"""Making a certificate: what was known, what the policy said of it, who decided what, and the event it rests on.

Nothing in it depends on when it is made: the same decision always gives the same certificate, byte for byte, until
its customer's data is erased.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from refundcore import promises, words
from refundcore.certificates.sealing import sealed
from refundcore.deadlines import HOUR, moment
from refundcore.facts import BY_NAME, COLUMNS, Claims
from refundcore.policy import Policy
from refundcore.promises import Told
from refundcore.store import Store
from refundcore.store.chain import PERSONAL, opened
from refundcore.store.proof_reading import Decided, decided
from refundcore.store.sentences import amount
from refundcore.words import Explanation

KIND = "Certificate of a decision, Refund Desk"
EDITION = 1
ERASED = "(erased)"
"""How an erased value reads."""

_DETAILED = 100
"""Words of grounds that count as detailed whatever the policy's number is."""


def certificate(store: Store, which: int | str) -> dict[str, Any]:
    """The certificate of the decision that stands on a claim. Raises `StoreError` where none stands.

    The clauses are in the wording that held on the day of the order. Where the policy's document was changed since
    the decision, `policy/same` is false and the explanation is by the document of now.
    """
    found = decided(store, which)
    return of(found, law(store, found))


def law(store: Store, found: Decided) -> Policy:
    """The policy of the edition by which a decision was judged; that in force where the store has no such edition."""
    body = opened(found.event["body"], found.event["private"])
    ours = (edition.policy for edition in store.laws.all if edition.policy.fingerprint == body["policy"])
    return next(ours, store.policy)


def of(found: Decided, policy: Policy) -> dict[str, Any]:
    """The certificate of a decision."""
    event, row = found.event, found.decision
    body = opened(event["body"], event["private"])
    facts: Mapping[str, Any] = body["facts"]
    said, leading = _explained(facts, policy, event["at"], body["verdict"], promises.of_body(body))
    deciding = {body["clause"], *leading}
    return sealed(
        {
            "kind": KIND,
            "edition": EDITION,
            "claim": {"reference": found.ref, "number": event["claim_id"]},
            "decision": {
                "outcome": body["outcome"],
                "against_the_policy": body["override"],
                "reason": body["reason"],
                "reply": body["reply"],
                "refund": _money(body["refund"], body["currency"]),
                "fee": _money(body["fee"], body["currency"]),
                "at": _instant(event["at"]),
                "by": _person(event["person_id"], found.names),
            },
            "approval": _approval(found),
            "facts": {
                name: {"name": BY_NAME[name].label, "value": facts[name], "says": _says(name, facts)}
                for name in COLUMNS
                if name in facts and name in BY_NAME
            },
            "policy": {
                "title": policy.title,
                "in_force_from": f"{policy.in_force_from}",
                "zone": policy.zone,
                "fingerprint": body["policy"],
                "same": body["policy"] == policy.fingerprint and body["verdict"] == said.verdict,
            },
            "verdict": {
                "verdict": body["verdict"],
                "clause": body["clause"],
                "sentence": said.headline,
                "readings": [
                    {"reading": each.name, "verdict": each.verdict, "clause": each.clause, "sentence": each.sentence}
                    for each in said.readings
                ],
                "parting": [{"place": place, "sentence": sentence} for place, sentence in said.parting],
            },
            "clauses": [
                {
                    "id": each.id,
                    "title": each.title,
                    "paragraph": each.paragraph,
                    "wording": each.text,
                    "state": each.word,
                    "sentence": each.sentence,
                    "decides": each.id in deciding,
                }
                for each in sorted(said.clauses, key=lambda clause: clause.id not in deciding)
                if each.state != "not_concerned" or each.id in deciding
            ],
            "deadlines": [
                {
                    "title": each.title,
                    "clause": each.clause,
                    "at": _instant(each.at),
                    "convention": each.convention,
                    "state": each.state,
                }
                for each in said.deadlines
            ],
            "journal": {"event": _event(event), "approval": _event(found.approval) if found.approval else None},
            "decision_number": row["id"],
        }
    )


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as it was hashed, and the salt of its personal values (none once they were erased)."""
    private = json.loads(event["private"]) if event["private"] else {}
    return {
        "id": event["id"],
        "claim": event["claim_id"],
        "seq": event["seq"],
        "at": event["at"],
        "person": event["person_id"],
        "kind": event["kind"],
        "body": event["body"],
        "salt": private.get("salt", ""),
        "before": event["prev_hash"],
        "hash": event["hash"],
    }


def _approval(found: Decided) -> dict[str, Any] | None:
    if found.approval is None:
        return None
    body = json.loads(found.approval["body"])
    return {
        "by": _person(found.approval["person_id"], found.names),
        "at": _instant(found.approval["at"]),
        "reason": body.get("reason", ""),
    }


def _person(number: int, names: Mapping[int, str]) -> dict[str, Any]:
    return {"number": number, "name": names.get(number, "")}


def _money(minor: int | None, currency: str | None) -> dict[str, Any] | None:
    return None if minor is None else {"minor_units": minor, "currency": currency, "says": amount(minor, currency)}


def _instant(at: int) -> str:
    return f"{moment(at):%Y-%m-%dT%H:%M:%SZ}"


def _explained(
    facts: Mapping[str, Any], policy: Policy, at: int, verdict: str, told: Sequence[Told]
) -> tuple[Explanation, list[str]]:
    """What the policy says of the facts at the moment of the decision, and the clauses that decide.

    How long erased grounds were is not known any more: they count as detailed where the decision's verdict needs
    that, and what would say so in words says that they were erased.
    """
    erased = [name for name in PERSONAL if facts.get(name) == ERASED]

    def explain(stand_in: str | None) -> tuple[Explanation, list[str]]:
        given = {**facts, **dict.fromkeys(erased, stand_in)}
        claim = Claims.of({name: [given.get(name)] for name in COLUMNS})
        deciding = words.case_of(claim, policy, at, policy.zone).clauses
        return words.explain(claim, policy, at, policy.zone, told=told), deciding

    said, deciding = explain(None)
    if not erased or said.verdict == verdict:
        return said, deciding
    said, deciding = explain(f"{ERASED} " * _DETAILED)
    other, _ = explain(f"{ERASED} " * (_DETAILED + 1))
    clauses = [
        one if one.sentence == another.sentence else replace(one, sentence="What it rests on was erased.")
        for one, another in zip(said.clauses, other.clauses, strict=True)
    ]
    return replace(said, clauses=clauses), deciding


def _says(name: str, facts: Mapping[str, Any]) -> str:
    """The value of a fact as people read it."""
    fact, value = BY_NAME[name], facts[name]
    if fact.kind == "truth":
        return "yes" if value else "no"
    if fact.kind == "money":
        return amount(value, facts.get("currency"))
    if fact.kind == "instant":
        latest = facts.get(fact.latest, value)
        return f"{moment(value):%Y-%m-%d}" if latest - value >= HOUR else f"{moment(value):%Y-%m-%d %H:%M} UTC"
    return str(value).replace("_", " ") if fact.kind == "code" else str(value)
