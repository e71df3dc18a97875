"""`verify`: check the whole store and name the first thing that is wrong; compare heads, check certificates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refundcore.store import Finding, Store


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "verify",
        help="check the store: its file, the chain of events, every claim against its events, every verdict",
        description="Check the whole store. Exits 0 where everything holds, 1 with the first thing that does not.",
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.add_argument(
        "--head",
        metavar="FILE",
        help="also look whether the journal still holds earlier heads: a file of lines that `journal head` printed,"
        " or one such line",
    )
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        type=Path,
        help="check a certificate instead, by itself and beside the store: a changed byte is named",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check; 0 where everything holds, 1 otherwise."""
    from refundcore.store import StoreError  # noqa: PLC0415 - only this command needs it
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415

    try:
        store = connect_to_check(args.store)
        found = _certificate(store, args.certificate) if args.certificate else _whole(store, args.head)
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(found.sentence, file=sys.stdout if found.good else sys.stderr)
    return 0 if found.good else 1


def _whole(store: Store, heads: str | None) -> Finding:
    """Check the store, its verdicts, and its journal beside earlier heads."""
    from refundcore import clock, rules  # noqa: PLC0415
    from refundcore.store import Finding, verify  # noqa: PLC0415
    from refundcore.store.journal_head import compare_heads, heads_in  # noqa: PLC0415
    from refundcore.store.ruling import take_up  # noqa: PLC0415

    earlier = heads_in(_text(heads)) if heads is not None else []
    store.judge = rules.judge
    now = clock.now()
    take_up(store, now, make=False)
    found = verify(store, at=now)
    if not found.good or not earlier:
        return found
    if wrong := compare_heads(store, earlier):
        return Finding(good=False, sentence=wrong)
    many = "1 earlier head is" if len(earlier) == 1 else f"{len(earlier):,} earlier heads are"
    return Finding(good=True, sentence=f"{found.sentence} {many} in the journal.")


def _certificate(store: Store, file: Path) -> Finding:
    """Check a certificate beside the store."""
    from refundcore import clock  # noqa: PLC0415
    from refundcore.certificates import check  # noqa: PLC0415
    from refundcore.store import Finding  # noqa: PLC0415
    from refundcore.store.ruling import take_up  # noqa: PLC0415

    take_up(store, clock.now(), make=False)
    checked = check(file.read_bytes(), store)
    return Finding(good=checked.good, sentence=checked.sentence)


def _text(given: str) -> str:
    """What a file holds or, where it is no file, the text itself."""
    try:
        path = Path(given)
        return path.read_text(encoding="utf-8") if path.is_file() else given
    except (OSError, ValueError):  # too long for a path, or no text
        return given
