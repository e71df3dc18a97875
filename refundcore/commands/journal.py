"""`journal head`: print the journal's head, to be kept somewhere else."""

from __future__ import annotations

import argparse


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("journal", help="the journal's head", description=__doc__)
    acts = parser.add_subparsers(title="act", dest="act", required=True)
    head = acts.add_parser(
        "head",
        help="print how many entries the journal has, the hash of the last and its date, in one line",
        description="Print the journal's head. Kept elsewhere, it shows later, by `verify --head`, whether the"
        " journal's end was cut off or its past rewritten.",
    )
    head.add_argument("--store", metavar="URL", help="another store, such as sqlite:////srv/desk/refunds.db")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the head."""
    from refundcore.store.journal_head import journal_head  # noqa: PLC0415 - only this command needs these
    from refundcore.store.opening import connect_to_check  # noqa: PLC0415

    print(journal_head(connect_to_check(args.store)))
    return 0
