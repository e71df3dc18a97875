"""A file that somebody sent, read into what is kept of it."""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass
from math import sqrt

from PIL import Image, ImageOps

from refundcore.evidence.kinds import PICTURES, WANTED, EvidenceError, media_type, safe_name
from refundcore.evidence.looks import look

MOST_PIXELS = 40_000_000
"""Of a picture that is decoded at all: what its head declares is read before anything is set aside for it."""

KEPT_PIXELS = 6_000_000
"""Of a picture as it is kept; a bound on the area leaves long screenshots readable."""

LONGEST_SIDE = 16_000
SMALL = (360, 360)
"""A thumbnail fits into this."""

LARGEST_PNG = 4 * 2**20
"""A picture that would take more as PNG is a photograph, and is kept as JPEG."""

_one_at_a_time = threading.BoundedSemaphore(1)
"""A large picture takes a few hundred MB while it is drawn anew: twenty at once wait for each other."""


@dataclass(frozen=True)
class Kept:
    """A file as it is kept."""

    name: str
    """Safe to show and to save under."""
    kind: str
    """png, jpeg, pdf or mail."""
    data: bytes
    sha256: str
    """Of `data`."""
    sent_sha256: str
    """Of the bytes that were sent."""
    width: int | None = None
    height: int | None = None
    look: int | None = None
    """How it looks, for finding copies; None for what is no picture, or shows nothing."""
    small: bytes = b""
    """A thumbnail, PNG or JPEG; empty for what is no picture."""


def read(name: str, data: bytes) -> Kept:
    """What is kept of a file. Raises `EvidenceError` with a sentence for one that is not taken."""
    shown = safe_name(name, "png").removesuffix(".png")
    kind = media_type(data, f"“{shown}”")
    sent = hashlib.sha256(data).hexdigest()
    if kind not in PICTURES:
        plain = "pdf" if kind == "application/pdf" else "mail"
        return Kept(safe_name(name, plain), plain, data, sent, sent)
    try:
        with _one_at_a_time:
            picture, palette = _drawn(data, PICTURES[kind], f"“{shown}”")
            form, kept = _encoded(picture, photograph=PICTURES[kind] in {"JPEG", "WEBP"} and not palette)
            return Kept(
                name=safe_name(name, form),
                kind=form,
                data=kept,
                sha256=hashlib.sha256(kept).hexdigest(),
                sent_sha256=sent,
                width=picture.width,
                height=picture.height,
                look=look(picture),
                small=thumbnail(picture),
            )
    except EvidenceError:
        raise
    except MemoryError as error:
        raise EvidenceError(f"“{shown}” is too large to be read here. Send it smaller.") from error
    except Exception as error:  # a decoder may stumble over what somebody made to hurt it in any way
        raise EvidenceError(f"“{shown}” is damaged or cut off, so nothing can be seen on it. {WANTED}") from error


def _drawn(data: bytes, form: str, shown: str) -> tuple[Image.Image, bool]:
    """The first frame of a picture, upright, in plain colours and bounded size; and whether it had few colours."""
    too_large = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        opened = Image.open(io.BytesIO(data), formats=(form,))
    except too_large:
        raise EvidenceError(_too_many(shown)) from None
    with opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise EvidenceError(_too_many(shown))
        if form == "JPEG":
            opened.draft(None, _bounded(opened.size))  # lets the decoder skip what would be thrown away
        few = opened.mode in {"1", "P"}
        opened.load()
        return _flat(ImageOps.exif_transpose(opened)), few


def _too_many(shown: str) -> str:
    return f"{shown} has more than {MOST_PIXELS // 1_000_000} million pixels. Send it smaller."


def _flat(picture: Image.Image) -> Image.Image:
    """A picture in greys or red, green and blue, nothing transparent, in bounded size, without what came along."""
    if picture.mode.startswith(("I", "F")):
        _, high = picture.getextrema()
        deep = isinstance(high, (int, float)) and high > 255
        picture = picture.convert("I").point(lambda grey: grey * (1 / 256 if deep else 1)).convert("L")
    if picture.mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    wanted = _bounded(picture.size)
    if picture.mode not in {"L", "RGB", "RGBA"}:
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    if wanted != picture.size:
        picture = picture.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if picture.mode == "RGBA":
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A"))
        picture = white
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    return clean


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, sqrt(KEPT_PIXELS / (size[0] * size[1])), LONGEST_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _encoded(picture: Image.Image, *, photograph: bool) -> tuple[str, bytes]:
    """The kind and the bytes of a picture: what came without loss stays so while it is not too large."""
    if not photograph:
        made = _bytes(picture, "PNG")
        if len(made) <= LARGEST_PNG:
            return "png", made
    return "jpeg", _bytes(picture, "JPEG")


def _bytes(picture: Image.Image, form: str) -> bytes:
    made = io.BytesIO()
    if form == "PNG":
        picture.save(made, "PNG", compress_level=6)
    else:
        picture.save(made, "JPEG", quality=88, subsampling=0, optimize=True)
    return made.getvalue()


def thumbnail(picture: Image.Image) -> bytes:
    """A small JPEG of a picture. Of a long one its upper part, of a wide one its left: a strip would show nothing."""
    wide, high = min(picture.width, 3 * picture.height), min(picture.height, round(1.4 * picture.width))
    small = picture.crop((0, 0, wide, high))
    small.thumbnail(SMALL, Image.Resampling.LANCZOS, reducing_gap=2.0)
    made = io.BytesIO()
    small.save(made, "JPEG", quality=82)
    return made.getvalue()


def thumbnail_of(data: bytes) -> bytes:
    """The thumbnail of a picture that is kept."""
    with _one_at_a_time, Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
        picture.load()
        return thumbnail(picture)
