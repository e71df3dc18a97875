"""Write the small files of every kind that people upload to tests/data/files: `python tests/make_files.py`.

The tests read them there. All of them tell of the same twelve claims, which are made up.
"""

from __future__ import annotations

from pathlib import Path

import text_files
import workbook_files
from twelve_claims import File

FOLDER = Path(__file__).resolve().parent / "data" / "files"


def files() -> dict[str, File]:
    """All of them by name, each with what it must come to."""
    return text_files.texts() | workbook_files.workbooks() | workbook_files.hostile()


def main() -> None:
    """Write them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, file in files().items():
        (FOLDER / name).write_bytes(file.data)


if __name__ == "__main__":
    main()
