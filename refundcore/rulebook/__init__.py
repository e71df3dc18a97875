"""How a table of rules becomes verdicts with their clauses, missing facts and deadlines.

It goes in three steps over whole columns. `regions`: facts and deadlines become small integers. `completions` and
`book`: the distinct patterns of these, completed in every way, are judged under three readings. `verdicts`: each row
gets what its pattern came to, with deadlines and money of its own.
"""

from refundcore.rulebook.book import Rulebook
from refundcore.rulebook.known import Known, Taken

__all__ = ["Known", "Rulebook", "Taken"]
