"""Trying a change of the policy on claims that were judged before: what would have come out, and what it would cost.

Everything here is a function of claims in columns, two sets of editions and each claim's own moment: nothing is read,
stored or timed. Claims come in parts of any size; what is counted of each part adds up to what is counted of all.
"""

from __future__ import annotations

from refundcore.backtest.comparing import Compared, Flip, compare, flips
from refundcore.backtest.population import Population
from refundcore.backtest.proposing import Proposal, proposals
from refundcore.backtest.sweeping import Sweep, sweep
from refundcore.backtest.tally import Money, Tally

__all__ = [
    "Compared",
    "Flip",
    "Money",
    "Population",
    "Proposal",
    "Sweep",
    "Tally",
    "compare",
    "flips",
    "proposals",
    "sweep",
]
