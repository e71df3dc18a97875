"""The machinery of judging: a table of rules becomes verdicts, citations, missing facts and deadlines.

Three vectorised steps, the same for one claim and for a million: *regions* (facts become small integers), *patterns*
(distinct combinations, every completion of what is unknown, each under three readings) and *rows* (verdicts are looked
up by pattern; deadlines and money are each row's own).
"""

from refundcore.rulebook.book import Rulebook
from refundcore.rulebook.known import Known, Taken

__all__ = ["Known", "Rulebook", "Taken"]
