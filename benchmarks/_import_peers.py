"""The other ways of `benchmarks/import.py` that are no commands already: `_import_peers.py WAY FROM TO`."""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from itertools import islice
from pathlib import Path

TOGETHER = 50_000


def floor(store: str, target: str) -> None:
    """The rows of a store as ready tuples into the same tables and indexes, in one transaction; only that is timed."""
    try:
        from pysqlite3 import dbapi2 as library  # noqa: PLC0415 - the library that the desk itself uses
    except ImportError:
        library = sqlite3
    source = library.connect(store)
    out = library.connect(target, isolation_level=None)
    (page,) = source.execute("PRAGMA page_size").fetchone()
    for setting in (
        f"page_size={page}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=OFF",
        "cache_size=-32000",
    ):
        out.execute(f"PRAGMA {setting}")
    made = "SELECT sql FROM sqlite_master WHERE tbl_name IN ('claims', 'events') AND type IN ('table', 'index')"
    for (statement,) in source.execute(f"{made} AND sql IS NOT NULL ORDER BY type DESC"):
        out.execute(statement)
    seconds = cpu = 0.0
    out.execute("BEGIN IMMEDIATE")
    readers = {table: source.execute(f"SELECT * FROM {table} ORDER BY id") for table in ("claims", "events")}  # noqa: S608
    while True:
        some = {table: _filled(reader) for table, reader in readers.items()}
        start, used = time.perf_counter(), _cpu()
        for table, (names, rows) in some.items():
            if rows:
                marks = ", ".join("?" * len(names))
                out.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608
        if not some["claims"][1]:
            out.execute("COMMIT")
        seconds, cpu = seconds + time.perf_counter() - start, cpu + _cpu() - used
        if not some["claims"][1]:
            break
    print(f"seconds={seconds:.3f} cpu={cpu:.3f}")


def _filled(reader: sqlite3.Cursor) -> tuple[list[str], list[tuple[object, ...]]]:
    """The next rows, without the columns in which they hold nothing."""
    rows = list(islice(reader, TOGETHER))
    columns = [
        (f'"{told[0]}"', values)
        for told, values in zip(reader.description, zip(*rows, strict=True), strict=False)
        if values.count(None) < len(values)
    ]
    return [name for name, _ in columns], list(zip(*(values for _, values in columns), strict=True))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def pandas(claims: str, target: str) -> None:
    """`read_csv`, then `to_sql` through SQLAlchemy, each by its defaults."""
    import pandas as pd  # noqa: PLC0415 - each way loads what it needs, and that is timed
    import sqlalchemy as sa  # noqa: PLC0415

    pd.read_csv(claims).to_sql("claims", sa.create_engine(f"sqlite:///{target}"), index=False)


def django(claims: str, target: str) -> None:
    """A model of 25 typed columns and its resource: rows found by their reference, faulty ones collected."""
    import django as framework  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": target}
    settings.configure(
        DATABASES={"default": database}, INSTALLED_APPS=["import_export"], USE_TZ=True, DEFAULT_AUTO_FIELD=_AUTO
    )
    framework.setup()
    import tablib  # noqa: PLC0415
    from django.db import connection, models  # noqa: PLC0415
    from import_export import resources  # noqa: PLC0415

    def kind(name: str) -> models.Field:
        if name == "claim_ref":
            return models.CharField(max_length=100, unique=True)
        if name.endswith("_at"):
            return models.DateTimeField(null=True)
        if name in {"amount", "refunded_before"}:
            return models.DecimalField(max_digits=18, decimal_places=2, null=True)
        return models.TextField(blank=True)

    text = Path(claims).read_text(encoding="utf-8")
    header = text.split("\n", 1)[0].strip().split(",")
    meta = type("Meta", (), {"app_label": "import_export"})
    model = type("Claim", (models.Model,), {"__module__": __name__, "Meta": meta, **{n: kind(n) for n in header}})
    with connection.schema_editor() as editor:
        editor.create_model(model)
    options = type("Meta", (), {"model": model, "import_id_fields": ("claim_ref",), "fields": tuple(header)})
    resource_class = type("ClaimResource", (resources.ModelResource,), {"Meta": options})
    resource_class().import_data(tablib.Dataset().load(text, format="csv"), collect_failed_rows=True)
    print(f"{model.objects.count():,} rows are stored.")


_AUTO = "django.db.models.BigAutoField"

if __name__ == "__main__":
    {"floor": floor, "pandas": pandas, "django": django}[sys.argv[1]](*sys.argv[2:])
