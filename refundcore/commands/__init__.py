"""The desk's commands, a file each: `add(subparsers)` makes its parser, `run(args)` does it and returns the status."""
