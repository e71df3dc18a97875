"""What pages are made of: the only code that knows both Streamlit and the clock.

A page imports Streamlit and this package, nothing else of the desk::

    me = desk.page("Queue", icon="inbox")                      # who may: the guard, and the head of the page
    rows = desk.read(desk.queue, chosen, person=me.id, ...)    # load: a reader of the store; a failure is a sentence
    desk.do(desk.assign, me, "assign", claim=..., version=..., to=me.id)   # act: with the form's idempotency key
    desk.refusals("assign")                                    # where a refusal of that form is read
"""

from __future__ import annotations

from refundcore.desk.acts import (
    attempt,
    close_dialog,
    dialog_open,
    do,
    open_dialog,
    read,
    refusals,
    show_news,
    tell,
)
from refundcore.desk.context import now, now_us, policy, store, zone
from refundcore.desk.guard import page
from refundcore.desk.listing import Line, claim_address, listing
from refundcore.desk.parts import component
from refundcore.desk.show import (
    OUTCOMES,
    REASONS,
    STATES,
    VERDICTS,
    Word,
    ago_text,
    badge,
    code_text,
    count_text,
    day_text,
    fact_label,
    known,
    money_text,
    plain,
    span_text,
    state_word,
    value_text,
    verdict_badge,
    verdict_word,
    when_text,
)
from refundcore.store import (
    ClaimRecord,
    Event,
    Filter,
    Person,
    QueueRow,
    Receipt,
    StoreError,
    add_claim,
    approve_override,
    assign,
    assign_many,
    claim,
    close,
    count_matching,
    decide,
    decide_many,
    events,
    may,
    neighbours,
    note,
    note_many,
    people,
    preview_decide_many,
    queue,
    queue_figures,
    reject_override,
    rejudge_due,
    related,
    reopen,
    set_facts,
    take_next,
)

__all__ = [
    "OUTCOMES", "REASONS", "STATES", "VERDICTS", "ClaimRecord", "Event", "Filter", "Line", "Person", "QueueRow",
    "Receipt", "StoreError", "Word", "add_claim", "ago_text", "approve_override", "assign", "assign_many", "attempt",
    "badge", "claim", "claim_address", "close", "close_dialog", "code_text", "component", "count_matching",
    "count_text", "day_text", "decide", "decide_many", "dialog_open", "do", "events", "fact_label", "known",
    "listing", "may", "money_text", "neighbours", "note", "note_many", "now", "now_us", "open_dialog", "page",
    "people", "plain", "policy", "preview_decide_many", "queue", "queue_figures", "read", "refusals",
    "reject_override", "rejudge_due", "related", "reopen", "set_facts", "show_news", "span_text", "state_word",
    "store", "take_next", "tell", "value_text", "verdict_badge", "verdict_word", "when_text", "zone",
]  # fmt: skip
