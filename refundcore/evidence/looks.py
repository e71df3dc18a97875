"""How a picture looks, in 64 bits: two pictures that differ in few of them are most likely copies of one.

The difference hash of Krawetz (hackerfactor.com, "Kind of Like That", 2013): the picture is shrunk to 9 x 8 greys,
and each bit says whether a grey is darker than the one at its right.
"""

from __future__ import annotations

from PIL import Image

ALIKE = 4
"""Bits in which copies may differ. Measured in docs/evidence.md."""

_FLAT = 12
"""Greys, of 256, by which the shrunk picture has to vary: below, the bits are noise."""


def look(picture: Image.Image) -> int | None:
    """The difference hash as a signed 64-bit number; None for a picture on which there is nothing to see."""
    small = picture.convert("L").resize((9, 8), Image.Resampling.BOX)
    greys = small.tobytes()
    if max(greys) - min(greys) < _FLAT:
        return None
    bits = 0
    for row in range(8):
        for column in range(8):
            at = 9 * row + column
            bits = bits << 1 | (greys[at] < greys[at + 1])
    return bits - 2**64 if bits >= 2**63 else bits


def distance(one: int, other: int) -> int:
    """In how many bits two looks differ."""
    return ((one ^ other) & (2**64 - 1)).bit_count()
