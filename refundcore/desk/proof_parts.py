"""Proof on the page of a claim: the certificate of its decision, and erasing its customer's data."""

from __future__ import annotations

import streamlit as st

from refundcore import certificates, store
from refundcore.desk import acts, context
from refundcore.desk.show import plain
from refundcore.store import ClaimRecord, Person
from refundcore.store.chain import ERASED_ON
from refundcore.store.erasing import SWEPT_AT_ONCE, erase, preview_erasure, sweep

_DIALOG = "erase"
_LATER = "The store is large: run `refund-desk erase --sweep` tonight, so that no trace is left in its file."


def panel(me: Person, claim: ClaimRecord) -> None:
    """The certificate of a decided claim to download and, for managers, the way to erase the customer's data."""
    stands = claim.decision is not None and claim.decision.status == "standing"
    erasable = store.may(me.role, "erase") and claim.state not in store.OPEN_STATES and not _erased(claim)
    if not (stands or erasable):
        return
    st.header("Proof", anchor=False)
    with st.container(horizontal=True, gap="small"):
        if stands:
            _download(claim, "Certificate to print", "html", "text/html", "print")
            _download(claim, "Certificate as data", "json", "application/json", "download")
        if erasable and st.button("Erase the customer's data…", key="erase", icon=":material/ink_eraser:"):
            acts.open_dialog(_DIALOG)
    if erasable and acts.dialog_open(_DIALOG):
        _erase(me, claim)


def _erased(claim: ClaimRecord) -> bool:
    return any(str(claim.facts.get(name)).startswith(ERASED_ON) for name in ("customer_email", "description"))


def _download(claim: ClaimRecord, label: str, form: str, mime: str, icon: str) -> None:
    opened = context.store()

    def data() -> str:
        made = certificates.certificate(opened, claim.id)
        return certificates.as_page(made) if form == "html" else certificates.as_json(made)

    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in claim.ref)[:80]
    st.download_button(
        label,
        data=data,
        file_name=f"decision-{name}.{form}",
        mime=mime,
        key=f"certificate_{form}",
        icon=f":material/{icon}:",
        on_click="ignore",
        help="Why this claim was decided so. `refund-desk verify --certificate` names any byte changed in it.",
    )


@st.dialog("Erase the customer's data", on_dismiss=acts.close_dialog)
def _erase(me: Person, claim: ClaimRecord) -> None:
    form = f"erase_{claim.id}_{claim.version}"
    found = acts.read(preview_erasure, claim=claim.id)
    if found.refusal:
        st.warning(plain(found.refusal), icon=":material/info:")
        return
    st.text(f"This concerns all claims with this customer's address. {found.sentence}")
    st.text(
        "Address, grounds, notes, replies and files are gone for good; what was decided and why stays, and so do"
        " the reasons that colleagues gave. Backups made before still hold the data."
    )
    reason = st.text_area("Reason (name nothing personal in it)", key=f"reason_{form}", max_chars=2000)
    if st.button("Erase for good", type="primary", key="confirm_erase", icon=":material/ink_eraser:"):
        if not reason.strip():
            st.error("Say why: a reason is needed.", icon=":material/error:")
        else:
            receipt = acts.do(erase, me, form, claim=claim.id, reason=reason.strip())
            if receipt and not acts.read(sweep, most=SWEPT_AT_ONCE):
                acts.tell(_LATER, "info")
            acts.finish(receipt)
    acts.refusals(form)
