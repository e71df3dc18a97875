"""`figures`: make the managers' figures anew from the claims; `verify` compares them at any time."""

from __future__ import annotations

import argparse


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "figures",
        help="make the managers' figures anew from the claims",
        description="Make the managers' figures anew from the claims. The desk keeps them by itself; this is for a"
        " store in which `verify` found them wrong. Others who write wait meanwhile.",
    )
    parser.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make them anew; 0 once it is done."""
    from refundcore import clock  # noqa: PLC0415 - only this command needs them
    from refundcore.deadlines import micros  # noqa: PLC0415
    from refundcore.store import connect  # noqa: PLC0415
    from refundcore.store.figure_keeping import rebuild  # noqa: PLC0415

    now = clock.now()
    claims = rebuild(connect(args.store, at=now), micros(now))
    print(f"The figures were made anew from {claims:,} claim{'' if claims == 1 else 's'}.")
    return 0
