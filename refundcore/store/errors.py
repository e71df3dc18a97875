"""Why a change was refused, each as a sentence for the person who asked for it."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened, read or written; `str()` is a sentence that says what is wanted."""


class Refused(StoreError):  # noqa: N818 - read as a sentence: raise Stale
    """A change that is not made. Nothing was written."""


class Stale(Refused):
    """Somebody changed the claim since it was loaded; the sentence names who, when and what.

    `claim` is the claim's id, `version` the version that the person saw.
    """

    def __init__(self, sentence: str, claim: int = 0, version: int = 0) -> None:
        super().__init__(sentence)
        self.claim, self.version = claim, version


class Forbidden(Refused):
    """The person's role does not allow this, or the person is not active."""


class Impossible(Refused):
    """The claim's state, the facts or the values given do not allow this."""
