"""A claim's verdict and its explanation, judged for a page, and laid out as lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from refundcore import words
from refundcore.deadlines import FAR_FUTURE
from refundcore.desk import context
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import CLAUSE_STATES, VERDICTS, Word, count_text, plain, verdict_word, when_text
from refundcore.facts import COLUMNS, Claims
from refundcore.policy import Policy
from refundcore.promises import Told
from refundcore.store import ClaimRecord
from refundcore.words import Explanation

_KEPT = "explained"
_ORDER = {"not_met": 0, "unknown": 1, "met": 2, "not_concerned": 3}
_DEADLINES = {
    "running": ("timer", "", ""),
    "over": ("timer_off", "", "over"),
    "stopped": ("pause_circle", "blue", "standing still"),
    "kept": ("check", "green", "kept"),
    "missed": ("close", "red", "missed"),
}


_SPECIAL = {
    "running": Word("running", "timer", "blue"),
    "stands still": Word("stands still", "pause_circle", "blue"),
    "readings differ": Word("readings differ", "balance", "violet"),
}
"""How clauses stand that are neither for nor against a claim, and known."""


def explain(facts: Mapping[str, Any], policy: Policy | None = None, told: Sequence[Told] = ()) -> Explanation:
    """The explanation of one claim as things stand now, from its facts by column; by the edition of its order.

    `told` are the deadlines that its customer was told.
    """
    claim = one_claim(facts)
    law = policy or context.law_of(claim)
    return words.explain(claim, law, context.now_us(), law.zone, told=told)


def explained(claim: ClaimRecord) -> Explanation:
    """The explanation of a stored claim, kept with the session until the claim, the policy or a deadline moves on."""
    policy = context.edition(claim.edition)
    what = (claim.id, claim.version, policy.fingerprint)
    kept = st.session_state.get(_KEPT)
    if kept and kept[0] == what and context.now_us() <= kept[1]:
        same: Explanation = kept[2]
        return same
    found = explain(claim.facts, policy, claim.told)
    ends = [deadline.at for deadline in found.deadlines if deadline.state == "running"]
    if claim.holds_until is not None:
        ends.append(claim.holds_until)
    st.session_state[_KEPT] = (what, min(ends, default=FAR_FUTURE), found)
    return found


def one_claim(facts: Mapping[str, Any]) -> Claims:
    """A claim's facts by column, as a table of one row."""
    return Claims.of({name: [facts[name]] for name in COLUMNS if name in facts})


def clause_lines(explanation: Explanation, deciding: Collection[str], *, concerned: bool) -> list[Line]:
    """Clause by clause: those that concern the claim, those that decide it first; or the rest."""
    lines = []
    for clause in sorted(explanation.clauses, key=lambda clause: (clause.id not in deciding, _ORDER[clause.state])):
        if (clause.state != "not_concerned") != concerned:
            continue
        word = _SPECIAL.get(clause.word, CLAUSE_STATES[clause.state])
        lines.append(
            Line(
                head=f"{clause.id}  {clause.title}",
                text=clause.sentence,
                note=f"“{clause.text}” (paragraph {clause.paragraph})",
                icon=word.icon,
                tone=word.tone,
                word=clause.word,
                when="decides" if clause.id in deciding else "",
                dim=not concerned,
            )
        )
    return lines


def reading_lines(explanation: Explanation) -> list[Line]:
    """What each reading of the policy makes of the claim."""
    names = {"strict": "Strict reading", "default": "Usual reading", "generous": "Generous reading"}
    lines = []
    for reading in explanation.readings:
        word = verdict_word(reading.verdict)
        lines.append(
            Line(
                head=names.get(reading.name, reading.name), text=reading.sentence, icon=word.icon, tone=word.tone,
                word=f"{word.label} {reading.clause}".strip(),
            )
        )  # fmt: skip
    return lines + [
        Line(head=f"They part at {number}", text=text, icon="fork_right") for number, text in explanation.parting
    ]


def deadline_lines(deadlines: Sequence[Any]) -> list[Line]:
    """The deadlines with their convention; those that run tick."""
    lines = []
    for deadline in sorted(deadlines, key=lambda deadline: deadline.state != "running"):
        icon, tone, word = _DEADLINES.get(deadline.state, ("timer", "", ""))
        running = deadline.state == "running"
        lines.append(
            Line(
                head=f"{deadline.title} ({deadline.clause})" if deadline.clause else deadline.title,
                note=" · ".join(filter(None, (when_text(deadline.at), deadline.convention))),
                icon=icon,
                tone=tone,
                word=word,
                due=deadline.at if running else None,
                dim=deadline.state == "over",
            )
        )
    return lines


def missing_lines(explanation: Explanation) -> list[Line]:
    """What to ask, and what each answer would lead to."""
    lines = []
    for question in explanation.missing:
        leads = {verdict for _, verdict in question.outcomes}
        outcomes = [
            f"{answer}: {VERDICTS.get(verdict, Word(verdict, '', 'gray')).label}"
            for answer, verdict in question.outcomes
        ]
        lines.append(
            Line(
                head=question.label,
                text=question.question,
                note=" · ".join(outcomes) if len(leads) > 1 else "",
                icon="help",
                tone="orange",
            )
        )
    return lines


def edition_of(claim: ClaimRecord) -> str:
    """Which edition judges the claim, to follow "what the policy says"; "" while there is but one."""
    laws = context.store().laws
    return f" (edition {claim.edition}, in force at the order)" if len(laws.all) > 1 else ""


def headline(explanation: Explanation, *, withdrawn: bool = False, edition: str = "") -> None:
    """The verdict in one sentence, and the fee where one is kept; nothing is due where the customer withdrew."""
    if withdrawn:
        st.markdown("**Withdrawn by the customer: nothing is due.**")
        return
    st.caption(f"What the policy says{edition}")
    st.markdown(f"**{plain(explanation.headline)}**")
    if explanation.fee:
        st.text(f"A fee of {explanation.fee} is kept back.")


def turning(facts: Mapping[str, Any]) -> None:
    """What would lead to another verdict; made out only once somebody opens it."""
    with st.expander("What would change the verdict", key="turning", on_change="rerun") as box:
        if not box.open:
            return
        claim = one_claim(facts)
        law = context.law_of(claim)
        turns = words.turning_points(claim, law, context.now_us(), law.zone)
        if not turns:
            st.text("No change of one or two facts would: the verdict is firm.")
            return
        lines = [
            Line(
                head=turn.sentence,
                text="",
                icon=(word := verdict_word(turn.verdict)).icon,
                tone=word.tone,
                word=word.label,
            )
            for turn in turns
        ]
        listing(lines, "turns", "The smallest changes of facts that would lead to another verdict")


def why(explanation: Explanation, deciding: Collection[str]) -> None:
    """Where the readings part, and every clause that concerns the claim; the others folded away."""
    for other in explanation.second_best:
        st.info(plain(other.sentence), icon=":material/alt_route:")
    if explanation.parting:
        listing(reading_lines(explanation), "readings", "What each reading of the policy makes of the claim")
        st.markdown("**Clause by clause**")
    listing(clause_lines(explanation, deciding, concerned=True), "clauses", "Clause by clause")
    others = clause_lines(explanation, deciding, concerned=False)
    if others:
        with st.expander(f"{count_text(len(others), 'clause')} not concerned", key="not_concerned"):
            listing(others, "other_clauses", "Clauses that do not concern this claim")
