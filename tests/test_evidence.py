"""Evidence as files: what is taken, what becomes of a picture, the folder, copies that are found by their look."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from evidence_of_tests import MAIL, PDF, declared, png, saved, screen
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from refundcore.evidence import ALIKE, LARGEST, EvidenceError, Files, distance, look, read, safe_name
from refundcore.evidence.reading import KEPT_PIXELS

SCRIPT = b"<script>alert(document.cookie)</script>"


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "<script>in the description</script>"
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
    return saved(screen(), "JPEG", exif=exif, comment=SCRIPT) + SCRIPT


def with_words() -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", SCRIPT.decode(), zip=True)
    return saved(screen(), pnginfo=told) + b"PK\x03\x04" + SCRIPT


TAKEN = [
    ("a.png", png(), "png"),
    ("a.jpg", saved(screen(), "JPEG"), "jpeg"),
    ("a.webp", saved(screen(), "WEBP"), "jpeg"),
    ("a.gif", saved(screen().convert("P"), "GIF"), "png"),
    ("a.pdf", PDF, "pdf"),
    ("a.eml", MAIL, "mail"),
    ("box.eml", b"From - Tue May 12 08:00:00 2026\r\n" + MAIL, "mail"),
    ("lies.txt", png(), "png"),
    ("lies.pdf", saved(screen(), "JPEG"), "jpeg"),
    ("few.png", saved(screen().convert("1")), "png"),
    ("greys.png", saved(screen().convert("I;16")), "png"),
    ("clear.png", saved(screen().convert("RGBA")), "png"),
    ("print.jpg", saved(screen().convert("CMYK"), "JPEG"), "jpeg"),
]


@pytest.mark.parametrize(("name", "data", "kind"), TAKEN, ids=[row[0] for row in TAKEN])
def test_pictures_pdfs_and_mails_are_taken_by_what_they_are(name, data, kind):
    kept = read(name, data)

    assert kept.kind == kind
    assert kept.sha256 == hashlib.sha256(kept.data).hexdigest()
    assert kept.sent_sha256 == hashlib.sha256(data).hexdigest()
    assert bool(kept.small) == (kind in {"png", "jpeg"})


REFUSED = [
    ("a.png", b"", "is empty"),
    ("a.png", b"%PDF" * (LARGEST // 4 + 1), "at most 10 MB"),
    ("a.png", b"<html><script>alert(1)</script></html>", "not taken"),
    ("a.png", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not taken"),
    ("a.jpg", saved(screen(), "BMP"), r"looks like a \.bmp file"),
    ("a.jpg", saved(screen(), "TIFF"), r"looks like a \.tiff? file"),
    ("a.png", b"\x7fELF" + bytes(60), "not taken"),
    ("a.png", b"PK\x03\x04" + bytes(60), "not taken"),
    ("a.eml", b"Hello, this is no mail: it only says so.\r\n", "not taken"),
    ("a.eml", b"Note: one\r\nOther: two\r\n\r\n", "not taken"),
    ("a.gif", b"GIF89a" + SCRIPT, "damaged or cut off"),
    ("a.png", png()[:2_000], "damaged or cut off"),
    ("a.jpg", saved(screen(), "JPEG")[:3_000], "damaged or cut off"),
    ("a.png", declared(0, 5), "damaged or cut off"),
    ("a.png", declared(7_000, 7_000), "more than 40 million pixels"),
    ("a.png", declared(65_500, 65_500), "more than 40 million pixels"),
    ("a.png", declared(12_000, 9_000), "more than 40 million pixels"),
]


@pytest.mark.parametrize(("name", "data", "says"), REFUSED, ids=[f"{n} {row[2]}" for n, row in enumerate(REFUSED)])
def test_everything_else_is_refused_with_a_sentence(name, data, says):
    with pytest.raises(EvidenceError, match=says):
        read(name, data)


@pytest.mark.parametrize("data", [with_metadata(), with_words()], ids=["jpeg", "png"])
def test_nothing_that_came_along_in_a_picture_is_kept(data):
    kept = read("holiday.jpg", data)

    assert b"script" in data
    assert b"script" not in kept.data
    assert b"script" not in kept.small
    with Image.open(io.BytesIO(kept.data)) as picture:
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_picture_that_was_taken_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = read("a.jpg", saved(screen(), "JPEG", exif=exif))

    assert (kept.width, kept.height) == (960, 540)


def test_a_screenshot_keeps_every_pixel_and_a_large_picture_is_bounded_by_its_area():
    with Image.open(io.BytesIO(read("a.png", png()).data)) as kept:
        assert kept.tobytes() == screen().tobytes()
    large = read("b.png", saved(screen(2, (3_000, 4_000))))
    long = read("c.png", saved(screen(3, (600, 12_000))))

    assert KEPT_PIXELS * 0.99 < large.width * large.height <= KEPT_PIXELS * 1.01
    assert long.width > 500  # still readable


def test_what_is_transparent_lies_on_white_as_a_browser_shows_it():
    kept = read("a.png", saved(Image.new("RGBA", (40, 40), (0, 0, 0, 0))))

    with Image.open(io.BytesIO(kept.data)) as picture:
        assert picture.getpixel((5, 5)) == (255, 255, 255)


NAMES = [
    ("shot.png", "shot.png"),
    ("../../etc/passwd", "passwd.png"),
    ("C:\\Users\\kim\\shot.exe", "shot.png"),
    ("a\r\nSet-Cookie: x.png", "a Set-Cookie_ x.png"),
    ("invoice\u202egnp.exe", "invoicegnp.png"),
    ("", "evidence.png"),
    ("..", "evidence.png"),
    ("CON.png", "_CON.png"),
    ('"><img src=x>.png', "___img src=x_.png"),
    ("x" * 300 + ".png", "x" * 80 + ".png"),
    ("снимок экрана.png", "снимок экрана.png"),
    ("a\x00b.png", "ab.png"),
]


@pytest.mark.parametrize(("given_name", "wanted"), NAMES, ids=[repr(row[0])[:30] for row in NAMES])
def test_a_name_is_safe_to_show_and_to_save_under(given_name, wanted):
    assert safe_name(given_name, "png") == wanted


@given(st.text(max_size=200))
def test_any_name_becomes_one_plain_file_name(name):
    made = safe_name(name, "pdf")

    assert Path(made).name == made
    assert made.endswith(".pdf")
    assert 5 <= len(made) <= 90
    assert not any(ord(letter) < 32 for letter in made)
    assert safe_name(made, "pdf") == made


STARTS = [b"", png()[:40], saved(screen(), "JPEG")[:200], b"GIF89a", b"RIFF\x00\x00\x00\x00WEBP", PDF, MAIL]


@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_any_bytes_are_taken_or_refused_with_a_sentence(head, rest):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on damaged files
        try:
            kept = read("any.png", head + rest)
        except EvidenceError as refusal:
            said = str(refusal)
        else:
            said = f"{kept.kind}."
    assert said in {"png.", "jpeg.", "pdf.", "mail."} or said.startswith("“any” ")
    assert said.endswith(".")


@given(st.integers(0, len(png()) - 1), st.integers(1, 255))
def test_a_picture_with_a_changed_byte_is_drawn_anew_or_refused(place, change):
    data = bytearray(png())
    data[place] ^= change
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            kept = read("any.png", bytes(data))
        except EvidenceError:
            return
    assert kept.kind == "png"


CORPUS_TAKEN = {"pdf_with_js.pdf", "png_then_zip.png"}


@pytest.mark.filterwarnings("ignore")
def test_hostile_files_are_refused_with_a_sentence_or_come_out_harmless(corpus):
    folder = corpus / "e_malicious"
    taken = set()
    for path in [*(folder / "files").iterdir(), *(folder / "images").rglob("*"), *(folder / "zip").iterdir()]:
        if path.is_dir():
            continue
        data = path.read_bytes()
        try:
            kept = read(path.name, data)
        except EvidenceError:
            continue
        taken.add(path.name)
        if kept.kind in {"png", "jpeg"}:
            assert b"script" not in kept.data.lower(), path
            assert b"onerror" not in kept.data.lower(), path
            with Image.open(io.BytesIO(kept.data), formats=("PNG", "JPEG")) as picture:
                picture.load()
                assert not picture.getexif()
    assert {path for path in taken if (folder / "files" / path).exists()} == CORPUS_TAKEN
    assert not any("bomb" in name or name.endswith((".svg", ".tif", ".ico", ".bmp")) for name in taken)
    assert len(taken) > 30


_LIMITED = """
import resource, sys
from pathlib import Path
from refundcore.evidence import EvidenceError, read
read("warm.png", Path(sys.argv[1]).read_bytes())
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 48 * 2**20, resource.RLIM_INFINITY))
for name in sys.argv[2:]:
    try:
        read("bomb.png", Path(name).read_bytes())
    except EvidenceError as refusal:
        print(refusal)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Needs Linux's count of a process's memory.")
def test_a_bomb_is_refused_before_anything_is_set_aside_for_it(tmp_path):
    (tmp_path / "warm.png").write_bytes(png())
    bombs = {
        "declared.png": declared(65_500, 65_500),
        "one_bit.png": saved(Image.new("1", (20_000, 20_000))),
        "grey.png": saved(Image.new("L", (6_400, 6_400))),
        "still.gif": saved(Image.new("P", (7_000, 7_000)), "GIF"),
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
        assert len(data) < LARGEST
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, *(str(tmp_path / name) for name in ("warm.png", *bombs))],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("more than 40 million pixels") == len(bombs)


_TWENTY = """
import resource, sys, threading
from pathlib import Path
from refundcore.evidence import read
data = Path(sys.argv[1]).read_bytes()
read("warm.png", Path(sys.argv[2]).read_bytes())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
at_once = [threading.Thread(target=read, args=("large.png", data)) for _ in range(int(sys.argv[3]))]
for one in at_once: one.start()
for one in at_once: one.join()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_twenty_uploads_at_once_take_no_more_memory_than_one_after_the_other(tmp_path):
    (tmp_path / "warm.png").write_bytes(png())
    (tmp_path / "large.png").write_bytes(saved(screen(4, (3_000, 4_000)), compress_level=1))

    def grown(number: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _TWENTY, str(tmp_path / "large.png"), str(tmp_path / "warm.png"), str(number)],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        return int(done.stdout)

    assert grown(20) < grown(1) * 2 + 40  # MB; twenty side by side would take twenty times as much


COPIES = {
    "half": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "compressed": lambda picture: Image.open(io.BytesIO(saved(picture, "JPEG", quality=30))),
    "both": lambda picture: Image.open(
        io.BytesIO(saved(picture.resize((picture.width // 4, picture.height // 4)), "JPEG", quality=50))
    ),
    "webp": lambda picture: Image.open(io.BytesIO(saved(picture, "WEBP", quality=40))),
    "grey": lambda picture: picture.convert("L"),
    "cropped": lambda picture: picture.crop((2, 4, picture.width - 2, picture.height - 4)),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_are_found_by_their_look(how):
    bits = []
    for seed in range(20):
        first, other = look(screen(seed)), look(COPIES[how](screen(seed)))
        assert first is not None
        assert other is not None
        bits.append(distance(first, other))

    assert sum(each <= ALIKE for each in bits) >= 19, bits


def test_other_screens_do_not_look_alike_and_blank_ones_have_no_look():
    looks = [look(screen(seed)) for seed in range(40)]
    pairs = [distance(one, other) for n, one in enumerate(looks) for other in looks[:n]]

    assert sum(bits <= ALIKE for bits in pairs) <= len(pairs) // 100
    assert look(Image.new("RGB", (200, 200), "white")) is None


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_the_distance_of_two_looks_is_the_number_of_bits_in_which_they_differ(one, other):
    plain = sum(
        bool(one & (1 << bit)) != bool(other & (1 << bit)) if bit < 63 else (one < 0) != (other < 0)
        for bit in range(64)
    )

    assert distance(one, other) == plain == distance(other, one)


def test_a_file_is_kept_once_under_its_hash_for_its_owner_alone(tmp_path):
    files, kept = Files(tmp_path / "evidence"), read("a.png", png())
    files.put(kept)
    files.put(kept)
    path = files.path(kept.sha256)

    assert path == tmp_path / "evidence" / kept.sha256[:2] / kept.sha256[2:]
    assert files.data(kept.sha256) == kept.data
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert files.folder.stat().st_mode & 0o777 == 0o700
    assert len([each for each in files.folder.rglob("*") if each.is_file()]) == 2  # the file and its thumbnail


def test_a_thumbnail_is_made_once_and_anew_where_it_is_gone(tmp_path):
    files, kept = Files(tmp_path), read("a.png", png())
    files.put(kept)
    small = next(tmp_path.rglob("*.small"))
    assert files.small(kept.sha256) == kept.small
    small.unlink()
    made = files.small(kept.sha256)

    with Image.open(io.BytesIO(made)) as picture:
        assert max(picture.size) <= 360
    assert small.read_bytes() == made


def test_a_file_that_is_missing_or_changed_is_told_and_never_handed_out(tmp_path):
    files, kept = Files(tmp_path), read("a.pdf", PDF)
    files.put(kept)
    path = files.path(kept.sha256)
    assert files.wrong(kept.sha256) == ""
    path.write_bytes(PDF.replace(b"1.4", b"1.5"))
    assert files.wrong(kept.sha256) == "changed"
    with pytest.raises(EvidenceError, match="it was changed"):
        files.data(kept.sha256)
    files.put(kept)  # attaching it again mends it
    assert files.data(kept.sha256) == PDF
    path.unlink()
    assert files.wrong(kept.sha256) == "missing"
    with pytest.raises(EvidenceError, match="is missing"):
        files.data(kept.sha256)


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65])
def test_no_path_but_that_of_a_hash_can_be_reached(tmp_path, sha256):
    with pytest.raises(ValueError, match="is not the hash"):
        Files(tmp_path).path(sha256)


def test_what_no_claim_names_is_removed_after_a_day_and_what_is_named_stays(tmp_path):
    files = Files(tmp_path)
    named, orphan = read("a.png", png(1)), read("b.png", png(2))
    for kept in (named, orphan):
        files.put(kept)
    (tmp_path / "part-0123").write_bytes(b"cut off")
    now = time.monotonic() - time.monotonic() + max(path.stat().st_mtime for path in tmp_path.rglob("*"))

    assert files.clean({named.sha256}, now=now + 3600) == 0
    assert files.clean({named.sha256}, now=now + 25 * 3600) == 3
    assert files.data(named.sha256) == named.data
    assert files.wrong(orphan.sha256) == "missing"


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    blocked = tmp_path / "evidence"
    blocked.write_text("a file where the folder should be")

    with pytest.raises(EvidenceError, match="could not be kept"):
        Files(blocked).put(read("a.pdf", PDF))


def test_the_same_file_put_by_many_at_once_is_whole(tmp_path):
    files, kept = Files(tmp_path), read("a.png", png())
    at_once = [threading.Thread(target=files.put, args=(kept,)) for _ in range(8)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()

    assert files.wrong(kept.sha256) == ""
    assert not list(tmp_path.glob("part-*"))
    assert os.access(files.path(kept.sha256), os.R_OK)
