"""The facts of a claim as fields of a form, grouped by topic and following the reason.

A form works on text, as a file does: what was typed is read by the same converters as an imported cell, so a
date, an amount or a yes means the same in both. A field left empty is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from refundcore import money
from refundcore.deadlines import HOUR, moment
from refundcore.desk import context
from refundcore.desk.show import CODES, known, plain
from refundcore.facts import BY_NAME, REASONS, Fact
from refundcore.intake import cells

GROUPS: Mapping[str, tuple[str, ...]] = {
    title: tuple(names.split())
    for title, names in {
        "The claim": "order_ref item_ref customer_email product description",
        "Dates": "purchased_at ordered_at submitted_at contacted_at",
        "SMS and evidence": (
            "sms_code_received sms_received_at evidence_attached evidence_sufficient evidence_received_at"
        ),
        "The defect": (
            "defect_notified_at defect_approved defect_fixed_at fix_accepted access_needed access_requested_at"
            " access_granted_at access_refused remedy_choice replacement_price"
        ),
        "Third parties": "third_party_cause listed_compatible reproduced_without_third_party",
        "Payment": "amount currency payment_method refunded_before",
        "Less common": (
            "claim_ref channel grounds_sufficient sent_at payment_split fee_disclosed chargeback_open unlawful_use"
            " terms_section"
        ),
    }.items()
}
"""The facts by topic, in the order in which people are asked; the reason itself stands above them all."""

FOLDED = "Less common"
"""The topic that is folded away until it is wanted."""

COMMON_CURRENCIES = ("USD", "EUR", "GBP")
YES, NO = "Yes", "No"
WIDE = frozenset({"description"})
LONGEST = 200
"""Characters of an answer on one line; grounds may be as long as a file's."""
NO_CURRENCY = "Choose the currency too: without it an amount says nothing."
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def currencies() -> list[str]:
    """Every currency code, the common ones first."""
    return [*COMMON_CURRENCIES, *sorted(set(money.EXPONENTS) - set(COMMON_CURRENCIES))]


def asked(reason: object) -> dict[str, list[Fact]]:
    """The facts asked for under a reason, by topic; while it is unknown those that are asked for under every one."""
    groups = {}
    for title, names in GROUPS.items():
        facts = [BY_NAME[name] for name in names]
        wanted = [f for f in facts if (reason in f.reasons if reason in REASONS else f.reasons == REASONS)]
        if wanted:
            groups[title] = wanted
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


@dataclass
class Form:
    """A form as it was drawn: what was typed, as text by fact, and the place under each field."""

    typed: dict[str, str] = field(default_factory=dict)
    places: dict[str, DeltaGenerator] = field(default_factory=dict)

    def show(self, problems: Mapping[str, str]) -> None:
        """Say under each field what is wrong with it."""
        for name, sentence in problems.items():
            if name in self.places:
                self.places[name].markdown(f":red[:material/error: {plain(sentence)}]")


def draw(
    form: Form,
    fact: Fact,
    prefix: str,
    value: str = "",
    *,
    missing: bool = False,
    keep: bool = False,
) -> None:
    """One field of a form with its help. `missing` marks it as needed; `keep` keeps what was typed in a live form."""
    label = f"{fact.label} :orange-badge[needed]" if missing else fact.label
    key = f"{prefix}_{fact.name}"
    looks: dict[str, Any] = {"help": _help(fact), "persist_state": "session" if keep else None}
    typed: str | None
    match fact.kind:
        case "truth":
            typed = st.segmented_control(label, [YES, NO], default=value or None, key=key, **looks)
        case "code" | "currency":
            codes = list(fact.codes) or currencies()
            at = codes.index(value) if value in codes else None
            typed = st.selectbox(label, codes, at, _code_text, key=key, placeholder="Not known", **looks)
        case _ if fact.name in WIDE:
            typed = st.text_area(label, value, 110, key=key, **looks)
        case _:
            hint, live = _PLACEHOLDERS.get(fact.kind, ""), _PAUSE if keep else False
            typed = st.text_input(label, value, key=key, live=live, placeholder=hint, autocomplete="off", **looks)
    form.typed[fact.name] = str(typed or "").strip()
    form.places[fact.name] = st.container()


def draw_all(
    form: Form,
    reason: object,
    prefix: str,
    values: Mapping[str, str],
    *,
    missing: Iterable[str] = (),
    leave_out: Iterable[str] = (),
    columns: int = 3,
    keep: bool = False,
) -> None:
    """All fields asked for under a reason, by topic."""
    wanted, hidden = set(missing), set(leave_out)
    for title, facts in asked(reason).items():
        shown = [fact for fact in facts if fact.name not in hidden]
        if not shown:
            continue
        if title == FOLDED:
            with st.expander(title, expanded=any(fact.name in wanted for fact in shown)):
                _draw_rows(form, shown, prefix, values, wanted, columns=columns, keep=keep)
        else:
            st.markdown(f"**{title}**")
            _draw_rows(form, shown, prefix, values, wanted, columns=columns, keep=keep)


def _draw_rows(
    form: Form,
    facts: Sequence[Fact],
    prefix: str,
    values: Mapping[str, str],
    wanted: Collection[str],
    *,
    columns: int,
    keep: bool,
) -> None:
    narrow = [fact for fact in facts if fact.name not in WIDE]
    for start in range(0, len(narrow), columns):
        for place, fact in zip(st.columns(columns), narrow[start : start + columns], strict=False):
            with place:
                draw(form, fact, prefix, values.get(fact.name, ""), missing=fact.name in wanted, keep=keep)
    for fact in facts:
        if fact.name in WIDE:
            draw(form, fact, prefix, values.get(fact.name, ""), missing=fact.name in wanted, keep=keep)


def _help(fact: Fact) -> str:
    return f"{fact.help} Left empty: {fact.blank}." if fact.blank else fact.help


def _code_text(code: str) -> str:
    return CODES.get(code, code)


_PLACEHOLDERS = {"instant": "2026-05-14 [13:05]", "money": "12.50"}
_PAUSE = "400ms"
"""How long typing has to rest until the form looks at it."""


def read(typed: Mapping[str, str], *, anew: bool = False) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed, as facts by column, and the problems by fact ("" for the claim as a whole).

    Every fact that has a field is among the facts, None where it is unknown; one that cannot be read is left out
    and has its sentence among the problems. `anew`: nothing of it stands in the store yet, so what a file may hold
    but nobody means to type is a problem, too.
    """
    found = cells.convert({name: [text] for name, text in typed.items()}, zone=context.policy().zone, lines=[1])
    problems = {problem.column: problem.sentence for problem in found.problems}
    if not typed.get("currency", ""):
        problems |= {name: NO_CURRENCY for name in problems if name and BY_NAME[name].kind == "money"}
    if anew:
        problems |= _implausible(typed)
    facts: dict[str, Any] = {}
    for name in typed:
        if name in problems:
            continue
        fact = BY_NAME[name]
        for column in (name, fact.latest) if fact.kind == "instant" else (name,):
            value = found.claims.frame[column].iloc[0]
            facts[column] = value if known(value) else None
    return facts, problems


def _implausible(typed: Mapping[str, str]) -> dict[str, str]:
    """What a file may hold but nobody means to type."""
    problems = {}
    address = typed.get("customer_email", "").strip()
    if address and not _ADDRESS.fullmatch(address):
        problems["customer_email"] = "An e-mail address such as ana@example.org is wanted."
    for name, text in typed.items():
        if BY_NAME[name].kind == "text" and name not in WIDE and len(text) > LONGEST:
            problems[name] = f"At most {LONGEST} characters are wanted; these are {len(text):,}."
    return problems


def changes(before: Mapping[str, str], typed: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Of the facts read, those whose text is not what it was before."""
    changed: dict[str, Any] = {}
    for name, text in typed.items():
        fact = BY_NAME[name]
        if text != before.get(name, "").strip() and name in facts:
            changed |= {c: facts[c] for c in ((name, fact.latest) if fact.kind == "instant" else (name,))}
    return changed
