"""A desk's past for tests of figures: claims that came in, were asked about, decided, overridden and reopened.

`history` works through the store's own acts, so that everything is as it would be; the same seed is the same past.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from refundcore import store as desk
from refundcore.deadlines import DAY, HOUR, micros

REASONS = (
    ("sms_not_received",) * 5 + ("invalid_number",) * 4 + ("major_defect",) * 4 + ("incompatibility", "other", None)
)
CURRENCIES = ("USD",) * 5 + ("EUR",) * 3 + ("JPY", "KWD")


def history(
    store: desk.Store,
    *,
    n: int,
    seed: int,
    at: datetime,
    agents: tuple[int, ...] = (1,),
    managers: tuple[int, ...] = (1,),
) -> None:
    """Lets `n` claims come in over the 200 days before `at`, and people work on most of them."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    for number in range(n):
        created = at - timedelta(days=200 * rng.random() ** 1.6 + 0.01)
        person = rng.choice(agents)
        receipt = desk.add_claim(
            store, actor=person, at=created, key=f"add {seed} {number}", facts=_facts(rng, number, created)
        )
        _work_on(store, rng, receipt.claim, (created, at), {"person": person, "managers": managers})


def _facts(rng: random.Random, number: int, created: datetime) -> dict[str, object]:
    came = micros(created - timedelta(hours=rng.choice((0, 0, 1, 5, 30, 200)), seconds=rng.randrange(3600)))
    bought = came - rng.choice((1, 2, 3, 5, 8, 11, 20)) * DAY
    reason = rng.choice(REASONS)
    currency = rng.choice(CURRENCIES)
    facts: dict[str, object] = {
        "order_ref": f"H-{number:05d}",
        "customer_email": f"h{number}@example.com",
        "reason": reason,
        "description": "It did not do what I bought it for, whatever I tried over two days",
        "purchased_at": bought,
        "submitted_at": came if rng.random() > 0.05 else None,
        "amount": rng.randrange(300, 9000),
        "currency": currency if rng.random() > 0.03 else None,
        "payment_method": rng.choice(("card", "paypal", None)),
        "channel": rng.choice(("email", "form", None)),
        "product": rng.choice(("Number, Germany", "Number, <b>Peru</b>", "=1+1", None)),
        "ordered_at": bought - HOUR if rng.random() < 0.2 else None,
        "fee_disclosed": rng.random() < 0.5,
    }
    if reason == "sms_not_received":
        facts["sms_code_received"] = rng.choice((False, False, False, True, None))
    if reason == "invalid_number":
        facts |= {"sms_code_received": True, "sms_received_at": bought + HOUR, "evidence_attached": rng.random() < 0.8}
        facts["evidence_sufficient"] = True if facts["evidence_attached"] else None
    if reason == "major_defect":
        facts |= {"defect_notified_at": came, "defect_approved": rng.choice((True, True, True, False, None))}
        if rng.random() < 0.6:
            facts["defect_fixed_at"] = came + rng.choice((1, 20, 71, 72, 73, 100)) * HOUR
        if rng.random() < 0.3:
            asked = came + rng.choice((-5, 1, 30, 72, 80)) * HOUR
            facts |= {"access_needed": True, "access_requested_at": asked}
            facts["access_granted_at"] = asked + 10 * HOUR if rng.random() < 0.7 else None
    if reason in {"incompatibility", "invalid_number"}:
        facts["third_party_cause"] = rng.random() < 0.3
    return facts


def _work_on(
    store: desk.Store, rng: random.Random, claim: int, between: tuple[datetime, datetime], who: dict[str, Any]
) -> None:
    (moment, until), person = between, who["person"]
    for step in range(5):
        moment += timedelta(hours=rng.choice((0.5, 3, 20, 23, 25, 60, 200)), microseconds=rng.randrange(10**9))
        if moment >= until or rng.random() < 0.15:
            return
        record = desk.claim(store, claim)
        assert record is not None
        named = {"actor": person, "at": moment, "key": f"{claim} {step}", "claim": claim}
        try:
            if rng.random() < 0.1:
                to = rng.choice((*who["managers"], None))
                desk.assign(store, **(named | {"key": f"give {claim} {step}"}), version=record.version, to=to)
                record = desk.claim(store, claim)
                assert record is not None
            if record.state == "awaiting_approval":
                act = rng.choice((desk.approve_override, desk.reject_override))
                other = rng.choice([each for each in who["managers"] if each != person] or [person])
                act(store, **(named | {"actor": other}), version=record.version, reason="We looked at it together.")
            elif record.state == "decided":
                _after(store, rng, record, named, who)
            elif rng.random() < 0.15:
                desk.decide(store, **named, version=record.version, outcome="ask", ask_for=["amount"])
            else:
                _decide(store, rng, record, named)
        except desk.StoreError:
            continue  # what the store doesn't allow did not happen


def _decide(store: desk.Store, rng: random.Random, record: desk.ClaimRecord, named: dict[str, object]) -> None:
    follows = record.verdict if record.verdict in {"approve", "exchange", "deny"} else record.leaning or "deny"
    outcome = follows if rng.random() < 0.85 else rng.choice(("approve", "deny"))
    reason = "" if outcome == record.verdict else "As agreed."
    desk.decide(store, **named, version=record.version, outcome=outcome, reason=reason)


def _after(
    store: desk.Store, rng: random.Random, record: desk.ClaimRecord, named: dict[str, Any], who: dict[str, Any]
) -> None:
    """What happens to a decided claim: goodwill, or it is opened again."""
    claim, person = record.id, who["person"]
    asked = [one for one in desk.payouts_of(store, claim) if one.remedy == "goodwill"]
    if asked and asked[-1].state == "awaiting" and rng.random() < 0.8:
        other = rng.choice([each for each in who["managers"] if each != person] or [person])
        approved = named | {"actor": other, "payout": asked[-1].id}
        desk.approve_payout(store, **approved, version=record.version)
    elif rng.random() < 0.3:
        sent = {"amount": rng.randrange(1, 300), "reason": "For the trouble."}
        desk.goodwill(store, **named, version=record.version, **sent)
    elif rng.random() < 0.25:
        desk.reopen(store, **named, version=record.version, reason="The customer wrote again.")
