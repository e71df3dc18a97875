"""The rules, each a few words long, as the policy has them one after the other, and `judge`, which applies them.

A rule is a boolean over complete facts (`f`, one completion a row) and the readings (`r`): it says when its clause
weighs as its role says, and knows nothing of unknowns, precedence or deadlines. The wording, the numbers and the
reasons that a clause concerns are the document's business (data/policy.toml).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from refundcore.facts import Claims
from refundcore.policy import Policy
from refundcore.rulebook import Known, Rulebook, Taken, verdicts
from refundcore.rulebook import known as k
from refundcore.rulebook.known import Codes, Truth

# Section 5: who leads where several clauses apply. What has no place there follows its clause.
PRECEDENCE = (
    *("C2", "C7a", "C6g"),
    *("C4c", "C4d", "C5c", "C5d", "C3", "C8b"),
    *("C4a", "C5a", "C5b", "C6b", "C6c", "C6f"),
    *("C6d", "C7b", "C8e", "C8f", "C8c", "C8d", "V"),
)
# What is asked first: whether the reason fits, then what it needs, then the rest.
ASKING = ("C4a", "C5a", "C5b", "C7b", "C7a", "C6g", "C6d", "C5c", "C8e", "C4c", "C8b", "C3")
# Which clause asks for an unknown fact: the first of these that concerns the claim's reason.
ASKS = {
    "timing": ("C4c", "C5c", "C8b", "C3"),
    "sms_code_received": ("C4a", "C5a"),
    "sms_received_at": ("C5c",),
    "evidence_attached": ("C5b",),
    "evidence_sufficient": ("C5b",),
    "listed_compatible": ("C7b",),
    "reproduced_without_third_party": ("C7a",),
    "access_needed": ("C6g",),
    "replacement_price": ("C6d",),
}
# Silence (C5d) closes reason 2 through its window (C5c): what parts on contact is told as that (A39).
CLOSER = {"C5d": "C5c"}

# Which text applies is settled by the date of the order, before any rule is asked (A15).
FIRST = ("V",)

BOOK = Rulebook(PRECEDENCE, ASKING, ASKS, CLOSER, FIRST)
rule = BOOK.rule


# What several rules speak of, as the readings take it.


def counted(f: Known, r: Taken, received: int, sent: int) -> Truth:
    """A06: what counts is when the claim was received, or when it was sent."""
    return f.timing(received) | (r("A06", "sent") & f.timing(sent))


def in_time_from_purchase(f: Known, r: Taken) -> Truth:
    """Claimed within the days from the purchase."""
    return counted(f, r, k.RECEIVED_FROM_PURCHASE, k.SENT_FROM_PURCHASE)


def in_time_from_order(f: Known, r: Taken) -> Truth:
    """Claimed (a defect: notified) within the week from the order."""
    return counted(f, r, k.RECEIVED_FROM_ORDER, k.SENT_FROM_ORDER)


def in_time_from_sms(f: Known, r: Taken) -> Truth:
    """Claimed within the days from the first SMS, which never reach beyond day 14 (A03)."""
    return counted(f, r, k.RECEIVED_FROM_SMS, k.SENT_FROM_SMS) & f.by_day_14


def kept_alive(f: Known, r: Taken) -> Truth:
    """A39: contact in time keeps a later claim alive, up to day 14."""
    return r("A39", "any_channel") & f.contact_in_time & f.by_day_14


def within_evidence_limit(r: Taken, limits: Codes) -> Truth:
    """A07: whether a set of limit bits holds the limit of the reading, which is never after day 14."""
    window = ((limits & k.BY_PURCHASE_WINDOW) != 0) | (r("A03", "purchase_or_sms") & ((limits & k.BY_SMS_WINDOW) != 0))
    limit = (r("A07", "window") & window) | (r("A07", "cure") & ((limits & k.BY_CURE) != 0)) | r("A07", "day_14")
    return limit & ((limits & k.BY_14) != 0)


def clock(f: Known, r: Taken) -> Codes:
    """A11: the state of the 72 hours, standing still for access or running on."""
    return np.where(r("A11", "standstill"), f["clock_standing"], f["clock_plain"])


def fix(f: Known, r: Taken) -> Codes:
    """A11: whether the fix was in time."""
    return np.where(r("A11", "standstill"), f["fix_standing"], f["fix_plain"])


# The rules.


@rule("V", "hold")
def ordered_before_this_text(f: Known, _: Taken) -> Truth:
    """Weighed by `judge` before all other clauses, since it decides which text applies (A15)."""
    return np.zeros((f.rows, 1), dtype=np.bool_)


@rule("C2", "bar")
def used_unlawfully(f: Known, r: Taken) -> Truth:
    # A37: whether it bars a replacement too.
    return f.unlawful_confirmed & ~(r("A37", "money_only") & f.replacement_available)


@rule("C2", "hold")
def said_to_be_used_unlawfully(f: Known, _: Taken) -> Truth:
    return f.unlawful_alleged


@rule("C3", "bar")
def not_listed_or_after_day_14(f: Known, _: Taken) -> Truth:
    return f.yes("other_reason") | ~f.by_day_14


@rule("C4a", "ground")
def no_code_arrived(f: Known, r: Taken) -> Truth:
    return ~code_arrived(f, r)


@rule("C4a", "bar")
def code_arrived(f: Known, r: Taken) -> Truth:
    # A32: whether an SMS without a code ends the reason.
    return f.code_delivered | (f.sms_came & r("A32", "ends"))


@rule("C4c", "bar")
def late_from_the_purchase(f: Known, r: Taken) -> Truth:
    # A02: the strict reading counts from the order too.
    return ~(in_time_from_purchase(f, r) & (in_time_from_order(f, r) | r("A02", "purchase")))


@rule("C4d", "bar")
def counts_as_activated(f: Known, r: Taken) -> Truth:
    return late_from_the_purchase(f, r)


@rule("C5a", "ground")
def sms_arrived(f: Known, _: Taken) -> Truth:
    return f.code_delivered


@rule("C5a", "hold")
def no_code_ever_came(f: Known, _: Taken) -> Truth:
    return ~f.code_delivered


@rule("C5b", "supply")
def evidence_can_still_come(f: Known, r: Taken) -> Truth:
    return ~f.good_evidence & within_evidence_limit(r, f["open_now"])


@rule("C5b", "bar")
def no_good_evidence_in_time(f: Known, r: Taken) -> Truth:
    came_late = f.good_evidence & ~within_evidence_limit(r, f["evidence_in"])
    never_came = ~f.good_evidence & ~within_evidence_limit(r, f["open_now"])
    return came_late | never_came


@rule("C5c", "bar")
def late_for_an_invalid_number(f: Known, r: Taken) -> Truth:
    # A03: from the purchase, or from the first SMS where that ends later.
    in_time = in_time_from_purchase(f, r) | (r("A03", "purchase_or_sms") & in_time_from_sms(f, r))
    return ~in_time & ~kept_alive(f, r)


@rule("C5d", "bar")
def silent_until_activation(f: Known, r: Taken) -> Truth:
    return ~(in_time_from_purchase(f, r) | in_time_from_sms(f, r)) & ~kept_alive(f, r)


@rule("C6b", "clock")
def time_to_put_it_right(f: Known, r: Taken) -> Truth:
    state = clock(f, r)
    return (fix(f, r) == k.UNFIXED) & ((state == k.RUNNING) | (state == k.STANDING))


@rule("C6b", "bar")
def put_right(f: Known, r: Taken) -> Truth:
    # A24: a late fix counts where the customer accepted it in writing. What is no defect isn't put right.
    made = fix(f, r)
    return ((made == k.FIXED_IN_TIME) | ((made != k.UNFIXED) & f.late_fix_accepted)) & ~f.defect_rejected


@rule("C6b", "hold")
def fixed_on_the_day_of_the_end(f: Known, r: Taken) -> Truth:
    # A14: known to the day only, it may have been in time or not.
    return (fix(f, r) == k.FIXED_DOUBTFUL) & ~f.late_fix_accepted


@rule("C6c", "ground")
def confirmed_and_not_put_right(f: Known, _: Taken) -> Truth:
    return ~f.defect_rejected


@rule("C6c", "bar")
def no_defect(f: Known, r: Taken) -> Truth:
    return f.defect_rejected | (r("A22", "no_right") & undecided_when_time_was_up(f, r))


@rule("C6c", "hold")
def left_undecided(f: Known, r: Taken) -> Truth:
    return r("A22", "person") & undecided_when_time_was_up(f, r)


def undecided_when_time_was_up(f: Known, r: Taken) -> Truth:
    """Nobody approved or rejected the defect before the 72 hours were over (A22)."""
    state = clock(f, r)
    over = (state == k.OVER) | ((state >= k.STANDING) & (fix(f, r) != k.UNFIXED))
    return f.defect_undecided & over & ~put_right(f, r)


@rule("C6d", "remedy")
def replacement_chosen(f: Known, _: Taken) -> Truth:
    return f.replacement_available


@rule("C6f", "hold")
def silent_about_access(f: Known, r: Taken) -> Truth:
    return (clock(f, r) == k.SILENT) & (fix(f, r) == k.UNFIXED)


@rule("C6g", "bar")
def refused_access(f: Known, r: Taken) -> Truth:
    # A26: any refusal, or only of access that was needed.
    return f.yes("refused") & (r("A26", "any") | f.yes("needed"))


@rule("C7a", "bar")
def third_party_software(f: Known, _: Taken) -> Truth:
    # A31: a defect is saved by showing without the third party too.
    return f.yes("third") & ~f.yes("listed") & ~f.yes("reproduced")


@rule("C7b", "hold")
def listed_after_all(f: Known, _: Taken) -> Truth:
    return f.yes("listed")


@rule("C8b", "bar")
def late_from_the_order(f: Known, r: Taken) -> Truth:
    # A01: whether the week caps defects too.
    return r("A01", "week") & ~in_time_from_order(f, r)


@rule("C8c", "hold")
def fee_takes_all(f: Known, _: Taken) -> Truth:
    return f.yes("fee_takes_all")


@rule("C8d", "bar")
def nothing_left_to_refund(f: Known, _: Taken) -> Truth:
    return f.yes("nothing_left")


@rule("C8e", "supply")
def thin_grounds(f: Known, _: Taken) -> Truth:
    return f.yes("thin")


@rule("C8f", "hold")
def against_the_terms(f: Known, _: Taken) -> Truth:
    return f.yes("terms")


def judge(claims: Claims, policy: Policy, as_of: int | np.ndarray, *, zone: str | None = None) -> pd.DataFrame:
    """The policy's verdict on each claim as of an instant, in the order of the claims.

    `as_of` is in microseconds (one for all, or one a claim); `zone` defaults to the policy's. Columns:
    `verdict`, `leaning` (of a review), `clause` (the leading one), `clauses` (all that decided), `missing` (unknown
    facts that matter), `next_deadline`, `refund` and `fee` (minor units, of an approval), and `holds_until`: the
    last instant up to which this verdict is known to hold, null for ever.
    """
    BOOK.check(policy)
    return verdicts.judge(BOOK, claims, policy, as_of, zone or policy.zone)


__all__ = ["BOOK", "judge"]
