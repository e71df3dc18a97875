"""From facts to regions: each fact becomes a small integer, so that a million claims have some thousands of patterns.

An instant matters only by the side of each deadline on which it lies. Deadlines are computed here, for all the claims
of one reason at once, and kept for the rows' own figures (next deadline, how long a verdict holds).

Sections 2, 4, 9 and 10 of the readings say what a blank means; `known.py` names the codes.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from refundcore.deadlines import FAR_FUTURE, FAR_PAST, HOUR, SECOND, Instants, window_end
from refundcore.facts import BY_NAME, FACTS, REASONS, REQUIRED
from refundcore.policy import Policy
from refundcore.rulebook import known as k
from refundcore.rulebook.known import Codes, Truth
from refundcore.rulebook.reading import NOTHING, UNKNOWN, Reader

# Codes beyond a column's own values: what is not known, and must be tried.
TIMING_UNKNOWN, NOTICE_UNKNOWN = 128, 129
AS_TIMING = 16
"""Limits, contact or fix whose side follows from the unknown timing."""
AMOUNT_UNKNOWN = 4
UNKNOWN_REASON = len(REASONS)

SIZES = {
    "unlawful": 3,
    "terms": 2,
    "thin": 2,
    "nothing_left": 2,
    "fee_takes_all": 2,
    "timing": 130,
    "other_reason": 2,
    "code": 4,
    "sms_came": 2,
    "sms": 4,
    "contact": 17,
    "attached": 4,
    "sufficient": 4,
    "evidence_in": 17,
    "open_now": 17,
    "third": 2,
    "listed": 4,
    "reproduced": 4,
    "approved": 3,
    "accepted": 2,
    "refused": 2,
    "needed": 4,
    "replacement": 5,
    "clock_standing": 4,
    "clock_plain": 2,
    "fix_standing": 17,
    "fix_plain": 17,
}
"""How many codes each column has; the columns are packed into one integer by these."""


class Region:
    """The claims of one reason as small integers (`columns`), with the deadlines of each row.

    `rows` are their places in the table. Every array has one entry for each of them. A deadline that cannot be
    known, or does not exist, is `FAR_FUTURE`.
    """

    def __init__(self, read: Reader, policy: Policy, zone: str, reason: str, rows: npt.NDArray[np.int64]) -> None:
        self.read, self.policy, self.zone, self.reason, self.rows = read, policy, zone, reason, rows
        self.as_of = read.as_of[rows]
        self.columns: dict[str, Codes] = {}
        self.changes: list[Instants] = []
        """For each thing that time alone changes, the last instant before it does."""
        self.clock_first = self.clock_last = self.silence_end = self.cure_end = self.cure_plain = self._never
        self.cure_in_hours = np.zeros(len(rows), dtype=np.bool_)
        self._common()
        {"sms_not_received": self._sms, "invalid_number": self._number, "major_defect": self._defect}.get(
            reason, self._other
        )()
        for fact in FACTS:
            if fact.kind == "instant":
                early, given = self._of(fact.name)
                self.changes.append(np.where(given & (early > self.as_of), early - 1, FAR_FUTURE))

    def _of(self, name: str) -> tuple[Instants, Truth]:
        """A column of whole numbers, 0 where blank, and whether each is given."""
        values, given = self.read.whole(name)
        return values[self.rows], given[self.rows]

    @property
    def _never(self) -> Instants:
        return np.full(len(self.rows), FAR_FUTURE, dtype=np.int64)

    def _instant(self, name: str) -> tuple[Instants, Instants, Truth]:
        """Earliest and latest moment of an instant, and whether it has happened by now."""
        early, given = self._of(name)
        late = self.read.whole(BY_NAME[name].latest)[0][self.rows]
        return early, late, given & (early <= self.as_of)

    def _truth(self, name: str) -> Codes:
        return self.read.truth(name)[self.rows]

    def _yes(self, name: str) -> Codes:
        """1 for yes; a blank of these facts reads as no (section 2)."""
        return (self._truth(name) == k.YES).astype(np.int64)

    def _number_of(self, clause: str, name: str) -> Instants | int:
        return self.policy.number(clause, name, self.law, self.zone)

    def window(self, events: Instants, clause: str) -> Instants:
        """The first late instant of a clause's window of days."""
        return window_end(events, self._number_of(clause, "window_days"), self.zone, roll=self.policy.rolls)

    def _common(self) -> None:
        ordered, ordered_late, has_order = self._instant("ordered_at")
        purchased, purchased_late, has_purchase = self._instant("purchased_at")
        self.submitted, self.submitted_late, self.has_claim = self._instant("submitted_at")
        # Order and purchase stand in for each other (A02).
        self.dated = has_order | has_purchase
        self.order = np.where(has_order, ordered, purchased)
        self.purchase = np.where(has_purchase, purchased, ordered)
        # Of an event known to the day only, days are counted from its latest moment: doubt goes against the company.
        self.order_late = np.where(has_order, ordered_late, purchased_late)
        self.purchase_late = np.where(has_purchase, purchased_late, ordered_late)
        self.law = np.where(self.dated, self.order, self.as_of)
        sent, _, has_sent = self._instant("sent_at")
        self.counted = np.where(has_sent, np.minimum(sent, self.submitted), self.submitted)
        self.day_14 = np.where(self.dated, self.window(self.order_late, "C3"), FAR_FUTURE)
        self.before_policy = self.dated & (
            np.where(has_order, ordered_late, purchased_late) < self.policy.first_instant(self.zone)
        )
        if self.policy.clauses["V"].off:
            self.before_policy[:] = False
        self.claim_precedes = self.dated & self.has_claim & (self.submitted_late < self.purchase)
        self.notice_precedes = np.zeros(len(self.rows), dtype=np.bool_)

        amount, has_amount = self._of("amount")
        before = self.read.whole("refunded_before")[0][self.rows]
        self.due = np.where(has_amount, np.maximum(amount - before, 0), -1)
        self.refund, self.fee = self.due.copy(), np.zeros(len(self.rows), dtype=np.int64)
        if self.policy.fees and self.policy.clauses["C8c"].concerns(self.reason):
            self._fees()
        given = self._truth("grounds_sufficient")
        thin = (given == k.NO) | ((given == UNKNOWN) & (self.read.words[self.rows] < self._number_of("C8e", "words")))
        self.columns |= {
            "unlawful": self.read.codes("unlawful_use", k.NONE)[self.rows],
            "terms": self.read.said("terms_section")[self.rows].astype(np.int64),
            "thin": thin.astype(np.int64),
            "nothing_left": (has_amount & (before >= amount)).astype(np.int64),
            "fee_takes_all": ((self.fee > 0) & (self.refund == 0)).astype(np.int64),
        }

    @cached_property
    def required(self) -> Codes:
        """Which required facts are blank: bit i for the i-th of `REQUIRED`."""
        total = np.zeros(len(self.rows), dtype=np.int64)
        for bit, name in enumerate(REQUIRED):
            if name == "purchased_at":
                blank = ~self.dated
            elif name == "submitted_at":
                blank = ~self.has_claim
            elif name == "amount":
                blank = ~self.read.whole(name)[1][self.rows]
            else:
                blank = ~self.read.said(name)[self.rows]
            total |= blank.astype(np.int64) << bit
        return total

    def _fees(self) -> None:
        """What the schedule keeps: each part rounded half up, both never above what is due (section 6)."""
        told = (self._yes("fee_disclosed") == k.YES) & (self.due > 0) & self.dated
        methods = self.read.arrow("payment_method").take(pa.array(self.rows))
        currencies = self.read.arrow("currency").take(pa.array(self.rows))
        for method in {fee.method for fee in self.policy.fees}:
            uses = told & np.asarray(pc.equal(methods, method).fill_null(NOTHING).to_numpy(zero_copy_only=False))
            rows = np.flatnonzero(uses)
            if not len(rows):
                continue
            begins, schedule = self.policy.schedule(method, self.zone)
            in_force = np.searchsorted(begins, self.order[rows], side="right") - 1
            for place, fee in enumerate(schedule):
                under = rows[in_force == place]
                if len(under):
                    of = currencies.take(pa.array(under))
                    fixed = np.zeros(len(under), dtype=np.int64)
                    for code, amount in fee.fixed.items():
                        is_code = np.asarray(pc.equal(of, code).fill_null(NOTHING).to_numpy(zero_copy_only=False))
                        fixed[is_code] = amount
                    due = self.due[under]
                    whole, rest = np.divmod(due, 10_000)  # in two parts, so that no product is too large for 64 bits
                    share = np.minimum(due, whole * fee.basis_points + (rest * fee.basis_points + 5_000) // 10_000)
                    kept = share + np.minimum(due - share, fixed)
                    self.fee[under], self.refund[under] = kept, due - kept

    def _flags(self, *pairs: tuple[int, Truth]) -> Codes:
        total = np.zeros(len(self.rows), dtype=np.int64)
        for bit, truth in pairs:
            total |= np.where(truth, bit, 0)
        return total

    def _timed(self, flags: Codes) -> Codes:
        return np.where(self.dated & self.has_claim, flags, TIMING_UNKNOWN)

    def _sms(self) -> None:
        """Reason 1: no code arrived."""
        window, week = self.window(self.purchase_late, "C4c"), self.window(self.order_late, "C8b")
        self.columns |= {
            "timing": self._timed(
                self._flags(
                    (k.RECEIVED_FROM_PURCHASE, self.submitted < window),
                    (k.SENT_FROM_PURCHASE, self.counted < window),
                    (k.RECEIVED_FROM_ORDER, self.submitted < week),
                    (k.SENT_FROM_ORDER, self.counted < week),
                    (k.BY_DAY_14, self.submitted < self.day_14),
                )
            ),
            "code": self._truth("sms_code_received"),
            "sms_came": self._instant("sms_received_at")[2].astype(np.int64),
        }

    def _number(self) -> None:
        """Reason 2: the number is invalid."""
        _, sms, has_sms = self._instant("sms_received_at")
        from_purchase = self.window(self.purchase_late, "C5c")
        # A03: the later end of both windows.
        window = np.where(has_sms, np.maximum(from_purchase, self.window(sms, "C5c")), from_purchase)
        in_hours = self.submitted_late + HOUR * self._number_of("C5b", "cure_hours") + 1
        in_hours = np.where(self.has_claim, in_hours, FAR_PAST)
        cure = np.minimum(np.maximum(window, in_hours), self.day_14)
        came, _, has_time = self._instant("evidence_received_at")
        given_time = self.read.whole("evidence_received_at")[1][self.rows]
        attached, sufficient = self._truth("evidence_attached"), self._truth("evidence_sufficient")
        attached = np.where((attached == UNKNOWN) & (given_time | (sufficient != UNKNOWN)), k.YES, attached)
        attached = np.where(given_time & ~has_time, k.NO, attached)  # it is still to come
        evidence = np.where(has_time, came, self.submitted)

        def limits(at: Instants) -> Codes:
            return self._flags(
                (k.BY_PURCHASE_WINDOW, at < from_purchase),
                (k.BY_SMS_WINDOW, at < window),
                (k.BY_CURE, at < cure),
                (k.BY_14, at < self.day_14),
            )

        evidence_known = self.dated & (has_time | self.has_claim)
        contact, _, has_contact = self._instant("contacted_at")
        in_window = np.where(contact < window, k.CONTACT_IN_TIME, k.CONTACT_LATE)
        there = attached != k.NO
        settled = (attached == k.YES) & (sufficient == k.YES)
        self.columns |= {
            "timing": self._timed(
                self._flags(
                    (k.RECEIVED_FROM_PURCHASE, self.submitted < from_purchase),
                    (k.SENT_FROM_PURCHASE, self.counted < from_purchase),
                    (k.RECEIVED_FROM_SMS, self.submitted < window),
                    (k.SENT_FROM_SMS, self.counted < window),
                    (k.BY_DAY_14, self.submitted < self.day_14),
                )
            ),
            "code": self._truth("sms_code_received"),
            "sms": np.where(has_sms, k.SMS_KNOWN, UNKNOWN),
            "contact": np.where(~has_contact, k.NO_CONTACT, np.where(self.dated, in_window, AS_TIMING)),
            "attached": attached,
            "sufficient": np.where(there, sufficient, k.NO),
            "evidence_in": np.where(there, np.where(evidence_known, limits(evidence), AS_TIMING), 0),
            "open_now": np.where(settled, 0, np.where(self.dated, limits(self.as_of), AS_TIMING)),
        }
        self._third_party()
        self.cure_end = np.where(self.dated & self.has_claim, cure, FAR_FUTURE)
        self.cure_in_hours = (in_hours > window) & (in_hours <= self.day_14)
        # Of a claim known to the day only, the earliest end is told first (A14).
        soonest = in_hours - self.submitted_late + self.submitted
        self.cure_first = np.minimum(np.maximum(window, soonest), self.day_14)
        self.first_in_hours = (soonest > window) & (soonest <= self.day_14)
        for end in (from_purchase, window, self.cure_first, cure, self.day_14):
            self.changes.append(np.where(self.dated, end - 1, FAR_FUTURE))

    def _defect(self) -> None:
        """Reason 3: a major defect, its notice and the 72 hours."""
        notified, notified_late, has_notice = self._instant("defect_notified_at")
        notice = np.where(has_notice, notified, self.submitted)
        notice_late = np.where(has_notice, notified_late, self.submitted_late)
        told = np.where(has_notice, notified, self.counted)
        self.has_notice = has_notice | self.has_claim
        self.notice_precedes = self.dated & has_notice & (notified_late < self.purchase)
        week = self.window(self.order_late, "C8b")
        flags = self._flags(
            (k.RECEIVED_FROM_ORDER, notice < week),
            (k.SENT_FROM_ORDER, told < week),
            (k.BY_DAY_14, notice < self.day_14),
        )
        timing = np.where(self.dated, flags, TIMING_UNKNOWN)
        self.columns |= {
            "timing": np.where(self.has_notice, timing, NOTICE_UNKNOWN),
            "approved": np.where(
                self._truth("defect_approved") == UNKNOWN, k.UNDECIDED, self._truth("defect_approved")
            ),
            "accepted": self._yes("fix_accepted"),
            "refused": self._yes("access_refused"),
        }
        self.columns["needed"] = np.where(self.columns["refused"] == k.YES, self._truth("access_needed"), k.NO)
        self._third_party()
        self._replacement()
        self._clocks(notice, notice_late)

    def _clocks(self, notice: Instants, notice_late: Instants) -> None:
        """The 72 hours, as they run on and as they stand still for access (A08, A11, A14)."""
        cure = HOUR * self._number_of("C6b", "cure_hours")
        first, last = notice + cure, notice_late + cure
        asked, asked_late, has_asked = self._instant("access_requested_at")
        granted, granted_late, has_granted = self._instant("access_granted_at")
        stops_first, stops_last = has_asked & (asked_late <= first), has_asked & (asked <= last)
        toll_first = np.maximum(0, granted - np.maximum(asked_late, notice))
        toll_last = np.maximum(0, granted_late - np.maximum(asked, notice_late))
        standing = stops_last & ~has_granted
        silence = asked_late + HOUR * self._number_of("C6f", "silence_hours")
        stopped_first = np.where(stops_first, np.where(has_granted, first + toll_first, FAR_FUTURE), first)
        stopped_last = np.where(stops_last, np.where(has_granted, last + toll_last, FAR_FUTURE), last)
        still = np.where(self.as_of <= silence, k.STANDING, k.SILENT)
        fixed, fixed_late, has_fix = self._instant("defect_fixed_at")

        def fix(begin: Instants, end: Instants) -> Codes:
            doubtful = np.where(fixed > end, k.FIXED_LATE, k.FIXED_DOUBTFUL)
            side = np.where(fixed_late <= begin, k.FIXED_IN_TIME, doubtful)
            return np.where(has_fix, np.where(self.has_notice, side, AS_TIMING), k.UNFIXED)

        running = np.where(self.as_of > stopped_last, k.OVER, k.RUNNING)
        known = self.has_notice
        self.columns |= {
            "clock_standing": np.where(known, np.where(standing, still, running), k.RUNNING),
            "clock_plain": np.where(known, np.where(self.as_of > last, k.OVER, k.RUNNING), k.RUNNING),
            "fix_standing": fix(stopped_first, stopped_last),
            "fix_plain": fix(first, last),
        }
        tolled = self.policy.readings["A11"].default == "standstill"
        self.clock_first = np.where(known, stopped_first if tolled else first, FAR_FUTURE)
        self.clock_last = np.where(known, stopped_last if tolled else last, FAR_FUTURE)
        self.cure_plain = np.where(known, first, FAR_FUTURE)
        """The earliest end of the 72 hours without any standstill."""
        self.stood_still = known & tolled & (stopped_last > last)
        self.silence_end = np.where(known & standing & tolled, silence, FAR_FUTURE)
        self.running = known & ~has_fix & (self.columns["approved"] != k.NO)
        for end in (first, last, stopped_first, stopped_last, np.where(standing, silence, FAR_FUTURE)):
            self.changes.append(np.where(known, end, FAR_FUTURE))

    def _replacement(self) -> None:
        """Whether a chosen replacement is of about the same value (A21)."""
        price, has_price = self._of("replacement_price")
        amount, has_amount = self._of("amount")
        near = np.abs(price - amount) * 100 <= amount * self._number_of("C6d", "tolerance_percent")
        side = np.where(has_amount, np.where(near, k.AVAILABLE, k.UNAVAILABLE), AMOUNT_UNKNOWN)
        side = np.where(has_price, side, UNKNOWN)
        wanted = self.read.codes("remedy_choice", k.REFUND)[self.rows] != k.REFUND
        self.columns["replacement"] = np.where(wanted, side, k.REFUND)

    def _third_party(self) -> None:
        """A blank third party is none; once there is one, the facts that lift the exclusion are asked for."""
        third = self._yes("third_party_cause")
        self.columns["third"] = third
        self.columns["listed"] = np.where(third == k.YES, self._truth("listed_compatible"), k.NO)
        if self.reason == "major_defect":
            shows = self._truth("reproduced_without_third_party")
            self.columns["reproduced"] = np.where(third == k.YES, shows, k.NO)

    def _other(self) -> None:
        """A reason that isn't listed, or incompatibility, which is a third party by itself."""
        self._third_party()
        if self.reason == "incompatibility":
            self.columns["third"] = np.ones(len(self.rows), dtype=np.int64)
            self.columns["listed"] = self._truth("listed_compatible")
        else:
            self.columns["other_reason"] = np.ones(len(self.rows), dtype=np.int64)
        self.columns["timing"] = self._timed(self._flags((k.BY_DAY_14, self.submitted < self.day_14)))

    def next_clock(self) -> Instants:
        """The end of the 72 hours that is told: the earliest while it lies ahead, else the latest.

        Standing still, it is the end of the silence.
        """
        end = np.where(self.clock_first >= self.as_of, self.clock_first, self.clock_last)
        return np.where(self.silence_end < FAR_FUTURE, self.silence_end, end)

    def next_cure(self) -> Instants:
        """Until when evidence can be sent: the cure date while it lies ahead, then the end of day 14.

        The end of a day is given by its last second.
        """
        first = np.where(self.first_in_hours, self.cure_first - 1, self.cure_first - SECOND)
        last = np.where(self.cure_in_hours, self.cure_end - 1, self.cure_end - SECOND)
        cure = np.where(self.as_of < self.cure_first, first, last)
        end = np.where(
            self.as_of < self.cure_end, cure, np.where(self.as_of < self.day_14, self.day_14 - SECOND, FAR_FUTURE)
        )
        return np.where(self.cure_end < FAR_FUTURE, end, FAR_FUTURE)

    def holds_until(self) -> Instants:
        """The last instant up to which nothing that time alone brings can change the verdict."""
        ahead = [np.where(last >= self.as_of, last, FAR_FUTURE) for last in self.changes]
        return np.minimum.reduce(ahead) if ahead else self._never
