"""The store: people, claims, what happened to them and where imported rows went.

One function for each thing that can be done to a claim. Each loads the actor's present role, checks it, the
version and the state, and writes the change, its event and the journal's head in one transaction; whatever is
refused is refused with a sentence (`StoreError`) and changes nothing.
"""

from __future__ import annotations

from refundcore.store.acts import add_claim, assign, note, set_facts
from refundcore.store.comparing import compare
from refundcore.store.deciding import approve_override, close, decide, reject_override, reopen
from refundcore.store.errors import Forbidden, Impossible, Refused, Stale, StoreError
from refundcore.store.evidence import attach_evidence, judge_evidence, remove_evidence
from refundcore.store.evidence_reading import (
    Alike,
    EvidenceRecord,
    alike_evidence,
    evidence_file,
    evidence_of,
    evidence_thumbnail,
)
from refundcore.store.importing import (
    begin_import,
    cancel_import,
    finish_import,
    import_batch,
    import_record,
    imports,
    rejects,
    remember_mapping,
    remembered_mapping,
    resume_or_remove,
)
from refundcore.store.judging import rejudge_due
from refundcore.store.listing import count_matching, neighbours, queue, queue_figures, related
from refundcore.store.many import assign_many, decide_many, note_many, preview_decide_many, take_next
from refundcore.store.messages import KeptMessage, KnownMessage, Mailed, import_messages, known_messages, messages_of
from refundcore.store.model import (
    OPEN_STATES,
    OUTCOMES,
    ROLES,
    STATE_GROUPS,
    STATES,
    Balance,
    ClaimRecord,
    Comparison,
    Decision,
    Difference,
    Event,
    Facts,
    Figures,
    Filter,
    ImportRecord,
    ManyResult,
    Outcome,
    Person,
    Preview,
    QueuePage,
    QueueRow,
    Receipt,
    Reject,
    Result,
    Role,
    Undoing,
)
from refundcore.store.opening import connect
from refundcore.store.persons import people, person
from refundcore.store.reading import claim, events, journal
from refundcore.store.roles import ACTIONS, may
from refundcore.store.settings import Settings, set_setting, setting
from refundcore.store.store import Store
from refundcore.store.undoing import preview_undo, undo_import
from refundcore.store.verifying import Finding, verify

__all__ = [
    "ACTIONS",
    "OPEN_STATES",
    "OUTCOMES",
    "ROLES",
    "STATES",
    "STATE_GROUPS",
    "Alike",
    "Balance",
    "ClaimRecord",
    "Comparison",
    "Decision",
    "Difference",
    "Event",
    "EvidenceRecord",
    "Facts",
    "Figures",
    "Filter",
    "Finding",
    "Forbidden",
    "ImportRecord",
    "Impossible",
    "KeptMessage",
    "KnownMessage",
    "Mailed",
    "ManyResult",
    "Outcome",
    "Person",
    "Preview",
    "QueuePage",
    "QueueRow",
    "Receipt",
    "Refused",
    "Reject",
    "Result",
    "Role",
    "Settings",
    "Stale",
    "Store",
    "StoreError",
    "Undoing",
    "add_claim",
    "alike_evidence",
    "approve_override",
    "assign",
    "assign_many",
    "attach_evidence",
    "begin_import",
    "cancel_import",
    "claim",
    "close",
    "compare",
    "connect",
    "count_matching",
    "decide",
    "decide_many",
    "events",
    "evidence_file",
    "evidence_of",
    "evidence_thumbnail",
    "finish_import",
    "import_batch",
    "import_messages",
    "import_record",
    "imports",
    "journal",
    "judge_evidence",
    "known_messages",
    "may",
    "messages_of",
    "neighbours",
    "note",
    "note_many",
    "people",
    "person",
    "preview_decide_many",
    "preview_undo",
    "queue",
    "queue_figures",
    "reject_override",
    "rejects",
    "rejudge_due",
    "related",
    "remember_mapping",
    "remembered_mapping",
    "remove_evidence",
    "reopen",
    "resume_or_remove",
    "set_facts",
    "set_setting",
    "setting",
    "take_next",
    "undo_import",
    "verify",
]
