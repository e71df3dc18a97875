"""A plain reply to the customer, made from the verdict's sentences; each paragraph names where it stands."""

from __future__ import annotations

from refundcore.words import sentences
from refundcore.words.case import Case
from refundcore.words.questions import CUSTOMER, MissingLine

GREETING = "Hello,"
CLOSE = "Kind regards\nCustomer support"


def of(case: Case, asked: list[MissingLine]) -> str:
    """The reply as plain text. It promises nothing that the verdict doesn't carry."""
    order = case.text("order_ref")
    about = f"thank you for your message about order {order}." if order else "thank you for your message."
    body = {"approve": _approve, "exchange": _exchange, "deny": _deny, "pending": _wait, "review": _look}.get(
        case.verdict
    )
    parts = body(case) if body else _ask(case, asked)
    return "\n\n".join([GREETING, about[:1].upper() + about[1:], *parts, CLOSE])


def _clause(case: Case) -> list[str]:
    """The wording that decides, with its paragraph."""
    if not case.clause:
        return []
    clause = case.policy.clauses[case.clause]
    return [f"Our refund policy says (paragraph {clause.paragraph}): {clause.on(case.order_day)}"]


def _approve(case: Case) -> list[str]:
    method = case.text("payment_method").replace("_", " ")
    way = f"by the way you paid ({method})" if method else "by the way you paid"
    fee = f" A fee of {case.money(case.fee)}, of which you were told, has been kept." if case.fee else ""
    parts = [f"We have accepted your claim. You get {case.money(case.refund)} back {way}.{fee}", *_clause(case)]
    if case.value("chargeback_open"):
        parts.append("A chargeback is open on your payment; we can pay once it is closed.")
    return parts


def _exchange(case: Case) -> list[str]:
    return [
        "We have accepted your claim, and you get the replacement that you chose instead of the money.",
        *_clause(case),
    ]


def _deny(case: Case) -> list[str]:
    why = sentences.of(case, case.clause, sentences.NOT_MET) if case.clause else ""
    return [f"We cannot accept your claim. {why}".strip(), *_clause(case)]


def _ask(case: Case, asked: list[MissingLine]) -> list[str]:
    questions = [f"- {line.question}" for line in asked if line.asks == CUSTOMER]
    if "C8e" in case.clauses:
        questions.append("- Please describe what happened, and what you tried, in some sentences.")
    attached = case.column("attached")
    if "C5b" in case.clauses and (attached != 1 or case.column("sufficient") == 0):
        questions.append("- Please send evidence that the number is invalid, such as screenshots.")
    if not questions:
        return ["We are checking the details of your claim and will write to you again."]
    until = f"Please answer by {case.when(case.next_deadline)}." if case.next_deadline else "Then we can decide."
    return ["To decide your claim we need to know:\n" + "\n".join(questions), until]


def _wait(case: Case) -> list[str]:
    until = case.next_deadline
    when = f" until {case.when(until)}" if until else ""
    if case.at("silence_end") is not None:
        return [
            f"Our technicians have asked you for access and wait for it{when}. Without it the solution is delayed.",
            *_clause(case),
        ]
    return [f"Our technicians are working on the defect and have time{when} to put it right.", *_clause(case)]


def _look(case: Case) -> list[str]:
    del case
    return ["Your claim needs a closer look. A colleague will decide it and write to you."]
