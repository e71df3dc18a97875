"""What an act will do to verdict and deadlines, told before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from refundcore import words
from refundcore.desk import context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import verdict_word, when_text
from refundcore.desk.verdicts import explain, explained, one_claim
from refundcore.store import ClaimRecord
from refundcore.words import Explanation
from refundcore.words.effects import Moved, moved


def after(claim: ClaimRecord, changes: Mapping[str, Any]) -> Explanation:
    """The explanation of a claim with some facts changed, as of now; what its customer was told still holds."""
    facts = one_claim({**claim.facts, **changes})
    policy = context.law_of(facts)
    return words.explain(facts, policy, context.now_us(), policy.zone, told=claim.told)


def changes_anything(claim: ClaimRecord, changes: Mapping[str, Any]) -> bool:
    """Whether a change of facts would change the verdict or a deadline."""
    now, then = explained(claim), after(claim, changes)
    same = (now.verdict, now.leaning, now.refund, now.fee) == (then.verdict, then.leaning, then.refund, then.fee)
    return not same or bool(moved(now.deadlines, then.deadlines))


def show(claim: ClaimRecord, changes: Mapping[str, Any], key: str) -> None:
    """Draw what a change of facts would do."""
    now, then = explained(claim), after(claim, changes)
    lines = [_verdict(now, then), *(_deadline(each) for each in moved(now.deadlines, then.deadlines))]
    st.caption("What it will do")
    listing(lines, f"effect_{key}", "What it will do to the verdict and the deadlines")


def show_reopened(claim: ClaimRecord, key: str) -> None:
    """Draw what the policy says of a decided claim once it is open again."""
    then = explain(claim.facts, told=claim.told)
    word = verdict_word(then.verdict, then.leaning)
    st.caption("What the policy says of it now")
    listing([Line(head=then.headline, icon=word.icon, tone=word.tone, word=word.label)], f"effect_{key}", "The verdict")


def _verdict(now: Explanation, then: Explanation) -> Line:
    before, word = verdict_word(now.verdict, now.leaning), verdict_word(then.verdict, then.leaning)
    if before == word:
        return Line(head=f"The verdict stays: {word.label}", text=_differs(now, then), icon=word.icon, tone="gray")
    return Line(
        head=f"Verdict: {before.label} → {word.label}", text=then.headline, icon=word.icon, tone=word.tone,
        word=word.label,
    )  # fmt: skip


def _differs(now: Explanation, then: Explanation) -> str:
    return "" if now.headline == then.headline else then.headline


def _deadline(each: Moved) -> Line:
    title = f"{each.title} ({each.clause})"
    if each.after is None:
        return Line(head=f"{title} no longer runs", note=f"It was {when_text(each.before)}.", icon="timer_off")
    if each.stops:
        return Line(
            head=f"{title}: the clock stands still", note=f"Without that it would end {when_text(each.after)}.",
            icon="pause_circle", tone="blue",
        )  # fmt: skip
    if each.before is None:
        return Line(head=f"{title}: {when_text(each.after)}", icon="timer", note="It begins to run.")
    way = "later" if each.after > each.before else "earlier"
    return Line(
        head=f"{title}: {when_text(each.before)} → {when_text(each.after)}", icon="update",
        tone="" if way == "later" else "orange", word=way,
    )  # fmt: skip
