"""`certificate`: write the certificate of the decision on a claim."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "certificate",
        help="write the certificate of the decision on a claim",
        description="Write why a claim was decided as it was: facts, clauses in the wording of the day, readings,"
        " people, and the event of the journal it rests on. `verify --certificate FILE` names a byte changed in it.",
    )
    parser.add_argument("claim", metavar="CLAIM", help="the claim's reference")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="where to: .html for a page to print; default: JSON, printed"
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write it; 0 where that was done, 1 where there is nothing to certify."""
    from refundcore import clock  # noqa: PLC0415
    from refundcore.certificates import as_json, as_page, certificate  # noqa: PLC0415 - only this command needs these
    from refundcore.store import StoreError  # noqa: PLC0415
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415
    from refundcore.store.ruling import take_up  # noqa: PLC0415

    try:
        store = connect_to_check(args.store)
        take_up(store, clock.now(), make=False)
        made = certificate(store, args.claim)
    except StoreError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    if args.output is None:
        print(as_json(made), end="")
        return 0
    page = args.output.suffix.lower() in {".html", ".htm"}
    args.output.write_bytes((as_page(made) if page else as_json(made)).encode())
    print(f"The certificate of claim {made['claim']['reference']} was written to {args.output}.")
    return 0
