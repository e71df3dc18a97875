"""What a rule sees: complete facts as columns, and the readings it is asked under.

A rule speaks of `Known` facts, one completion of a claim a row, shape (rows, 1), and of the value that each reading
takes, shape (1, readings); the two broadcast to one answer for each row under each reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from refundcore.policy import READINGS, Policy, Reading

Truth: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int64]

# Bits of `timing`: whether the claim (of a defect: the notice) is in time.
RECEIVED_FROM_PURCHASE, SENT_FROM_PURCHASE = 1, 2
RECEIVED_FROM_ORDER, SENT_FROM_ORDER = 4, 8
RECEIVED_FROM_SMS, SENT_FROM_SMS = 16, 32
BY_DAY_14 = 64
IN_TIME, LATE_FOR_THE_WINDOWS, LATE_FOR_ALL = 127, BY_DAY_14, 0

# Bits of `evidence_in` and `open_now`: which limits the evidence kept, and which lie ahead.
BY_PURCHASE_WINDOW, BY_SMS_WINDOW, BY_CURE, BY_14 = 1, 2, 4, 8
ALL_LIMITS = 15

NONE, ALLEGED, CONFIRMED = 0, 1, 2
NO, YES, UNDECIDED = 0, 1, 2
RUNNING, OVER, STANDING, SILENT = 0, 1, 2, 3
"""States of the 72 hours; standing still for access, and standing for so long that a person must look."""
UNFIXED, FIXED_IN_TIME, FIXED_DOUBTFUL, FIXED_LATE = 0, 1, 2, 3
REFUND, AVAILABLE, UNAVAILABLE = 0, 1, 2
NO_CONTACT, CONTACT_LATE, CONTACT_IN_TIME = 0, 1, 2
SMS_KNOWN, SMS_EARLY, SMS_LATE = 0, 1, 2


class Taken:
    """A set of readings, side by side: by default the strict, the default and the generous one."""

    def __init__(self, readings: Mapping[str, Reading], columns: Sequence[Mapping[str, str]]) -> None:
        self.columns = columns
        self._says = {
            (name, value): np.array([[column[name] == value for column in columns]])
            for name, reading in readings.items()
            for value in reading.meanings
        }

    @classmethod
    def three(cls, policy: Policy) -> Taken:
        """The strict, the default and the generous reading of a policy, in this order."""
        return cls(policy.readings, [{n: r.value(each) for n, r in policy.readings.items()} for each in READINGS])

    def __call__(self, reading: str, value: str) -> Truth:
        """Whether each of the readings takes `value` at the place called `reading`; shape (1, readings)."""
        return self._says[reading, value]


class Known:
    """Complete facts of `rows` claims. Each column is a small integer; the properties are the words for them."""

    def __init__(self, columns: Mapping[str, Codes], rows: int) -> None:
        self.rows = rows
        self._columns = {name: values.reshape(-1, 1) for name, values in columns.items()}
        self._nothing = np.zeros((rows, 1), dtype=np.int64)

    def __getitem__(self, name: str) -> Codes:
        """A column; zeros where the reason doesn't concern it."""
        return self._columns.get(name, self._nothing)

    def take(self, rows: npt.NDArray[np.int64]) -> Known:
        """Some of the rows."""
        return Known({name: values[rows, 0] for name, values in self._columns.items()}, len(rows))

    def replaced(self, **columns: Codes) -> Known:
        """The same rows with some columns replaced."""
        return Known({**{n: v[:, 0] for n, v in self._columns.items()}, **columns}, self.rows)

    def timing(self, bit: int) -> Truth:
        """Whether the claim (of a defect: the notice) kept a deadline, by one of the bits above."""
        return (self["timing"] & bit) != 0

    @property
    def by_day_14(self) -> Truth:
        """Received (a defect: notified) by the last day of all."""
        return self.timing(BY_DAY_14)

    @property
    def contact_in_time(self) -> Truth:
        """Properly contacted within the days of reason 2."""
        return self["contact"] == CONTACT_IN_TIME

    @property
    def unlawful_confirmed(self) -> Truth:
        """Unlawful use was found."""
        return self["unlawful"] == CONFIRMED

    @property
    def unlawful_alleged(self) -> Truth:
        """Unlawful use is alleged only."""
        return self["unlawful"] == ALLEGED

    @property
    def code_delivered(self) -> Truth:
        """An SMS with a code reached the number."""
        return self["code"] == YES

    @property
    def sms_came(self) -> Truth:
        """Some SMS reached the number (asked under reason 1)."""
        return self["sms_came"] == YES

    @property
    def good_evidence(self) -> Truth:
        """Evidence came by day 14 and was found sufficient."""
        kept = (self["evidence_in"] & BY_14) != 0
        return (self["attached"] == YES) & (self["sufficient"] == YES) & kept

    @property
    def defect_rejected(self) -> Truth:
        """The technicians found no defect."""
        return self["approved"] == NO

    @property
    def defect_undecided(self) -> Truth:
        """Nobody approved or rejected the defect."""
        return self["approved"] == UNDECIDED

    @property
    def late_fix_accepted(self) -> Truth:
        """A fix that came too late was accepted."""
        return self["accepted"] == YES

    @property
    def replacement_available(self) -> Truth:
        """A replacement was chosen, and one of about the same value can be had."""
        return self["replacement"] == AVAILABLE

    def yes(self, name: str) -> Truth:
        """A column that is simply yes or no."""
        return self[name] == YES
