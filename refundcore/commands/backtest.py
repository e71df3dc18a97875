"""`backtest`: what a changed policy would have done to past claims, before it takes effect.

The claims are the store's, each on its facts of then and at the moment of its decision, or those of a file. Summed up
are flips, money, deadlines and work; `-o` lists every flipped claim. Files are read in batches, so their size doesn't
matter. Nothing is stored.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np

from refundcore import backtest, clock, money, rules
from refundcore import policy as policies
from refundcore.amending import Amendment, amended
from refundcore.backtest import Flip, Population, Sweep, Tally
from refundcore.commands._claim_files import Writer, batches, source_of, target_of
from refundcore.deadlines import FAR_PAST, micros, zone_of
from refundcore.editions import Editions
from refundcore.intake.problems import IntakeError
from refundcore.store.errors import StoreError
from refundcore.store.ruling import day_begins
from refundcore.store.store import Store

DONE, SOME_IN_ERROR, UNUSABLE = 0, 1, 2
COLUMNS = (
    "claim_ref", "reason", "before", "before_clause", "after", "after_clause", "clause", "refund_before",
    "refund_after", "currency", "decided",
)  # fmt: skip
WIDEST = 400
"""Values in a sweep."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and what it takes."""
    parser = subparsers.add_parser("backtest", help="try a changed policy on past claims", description=__doc__)
    option = parser.add_argument
    option("--policy", required=True, type=Path, metavar="NEW.toml", help="the changed policy document")
    option("--against", type=Path, metavar="OLD.toml", help="the policy to compare with; default: the store's")
    option("--from", dest="start", metavar="DAY", help="for orders from this day on; default: all")
    option("--claims", metavar="FILE", help="a CSV or Parquet file instead of the store; - for a CSV on input")
    option("--as-of", metavar="INSTANT", help="when open claims, or those of a file, are judged; default: now")
    option("--sweep", metavar="CLAUSE.NUMBER=FIRST..LAST", help="also try each value, as C4c.window_days=3..21")
    option("--cluster", metavar="ADDRESS", help="judge a Parquet file on the Dask cluster at this address")
    option("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    option("-o", "--output", metavar="FLIPS.csv", help="list the flipped claims there; - for standard output")


@dataclass
class Call:
    """What to try on what."""

    before: Editions
    after: Editions
    start: date
    begins: int
    as_of: int
    store: Store | None = None
    """Whose claims are tried; None where a file's are."""
    wrong: int = 0
    """Rows of the file that could not be judged."""
    rows: int = 0


def run(args: argparse.Namespace) -> int:
    """Tries it. 0: every claim was judged; 1: some row of the file is in error; 2: nothing could be done."""
    try:
        return _run(args)
    except (IntakeError, policies.PolicyError, StoreError) as error:
        print(f"refund-desk backtest: {error}", file=sys.stderr)
    except UnicodeError as error:
        print(f"refund-desk backtest: {args.claims} is not the text it begins as: {error}.", file=sys.stderr)
    return UNUSABLE


def _run(args: argparse.Namespace) -> int:
    if args.cluster and not _is_parquet(args.claims):
        raise IntakeError("--cluster judges a Parquet file: name one with --claims.")
    if args.cluster and args.sweep:
        raise IntakeError("--sweep and --cluster don't go together yet: sweep on this machine.")
    with ExitStack() as stack:
        call = _call(args, stack)
        drafts = _drafts(args.sweep, call) if args.sweep else {}
        out = stack.enter_context(target_of(args.output, args.claims or "-")) if args.output else None
        write = csv.writer(out, lineterminator="\n") if out else None
        if write:
            write.writerow(COLUMNS)
        if args.cluster:
            from refundcore import cluster  # noqa: PLC0415

            tally, listed = cluster.run(args.cluster, Path(args.claims), call.before, call.after, call.as_of)
            _list(listed, write)
        else:
            tally = _tally(_parts(args, call), call, write)
        said = sys.stderr if args.output == "-" else sys.stdout
        for line in summary(tally):
            print(line, file=said)
        if drafts:
            for line in curve(args.sweep.split("=")[0], backtest.sweep(_parts(args, call), call.before, drafts)):
                print(line, file=said)
    if call.wrong:
        print(f"{call.wrong} of {call.rows} rows could not be judged and are left out.", file=sys.stderr)
    return SOME_IN_ERROR if call.wrong else DONE


def _call(args: argparse.Namespace, stack: ExitStack) -> Call:
    new = policies.load(args.policy)
    rules.BOOK.check(new)
    store = None if args.claims else _opened(args)
    if store:
        stack.callback(store.engine.dispose)
    before = store.laws if store and not args.against else Editions.only(policies.load(args.against))
    try:
        start = date.fromisoformat(args.start) if args.start else date.min
    except ValueError:
        raise IntakeError(f"--from: '{args.start}' is not a day such as 2027-01-01.") from None
    begins = day_begins(start, new.zone) if args.start else FAR_PAST
    try:
        at = datetime.fromisoformat(args.as_of) if args.as_of else clock.now()
    except ValueError:
        raise IntakeError(f"--as-of: '{args.as_of}' is not an instant such as 2024-05-14T00:00:00Z.") from None
    at = at if at.tzinfo else at.replace(tzinfo=zone_of(new.zone))
    return Call(before, before.with_draft(new, begins), start, begins, micros(at), store)


def _opened(args: argparse.Namespace) -> Store:
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415
    from refundcore.store.ruling import take_up  # noqa: PLC0415

    store = connect_to_check(args.store)
    take_up(store, clock.now(), make=False)
    return store


def _is_parquet(name: str | None) -> bool:
    return bool(name) and Path(str(name)).suffix.lower() in {".parquet", ".pq"}


def _parts(args: argparse.Namespace, call: Call) -> Iterator[Population]:
    zone = call.before.all[-1].policy.zone
    if call.store:
        from refundcore.store.population import population  # noqa: PLC0415

        yield from population(call.store, call.as_of)
    elif _is_parquet(args.claims):
        from refundcore import columnar  # noqa: PLC0415

        for claims in columnar.parts(Path(args.claims), zone):
            yield Population.of_facts(claims, call.as_of)
    else:
        yield from _csv(args.claims, call, zone)


def _csv(name: str, call: Call, zone: str) -> Iterator[Population]:
    call.rows = call.wrong = 0
    with source_of(name) as source:
        for batch in batches(source, zone):
            if not batch.records:
                continue
            good = [place for place, error in enumerate(batch.errors) if not error]
            for error in [error for error in batch.errors if error][: max(0, 20 - call.wrong)]:
                print(error, file=sys.stderr)
            call.rows += len(batch.records)
            call.wrong += len(batch.records) - len(good)
            claims = batch.read.claims.take(np.array(good, dtype=np.int64))
            yield Population.of_facts(claims, call.as_of)


def _tally(parts: Iterable[Population], call: Call, write: Writer | None) -> Tally:
    total = Tally()
    for part in parts:
        compared = backtest.compare(part, call.before, call.after)
        total += Tally.of(compared, call.before.all[-1].policy)
        if write:
            _list(backtest.flips(compared), write)
    return total


def _list(listed: Iterable[Flip], write: Writer | None) -> None:
    if write is None:
        return
    for flip in listed:
        write.writerow(
            [flip.name, flip.reason, flip.before, flip.before_clause, flip.after, flip.after_clause, flip.clause,
             _amount(flip.refund_before, flip.currency), _amount(flip.refund_after, flip.currency), flip.currency,
             flip.outcome]
        )  # fmt: skip


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else money.plain(minor, currency) if currency in money.EXPONENTS else str(minor)


def _drafts(asked: str, call: Call) -> dict[int, Editions]:
    name, _, values = asked.partition("=")
    clause, _, number = name.partition(".")
    first, _, last = values.partition("..")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last) <= int(first) + WIDEST):
        raise IntakeError(f"--sweep: '{asked}' is not written as C4c.window_days=3..21.")
    new = call.after.all[-1].policy
    start = call.start if call.begins != FAR_PAST else new.in_force_from
    return {
        value: call.before.with_draft(amended(new, Amendment(start, {(clause, number): value})), call.begins)
        for value in range(int(first), int(last) + 1)
    }


def summary(tally: Tally) -> list[str]:
    """What came out, a line each."""
    lines = [f"{tally.claims:,} claims judged by both policies, {tally.flips:,} verdicts flip."]
    lines += [f"  {old} to {new}: {count:,}" for (old, new), count in tally.pairs().items()]
    if reasons := tally.by_reason():
        lines.append("By reason: " + ", ".join(f"{name or 'unknown'} {count:,}" for name, count in reasons.items()))
    if tally.did:
        lines.append("By clause: " + ", ".join(f"{name} {count:,}" for name, count in tally.did.items()))
    for currency, sums in tally.money.items():
        if sums.refund or sums.fee:
            refund, fee = _signed(sums.refund, currency), _signed(sums.fee, currency)
            lines.append(f"{currency or 'No currency'}: refunds {refund}, fees {fee}")
    for word, counts in (("won", tally.won), ("missed", tally.missed)):
        if counts:
            lines.append(f"Deadlines {word}: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    lines.append(f"Reviews {tally.more('review'):+,}, information requests {tally.more('need_info'):+,}")
    lines.append(
        f"Decisions against the policy that it would have made regular: {tally.regular:,}; the reverse:"
        f" {tally.irregular:,}"
    )
    return lines


def _signed(minor: int, currency: str) -> str:
    text = _amount(abs(minor), currency)
    return f"{'-' if minor < 0 else '+'}{text}"


def curve(name: str, found: Sweep) -> list[str]:
    """A sweep as a table: each value with its flips and what is refunded more in each currency."""
    lines = [f"{name}: flips, approvals, reviews, refunds"]
    for value in found.values:
        tally = found[value]
        refunds = ", ".join(f"{_signed(sums.refund, code)} {code}" for code, sums in tally.money.items() if sums.refund)
        work = f"{tally.more('approve'):+,}, {tally.more('review'):+,}"
        lines.append(f"{value:>6}: {tally.flips:,}, {work}, {refunds or 'the same'}")
    return lines
