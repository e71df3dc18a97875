"""A manager's wording, tried on sample claims before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from refundcore.policy import Policy
from refundcore.replies.composing import Sentence, compose_of
from refundcore.replies.errors import ReplyError
from refundcore.replies.samples import AS_OF, SAMPLES
from refundcore.replies.texts import Text, document, names_in
from refundcore.replies.values import Decided
from refundcore.store import Store, set_wording
from refundcore.words import case_of
from refundcore.words.case import Case

_DECIDED = Decided(refund=500, fee=25, currency="EUR")


def check(name: str, text: str, policy: Policy) -> str:
    """Try a wording of the sentence called `name` on every sample, in every outcome; a warning, or "".

    Raises `ReplyError` where it cannot be read, holds a value that there is not, or would never be said.
    """
    ours = next((one for one in document() if one.id == name), None)
    if ours is None:
        raise ReplyError(f"There is no sentence called '{name}' in the replies.")
    if not text.strip():
        return ""
    names_in(text)
    cases = [case_of(claim, policy, AS_OF) for claim in SAMPLES.values()]
    plain, own = _said(ours, {}, cases), _said(ours, {name: text}, cases)
    if not own:
        raise ReplyError(
            "The sentence would never be said: where it stands, not all of its values are known at once."
            f" Ours reads: {ours.text.strip()}"
        )
    lost = plain - own
    return f"It will be left out in {lost} of {plain} samples, where one of its values isn't known." if lost > 0 else ""


def _said(text: Text, texts: dict[str, str], cases: list[Case]) -> int:
    """In how many samples and outcomes the sentence stands."""
    return sum(
        any(one.id == text.id for one in compose_of(case, outcome, texts=texts, decided=decided).sentences)
        for case in cases
        for outcome in text.outcomes
        for decided in (None, _DECIDED)
    )


def previews(name: str, texts: Mapping[str, str], policy: Policy, most: int = 3) -> list[tuple[str, Sentence]]:
    """How the sentence called `name` reads in the first samples that hold it: the sample's title and the sentence."""
    outcomes = next(one.outcomes for one in document() if one.id == name)
    found: list[tuple[str, Sentence]] = []
    for title, claim in SAMPLES.items():
        case = case_of(claim, policy, AS_OF)
        replies = (compose_of(case, outcome, texts=texts) for outcome in outcomes)
        found += [(title, one) for reply in replies for one in reply.sentences if one.id == name][:1]
        if len(found) >= most:
            break
    return found


def reword(store: Store, *, actor: int, at: datetime, key: str, sentence: str, text: str) -> str:
    """Keep a manager's wording of a sentence; "" gives the desk's own back. What was done, with a warning if any.

    Raises `ReplyError` for a wording that does not do, or what the store refuses.
    """
    del key  # a second click finds the wording as it is and changes nothing
    warning = check(sentence, text, store.policy)
    done = set_wording(store, actor=actor, at=at, sentence=sentence, text=text)
    return f"{done} {warning}".strip()
