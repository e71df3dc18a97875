"""Replies to customers: composed of sentences that each name their clause and facts, worded by the desk, and sent."""

from __future__ import annotations

from refundcore.replies.checking import check, previews, reword
from refundcore.replies.composing import OUTCOMES, Reply, Sentence, attributed, compose
from refundcore.replies.errors import ReplyError
from refundcore.replies.sending import draft, keep, mail, send, subject
from refundcore.replies.texts import LONGEST, Text, document, names_in
from refundcore.replies.values import FOLLOWS, MEANINGS, Decided

__all__ = [
    "FOLLOWS",
    "LONGEST",
    "MEANINGS",
    "OUTCOMES",
    "Decided",
    "Reply",
    "ReplyError",
    "Sentence",
    "Text",
    "attributed",
    "check",
    "compose",
    "document",
    "draft",
    "keep",
    "mail",
    "names_in",
    "previews",
    "reword",
    "send",
    "subject",
]
