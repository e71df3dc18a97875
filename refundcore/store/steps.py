"""Steps of a claim's life: what happened, recorded as an act of its own that says which facts follow from it.

Each step is one row of `STEPS`: when it fits, what has to be told with it, and what it changes. `take_step` records
one, `step_changes` says beforehand which facts it would change; a claim's waiting state follows from its facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from refundcore.facts import BY_NAME, COLUMNS, Claims
from refundcore.policy import Policy
from refundcore.rulebook import known as k
from refundcore.rulebook.reading import Reader
from refundcore.rulebook.regions import Region
from refundcore.store import sentences
from refundcore.store.acting import Row, acting, typed_facts, words
from refundcore.store.acts import ANSWERED, CHANGEABLE, awaited, identity, judged_as
from refundcore.store.errors import Impossible
from refundcore.store.judging import CHOICE
from refundcore.store.model import Facts, Receipt
from refundcore.store.store import Store

NOTHING: Facts = MappingProxyType({})


@dataclass(frozen=True)
class Given:
    """What somebody tells with a step; what a step does not ask for stays empty."""

    text: str = ""
    """The customer's or the technicians' words."""
    when: tuple[int, int] | None = None
    """When it happened: its earliest and latest moment."""
    price: int | None = None
    """Of the replacement on offer, in minor units of the claim's currency."""
    choice: str = ""
    """`refund` or `replacement`."""
    answers: Facts = field(default_factory=lambda: NOTHING)
    """Facts that the answer tells."""


@dataclass(frozen=True)
class Step:
    """One kind of step."""

    name: str
    """The kind of its event."""
    label: str
    """What a button says."""
    fits: Callable[[Row, int, Policy], str]
    """Why it does not fit a claim now, as a sentence; "" where it does."""
    facts: Callable[[Row, Given, Policy], dict[str, Any]]
    """The facts that follow from it. Raises `Impossible` for what cannot have been."""
    text: str = ""
    """What its text is; "" where none is asked for."""
    needs_text: bool = False
    moment: str = ""
    """The fact that holds when it happened; "" where no moment is asked for."""


# When a step fits.


def _defect(row: Row) -> str:
    return "" if row["reason"] == "major_defect" else "This is for claims about a major defect only."


def _open_defect(row: Row) -> str:
    if why := _defect(row):
        return why
    return "The defect is recorded as put right already." if row["defect_fixed_at"] is not None else ""


def _may_ask_for_access(row: Row, at: int, _: Policy) -> str:
    if why := _open_defect(row):
        return why
    if row["defect_approved"] is False:
        return "The technicians found no defect: no access is needed."
    if row["access_refused"]:
        return "The customer refused access already."
    if row["access_granted_at"] is not None:
        return f"Access was given already, {sentences.clock(row['access_granted_at'], at)}."
    if row["access_requested_at"] is not None:
        return f"Access was asked for already, {sentences.clock(row['access_requested_at'], at)}."
    return ""


def _may_give_access(row: Row, at: int, _: Policy) -> str:
    if why := _defect(row):
        return why
    if row["access_requested_at"] is None:
        return "Nobody has asked for access yet: record the request first."
    if row["access_granted_at"] is not None:
        return f"Access was given already, {sentences.clock(row['access_granted_at'], at)}."
    return "The customer refused access: change that fact first." if row["access_refused"] else ""


def _may_confirm(row: Row, _: int, __: Policy) -> str:
    return _defect(row) or ("The defect is confirmed already." if row["defect_approved"] else "")


def _may_reject(row: Row, _: int, __: Policy) -> str:
    return _defect(row) or (
        "The technicians' rejection is recorded already." if row["defect_approved"] is False else ""
    )


def _may_fix(row: Row, _: int, __: Policy) -> str:
    if why := _open_defect(row):
        return why
    return "The technicians found no defect that could be put right." if row["defect_approved"] is False else ""


def _may_accept_fix(row: Row, at: int, policy: Policy) -> str:
    if why := _defect(row):
        return why
    if row["defect_fixed_at"] is None:
        return "No fix is recorded yet that the customer could accept."
    if row["fix_accepted"]:
        return "The customer's acceptance is recorded already."
    fix = int(_region(row, policy, at).columns["fix_standing"][0])
    return "The defect was put right in time: nothing is left to accept." if fix == k.FIXED_IN_TIME else ""


def _may_offer(row: Row, _: int, __: Policy) -> str:
    if why := _defect(row):
        return why
    if row["amount"] is None or row["currency"] is None:
        return "What was paid is unknown: fill it in, so that the replacement can be of about the same value."
    return _barred(row)


def _may_choose(row: Row, _: int, __: Policy) -> str:
    return _defect(row) or _barred(row)


def _barred(row: Row) -> str:
    return "A clause bars this claim: neither a refund nor a replacement is due." if row["verdict"] == "deny" else ""


def _may_answer(row: Row, _: int, __: Policy) -> str:
    return "" if row["asked_for"] else "Nothing was asked for that could be answered."


def _may_withdraw(_: Row, __: int, ___: Policy) -> str:
    return ""


# What follows from a step.


def _moment(given: Given) -> tuple[int, int]:
    if given.when is None:
        raise Impossible("Say when it happened.")
    return given.when


def _at(name: str, given: Given) -> dict[str, Any]:
    first, last = _moment(given)
    return {name: first, BY_NAME[name].latest: last}


def _ask_for_access(_: Row, given: Given, __: Policy) -> dict[str, Any]:
    return {"access_needed": True, **_at("access_requested_at", given)}


def _give_access(_: Row, given: Given, __: Policy) -> dict[str, Any]:
    return {**_at("access_granted_at", given), "access_refused": False}


def _refuse_access(_: Row, __: Given, ___: Policy) -> dict[str, Any]:
    return {"access_refused": True}


def _confirm(_: Row, __: Given, ___: Policy) -> dict[str, Any]:
    return {"defect_approved": True}


def _reject(_: Row, __: Given, ___: Policy) -> dict[str, Any]:
    return {"defect_approved": False}


def _fix(_: Row, given: Given, __: Policy) -> dict[str, Any]:
    return _at("defect_fixed_at", given)


def _accept_fix(_: Row, __: Given, ___: Policy) -> dict[str, Any]:
    return {"fix_accepted": True}


def _offer(row: Row, given: Given, policy: Policy) -> dict[str, Any]:
    if given.price is None:
        raise Impossible("Name the price of the replacement.")
    low, high = price_limits(row, policy)
    if not low <= given.price <= high:
        raise Impossible(
            f"A replacement is of about the same value: between {sentences.amount(low, row['currency'])} and"
            f" {sentences.amount(high, row['currency'])} (C6d); this one costs"
            f" {sentences.amount(given.price, row['currency'])}."
        )
    return {"replacement_price": given.price}


def _choose(row: Row, given: Given, _: Policy) -> dict[str, Any]:
    if given.choice not in BY_NAME["remedy_choice"].codes:
        raise Impossible("Say what the customer chose: the refund or the replacement.")
    if given.choice == row["remedy_choice"]:
        raise Impossible("That choice is recorded already.")
    return {"remedy_choice": given.choice}


def _answer(row: Row, given: Given, _: Policy) -> dict[str, Any]:
    if not given.answers:
        raise Impossible("Fill in at least one answer.")
    asked = set(row["asked_for"].split())
    if strange := sorted({name.removesuffix("_latest") for name in given.answers} - asked):
        raise Impossible(f"{BY_NAME[strange[0]].label} was not asked for: change it among the facts.")
    return dict(given.answers)


def _withdraw(_: Row, __: Given, ___: Policy) -> dict[str, Any]:
    return {}


_CUSTOMERS, _TECHNICIANS = "The customer's words", "What the technicians say"

STEPS: Mapping[str, Step] = MappingProxyType({
    step.name: step
    for step in (
        Step("answered", "Record the answer", _may_answer, _answer, "Their words"),
        Step(
            "access_requested", "Access was asked for", _may_ask_for_access,
            _ask_for_access, "What it is needed for", moment="access_requested_at",
        ),
        Step(
            "access_granted", "Access was given", _may_give_access, _give_access,
            _CUSTOMERS, moment="access_granted_at",
        ),
        Step(
            "access_refused", "Access was refused", _may_give_access,
            _refuse_access, _CUSTOMERS, needs_text=True,
        ),
        Step(
            "defect_confirmed", "Defect confirmed", _may_confirm, _confirm, _TECHNICIANS,
        ),
        Step(
            "defect_rejected", "No defect found", _may_reject,
            _reject, _TECHNICIANS, needs_text=True,
        ),
        Step(
            "fix_recorded", "Defect put right", _may_fix, _fix,
            "What was done", moment="defect_fixed_at",
        ),
        Step(
            "fix_accepted", "Late fix accepted", _may_accept_fix,
            _accept_fix, "What they wrote", needs_text=True,
        ),
        Step(
            "replacement_offered", "Offer a replacement", _may_offer, _offer,
            "What is offered", needs_text=True,
        ),
        Step(
            "remedy_chosen", "The customer's choice", _may_choose, _choose,
            _CUSTOMERS,
        ),
        Step(
            "withdrawn", "Claim withdrawn", _may_withdraw, _withdraw,
            _CUSTOMERS, needs_text=True,
        ),
    )
})  # fmt: skip
"""The steps by name, in the order in which they usually come."""


def _region(row: Row, policy: Policy, at: int) -> Region:
    claim = Claims.of({name: [row[name]] for name in COLUMNS})
    reader = Reader(claim, np.array([at], dtype=np.int64))
    return Region(reader, policy, policy.zone, str(row["reason"]), np.array([0]))


def price_limits(row: Row, policy: Policy) -> tuple[int, int]:
    """The lowest and highest price, in minor units, of what is of about the same value as what was paid (C6d, A21)."""
    ordered = next((row[name] for name in ("ordered_at", "purchased_at", "submitted_at") if row[name] is not None), 0)
    tolerance = policy.number("C6d", "tolerance_percent", np.array([ordered], dtype=np.int64), policy.zone)
    percent = int(np.asarray(tolerance).reshape(-1)[0])
    return -(-row["amount"] * (100 - percent) // 100), row["amount"] * (100 + percent) // 100


def unfit(step: str, row: Row, at: int, policy: Policy) -> str:
    """Why a step does not fit a claim as it is now, as a sentence; "" where it does.

    `row` holds the claim's facts, its state, its verdict and `asked_for`. Raises `Impossible` for a step that there is
    not.
    """
    if step not in STEPS:
        raise Impossible(f"There is no step called '{step}'.")
    if row["state"] not in CHANGEABLE:
        return f"This claim is {sentences.STATES[row['state']]}: reopen it first."
    return STEPS[step].fits(row, at, policy)


def step_changes(step: str, row: Row, given: Given, at: int, policy: Policy) -> dict[str, Any]:
    """The facts that a step would change, by column. Raises `Impossible`, saying why, where it cannot be taken."""
    if why := unfit(step, row, at, policy):
        raise Impossible(why)
    found = typed_facts(STEPS[step].facts(row, given, policy))
    if "claim_ref" in found:
        raise Impossible("A claim's reference cannot be changed.")
    _refuse_order(row, found, at)
    return {name: value for name, value in found.items() if row[name] != value}


def _refuse_order(row: Row, found: Mapping[str, Any], at: int) -> None:
    """Refuse moments that lie in the future, or before what they follow."""
    for name in found:
        if name in BY_NAME and BY_NAME[name].kind == "instant" and (found[name] or 0) > at:
            raise Impossible("It cannot have happened in the future.")
    now = {**row, **found}
    notice = "defect_notified_at" if now["defect_notified_at"] is not None else "submitted_at"
    for later, earlier, what in (
        ("access_requested_at", notice, "the notice"),
        ("access_granted_at", "access_requested_at", "the request"),
        ("defect_fixed_at", notice, "the notice"),
    ):
        ends = now[BY_NAME[later].latest]
        if later in found and ends is not None and now[earlier] is not None and ends < now[earlier]:
            raise Impossible(f"It cannot have happened before {what}, {sentences.clock(now[earlier], at)}.")


def take_step(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claim: int,
    version: int,
    step: str,
    given: Given,
) -> Receipt:
    """Record a step; its facts, the verdict and the waiting state follow.

    Raises `Impossible` for a step that does not fit the claim now, or without what has to be told with it.
    """
    parameters = {"claim": claim, "version": version, "step": step, **given.__dict__}
    with acting(store, "record", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        changed = step_changes(step, row, given, act.at, store.laws.of_number(row["edition"]).policy)
        kind = STEPS[step]
        text = words(given.text, kind.text or "The text", needed=kind.needs_text)
        now = {**row, **changed}
        verdict = act.verdict(now)
        if step == "withdrawn":
            changes = {"state": "closed", "outcome": "withdrawn", **ANSWERED}
        else:
            state, asked_for = awaited(now, verdict.verdict)
            if step == "replacement_offered" and row["remedy_choice"] is None:
                state, asked_for = "waiting_customer", CHOICE
            changes = {"state": state, "asked_for": asked_for, "asked_until": None, "answer_from": act.at}
        body: dict[str, Any] = {"text": text, "changes": changed, **judged_as(verdict, store)}
        if step == "replacement_offered":
            body |= {"price": given.price, "currency": row["currency"]}
        elif step == "remedy_chosen":
            body["choice"] = given.choice
        after, event = act.change(
            row, step, body, {**changed, **changes, **identity(act, row, now)}, verdict=verdict, facts_in="changes"
        )
        return act.receipt(after, event, _sentence(after))


def _sentence(row: Row) -> str:
    if row["state"] == "closed":
        return f"Claim {row['ref']} was withdrawn and is closed."
    waits = "" if row["state"] == "new" else f" It is {sentences.STATES[row['state']]}."
    return f"Claim {row['ref']}: the verdict is {sentences.verdict(row['verdict'])}.{waits}"
