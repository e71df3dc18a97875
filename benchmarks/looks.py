"""How well copies of pictures are found by their look, and how often different pictures are taken for copies.

    python benchmarks/looks.py [FOLDER ...]

Chats, tables and photographs are made up here; pictures in the folders (docs/screenshots by default) are added. The
last lines are the shares within each distance: the table in docs/evidence.md.
"""

from __future__ import annotations

import io
import itertools
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from refundcore.evidence import ALIKE, distance, look  # noqa: E402 - found beside this script

WITHIN = (2, 4, 6, 8)


def chat(seed: int, *, dark: bool = False, size: tuple[int, int] = (1080, 2340)) -> Image.Image:
    """A chat on a phone."""
    chance = random.Random(seed)  # noqa: S311 - pictures, no secrets
    picture = Image.new("RGB", size, (18, 20, 24) if dark else (250, 250, 252))
    pen, ink = ImageDraw.Draw(picture), (230, 230, 230) if dark else (20, 20, 20)
    pen.rectangle((0, 0, size[0], 140), fill=(40, 44, 52) if dark else (31, 95, 139))
    top = 200
    while top < size[1] - 200:
        wide, high, ours = chance.randint(300, 800), chance.randint(80, 360), chance.random() < 0.5
        left = 40 if ours else size[0] - 40 - wide
        bubble = ((60, 70, 80), (40, 80, 50)) if dark else ((220, 235, 245), (210, 245, 215))
        pen.rounded_rectangle((left, top, left + wide, top + high), 30, fill=bubble[not ours])
        for line in range(top + 20, top + high - 20, 40):
            pen.rectangle((left + 20, line, left + 20 + chance.randint(80, wide - 60), line + 14), fill=ink)
        top += high + chance.randint(20, 160)
    return picture


def table(seed: int) -> Image.Image:
    """A table of one program: the layout is always the same, its words are not."""
    chance = random.Random(seed)  # noqa: S311
    picture = Image.new("RGB", (1440, 900), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 220, 900), fill=(240, 242, 245))
    pen.rectangle((0, 0, 1440, 50), fill=(30, 60, 90))
    for top in range(80, 860, 36):
        if chance.random() < 0.8:
            for left in (250, 520, 800, 1100):
                pen.rectangle((left, top, left + chance.randint(40, 220), top + 12), fill=(60, 60, 60))
    return picture


def photograph(seed: int) -> Image.Image:
    """Soft shapes with noise."""
    chance = np.random.default_rng(seed)
    soft = Image.fromarray(chance.normal(128, 60, (6, 8, 3)).clip(0, 255).astype("uint8"))
    grain = np.asarray(soft.resize((1600, 1200), Image.Resampling.BICUBIC)) + chance.normal(0, 8, (1200, 1600, 3))
    return Image.fromarray(grain.clip(0, 255).astype("uint8"))


def saved(picture: Image.Image, form: str, quality: int) -> Image.Image:
    """A picture saved and opened again."""
    made = io.BytesIO()
    picture.save(made, form, quality=quality)
    return Image.open(made)


def copies(picture: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Copies as people make them."""
    wide, high = picture.size
    yield "half the size", picture.resize((wide // 2, high // 2))
    yield "a quarter, JPEG 50", saved(picture.resize((wide // 4, high // 4)), "JPEG", 50)
    yield "JPEG 30", saved(picture, "JPEG", 30)
    yield "WebP 40", saved(picture, "WEBP", 40)
    for percent in (1, 2, 4):
        across, down = wide * percent // 200, high * percent // 200
        yield f"{percent} % cropped", picture.crop((across, down, wide - across, high - down))
    yield "10 % brighter", picture.point(lambda grey: min(255, int(grey * 1.1)))


def main(folders: list[str]) -> None:
    """Measure and print."""
    groups = {
        "chats": [chat(seed) for seed in range(40)],
        "dark chats": [chat(100 + seed, dark=True) for seed in range(15)],
        "tables of one layout": [table(seed) for seed in range(30)],
        "photographs": [photograph(seed) for seed in range(25)],
    }
    for folder in folders or [str(PROJECT / "docs" / "screenshots")]:
        found = [path for path in sorted(Path(folder).iterdir()) if path.suffix in {".png", ".jpg", ".jpeg"}]
        groups[folder] = [Image.open(path).convert("RGB") for path in found]
    bits = defaultdict(list)
    for picture in itertools.chain.from_iterable(groups.values()):
        for how, copy in copies(picture):
            first, other = look(picture), look(copy)
            bits[how].append(64 if first is None or other is None else distance(first, other))
    for how, found_bits in bits.items():
        shares = "  ".join(f"{sum(each <= limit for each in found_bits) / len(found_bits):6.1%}" for limit in WITHIN)
        print(f"{how:26} {shares}")
    for name, pictures in groups.items():
        looks = [found for picture in pictures if (found := look(picture)) is not None]
        apart = [distance(one, other) for one, other in itertools.combinations(looks, 2)]
        counts = "  ".join(f"{sum(each <= limit for each in apart):6}" for limit in WITHIN)
        print(f"{'different ' + name[-24:]:34} of {len(apart):5}: {counts}")
    print(f"Columns: within {', '.join(map(str, WITHIN))} bits of 64; the desk flags up to {ALIKE}.")


if __name__ == "__main__":
    main(sys.argv[1:])
