"""Who may do what: one table.

The store's acts, the buttons and pages, the page of roles in the docs and the tests all follow `ACTIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping

_WORK = frozenset({"agent", "manager"})
_MANAGE = frozenset({"manager"})
_READ = frozenset({"agent", "manager", "auditor"})
_OVERSEE = frozenset({"manager", "auditor"})

ACTIONS: Mapping[str, frozenset[str]] = {
    "read": _READ,
    "own_account": _READ,
    "read_payouts": _OVERSEE,
    "read_journal": _OVERSEE,
    "read_settings": _OVERSEE,
    "read_people": _OVERSEE,
    "read_agents": _MANAGE,
    "try_policy": _OVERSEE,
    "add_claim": _WORK,
    "set_facts": _WORK,
    "assign": _WORK,
    "note": _WORK,
    "attach_evidence": _WORK,
    "remove_evidence": _WORK,
    "judge_evidence": _WORK,
    "record": _WORK,
    "undo": _WORK,
    "decide": _WORK,
    "take_next": _WORK,
    "close": _WORK,
    "reopen": _WORK,
    "reply": _WORK,
    "import": _WORK,
    "undo_import": _MANAGE,
    "decide_override_alone": _MANAGE,
    "approve_override": _MANAGE,
    "reject_override": _MANAGE,
    "approve_payout": _MANAGE,
    "reject_payout": _MANAGE,
    "ask_route": _MANAGE,
    "goodwill": _WORK,
    "queue_payout": _WORK,
    "set_chargeback": _WORK,
    "pay": _MANAGE,
    "change_settings": _MANAGE,
    "propose_edition": _MANAGE,
    "approve_edition": _MANAGE,
    "erase": _MANAGE,
    "manage_people": _MANAGE,
}
"""Action -> the roles that may do it."""

WORDS: Mapping[str, str] = {
    "read": "see claims",
    "own_account": "change your own password and sign out everywhere",
    "read_payouts": "see payouts",
    "read_journal": "see the journal",
    "read_settings": "see the settings",
    "read_people": "see who has an account",
    "read_agents": "see who works how much",
    "try_policy": "see what a change of the policy would do",
    "add_claim": "add claims",
    "set_facts": "change the facts of a claim",
    "assign": "assign claims",
    "note": "add notes",
    "attach_evidence": "attach evidence",
    "remove_evidence": "take evidence away",
    "judge_evidence": "judge evidence",
    "record": "record what happened on a claim",
    "undo": "take back what was done",
    "decide": "decide claims",
    "take_next": "take claims",
    "close": "close claims",
    "reopen": "reopen claims",
    "reply": "reply to customers",
    "import": "import claims",
    "undo_import": "take back an import",
    "decide_override_alone": "decide against the policy alone",
    "approve_override": "approve decisions against the policy",
    "reject_override": "reject decisions against the policy",
    "approve_payout": "approve payouts",
    "reject_payout": "reject payouts",
    "ask_route": "have money go another way",
    "goodwill": "ask for goodwill",
    "queue_payout": "queue payouts",
    "set_chargeback": "record chargebacks",
    "pay": "pay out",
    "change_settings": "change settings",
    "propose_edition": "change the policy",
    "approve_edition": "release editions of the policy",
    "erase": "erase a customer's data",
    "manage_people": "manage people",
}
"""Action -> how a sentence names it."""


def may(role: str, action: str) -> bool:
    """Whether `role` may do `action`. Raises `KeyError` for an action that is not in `ACTIONS`."""
    return role in ACTIONS[action]


def table() -> str:
    """The table as Markdown, for the docs."""
    roles = sorted(
        {role for allowed in ACTIONS.values() for role in allowed}, key=("agent", "manager", "auditor").index
    )
    lines = ["| action | what | " + " | ".join(roles) + " |", "|---|---|" + "---|" * len(roles)]
    for action, allowed in ACTIONS.items():
        marks = " | ".join("yes" if role in allowed else "–" for role in roles)
        lines.append(f"| `{action}` | {WORDS[action]} | {marks} |")
    return "\n".join(lines)
