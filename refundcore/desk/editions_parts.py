"""Editions: a draft proposed, what waits for a second manager, which there are, two side by side, documents."""

from __future__ import annotations

from datetime import date

import streamlit as st

from refundcore import policy as policies
from refundcore import store
from refundcore.amending import amended, difference, written
from refundcore.desk import acts, context, drafting, lab_parts, trying
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import count_text, plain, when_text
from refundcore.desk.trying import Tried
from refundcore.policy import Policy, PolicyError
from refundcore.store import EditionRecord, Person, day_begins, may
from refundcore.store.population import Chosen

records = store.edition_records

STATES = {
    "proposed": ("hourglass_top", "orange", "waits for approval"),
    "released": ("verified", "green", "released"),
    "rejected": ("block", "red", "rejected"),
    "withdrawn": ("undo", "gray", "taken back"),
}


def day_text(day: date) -> str:
    """`2 April 2024`."""
    return f"{day.day} {day:%B %Y}"


def propose(me: Person, tried: Tried) -> None:
    """Propose the draft of the form as an edition: why, and from which day on."""
    st.header("Propose it as an edition", anchor=False)
    st.markdown("Another manager approves it. Earlier orders, and claims that are open, keep their edition.")
    with st.form("form_propose", border=False):
        day = st.date_input("For orders from", drafting.next_monday(), min_value=drafting.today(), key="propose_day")
        reason = st.text_area("Why", key="propose_reason", placeholder="What it is meant to mend", max_chars=2_000)
        sent = st.form_submit_button("Propose", key="propose", type="primary", icon=":material/outgoing_mail:")
    if sent and isinstance(day, date):
        document, fees = _as_edition(tried, day)
        given = {"document": document, "fees": fees, "effective_from": day, "reason": reason}
        if done := acts.do(store.propose_edition, me, "propose_edition", **given):
            acts.tell(done.sentence)
            st.rerun()
    acts.refusals("propose_edition")


def _as_edition(tried: Tried, day: date) -> tuple[str, str]:
    """The documents of a draft that holds from another day on: its changes are dated by that day."""
    base = context.store().laws.at(day_begins(day, context.policy().zone)).policy
    return written(amended(base, difference(base, tried.policy, max(day, tried.start), day)))


def waiting(me: Person, records: list[EditionRecord]) -> None:
    """What waits for approval, each with its differences and what it would have done."""
    for record in (record for record in records if record.state == "proposed" and record.effective_from):
        _waiting(me, record, record.effective_from or date.min)


def _waiting(me: Person, record: EditionRecord, day: date) -> None:
    base = context.store().laws.at(day_begins(day, record.policy.zone)).policy
    with st.container(border=True, key=f"proposed_{record.id}"):
        st.markdown(f"**Proposed for orders from {day_text(day)}**")
        st.text(f"{record.person}, {when_text(record.proposed_at)}: {record.reason}")
        lab_parts.told_differences(base, record.policy, f"differs_{record.id}")
        effect = trying.effect(Tried(_from_the_first_day(base, record.policy, day), base.in_force_from), Chosen())
        tally, words = effect.tally, lab_parts.WORDS
        pairs = ", ".join(f"{words[old]} to {words[new]} {count:,}" for (old, new), count in tally.pairs().items())
        st.markdown(
            f"In force all along, it would have changed {count_text(tally.flips, 'verdict')} of {tally.claims:,}"
            f"{f': {pairs}' if pairs else ''}."
        )
        if not may(me.role, "approve_edition"):
            return
        own = record.person_id == me.id
        form = f"settle_{record.id}"
        reason = st.text_input("A word on it", key=f"reason_{record.id}", placeholder="Needed to refuse it")
        with st.container(horizontal=True):
            given = {"edition": record.id, "reason": reason}
            if not own and st.button("Approve", key=f"approve_{record.id}", type="primary", icon=":material/verified:"):
                _done(acts.do(store.approve_edition, me, form, **given))
            if st.button("Take it back" if own else "Refuse", key=f"refuse_{record.id}"):
                _done(acts.do(store.reject_edition, me, form, **given))
        if own:
            st.caption("You proposed it, so another manager has to approve it.")
        acts.refusals(form)


def _from_the_first_day(base: Policy, new: Policy, day: date) -> Policy:
    """A proposed edition as if it had been in force all along, to be tried on the claims of the past."""
    return amended(base, difference(base, new, day, base.in_force_from))


def _done(receipt: store.EditionReceipt | None) -> None:
    if receipt:
        acts.tell(receipt.sentence)
        st.rerun()


def list_of(records: list[EditionRecord]) -> None:
    """Every edition and proposal, the latest first."""
    now = context.now_us()
    rules = context.store().laws.at(now).number
    lines = []
    for record in records:
        icon, tone, word = STATES[record.state]
        if record.number == rules:
            word = "in force"
        elif record.begins is not None and record.begins > now:
            icon, word = "event_upcoming", "released, lies ahead"
        since = f"for orders from {day_text(record.effective_from)}" if record.effective_from else "from the first day"
        who = f"{record.person}, approved by {record.approver}" if record.number and record.approver else record.person
        lines.append(
            Line(
                head=f"Edition {record.number}, {since}" if record.number else f"Proposal, {since}",
                text=record.reason,
                note=" · ".join(
                    filter(None, [who, when_text(record.proposed_at), f"hash {record.policy.fingerprint[:12]}"])
                ),
                icon=icon,
                tone=tone,
                word=word,
            )
        )
    listing(lines, "editions", "Editions of the policy, the latest first")


def side_by_side(records: list[EditionRecord]) -> None:
    """The differences between two editions."""
    names = {_name(record): record for record in records}
    if len(names) < 2:
        st.markdown("There is one edition so far: a second one is set beside it here.")
        return
    left, right = st.columns(2)
    old = names[left.selectbox("From", list(names), index=1, key="side_old")]
    new = names[right.selectbox("To", list(names), index=0, key="side_new")]
    if not lab_parts.told_differences(old.policy, new.policy, "side_by_side"):
        st.markdown("They say the same.")


def _name(record: EditionRecord) -> str:
    return f"Edition {record.number}" if record.number else f"Proposal {record.id} ({STATES[record.state][2]})"


def documents(me: Person, records: list[EditionRecord]) -> None:
    """Editions as documents to take away, and a document brought in as a draft."""
    names = {_name(record): record for record in records}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = names[st.selectbox("Take away", list(names), key="export_which")]
        for file, text in (("policy.toml", chosen.document), ("fees.toml", chosen.fees)):
            if text:
                st.download_button(
                    file, text.encode(), file, "text/plain", key=f"export_{file}", on_click="ignore",
                    icon=":material/download:",
                )  # fmt: skip
    if not may(me.role, "propose_edition"):
        return
    asked = "Bring in policy.toml, and fees.toml if there is one"
    given = st.file_uploader(asked, "toml", accept_multiple_files=True, key="import_files")
    texts = {file.name: file.getvalue().decode("utf-8", "replace") for file in given}
    if not texts:
        return
    fees = next((text for name, text in texts.items() if name.startswith("fees")), "")
    document = next((text for name, text in texts.items() if not name.startswith("fees")), "")
    try:
        policy = policies.read(document, fees)
    except PolicyError as wrong:
        st.error(plain(str(wrong)), icon=":material/error:")
        return
    if not lab_parts.told_differences(context.policy(), policy, "import_differs"):
        st.markdown("It says what the edition in force says.")
        return
    with st.form("form_import", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Keep as a draft called", key="import_name")
        sent = st.form_submit_button("Keep", key="import_keep", icon=":material/bookmark_add:")
    if sent:
        more = {"name": name, "document": document, "fees": fees, "start": policy.in_force_from}
        _done(acts.do(store.save_draft, me, "import_draft", **more))
    acts.refusals("import_draft")
