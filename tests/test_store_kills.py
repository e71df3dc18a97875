"""Two hundred processes killed at random instants: nothing is lost, nothing half done, nothing done twice."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from killing import SHARES, rounds

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="Processes are started by fork here, which this system has not."
    ),
    # The parent holds no threads but pytest's own, and its store is closed before it forks.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.mark.parametrize("kind", SHARES)
def test_whatever_is_killed_is_there_wholly_or_not_at_all_and_once_when_tried_again(kind: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    tally = rounds(kind, SHARES[kind], tmp_path / kind, seed)
    assert tally.kills == SHARES[kind]
    assert tally.retried >= tally.kills // 2
