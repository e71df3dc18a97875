"""What a draft would have done: flips, money, deadlines, work, claims; drafts compared; a number swept."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import streamlit as st

from refundcore import store
from refundcore.amending import Amendment, changes
from refundcore.backtest import Flip, Money, Sweep, Tally
from refundcore.charts.changes import curve, flow
from refundcore.desk import acts, context, drafting, trying
from refundcore.desk.listing import Line, listing
from refundcore.desk.measures import QUIET
from refundcore.desk.show import OUTCOMES, REASONS, VERDICTS, count_text, money_text, plain, verdict_word
from refundcore.desk.trying import Effect, Tried
from refundcore.money import EXPONENTS
from refundcore.policy import Policy, PolicyError
from refundcore.store import Person
from refundcore.store.population import Chosen

WORDS = {code: word.label for code, word in VERDICTS.items()}
FEE = "Fee, percent of a refund"
MOST_VALUES = 60


def told_differences(old: Policy, new: Policy, key: str) -> int:
    """The differences between two policies as lines; how many there are."""
    lines = [
        Line(head=where.replace("_", " "), text=f"{was or 'nothing'} → {now or 'nothing'}", icon="edit", tone="blue")
        for where, was, now in changes(old, new)
    ]
    if lines:
        listing(lines, key, "What differs")
    return len(lines)


def effects(tried: Tried, chosen: Chosen) -> Effect:
    """The figures of a draft."""
    found = trying.effect(tried, chosen)
    tally = found.tally
    if not tally.claims:
        st.info("There is no claim to try it on yet. Once claims are here, their verdicts under both policies show up.")
        return found
    share = f"of {count_text(tally.claims, 'claim')}"
    places = st.columns(4)
    places[0].metric("Verdicts that flip", f"{tally.flips:,}", share, delta_color="off", delta_arrow="off")
    places[1].metric("Reviews", f"{tally.more('review'):+,}", help="Claims that a person has to judge.")
    places[2].metric("Questions to ask", f"{tally.more('need_info'):+,}", help="Claims that wait for information.")
    places[3].metric(
        "Overrides made regular",
        f"{tally.regular:,}",
        help=f"Decisions of people against the policy that this one allows. The reverse: {tally.irregular:,}.",
    )
    _money(tally)
    _deadlines(tally)
    if not tally.flips:
        st.markdown("**No verdict would be another.**")
        return found
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.header("From old to new verdict", anchor=False)
        dark = st.context.theme.type == "dark"
        told = "; ".join(f"{WORDS[old]} to {WORDS[new]}: {count}" for (old, new), count in tally.pairs().items())
        st.plotly_chart(flow(tally.pairs(), WORDS, dark=dark), key="lab_flow", theme=None, config=QUIET, alt=told)
    with right:
        st.header("By reason", anchor=False)
        rows = [{"Reason": REASONS.get(name, "Not known"), "Flips": count} for name, count in tally.by_reason().items()]
        st.table(rows, border="horizontal", hide_index=True)
    return found


def _money(tally: Tally) -> None:
    rows = [
        {
            "Currency": code or "not known",
            "Refunds before": money_text(sums.refund_before, code),
            "Refunds after": money_text(sums.refund_after, code),
            "Difference": _signed(sums.refund, code),
            "Fees kept, difference": _signed(sums.fee, code),
        }
        for code, sums in tally.money.items()
        if sums.refund or sums.fee
    ]
    if rows:
        st.header("Money", anchor=False)
        st.table(rows, border="horizontal", hide_index=True)
    else:
        st.markdown("Refunds and fees that the policy gives stay the same.")


def _signed(minor: int, code: str) -> str:
    return f"{'−' if minor < 0 else '+'}{money_text(abs(minor), code)}" if minor else "none"


def _deadlines(tally: Tally) -> None:
    won = ", ".join(f"{count:,} by {name}" for name, count in tally.won.items())
    missed = ", ".join(f"{count:,} by {name}" for name, count in tally.missed.items())
    if won or missed:
        st.markdown(f"Late before and in time now: {won or 'none'}. In time before and late now: {missed or 'none'}.")


def flipped(found: Effect, tried: Tried, chosen: Chosen) -> str:
    """The flipped claims; the reference of the one that was just opened."""
    if not found.flips:
        return ""
    st.header("Claims that flip", anchor=False)
    more = found.tally.flips - len(found.flips)
    with st.container(horizontal=True, vertical_alignment="center"):
        if more:
            st.markdown(f"The first {len(found.flips)} of {found.tally.flips:,}.", width="content")
        st.download_button(
            "All of them as a file",
            lambda: _file(tried, chosen),
            "flips.csv",
            "text/csv",
            key="lab_file",
            on_click="ignore",
            icon=":material/download:",
        )
    return listing([_line(flip) for flip in found.flips], "lab_flips", "Claims whose verdict would be another")


def irregular(found: Effect) -> str:
    """The decisions against the policy that the draft allows; the reference of the claim that was just opened."""
    if not found.irregular:
        return ""
    st.header("Decided against the policy, regular under this one", anchor=False)
    return listing([_line(flip) for flip in found.irregular], "lab_irregular", "Decisions that would be regular")


def _line(flip: Flip) -> Line:
    old, new = verdict_word(flip.before), verdict_word(flip.after)
    sides = (("before", flip.before_clause), ("after", flip.after_clause))
    by = [f"{side} {clause}" for side, clause in sides if clause]
    money = [money_text(minor, flip.currency) for minor in (flip.refund_before, flip.refund_after) if minor is not None]
    done = {"approve": "approved", "exchange": "exchanged", "deny": "denied"}.get(flip.outcome, "")
    said = f"People decided: {OUTCOMES[done].label}." if done in OUTCOMES else "Nobody decided it yet."
    return Line(
        head=flip.name,
        text=f"{old.label} → {new.label}",
        note=" · ".join(filter(None, [REASONS.get(flip.reason, "Reason not known"), *by, *money, said])),
        icon=new.icon,
        tone=new.tone,
        word=f"by {flip.clause}" if flip.clause else "",
        opens=flip.name,
    )


def _file(tried: Tried, chosen: Chosen) -> bytes:
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(["claim", "reason", "before", "before_clause", "after", "after_clause", "clause", "decided"])
    for flip in trying.every_flip(tried, chosen):
        name = f"'{flip.name}" if flip.name[:1] in "=+-@\t\r" else flip.name  # no formula in a sheet
        cells = (flip.reason, flip.before, flip.before_clause, flip.after, flip.after_clause, flip.clause, flip.outcome)
        write.writerow([name, *cells])
    return out.getvalue().encode()


def compared(me: Person, tried: Tried, chosen: Chosen) -> None:
    """The kept drafts beside the one of the form."""
    kept = acts.read(store.drafts_kept)
    if not kept:
        st.markdown("No draft is kept yet. Keep this one to set it beside others.")
        return
    every = [("The one above", tried), *((draft.name, Tried(draft.policy, draft.start)) for draft in kept)]
    rows = []
    for name, each in every:
        tally = trying.effect(each, chosen).tally
        money = ", ".join(_signed(sums.refund, code) for code, sums in tally.money.items() if sums.refund)
        rows.append(
            {
                "Draft": name,
                "From": f"{each.start:%-d %b %Y}",
                "Flips": tally.flips,
                "Approvals": f"{tally.more('approve'):+,}",
                "Denials": f"{tally.more('deny'):+,}",
                "Reviews": f"{tally.more('review'):+,}",
                "Questions": f"{tally.more('need_info'):+,}",
                "Refunds": money or "the same",
                "Overrides made regular": tally.regular,
            }
        )
    shown = [{head: plain(str(cell)) for head, cell in row.items()} for row in rows]
    st.table(shown, border="horizontal", hide_index=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names: dict[int | None, str] = {None: "None", **{draft.id: draft.name for draft in kept}}
        gone = st.selectbox("Drop a draft", list(names), format_func=names.__getitem__, key="drop_which")
        if st.button("Drop", key="drop_draft", disabled=gone is None) and gone is not None:
            done = acts.do(store.drop_draft, me, "drop_draft", draft=gone)
            if done:
                acts.tell(done.sentence)
                st.rerun()
    acts.refusals("drop_draft")


def sensitivity(tried: Tried, chosen: Chosen) -> None:
    """One number over a range of values, as a curve."""
    policy = tried.policy
    every: dict[str, tuple[str, str]] = {
        f"{clause.id}.{name}": (clause.id, name) for clause in policy.clauses.values() for name in clause.numbers
    }
    usual = st.session_state.get("lab_numbers") or ["C4c.window_days"]
    options = [*every, FEE]
    first = usual[0] if usual[0] in every else options[0]
    places = st.columns([3, 1, 1], vertical_alignment="bottom")
    which = places[0].selectbox(
        "Number",
        options,
        index=options.index(first),
        format_func=lambda key: FEE if key == FEE else drafting.number_label(policy, *every[key]),
        key="lab_swept",
        persist_state=drafting.KEEP,
    )
    now = 0 if which == FEE else drafting.present(context.policy(), *every[which])
    low, high = (0, 10) if which == FEE else (max(0, now - 4), now + 14) if now < 30 else (0, 2 * now)
    start = int(places[1].number_input("From", 0, 10_000, low, key=f"lab_low_{which}", persist_state=drafting.KEEP))
    end = int(places[2].number_input("To", 0, 10_000, high, key=f"lab_high_{which}", persist_state=drafting.KEEP))
    if end <= start:
        st.markdown("Choose a range: its end lies above its start.")
        return
    step = max(1, -(-(end - start) // MOST_VALUES))
    values = list(range(start, end + 1, step))
    methods = tuple(dict.fromkeys([*(fee.method for fee in policy.fees), *drafting.METHODS]))

    def change(value: int) -> Amendment:
        if which == FEE:
            return Amendment(tried.start, fees=dict.fromkeys(methods, value * 100))
        return Amendment(tried.start, numbers={every[which]: value})

    try:
        found = trying.sweep(tried, chosen, str(which), values, change)
    except PolicyError as wrong:
        st.error(plain(str(wrong)), icon=":material/error:")
        return
    dark = st.context.theme.type == "dark"
    unit = "percent" if which == FEE else every[which][1].rsplit("_", 1)[-1]
    if which == FEE:
        codes = sorted({code for value in values for code, sums in found[value].money.items() if sums.fee})
        lines: dict[str, Sequence[float]] = {f"fees kept, {code}": _kept(found, values, code) for code in codes}
    else:
        lines = {
            "verdicts that flip": [found[value].flips for value in values],
            "more approvals": [found[value].more("approve") for value in values],
            "more reviews": [found[value].more("review") for value in values],
        }
    if not any(any(heights) for heights in lines.values()):
        st.markdown("No value in this range changes anything for these claims.")
        return
    told = "; ".join(f"{value}: {found[value].flips} flips" for value in values)
    st.plotly_chart(
        curve(values, lines, now=now if start <= now <= end else None, unit=unit, dark=dark),
        key="lab_curve", theme=None, config=QUIET, alt=told,
    )  # fmt: skip
    with st.expander("The same as a table", key="lab_curve_table"):
        table = [
            {unit.capitalize(): value, **{name: f"{heights[place]:,}" for name, heights in lines.items()}}
            for place, value in enumerate(values)
        ]
        st.table(table, border="horizontal", hide_index=True)


def _kept(found: Sweep, values: Sequence[int], code: str) -> list[float]:
    """The fees that each value keeps more, in whole units of a currency."""
    return [found[value].money.get(code, Money()).fee / 10 ** EXPONENTS.get(code, 2) for value in values]


def proposed(chosen: Chosen) -> None:
    """Decisions against the policy by clause, each with the amendment that would have made them unnecessary."""
    policy = context.store().laws.all[-1].policy
    found = trying.proposals(policy.in_force_from, chosen)
    if not found:
        st.markdown("Nobody decided against the policy: there is nothing to propose.")
        return
    for proposal in found:
        clause = policy.clauses[proposal.clause]
        with st.container(border=True):
            many = count_text(len(proposal.claims), "decision")
            st.markdown(f"**{proposal.clause} {plain(clause.title)}**: {many} against it")
            if proposal.amendment is None:
                st.markdown("No single change of a number, a reading or this clause would have made them regular.")
                continue
            tally, change = proposal.tally, plain(told(policy, proposal.amendment))
            st.markdown(f"{change} would have made {proposal.regular} of them regular.")
            money = ", ".join(_signed(sums.refund, code) for code, sums in tally.money.items() if sums.refund)
            flips = count_text(tally.flips, "verdict flips", "verdicts flip")
            work = f"reviews {tally.more('review'):+,}, questions {tally.more('need_info'):+,}"
            st.markdown(f":gray[Over all claims: {flips}, {work}, refunds {plain(money or 'the same')}.]")
            st.button(
                "Try it", key=f"try_{proposal.clause}", on_click=_take, args=(proposal.amendment,),
                icon=":material/science:",
            )  # fmt: skip


def told(policy: Policy, amendment: Amendment) -> str:
    """An amendment of one change in words."""
    for (clause, name), value in amendment.numbers.items():
        now = drafting.present(policy, clause, name)
        return f"{drafting.number_label(policy, clause, name)}: {value:,} instead of {now:,}"
    for name, (meaning, _, _) in amendment.readings.items():
        return f"Settling {name} {policy.readings[name].title} as “{policy.readings[name].meanings[meaning]}”"
    return "Switching it off"


def _take(amendment: Amendment) -> None:
    """Put an amendment into the form."""
    drafting.take(amendment)
    st.session_state["part"] = "Try a change"
