"""Where the cells of studies are kept: one SQLite file, written by one process, a commit a cell.

A cell is found by its key (`studies.py`), so one store serves any number of studies, and cells that two of them share are
run once. What has been committed survives an interrupt, a crash of iosim, and one of the machine (write-ahead log,
synchronous).
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from iosim.errors import Mistake, WrongInput

FORMAT = 1  # of the store: another one is refused, not guessed at
OURS = 0x696F7331  # "ios1": the file says whose it is
IN_MEMORY = ":memory:"
BUSY = 10  # s to wait while another process commits
_TABLE = """
CREATE TABLE cells (
    key TEXT PRIMARY KEY,
    figures TEXT,     -- JSON; null for a failed cell
    error TEXT,       -- null for a cell with figures
    exit_status INT,  -- that the error gives the command line
    trace TEXT        -- where it happened, for whoever looks for the fault
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Record:
    """What became of a cell: `figures` (JSON), or the `error` that ended it."""

    figures: str | None
    error: str | None = None
    exit_status: int = 0
    trace: str = ""


class StudyStore:
    """Cells by key. Raises WrongInput for a file that is no store of this format or can't be written; it is then untouched."""

    def __init__(self, path: Path | str = IN_MEMORY) -> None:
        self.path = path
        try:
            self.connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
            self._open()
        except sqlite3.Error as error:
            raise self._unusable(f"can't be used: {error}") from None

    def _open(self) -> None:
        ask = self.connection.execute
        whose, form = ask("PRAGMA application_id").fetchone()[0], ask("PRAGMA user_version").fetchone()[0]
        empty = not ask("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if whose != OURS and not (empty and not whose and not form):
            raise self._unusable("is a database of something else")
        if whose == OURS and form != FORMAT:
            raise self._unusable(f"is a store of version {form}; this iosim reads version {FORMAT}. Give another --out")
        ask("PRAGMA journal_mode = WAL")
        ask("PRAGMA synchronous = FULL")
        ask("BEGIN IMMEDIATE")  # whoever can't write finds out now, not after the first cell
        if empty:
            ask(f"PRAGMA application_id = {OURS}")
            ask(f"PRAGMA user_version = {FORMAT}")
            ask(_TABLE)
            ask("COMMIT")
        else:
            ask("DELETE FROM cells WHERE key IS NULL")  # nothing; but a read-only file says so here
            ask("ROLLBACK")

    def _unusable(self, message: str) -> WrongInput:
        return WrongInput([Mistake(str(self.path), 0, 0, "", message)])

    def finished(self, keys: Sequence[str]) -> dict[str, Record]:
        """Those of these cells that have figures; failed ones are to be tried again."""
        found = {}
        for key in keys:
            row = self.connection.execute("SELECT figures FROM cells WHERE key = ? AND figures IS NOT NULL", (key,))
            if (first := row.fetchone()) is not None:
                found[key] = Record(first[0])
        return found

    def put(self, key: str, record: Record) -> None:
        """Commit one cell, in place of an earlier record of it. Raises WrongInput where the file can no longer be written."""
        row = (key, record.figures, record.error, record.exit_status, record.trace)
        try:
            self.connection.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise self._unusable(f"can't be written: {error}") from None

    def close(self) -> None:
        """Put the log's content into the file."""
        self.connection.close()

    def __enter__(self) -> "StudyStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
