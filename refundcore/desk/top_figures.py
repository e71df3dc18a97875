"""The figures on top of the metrics page: what each is, of what it was counted, how it changed, what is behind it."""

from __future__ import annotations

from dataclasses import dataclass

from refundcore import charts, metrics
from refundcore.charts.looks import percent
from refundcore.charts.money import amount
from refundcore.charts.timing import span_text
from refundcore.desk.framing import Chosen, today
from refundcore.desk.show import count_text
from refundcore.metrics import Headline, Kept, Money, number_of, pick, to_text
from refundcore.store.exchange import Rates


@dataclass(frozen=True)
class Figures:
    """What stands on top."""

    now: Headline
    before: Headline | None
    hours: int
    """Within which claims are to be answered."""
    rates: Rates


@dataclass(frozen=True)
class Figure:
    """One figure on top: what it is, how it changed, and of what it was counted."""

    label: str
    value: str
    of: str
    """Of which population, and how many."""
    pick: str = ""
    """The claims behind it."""
    change: str = ""
    about: str = ""


def figures_of(found: Figures, chosen: Chosen) -> list[Figure]:
    """The figures on top, in order."""
    now, before, frame = found.now, found.before, chosen.frame
    low, high = now.refund_rate.interval
    few = ", few" if 0 < now.decisions < charts.FEW else ""
    day = number_of(today())
    decided = to_text(pick("decided", frame))
    main = now.money[0] if now.money else Money("")
    earlier = next((one for one in before.money if one.currency == main.currency), Money("")) if before else None
    gift = max(now.money, key=lambda one: one.gifts, default=Money(""))
    gave = next((one for one in before.money if one.currency == gift.currency), Money("")) if before else None
    of_decisions = f"of {count_text(now.decisions, 'decision')}"
    code = {"currency": main.currency}
    return [
        Figure(
            "Claims",
            f"{now.claims:,}",
            f"came in, {now.undecided:,} undecided",
            to_text(pick("came", frame)),
            _number_change(now.claims, before.claims if before else None),
            "Claims that reached the company in the period, decided or not.",
        ),
        Figure(
            "Decided",
            f"{now.decisions:,}",
            "decisions took effect",
            decided,
            _number_change(now.decisions, before.decisions if before else None),
            "Decisions that took effect in the period, whenever their claims came in.",
        ),
        Figure(
            "Refund rate",
            percent(now.refund_rate.share) if now.decisions else "–",
            f"{now.refunds:,} {of_decisions}{few}",
            to_text(pick("decided", frame, what="approve")),
            _share_change(now.refund_rate, before.refund_rate if before else None),
            f"Refunds out of the decisions. The 95% interval is {percent(low)} to {percent(high)} (Wilson).",
        ),
        Figure(
            "Net refunded",
            amount(main.net, main.currency) if main.refunds else "–",
            f"on {count_text(main.refunds, 'refund')}{_others(now.money, 'refunds')}",
            to_text(pick("decided", frame, "n", "refund", what="approve", **code)),
            _money_change(main.net, earlier.net if earlier else None),
            _each(now.money, "net", "refunds"),
        ),
        Figure(
            "Fees kept",
            amount(main.fees, main.currency) if main.refunds else "–",
            f"of {count_text(main.refunds, 'refund')}",
            to_text(pick("decided", frame, "fee", "fee", what="approve", **code)),
            _money_change(main.fees, earlier.fees if earlier else None),
            _each(now.money, "fees", "refunds"),
        ),
        _deadline(
            "72 hours kept",
            now.cured,
            before.cured if before else None,
            to_text(pick("cure", frame, kept=f"kept.{day}")),
            "confirmed defect",
        ),
        _deadline(
            f"Answered in {found.hours} h",
            now.answered,
            before.answered if before else None,
            to_text(pick("answered", frame, kept=f"kept.{day}.{found.hours}")),
            "new claim",
        ),
        Figure(
            "Median to decision",
            "–" if now.median is None else span_text(now.median),
            f"of {count_text(now.timed, 'decision')}",
            to_text(pick("took", frame)),
            _time_change(now.median, before.median if before else None),
            "Half of the decisions came sooner after their claim, half later. Within 5%: times are kept in bins.",
        ),
        Figure(
            "Override rate",
            percent(now.override_rate.share) if now.decisions else "–",
            f"{now.overridden:,} {of_decisions}",
            to_text(pick("decided", frame, "overridden")),
            _share_change(now.override_rate, before.override_rate if before else None),
            "Decisions against the policy's verdict, out of all decisions.",
        ),
        Figure(
            "Goodwill",
            amount(gift.goodwill, gift.currency) if gift.gifts else "–",
            f"{count_text(gift.gifts, 'payment')}{_others(now.money, 'gifts')}",
            to_text(pick("goodwill", frame, "n", "goodwill", currency=gift.currency)),
            _money_change(gift.goodwill, gave.goodwill if gave else None) if gift.gifts else "",
            _each(now.money, "goodwill", "gifts") or "Paid outside of the policy, by the day it was granted.",
        ),
    ]


def _deadline(label: str, kept: Kept, before: Kept | None, behind: str, what: str) -> Figure:
    return Figure(
        label,
        percent(kept.kept / kept.over) if kept.over else "–",
        f"{kept.kept:,} of {count_text(kept.over, what)}" + (f", {kept.running:,} running" if kept.running else ""),
        behind,
        _share_change(
            metrics.Rate("", kept.kept, kept.over), metrics.Rate("", before.kept, before.over) if before else None
        ),
        "The policy's hours to put a confirmed defect right (C6b), of defects notified in the period."
        if label.startswith("72")
        else "The first decision or question to the customer, of claims that came onto the desk in the period.",
    )


def _rate(kept: Kept) -> metrics.Rate:
    return metrics.Rate("", kept.kept, kept.over)


def _number_change(now: int, before: int | None) -> str:
    if before is None:
        return ""
    return f"{now / before - 1:+.0%} from {before:,}" if before else f"from {before:,}"


def _share_change(now: metrics.Rate, before: metrics.Rate | None) -> str:
    if before is None or not now.whole:
        return ""
    return f"{100 * (now.share - before.share):+.0f} points, n {before.whole:,}" if before.whole else "none before"


def _money_change(now: int, before: int | None) -> str:
    if before is None:
        return ""
    return f"{now / before - 1:+.0%}" if before else "none before"


def _time_change(now: int | None, before: int | None) -> str:
    return "" if now is None or before is None else f"from {span_text(before)}"


def _others(found: tuple[Money, ...], part: str) -> str:
    others = sum(1 for one in found if getattr(one, part)) - 1
    return f"; {count_text(others, 'more currency', 'more currencies')}" if others > 0 else ""


def _each(found: tuple[Money, ...], part: str, count: str) -> str:
    told = [f"{amount(getattr(one, part), one.currency)} (n {getattr(one, count):,})" for one in found]
    told = [text for text, one in zip(told, found, strict=True) if getattr(one, count)]
    return f"{' · '.join(told)}. Currencies are never added up." if told else ""


def beside(found: Figures) -> list[str]:
    """What stands below the figures: the combined figure by the manager's rates, and the rates."""
    paid = [(one.currency, one.net) for one in found.now.money if one.refunds]
    rates = found.rates
    if len(paid) < 2 or not rates.into or rates.day is None:
        return []
    told = ", ".join(f"1 {code} = {rate} {rates.into}" for code, rate in rates.each.items())
    day = f"{rates.day.day} {rates.day:%b %Y}"
    whole = rates.together(paid)
    if whole is None:
        missing = [code for code, _ in paid if code != rates.into and code not in rates.each]
        return [f"No combined figure: the rates of {day} have none for {', '.join(missing)}."]
    return [f"Net refunded in all currencies together: {amount(whole, rates.into)}, at the rates of {day}: {told}."]
