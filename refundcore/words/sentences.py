"""How a claim stands by each clause: its state, and one sentence with the facts that make it so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refundcore.rulebook import known as k
from refundcore.words.case import Case

MET, NOT_MET, UNKNOWN, NOT_CONCERNED = "met", "not_met", "unknown", "not_concerned"
DEFAULT = 1
AGAINST = ("bar", "hold", "supply")

METHODS = {"paypal": "PayPal", "crypto": "cryptocurrency"}
"""Payment methods that aren't called by their code."""

Sentence = Callable[[Case], str]
_SENTENCES: dict[str, Sentence] = {}


def says(*clauses: str) -> Callable[[Sentence], Sentence]:
    """Registers the sentence of some clauses."""

    def register(sentence: Sentence) -> Sentence:
        for clause in clauses:
            _SENTENCES[clause] = sentence
        return sentence

    return register


def state(case: Case, clause: str) -> str:
    """How the claim stands by a clause, over all readings and all values of what isn't known.

    `not_met` is what the default reading says for certain; where the readings or the values differ it is `unknown`.
    """
    document = case.policy.clauses[clause]
    if clause == "V":
        return NOT_MET if bool(case.region.before_policy[0]) else MET if case.order is not None else UNKNOWN
    if document.roles == ("note",) or case.reason not in document.reasons:
        return NOT_CONCERNED
    if document.roles == ("remedy",):
        wanted = case.column("replacement") or k.REFUND
        return {k.REFUND: NOT_CONCERNED, k.AVAILABLE: MET, k.UNAVAILABLE: NOT_MET}.get(wanted, UNKNOWN)
    if clause == "C8c" and not case.fee and not case.column("fee_takes_all"):
        return NOT_CONCERNED
    against = np.zeros_like(case.effects.verdict, dtype=np.bool_)
    for role in AGAINST:
        if (clause, role) in case.answers:
            against |= case.answers[clause, role]
    if against[:, DEFAULT].all():
        return NOT_MET
    waits = (clause, "clock") in case.answers and case.answers[clause, "clock"][:, DEFAULT].any()
    return UNKNOWN if against.any() or waits or _unsure(case, clause) else MET


WINDOW, CONDITION, EXCLUSION = "window", "condition", "exclusion"
WORDS = {
    WINDOW: {MET: "kept", NOT_MET: "missed"},
    CONDITION: {MET: "met", NOT_MET: "not met"},
    EXCLUSION: {MET: "doesn't apply", NOT_MET: "applies"},
}


def word(case: Case, clause: str, standing: str) -> str:
    """How a claim stands by a clause, in a word or two that fit what kind of clause it is."""
    document = case.policy.clauses[clause]
    if standing == NOT_CONCERNED:
        return "not concerned"
    if standing == UNKNOWN:
        if (clause, "clock") in case.answers and case.answers[clause, "clock"][:, DEFAULT].all():
            return "running" if case.at("silence_end") is None else "stands still"
        return "readings differ" if _split(case, clause) else "unknown"
    if "window_days" in document.numbers and not (clause == "C3" and case.reason == "other"):
        kind = WINDOW
    else:
        condition = {"ground", "supply", "remedy"} & set(document.roles) or clause in {"V", "C3"}
        kind = CONDITION if condition else EXCLUSION
    return WORDS[kind][standing]


def _split(case: Case, clause: str) -> bool:
    """Whether the readings differ over a clause although every fact is known."""
    if case.known.rows > 1:
        return False
    against = [case.answers[clause, role] for role in AGAINST if (clause, role) in case.answers]
    return any((answer != answer[:, :1]).any() for answer in against)


def _unsure(case: Case, clause: str) -> bool:
    """An undecided defect is neither confirmed nor rejected, though it is no fact that anybody tries."""
    return clause == "C6c" and case.column("approved") == k.UNDECIDED


def of(case: Case, clause: str, standing: str | None = None) -> str:
    """One sentence about a claim and a clause."""
    standing = standing or state(case, clause)
    document = case.policy.clauses[clause]
    if standing == NOT_CONCERNED:
        if case.reason not in document.reasons:
            return "Doesn't concern a claim for this reason."
        return _SENTENCES[clause](case) if clause in _SENTENCES else "Doesn't decide a claim."
    return _SENTENCES[clause](case)


def _late(  # noqa: PLR0917 - a window: its clause, event and claim
    case: Case, clause: str, event: int | None, name: str, claimed: int | None, what: str
) -> str:
    """The sentence of a window, such as `The claim came on day 9; 7 days from the purchase are allowed`."""
    number = case.number(clause, "window_days")
    if event is None:
        return f"Whether {what} came within {number} days can't be said: the day of {name} isn't known."
    if claimed is None:
        return f"Whether {what} came within {number} days of {name} can't be said: its day isn't known."
    day = case.days_between(event, claimed)
    came = (
        f"{what[:1].upper()}{what[1:]} came on day {day}"
        if day
        else f"{what[:1].upper()}{what[1:]} came on the day itself"
    )
    return f"{came}; {number} days from {name} on {case.day_text(event)} are allowed."


@says("V")
def _text_in_force(case: Case) -> str:
    first = case.day_text(case.policy.first_instant(case.zone))
    if case.order is None:
        return f"The day of the order isn't known; this text applies from {first} on."
    if case.region.before_policy[0]:
        return f"The order was placed on {case.day_text(case.order)}, before this text came into force on {first}."
    return f"The order of {case.day_text(case.order)} falls under this text."


@says("C2")
def _unlawful(case: Case) -> str:
    return {
        k.CONFIRMED: "Unlawful use was found.",
        k.ALLEGED: "Unlawful use is alleged, but nobody has found it so: a person decides.",
    }.get(case.column("unlawful") or k.NONE, "Nobody has raised unlawful use.")


@says("C3")
def _listed_and_in_time(case: Case) -> str:
    if case.reason == "other":
        return "This reason isn't one of the three that are listed."
    notice = case.reason == "major_defect"
    claimed = case.notice if notice else case.submitted
    return _late(case, "C3", case.order, "the order", claimed, "the notice" if notice else "the claim")


@says("C4a")
def _no_code(case: Case) -> str:
    code = case.column("code")
    if code == k.YES:
        return "A code was delivered to the number."
    if code != k.NO:
        return "Whether a code was delivered isn't known."
    if case.column("sms_came"):
        return f"An SMS came {case.told('sms_received_at')}, but no code with it."
    return "No code reached the number."


@says("C4c", "C4d")
def _sms_window(case: Case) -> str:
    said = _late(case, "C4c", case.purchase, "the purchase", case.submitted, "the claim") + _sent(case)
    order, purchase, claimed = case.order, case.purchase, case.submitted
    if order is not None and purchase is not None and claimed is not None and case.day(order) < case.day(purchase):
        said += f" From the order on {case.day_text(order)} it is day {case.days_between(order, claimed)}."
    return said


def _sent(case: Case) -> str:
    sent, received = case.happened("sent_at"), case.submitted
    if sent is None or received is None or case.day(sent) == case.day(received):
        return ""
    return f" It was sent on {case.day_text(sent)}."


@says("C5a")
def _after_an_sms(case: Case) -> str:
    return {
        k.YES: "A code was delivered, so the number worked at first.",
        k.NO: "No code ever came: the first reason fits better.",
    }.get(case.column("code") or 0, "Whether a code was delivered isn't known.")


@says("C5b")
def _evidence(case: Case) -> str:
    attached, sufficient = case.column("attached"), case.column("sufficient")
    if attached == k.NO:
        return "No evidence has come."
    if attached != k.YES:
        return "Whether any evidence came isn't known."
    if sufficient == k.NO:
        return "The evidence was found insufficient."
    if sufficient != k.YES:
        return "Evidence is there, but nobody has judged it."
    when = f" {case.told('evidence_received_at')}" if case.happened("evidence_received_at") else " with the claim"
    return f"Evidence came{when} and was found sufficient."


@says("C5c")
def _number_window(case: Case) -> str:
    said = _late(case, "C5c", case.purchase, "the purchase", case.submitted, "the claim") + _sent(case)
    sms = case.happened("sms_received_at")
    if (
        sms is not None
        and case.submitted is not None
        and case.purchase is not None
        and case.day(sms) > case.day(case.purchase)
    ):
        said += f" From the first SMS on {case.day_text(sms)} it is day {case.days_between(sms, case.submitted)}."
    return said


@says("C5d")
def _contact(case: Case) -> str:
    contact = case.happened("contacted_at")
    if contact is None:
        return "There was no contact about the problem before the claim."
    when = case.told("contacted_at")
    return f"The customer was in contact about it {when}" + (
        ", in time." if case.column("contact") == k.CONTACT_IN_TIME else ", too late."
    )


@says("C6b")
def _cure(case: Case) -> str:
    hours = case.number("C6b", "cure_hours")
    if case.notice is None:
        return f"When the defect was notified isn't known, so neither is when its {hours} hours end."
    end, silence = case.at("clock_last"), case.at("silence_end")
    fix = case.column("fix_standing")
    fixed = {
        k.FIXED_IN_TIME: "The defect was put right {when}, in time.",
        k.FIXED_DOUBTFUL: "The defect was put right {when}; whether in time can't be said from the day alone.",
        k.FIXED_LATE: "The defect was put right {when}, after its time was over",
    }
    if fix in fixed:
        said = fixed[fix].format(when=case.told("defect_fixed_at"))
        if fix == k.FIXED_LATE:
            said += ", and the customer accepted that." if case.column("accepted") else "."
        return said
    if silence is not None:
        return f"The {hours} hours stand still since access was asked for {case.told('access_requested_at')}."
    first = case.at("clock_first") or end or 0
    shown = first if first >= case.as_of else end or first
    return f"The {hours} hours {'run until' if case.as_of <= (end or 0) else 'ended'} {case.when(shown)}."


@says("C6c")
def _confirmed(case: Case) -> str:
    approved = case.column("approved")
    if approved == k.NO:
        return "The technicians found that it is no defect."
    if approved == k.YES:
        return "The technicians confirmed the defect."
    return "Nobody has confirmed or rejected the defect yet."


@says("C6d")
def _replacement(case: Case) -> str:
    wanted, price = case.column("replacement") or k.REFUND, case.value("replacement_price")
    if wanted == k.REFUND:
        return "The customer didn't choose a replacement."
    if price is None:
        return "The customer chose a replacement, and its price isn't known."
    compared = (
        f"The replacement costs {case.money(int(price))}; the item was {case.money(int(case.value('amount') or 0))}"
    )
    percent = case.number("C6d", "tolerance_percent")
    if wanted == k.AVAILABLE:
        return f"{compared}: within {percent} percent."
    return f"{compared}: more than {percent} percent apart, so the refund stands."


@says("C6f")
def _silence(case: Case) -> str:
    asked = case.happened("access_requested_at")
    if asked is None:
        return "Nobody asked for access."
    granted = case.happened("access_granted_at")
    if granted is not None:
        return f"Access was asked for {case.told('access_requested_at')} and given {case.told('access_granted_at')}."
    return f"Access was asked for {case.told('access_requested_at')} and hasn't been given."


@says("C6g")
def _refusal(case: Case) -> str:
    if not case.column("refused"):
        return "The customer hasn't refused access."
    needed = case.column("needed")
    if needed == k.YES:
        return "The customer refused access, and it was needed."
    return (
        "The customer refused access, but it wasn't needed."
        if needed == k.NO
        else "The customer refused access; whether it was needed isn't known."
    )


@says("C7a")
def _third_party(case: Case) -> str:
    if not case.column("third"):
        return "Nobody has named third-party software as the cause."
    listed, shows = case.column("listed"), case.column("reproduced")
    if listed == k.YES:
        return "Third-party software is the cause, and the sales page listed it as compatible."
    if shows == k.YES:
        return "The fault is there without the third party, too."
    if listed == k.NO and shows in {k.NO, None}:
        return "The cause is third-party software that the sales page doesn't list."
    return (
        "Third-party software is named as the cause; whether it was listed, or the fault shows without it, isn't known."
    )


@says("C7b")
def _listed(case: Case) -> str:
    listed = case.column("listed")
    if listed == k.YES:
        return "The sales page listed that third party: the claim fits another reason better."
    return (
        "The sales page didn't list that third party."
        if listed == k.NO
        else "Whether the sales page listed it isn't known."
    )


@says("C8b")
def _order_week(case: Case) -> str:
    return _late(case, "C8b", case.order, "the order", case.notice, "the notice")


@says("C8c")
def _fee(case: Case) -> str:
    if case.fee:
        return f"A fee of {case.money(case.fee)} is kept."
    return "The fee would eat the whole refund." if case.column("fee_takes_all") else "No fee is kept."


@says("C8d")
def _way_back(case: Case) -> str:
    before = case.value("refunded_before")
    if case.column("nothing_left"):
        return "Everything that was paid is already back."
    method = METHODS.get(case.text("payment_method"), case.text("payment_method").replace("_", " "))
    back = f"Back by {method}" if method else "Back the way it was paid"
    said = f"{back}, less the {case.money(int(before))} already refunded." if before else f"{back}."
    return f"{said} A chargeback is open, which stops the payout." if case.value("chargeback_open") else said


@says("C8e")
def _grounds(case: Case) -> str:
    found = case.value("grounds_sufficient")
    if found is not None:
        return "An agent found the grounds detailed enough." if found else "An agent found the grounds too thin."
    words = len(case.text("description").split())
    count = "no grounds" if not words else "1 word of grounds" if words == 1 else f"{words} words of grounds"
    return f"There are {count}; from {case.number('C8e', 'words')} on they count as detailed."


@says("C8f")
def _terms(case: Case) -> str:
    section = case.text("terms_section")
    return (
        f"The request is said to contradict the terms: {section}."
        if section
        else "Nobody has cited the Terms and Conditions against it."
    )
