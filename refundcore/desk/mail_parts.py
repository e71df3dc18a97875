"""What a claim's page says of the e-mails that it came with: where its facts were found, what may be attached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from refundcore import evidence, store
from refundcore.desk import acts, context
from refundcore.desk.show import plain, size_text, when_text
from refundcore.evidence import EvidenceError
from refundcore.intake import IntakeError, mail
from refundcore.store import ClaimRecord, KeptMessage, Person, may


def found_in(claim: ClaimRecord) -> None:
    """Where the facts were found that were taken from an e-mail."""
    told = [one for one in acts.read(store.messages_of, claim.id) if one.text]
    if told:
        with st.expander("Where the facts were found in the e-mail"):
            st.text("\n".join(one.text for one in told))


def came_with(me: Person, claim: ClaimRecord) -> None:
    """What came with the e-mails of the claim and is no evidence yet, each with a button that attaches it."""
    waiting = [
        (message, one)
        for message in acts.read(store.messages_of, claim.id)
        for one in message.attachments
        if not one["attached"]
    ]
    if not waiting or claim.state == "closed":
        return
    st.markdown("**Came with the e-mail, not attached yet**")
    for number, (message, one) in enumerate(waiting):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            received = f" · received {when_text(one['received'])}" if one.get("received") else ""
            kept = "" if one["kept"] else " · not kept: there was no room left"
            st.text(f"{one['name']} · {one['kind']} · {size_text(one['size'])}{received}{kept}")
            if one["kept"] and may(me.role, "attach_evidence"):
                form = f"attach_mail_{claim.id}_{claim.version}_{number}"
                if st.button("Attach", key=form, icon=":material/attach_file:", type="tertiary"):
                    _attach(me, claim, form, message, one)
                acts.refusals(form)


def _attach(me: Person, claim: ClaimRecord, form: str, message: KeptMessage, one: Mapping[str, Any]) -> None:
    try:
        kept = evidence.read(one["name"], mail.attachment(context.store(), one["sha256"]))
    except (EvidenceError, IntakeError) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return
    came = one.get("received") or message.at
    receipt = acts.do(
        store.attach_evidence, me, form, claim=claim.id, version=claim.version, evidence=[kept],
        received=(came, came), with_claim=message.became == "claim",
    )  # fmt: skip
    acts.finish(receipt)
