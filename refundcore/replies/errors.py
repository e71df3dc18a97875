"""What is refused here, with a sentence for people."""

from __future__ import annotations


class ReplyError(ValueError):
    """A text, an address or a setting that does not do."""
