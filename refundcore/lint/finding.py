"""What the checker reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from refundcore.policy import Policy

KINDS: Mapping[str, str] = {
    "counts": "Different periods for the same thing",
    "start": "A period without a start",
    "fee": "The whole price, and a fee",
    "term": "A word that nobody explains",
    "scope": "An exclusion narrower than others",
    "document": "A paper that nobody has",
    "masked": "A clause that can never lead",
    "dead": "A rule that can never apply",
}
"""Kind -> how people call it, the weightiest first."""


@dataclass(frozen=True)
class Finding:
    """One thing that the checker found."""

    kind: str
    clauses: tuple[str, ...]
    """The clauses concerned, in the order of the document."""
    about: tuple[str, ...]
    """Those of them with which the trouble lies."""
    detail: str
    """What exactly, in a sentence."""
    readings: tuple[str, ...] = ()
    """The readings by which the desk settles it; none: it is open."""

    @property
    def open(self) -> bool:
        """Whether no reading settles it."""
        return not self.readings


def settled(policy: Policy, finding: Finding) -> Finding:
    """The finding with the readings that settle its kind for the clauses it is about."""
    readings = tuple(
        name
        for name, reading in policy.readings.items()
        if reading.settles == finding.kind and set(reading.clauses) & set(finding.about)
    )
    return replace(finding, readings=readings)
