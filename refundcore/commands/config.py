"""`config`: every setting of the program, its value, and where that came from."""

from __future__ import annotations

import argparse


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "config",
        help="print the settings and where each comes from",
        description="Print every setting of the program with its value and its source: the environment, the file of"
        " settings or the default. Passwords and tokens are not shown.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print them; 0. Raises `ConfigurationError` for one that cannot be."""
    from refundcore import configuration  # noqa: PLC0415 - only this command needs it

    del args
    settings = list(configuration.told())
    widths = [max(len(getattr(one, part)) for one in settings) for part in ("name", "value")]
    for one in settings:
        print(f"{one.name:<{widths[0]}}  {one.value:<{widths[1]}}  ({one.source})  {one.what}")
    return 0
