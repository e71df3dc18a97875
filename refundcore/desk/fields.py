"""The facts of a claim as fields of a form, grouped by topic and following the reason.

A form works on text, as a file does: what was typed is read by the same converters as an imported cell, so a
date, an amount or a yes means the same in both. A field left empty is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from refundcore import money
from refundcore.deadlines import HOUR, moment
from refundcore.desk import context
from refundcore.desk.show import CODES, known, when_text
from refundcore.facts import BY_NAME, FACTS, REASONS, Fact
from refundcore.intake import cells

GROUPS: Mapping[str, tuple[str, ...]] = {
    "The claim": (
        "claim_ref", "order_ref", "item_ref", "customer_email", "product", "channel", "grounds_sufficient", "description",
    ),
    "Dates": ("purchased_at", "ordered_at", "submitted_at", "sent_at", "contacted_at"),
    "SMS and evidence": (
        "sms_code_received", "sms_received_at", "evidence_attached", "evidence_sufficient", "evidence_received_at",
    ),
    "The defect": (
        "defect_notified_at", "defect_approved", "defect_fixed_at", "fix_accepted", "access_needed",
        "access_requested_at", "access_granted_at", "access_refused", "remedy_choice", "replacement_price",
    ),
    "Third parties": ("third_party_cause", "listed_compatible", "reproduced_without_third_party"),
    "Payment": (
        "amount", "currency", "payment_method", "refunded_before", "payment_split", "fee_disclosed", "chargeback_open",
    ),
    "Conduct": ("unlawful_use", "terms_section"),
}  # fmt: skip
"""The facts by topic, in the order in which people are asked; the reason itself stands above them all."""

COMMON_CURRENCIES = ("USD", "EUR", "GBP")
YES, NO = "Yes", "No"


def currencies() -> list[str]:
    """Every currency code, the common ones first."""
    return [*COMMON_CURRENCIES, *sorted(set(money.EXPONENTS) - set(COMMON_CURRENCIES))]


def asked(reason: object) -> dict[str, list[Fact]]:
    """The facts asked for under a reason, by topic; all of them while the reason is unknown."""
    groups = {}
    for title, names in GROUPS.items():
        facts = [BY_NAME[name] for name in names if reason not in REASONS or reason in BY_NAME[name].reasons]
        if facts:
            groups[title] = facts
    return groups


def text_of(name: str, facts: Mapping[str, Any]) -> str:
    """One fact of a stored claim as the text that would be typed for it; empty where it is unknown."""
    fact, value = BY_NAME[name], facts.get(name)
    if not known(value):
        return ""
    match fact.kind:
        case "truth":
            return YES if value else NO
        case "money":
            currency = str(facts.get("currency"))
            return money.plain(int(str(value)), currency) if currency in money.EXPONENTS else str(value)
        case "instant":
            start, end = int(str(value)), facts.get(fact.latest)
            local = moment(start, context.zone())
            if known(end) and int(str(end)) - start >= HOUR:
                return f"{local:%Y-%m-%d}"
            return f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
        case _:
            return str(value)


def field(
    fact: Fact, key: str, value: str = "", problem: str = "", *, live: bool = False, missing: bool = False
) -> str:
    """One field with its help; what was typed, as text. `problem` stands under it, `missing` marks it."""
    label = f"{fact.label} :orange-badge[needed]" if missing else fact.label
    help_text = f"{fact.help} Left empty: {fact.blank}." if fact.blank else fact.help
    match fact.kind:
        case "truth":
            options = [YES, NO]
            typed = st.segmented_control(label, options, default=value or None, key=key, help=help_text)
        case "code":
            codes = list(fact.codes)
            typed = st.selectbox(
                label, codes, index=codes.index(value) if value in codes else None, format_func=lambda code: CODES.get(code, code),
                key=key, help=help_text, placeholder="Not known",
            )  # fmt: skip
        case "currency":
            codes = currencies()
            typed = st.selectbox(
                label,
                codes,
                index=codes.index(value) if value in codes else None,
                key=key,
                help=help_text,
                placeholder="Not known",
            )
        case _ if fact.name == "description":
            typed = st.text_area(label, value=value, key=key, help=help_text, height=110)
        case _:
            typed = st.text_input(
                label,
                value=value,
                key=key,
                help=help_text,
                live=live,
                placeholder=_PLACEHOLDERS.get(fact.kind, ""),
                autocomplete="off",
            )
    if problem:
        st.error(problem)
    return str(typed or "").strip()


_PLACEHOLDERS = {"instant": "2026-05-14 or 2026-05-14 13:05", "money": "12.50"}


def form(
    reason: object,
    prefix: str,
    values: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    missing: Iterable[str] = (),
    leave_out: Iterable[str] = (),
    columns: int = 3,
    live: bool = False,
) -> dict[str, str]:
    """All fields asked for under a reason, by topic; what was typed, by fact."""
    typed: dict[str, str] = {}
    wanted, hidden = set(missing), set(leave_out)
    for title, facts in asked(reason).items():
        shown = [fact for fact in facts if fact.name not in hidden]
        if not shown:
            continue
        st.markdown(f"**{title}**")
        wide = [fact for fact in shown if fact.name == "description"]
        narrow = [fact for fact in shown if fact.name != "description"]
        for start in range(0, len(narrow), columns):
            for place, fact in zip(st.columns(columns), narrow[start : start + columns], strict=False):
                with place:
                    typed[fact.name] = field(
                        fact, f"{prefix}_{fact.name}", values.get(fact.name, ""), problems.get(fact.name, ""),
                        live=live, missing=fact.name in wanted,
                    )  # fmt: skip
        for fact in wide:
            typed[fact.name] = field(
                fact,
                f"{prefix}_{fact.name}",
                values.get(fact.name, ""),
                problems.get(fact.name, ""),
                missing=fact.name in wanted,
            )
    return typed


def read(typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed, as facts by column, and the problems by fact.

    Every fact that has a field is in the answer, None where it was left empty. A field that cannot be read is
    left out of the facts and has its sentence among the problems.
    """
    claims, found = cells.convert({name: [text] for name, text in typed.items()}, context.policy().zone)
    problems = {problem.column: sentence(problem) for problem in found}
    row = claims.frame.iloc[0]
    facts: dict[str, Any] = {}
    for fact in FACTS:
        if fact.name not in typed or fact.name in problems:
            continue
        for column in (fact.name, fact.latest) if fact.kind == "instant" else (fact.name,):
            value = row[column]
            facts[column] = value.item() if hasattr(value, "item") and known(value) else value if known(value) else None
    return facts, problems


def sentence(problem: Any) -> str:  # noqa: ANN401 - intake's Problem
    """A problem of a cell as a sentence beside its field, without the line of a file."""
    return f"'{problem.value}' is not {problem.wanted}."


__all__ = ["GROUPS", "asked", "currencies", "field", "form", "read", "sentence", "text_of", "when_text"]
