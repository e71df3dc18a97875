"""A file of claims to usable rows and problems: nothing is guessed silently, every row is accounted for.

`plan` proposes how a file is read and what the person has to settle, `preview` shows what would come in, `rows`
gives its claims batch by batch, `bring_in` stores them. `cells.convert` reads the data dictionary's own format.
"""

from __future__ import annotations

from refundcore.intake.exporting import harmless
from refundcore.intake.files import Look, Source, look, source
from refundcore.intake.importing import Progress, bring_in, rejects_file, remembered, sentence
from refundcore.intake.planning import plan
from refundcore.intake.plans import CONSTANTS, Option, Plan, Question, Wishes, recalled
from refundcore.intake.previewing import Meeting, Preview, preview
from refundcore.intake.problems import Group, IntakeError, Problem, Tally
from refundcore.intake.reading import Batch, Mended, Reject, recheck, rows
from refundcore.intake.samples import sample
from refundcore.workbooks.limits import ROWS as WORKBOOK_ROWS

__all__ = [
    "CONSTANTS",
    "WORKBOOK_ROWS",
    "Batch",
    "Group",
    "IntakeError",
    "Look",
    "Meeting",
    "Mended",
    "Option",
    "Plan",
    "Preview",
    "Problem",
    "Progress",
    "Question",
    "Reject",
    "Source",
    "Tally",
    "Wishes",
    "bring_in",
    "harmless",
    "look",
    "plan",
    "preview",
    "recalled",
    "recheck",
    "rejects_file",
    "remembered",
    "rows",
    "sample",
    "sentence",
    "source",
]
