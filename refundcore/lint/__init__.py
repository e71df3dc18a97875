"""A checker of the policy document: what contradicts itself, what it leaves open, and what can never decide anything.

Findings come from the document's structure (`published.py`, roles, reasons, numbers) and from trying the rules on all
facts there can be, never from ids or wording. A finding that a reading of the document settles says so.
"""

from __future__ import annotations

from datetime import date

from refundcore.lint.exhaustive import unreachable
from refundcore.lint.finding import KINDS, Finding
from refundcore.lint.structure import structural
from refundcore.policy import Policy
from refundcore.rulebook import Rulebook

__all__ = ["KINDS", "Finding", "lint", "structural", "unreachable"]


def lint(policy: Policy, book: Rulebook, on: date) -> list[Finding]:
    """All findings about a policy with the numbers of a day; the rules of `book` are tried on all facts."""
    return [*structural(policy, on), *unreachable(policy, book)]
