"""Pictures, PDFs and mails for the tests of evidence, made here."""

from __future__ import annotations

import io
import random
import struct
import zlib
from functools import cache

from PIL import Image, ImageDraw

PDF = b"%PDF-1.4\n1 0 obj\n<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>\nendobj\n%%EOF\n"
MAIL = (
    b"From: Kim <kim@example.com>\r\nTo: support@shop.example\r\nSubject: The number is dead\r\n"
    b"Date: Tue, 12 May 2026 08:00:00 +0000\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n"
)


@cache
def screen(seed: int = 1, size: tuple[int, int] = (540, 960)) -> Image.Image:
    """A made-up chat on a phone, another one for each seed."""
    chance = random.Random(seed)  # noqa: S311 - pictures, no secrets
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, size[0], size[1] // 14), fill=(31, 95, 139))
    top = size[1] // 10
    while top < size[1] * 0.9:
        wide, high = chance.randint(size[0] // 4, size[0] * 3 // 4), chance.randint(size[1] // 30, size[1] // 6)
        left = 20 if chance.random() < 0.5 else size[0] - 20 - wide
        pen.rounded_rectangle((left, top, left + wide, top + high), 12, fill=(200, 225, 240))
        for line in range(top + 8, top + high - 8, 16):
            pen.rectangle((left + 8, line, left + chance.randint(30, wide), line + 6), fill="black")
        top += high + chance.randint(10, size[1] // 12)
    return picture


def saved(picture: Image.Image, form: str = "PNG", **how: object) -> bytes:
    """A picture as the bytes of a file."""
    made = io.BytesIO()
    picture.save(made, form, **how)
    return made.getvalue()


def png(seed: int = 1) -> bytes:
    """A screenshot, another one for each seed."""
    return saved(screen(seed))


def declared(width: int, height: int, *, data: bytes = b"") -> bytes:
    """A PNG whose head declares a size, whatever it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
