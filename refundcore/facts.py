"""What can be known of a claim: each fact with its name, kind, label and help, in one table.

The header of a claims file, the columns of the store, the fields of the form and the data dictionary of the
docs follow from the table below. A blank cell is *unknown*, unless `blank` says what it reads as.

The columns of `Claims` are Arrow-backed, so an unknown survives every comparison:

========  ==================  =======================================================================
kind      column type         holds
========  ==================  =======================================================================
text      string              to the letter; identifiers keep their zeros
code      string              one of `codes`
truth     bool                true, false, unknown
instant   int64, twice        microseconds since 1970 in UTC: `NAME`, the earliest it can have been, and
                              `NAME_latest`, the latest; they differ where only the day is known
money     int64               minor units of the claim's currency
currency  string              ISO 4217 code
========  ==================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Kind = Literal["text", "code", "truth", "instant", "money", "currency"]

REASONS = ("sms_not_received", "invalid_number", "major_defect", "incompatibility", "other")
VERDICTS = ("approve", "exchange", "deny", "need_info", "pending", "review")

SMS, NUMBER, DEFECT = ("sms_not_received",), ("invalid_number",), ("major_defect",)
NUMBERS = SMS + NUMBER


@dataclass(frozen=True)
class Fact:
    """One fact: its name in files and code, its kind, and how people are asked for it."""

    name: str
    kind: Kind
    label: str
    help: str
    codes: tuple[str, ...] = ()
    required: bool = False
    """Without it nothing can be approved."""
    blank: str = ""
    """What a blank reads as; empty: a blank is unknown."""
    reasons: tuple[str, ...] = REASONS
    """The reasons under which anybody asks for it."""
    synonyms: tuple[str, ...] = field(default=(), compare=False)
    """Other column names under which files carry it."""

    @property
    def latest(self) -> str:
        """The column of an instant's latest moment."""
        return f"{self.name}_latest"


FACTS: tuple[Fact, ...] = (
    Fact(
        "claim_ref",
        "text",
        "Claim",
        "The sender's own reference of the claim; the desk gives one where it is blank.",
        synonyms=(
            "claim",
            "claim id",
            "claim no",
            "claim number",
            "complaint id",
            "case",
            "case id",
            "ticket",
            "ticket id",
            "reference",
            "ref",
        ),
    ),
    Fact(
        "order_ref",
        "text",
        "Order",
        "The order the claim is about.",
        required=True,
        synonyms=(
            "order",
            "order id",
            "order no",
            "order number",
            "order reference",
            "transaction id",
            "invoice",
            "invoice no",
            "invoice number",
            "purchase id",
        ),
    ),
    Fact(
        "item_ref",
        "text",
        "Item",
        "The number or item within the order; blank means the whole order.",
        blank="the whole order",
        synonyms=("item", "item id", "number", "virtual number", "phone number", "sku", "line item"),
    ),
    Fact(
        "customer_email",
        "text",
        "Customer's e-mail",
        "Who claims.",
        required=True,
        synonyms=("email", "e-mail", "customer", "customer e-mail", "buyer email", "from", "sender", "contact email"),
    ),
    Fact(
        "product",
        "text",
        "Product",
        "What was bought.",
        synonyms=("product name", "item name", "description of product", "lineitem name"),
    ),
    Fact(
        "reason",
        "code",
        "Reason",
        "Why the customer asks for the money back.",
        codes=REASONS,
        required=True,
        synonyms=("refund reason", "claim reason", "issue", "problem", "category", "claim type"),
    ),
    Fact(
        "description",
        "text",
        "Grounds",
        "The customer's grounds, in their own words.",
        blank="no grounds given",
        synonyms=("grounds", "details", "message", "comment", "comments", "text", "complaint", "body"),
    ),
    Fact(
        "grounds_sufficient",
        "truth",
        "Grounds detailed enough?",
        "An agent's finding. Left blank, grounds of 8 words or more count as detailed.",
        blank="judged by the length of the grounds",
    ),
    Fact(
        "channel",
        "code",
        "Channel",
        "How the claim came in.",
        codes=("email", "form", "chat", "phone", "csv"),
        blank="not recorded",
        synonyms=("source", "via", "received via"),
    ),
    Fact(
        "ordered_at",
        "instant",
        "Ordered",
        "When the order was placed.",
        blank="the purchase",
        synonyms=("order date", "ordered", "ordered on", "created at", "date of order"),
    ),
    Fact(
        "purchased_at",
        "instant",
        "Number purchased",
        "When the number was purchased (allocated).",
        required=True,
        synonyms=("purchase date", "purchased", "purchased on", "bought", "bought at", "date of purchase", "paid at"),
    ),
    Fact(
        "submitted_at",
        "instant",
        "Claim received",
        "When the claim reached the company, not when it was typed in or uploaded.",
        required=True,
        synonyms=(
            "submitted",
            "received",
            "received at",
            "claim date",
            "date received",
            "claimed at",
            "request date",
            "refund requested",
        ),
    ),
    Fact(
        "sent_at",
        "instant",
        "Claim sent",
        "When the customer sent it, where that is known.",
        blank="when it was received",
        synonyms=("sent", "date sent"),
    ),
    Fact(
        "contacted_at",
        "instant",
        "First contact",
        "When the customer first wrote or called about it, naming the order and the trouble.",
        blank="no contact before the claim",
        reasons=NUMBER,
        synonyms=("contacted", "first contact"),
    ),
    Fact(
        "sms_code_received",
        "truth",
        "Code delivered?",
        "Whether an SMS with a confirmation code reached the number. The provider's log beats statements.",
        reasons=NUMBERS,
        synonyms=("code received", "sms code", "code delivered", "sms received"),
    ),
    Fact(
        "sms_received_at",
        "instant",
        "First SMS",
        "When the first SMS reached the number, with or without a code.",
        reasons=NUMBERS,
        synonyms=("sms time", "sms delivered at", "first sms"),
    ),
    Fact(
        "evidence_attached",
        "truth",
        "Evidence there?",
        "Whether the customer sent any evidence, at once or later.",
        reasons=NUMBER,
        synonyms=("evidence", "has evidence", "attachment", "screenshots"),
    ),
    Fact(
        "evidence_sufficient",
        "truth",
        "Evidence sufficient?",
        "An agent's finding: does it show that the number is invalid?",
        reasons=NUMBER,
    ),
    Fact(
        "evidence_received_at",
        "instant",
        "Evidence received",
        "When the evidence came.",
        blank="with the claim",
        reasons=NUMBER,
    ),
    Fact(
        "defect_notified_at",
        "instant",
        "Defect notified",
        "When we were first told of the defect, in whatever way.",
        blank="with the claim",
        reasons=DEFECT,
        synonyms=("defect reported at", "notified at", "reported at"),
    ),
    Fact(
        "defect_approved",
        "truth",
        "Defect confirmed?",
        "The technicians' finding: is it a defect?",
        blank="nobody has decided yet",
        reasons=DEFECT,
        synonyms=("defect confirmed", "defect accepted"),
    ),
    Fact(
        "defect_fixed_at",
        "instant",
        "Defect fixed",
        "When the defect was put right for good.",
        blank="not fixed",
        reasons=DEFECT,
        synonyms=("fixed at", "resolved at"),
    ),
    Fact(
        "fix_accepted",
        "truth",
        "Late fix accepted?",
        "Whether the customer agreed in writing to a fix that came too late.",
        blank="no",
        reasons=DEFECT,
    ),
    Fact(
        "access_needed",
        "truth",
        "Access needed?",
        "Whether the technicians need access to the customer's host or server.",
        reasons=DEFECT,
    ),
    Fact(
        "access_requested_at",
        "instant",
        "Access requested",
        "When access was asked for.",
        blank="not requested",
        reasons=DEFECT,
    ),
    Fact(
        "access_granted_at",
        "instant",
        "Access granted",
        "When access was given.",
        blank="not granted",
        reasons=DEFECT,
    ),
    Fact(
        "access_refused",
        "truth",
        "Access refused?",
        "Whether the customer refused access in words. Silence is not refusal.",
        blank="no",
        reasons=DEFECT,
    ),
    Fact(
        "third_party_cause",
        "truth",
        "Third party the cause?",
        "Whether it comes from software or a platform of somebody else with which the product doesn't get along.",
        blank="no",
        reasons=("invalid_number", "major_defect", "incompatibility", "other"),
        synonyms=("third party", "third-party"),
    ),
    Fact(
        "listed_compatible",
        "truth",
        "Listed as compatible?",
        "Whether the sales page listed that third party as compatible at the time of purchase.",
        reasons=("invalid_number", "major_defect", "incompatibility", "other"),
    ),
    Fact(
        "reproduced_without_third_party",
        "truth",
        "Shows without it?",
        "Whether the fault is there even when the third party is left out.",
        reasons=DEFECT,
    ),
    Fact(
        "unlawful_use",
        "code",
        "Unlawful use",
        "Whether the service was used for something unlawful: alleged, or found to be so.",
        codes=("none", "alleged", "confirmed"),
        blank="none",
        synonyms=("fraud", "abuse"),
    ),
    Fact(
        "terms_section",
        "text",
        "Terms contradicted",
        "Which section of the Terms and Conditions speaks against the request.",
        blank="none cited",
    ),
    Fact(
        "remedy_choice",
        "code",
        "Customer's choice",
        "Money or a replacement.",
        codes=("refund", "replacement"),
        blank="the refund",
        reasons=DEFECT,
        synonyms=("remedy", "wants"),
    ),
    Fact(
        "replacement_price",
        "money",
        "Replacement's price",
        "Price of the replacement on offer, in the claim's currency.",
        reasons=DEFECT,
    ),
    Fact(
        "amount",
        "money",
        "Amount paid",
        "What was paid for the item.",
        required=True,
        synonyms=(
            "price",
            "total",
            "paid",
            "amount paid",
            "order total",
            "gross",
            "value",
            "claim amount",
            "transaction amount",
        ),
    ),
    Fact(
        "currency",
        "currency",
        "Currency",
        "ISO 4217 code of the amounts.",
        required=True,
        synonyms=("ccy", "currency code"),
    ),
    Fact(
        "payment_method",
        "text",
        "Paid by",
        "card, paypal, crypto, balance, bank_transfer, ...",
        blank="not recorded",
        synonyms=("payment", "method", "gateway", "paid with", "payment type"),
    ),
    Fact(
        "refunded_before",
        "money",
        "Refunded before",
        "Already refunded on this item.",
        blank="nothing on record",
        synonyms=("already refunded", "previously refunded"),
    ),
    Fact(
        "payment_split",
        "text",
        "Payment split",
        "Split payments, as card:6.00;balance:4.00.",
        blank="all by the payment method",
    ),
    Fact(
        "fee_disclosed",
        "truth",
        "Told of the fee?",
        "Whether the fee was disclosed to the customer.",
        blank="no, hence no fee",
    ),
    Fact(
        "chargeback_open",
        "truth",
        "Chargeback open?",
        "Whether a chargeback is open on the payment.",
        blank="no",
        synonyms=("chargeback", "dispute open"),
    ),
)

BY_NAME: Mapping[str, Fact] = {fact.name: fact for fact in FACTS}
REQUIRED: tuple[str, ...] = tuple(fact.name for fact in FACTS if fact.required)

ARROW: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "code": pa.string(),
    "currency": pa.string(),
    "truth": pa.bool_(),
    "instant": pa.int64(),
    "money": pa.int64(),
}


def _columns() -> dict[str, pd.ArrowDtype]:
    columns = {}
    for fact in FACTS:
        columns[fact.name] = pd.ArrowDtype(ARROW[fact.kind])
        if fact.kind == "instant":
            columns[fact.latest] = pd.ArrowDtype(ARROW["instant"])
    return columns


COLUMNS: Mapping[str, pd.ArrowDtype] = _columns()
"""Each column of a table of claims and its type, in the order of the dictionary."""


class Claims:
    """A table of claims, one a row: every column of `COLUMNS` as an Arrow array, null where unknown.

    `Claims.of` is the only door: it adds what is missing, drops what is no fact, and refuses values of the
    wrong type, so that no numpy column, in which an unknown reads as false, ever reaches a rule.
    """

    def __init__(self, columns: Mapping[str, pa.Array], size: int) -> None:
        self.columns = columns
        self._size = size

    @classmethod
    def of(cls, given: pd.DataFrame | Mapping[str, Sequence[Any]]) -> Claims:
        """The claims of a frame or of a mapping from column to values.

        An instant without its `_latest` column is known to the moment. Raises `ValueError` naming the column
        for a value that is not of the column's type, or not one of a code's values.
        """
        size = len(given) if isinstance(given, pd.DataFrame) else max(map(len, given.values()), default=0)
        columns: dict[str, pa.Array] = {}
        for name, dtype in COLUMNS.items():
            if name in given:
                columns[name] = _typed(given[name], name, dtype.pyarrow_dtype)
            elif name.endswith("_latest"):
                columns[name] = columns[name.removesuffix("_latest")]
            else:
                columns[name] = pa.nulls(size, dtype.pyarrow_dtype)
            if len(columns[name]) != size:
                raise ValueError(f"{name} has {len(columns[name])} values where there are {size} claims.")
        for fact in FACTS:
            if fact.kind == "instant":
                _whole_interval(columns, fact)
            if fact.codes:
                seen = {code for code in columns[fact.name].unique().to_pylist() if code is not None}
                if strange := sorted(seen - set(fact.codes)):
                    raise ValueError(f"{fact.name}: {strange[0]!r} is not one of {', '.join(fact.codes)}.")
        return cls(columns, size)

    @classmethod
    def one(cls, **facts: object) -> Claims:
        """A table of one claim."""
        return cls.of({name: [value] for name, value in facts.items()})

    def take(self, rows: npt.NDArray[np.int64]) -> Claims:
        """Some of the claims, by their places."""
        places = pa.array(rows)
        return Claims({name: column.take(places) for name, column in self.columns.items()}, len(rows))

    def varied(self, changes: Sequence[Mapping[str, object]]) -> Claims:
        """The one claim over and over, each time with some facts changed. Raises `ValueError` as `of` does."""
        every = self.take(np.zeros(len(changes), dtype=np.int64))
        columns = dict(every.columns)
        for name in {name for change in changes for name in change}:
            present = columns[name].to_pylist()
            values = [change.get(name, value) for change, value in zip(changes, present, strict=True)]
            columns[name] = _typed(values, name, COLUMNS[name].pyarrow_dtype)
        return Claims(columns, len(changes))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The same as a frame of Arrow-backed columns."""
        return pd.DataFrame(
            {name: pd.Series(pd.array(column, dtype=COLUMNS[name])) for name, column in self.columns.items()}
        )

    def __len__(self) -> int:
        return self._size


def _typed(given: pd.Series[Any] | Sequence[Any], name: str, wanted: pa.DataType) -> pa.Array:
    try:
        values = pa.array(given, type=wanted, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"{name}: a value is not {wanted}: {error}") from error
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _whole_interval(columns: dict[str, pa.Array], fact: Fact) -> None:
    """Where one end of an instant is missing, the other is both."""
    for end, other in ((fact.name, fact.latest), (fact.latest, fact.name)):
        if columns[end].null_count > columns[other].null_count:
            columns[end] = pc.coalesce(columns[end], columns[other])
