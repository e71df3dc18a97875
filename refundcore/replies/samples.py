"""Claims that every wording is tried on: one for each way in which a reply can go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from refundcore.deadlines import DAY, HOUR, micros
from refundcore.facts import Claims

AS_OF = micros(datetime(2026, 3, 16, 12, 0, tzinfo=UTC))
_WORDS = "The code for my account never came although I tried it five times"


def _sample(**facts: object) -> Claims:
    known: dict[str, object] = {
        "order_ref": "ORD-1042",
        "item_ref": "+4915112345678",
        "customer_email": "kim@example.org",
        "reason": "sms_not_received",
        "description": _WORDS,
        "purchased_at": AS_OF - 4 * DAY,
        "submitted_at": AS_OF - 2 * DAY,
        "amount": 1_250,
        "currency": "EUR",
        "payment_method": "card",
    }
    return Claims.one(**{**known, **facts})


def _number(**facts: object) -> Claims:
    return _sample(
        **{"reason": "invalid_number", "sms_code_received": True, "sms_received_at": AS_OF - 4 * DAY} | facts
    )


def _defect(**facts: object) -> Claims:
    return _sample(
        **{"reason": "major_defect", "purchased_at": AS_OF - 6 * DAY, "submitted_at": AS_OF - 5 * DAY} | facts
    )


SAMPLES: Mapping[str, Claims] = {
    "No code came": _sample(sms_code_received=False),
    "No code came, some refunded before": _sample(sms_code_received=False, refunded_before=250),
    "No code came, a chargeback is open": _sample(sms_code_received=False, chargeback_open=True, payment_method=None),
    "A code was delivered": _sample(sms_code_received=True),
    "Too late": _sample(sms_code_received=False, purchased_at=AS_OF - 12 * DAY),
    "Much too late": _sample(reason="major_defect", purchased_at=AS_OF - 40 * DAY),
    "Whether a code came isn't known": _sample(),
    "The order isn't known": _sample(order_ref=None, sms_code_received=False),
    "Grounds too thin": _sample(sms_code_received=False, description="no code"),
    "Evidence is missing": _number(evidence_attached=False),
    "Good evidence": _number(evidence_attached=True, evidence_sufficient=True),
    "An invalid number, too late": _number(
        purchased_at=AS_OF - 13 * DAY,
        sms_received_at=AS_OF - 13 * DAY,
        evidence_attached=True,
        evidence_sufficient=True,
        evidence_received_at=AS_OF - 2 * DAY,
    ),
    "Evidence too thin": _number(
        purchased_at=AS_OF - 20 * DAY,
        sms_received_at=AS_OF - 20 * DAY,
        submitted_at=AS_OF - 18 * DAY,
        evidence_attached=True,
        evidence_sufficient=False,
    ),
    "No evidence in time": _number(
        purchased_at=AS_OF - 20 * DAY,
        sms_received_at=AS_OF - 20 * DAY,
        submitted_at=AS_OF - 18 * DAY,
        evidence_attached=False,
    ),
    "Evidence too late": _number(
        purchased_at=AS_OF - 20 * DAY,
        sms_received_at=AS_OF - 20 * DAY,
        submitted_at=AS_OF - 18 * DAY,
        evidence_attached=True,
        evidence_sufficient=True,
        evidence_received_at=AS_OF - 2 * DAY,
    ),
    "A defect in its 72 hours": _defect(defect_notified_at=AS_OF - DAY, submitted_at=AS_OF - DAY),
    "A defect, access asked for": _defect(
        submitted_at=AS_OF - 2 * DAY, access_requested_at=AS_OF - DAY, access_needed=True
    ),
    "A defect not put right": _defect(defect_approved=True),
    "A defect put right in time": _defect(defect_approved=True, defect_fixed_at=AS_OF - 4 * DAY),
    "A late fix that was accepted": _defect(defect_approved=True, defect_fixed_at=AS_OF - DAY, fix_accepted=True),
    "No defect": _defect(defect_approved=False),
    "Access refused": _defect(access_refused=True, access_needed=True, access_requested_at=AS_OF - 5 * DAY + HOUR),
    "A replacement": _defect(defect_approved=True, remedy_choice="replacement", replacement_price=1_300),
    "Third-party software": _sample(reason="incompatibility", listed_compatible=False),
    "Another reason": _sample(reason="other"),
    "Unlawful use": _sample(sms_code_received=False, unlawful_use="confirmed"),
    "Nothing left": _sample(sms_code_received=False, refunded_before=1_250),
    "Unlawful use alleged": _sample(sms_code_received=False, unlawful_use="alleged"),
}
