"""The claims behind a figure, as a list with the figure's count and sum, reachable by its address."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from refundcore import metrics
from refundcore.charts.money import amount
from refundcore.desk import acts, framing
from refundcore.desk.claims_table import claims_table
from refundcore.desk.measures import names_of
from refundcore.desk.show import count_text, plain
from refundcore.metrics import Pick
from refundcore.store import Person

KINDS = {
    "came": "claims that came in",
    "bought": "claims on what was bought",
    "decided": "decisions that took effect",
    "clause": "decisions that took effect",
    "took": "decisions that took effect",
    "answered": "claims that came onto the desk",
    "cure": "confirmed defects that were notified",
    "goodwill": "payments of goodwill",
    metrics.DUE: "open claims that fall due",
}
PARTS = {
    "decided": "decided since",
    "undecided": "still undecided",
    "approved": "refunded",
    "denied": "denied as the policy says",
    "overridden": "against the verdict",
    "fee": "with a fee kept",
    "lost": "with a processor's fee lost",
    "withheld": "not granted in full",
}
MONEY = {
    "gross": "paid once for them",
    "refund": "refunded",
    "fee": "kept as fees",
    "lost": "lost to the processor",
    "withheld": "not granted",
    "goodwill": "given",
}


def wanted() -> Pick | None:
    """The figure whose claims the address asks for."""
    return metrics.of_text(str(st.query_params.get(framing.BEHIND, "")))


def draw(me: Person, pick: Pick) -> None:
    """The list, its count and sum, and the way back with the filters as they were."""
    page = _page_of(pick)
    found = acts.read(metrics.behind, pick, page)
    if st.button("Back to the figures", key="back_to_figures", icon=":material/arrow_back:"):
        st.switch_page(framing.PAGE, query_params=framing.carried_by(st.query_params))
    st.header(plain(told(pick, acts.read(names_of))), anchor=False)
    sums = ", ".join(amount(sum_, code) for code, sum_ in found.sums if sum_ or len(found.sums) == 1)
    with st.container(key="behind_total"):
        what = f" · {sums} {MONEY[pick.money]}" if pick.money and sums else ""
        st.markdown(f"**{count_text(found.count, 'claim')}**{plain(what)}")
    if not found.rows:
        st.markdown("No claim is behind this figure any more.")
        return
    shown = claims_table(
        found.rows, "behind_claims", caption="The claims behind the figure", selection=None, along={}, me=me.id
    )
    if shown.opened:
        st.switch_page("pages/claim.py", query_params={"claim": shown.opened})
    _turning(pick, page, found.count)


def _page_of(pick: Pick) -> int:
    of, page = st.session_state.get("behind_page", (None, 0))
    return int(page) if of == metrics.to_text(pick) else 0


def _turning(pick: Pick, page: int, count: int) -> None:
    last = (count - 1) // 50
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if last:
            st.markdown(f":small[{page * 50 + 1:,} to {min(count, page * 50 + 50):,} of {count:,}]", width="content")
        for label, key, turned in (("Previous 50", "behind_previous", page - 1), ("Next 50", "behind_next", page + 1)):
            if 0 <= turned <= last and st.button(label, key=key):
                st.session_state["behind_page"] = (metrics.to_text(pick), turned)
                st.rerun()


def told(pick: Pick, names: Mapping[int, str]) -> str:
    """What the list holds, in words."""
    if pick.kind == metrics.DUE:
        return "Open claims by when they are to be acted on"
    parts = [KINDS[pick.kind].capitalize()]
    if pick.part in PARTS:
        parts.append(PARTS[pick.part])
    for name, value in pick.where.items():
        if name == "what":
            word = {"approve": "refunded", "exchange": "replaced", "deny": "denied"}.get(value, value)
            parts.append(word if pick.kind != "clause" else f"clause {value or 'none'}")
        elif name == "kept":
            parts.append({"kept": "in time", "missed": "too late", "running": "still running"}[value.split(".")[0]])
        elif name in {"over", "upto"}:
            continue
        else:
            parts.append(f"{framing.LABELS[name].lower()}: {framing.word_of(name, value, names)}")
    first, last = pick.first, pick.last
    days = f"{first.day} {first:%b %Y}"
    if first.year < 1950:
        days = f"until {last.day} {last:%b %Y}"
    elif last != first:
        days += f" to {last.day} {last:%b %Y}"
    return f"{', '.join(parts)}, {days}"
