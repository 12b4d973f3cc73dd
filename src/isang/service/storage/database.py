"""The service's database: SQLite in one file with write-ahead logging, safe against kills."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isang.detection.causes.severity import SEVERITIES
from isang.errors import InputError, OutputError

SCHEMA = 1
_OF_SESSIONS = "WHERE json_array_length(document, '$.episodes') > 0 "
_QUIET = "json_extract(document, '$.silenced_by')"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, stream TEXT NOT NULL, state TEXT NOT NULL,
    severity INTEGER NOT NULL, first_seen TEXT, last_seen TEXT, updated_us INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incidents_by_state ON incidents (state, severity);
CREATE TABLE IF NOT EXISTS anomalies (key TEXT PRIMARY KEY, incident TEXT NOT NULL, number INTEGER, record TEXT);
CREATE INDEX IF NOT EXISTS anomalies_by_incident ON anomalies (incident);
CREATE TABLE IF NOT EXISTS kept_sessions (key TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notices (
    output TEXT NOT NULL, incident TEXT NOT NULL, event TEXT NOT NULL, due_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (output, incident)
);
CREATE INDEX IF NOT EXISTS incidents_by_fingerprint ON incidents (fingerprint);
CREATE INDEX IF NOT EXISTS incidents_by_verdict ON incidents (
    json_extract(document, '$.feedback.verdict'), json_extract(document, '$.sessions')
);
CREATE TABLE IF NOT EXISTS feedback (id TEXT PRIMARY KEY, at TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS models (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, folder TEXT NOT NULL, created_us INTEGER NOT NULL, document TEXT NOT NULL
);
"""


class Database:
    """One connection shared by threads; every method is one transaction, or part of one begun with `together`.

    Raises InputError for a file that is not an isang database, OutputError if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.RLock()
        self._depth = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            found = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, SCHEMA):
                raise InputError(f"{path} has schema {found}, this version reads schema {SCHEMA}; name another --home")
            self._connection.executescript(_TABLES)
            self._connection.execute(f"PRAGMA user_version = {SCHEMA}")
        except (sqlite3.Error, OSError) as error:
            raise InputError(f"cannot use the database {path}: {error}; name another --home") from error

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything inside is one transaction: it happens completely or not at all."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException as error:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise OutputError(f"cannot write {self._path}: {error}; free some space") from error
                raise
            finally:
                self._depth -= 1

    def _all(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(text, values).fetchall()

    def _do(self, text: str, *values: Any) -> int:
        with self.together():
            return self._connection.execute(text, values).rowcount

    def fact(self, name: str) -> Any:
        """The value stored under this name; None if there is none."""
        rows = self._all("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def keep(self, name: str, value: Any) -> None:
        """Store a plain JSON value."""
        self._do("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, json.dumps(value))

    def add_anomaly(self, key: str, incident: str, number: int, record: Mapping[str, Any] | None) -> None:
        """Store an anomaly record and its `number` within its incident, replacing one with the same key.

        None: only the key is stored, for an incident with many anomalies.
        """
        text = None if record is None else json.dumps(record, ensure_ascii=True)
        self._do("INSERT OR REPLACE INTO anomalies VALUES (?, ?, ?, ?)", key, incident, number, text)

    def keep_session(self, key: str, document: Mapping[str, Any]) -> None:
        """Store what is needed to judge the anomaly with this key again."""
        self._do("INSERT OR REPLACE INTO kept_sessions VALUES (?, ?)", key, json.dumps(document, ensure_ascii=True))

    def kept_of(self, incident: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """(record, stored session) of the anomalies of an incident, in the order of arrival."""
        rows = self._all(
            "SELECT record, document FROM anomalies JOIN kept_sessions USING (key) WHERE incident = ? "
            "AND record IS NOT NULL ORDER BY number",
            incident,
        )
        return [(json.loads(record), json.loads(document)) for record, document in rows]

    def forget_anomalies(self, keys: Iterable[str]) -> None:
        """Delete the records and sessions of these anomalies; their keys stay, so that they remain known."""
        with self.together():
            for key in keys:
                self._do("DELETE FROM kept_sessions WHERE key = ?", key)
                self._do("UPDATE anomalies SET record = NULL WHERE key = ?", key)

    def anomaly(self, key: str) -> tuple[str, int] | None:
        """(incident, number) of a known anomaly."""
        rows = self._all("SELECT incident, number FROM anomalies WHERE key = ?", key)
        return (str(rows[0][0]), int(rows[0][1])) if rows else None

    def anomalies_of(self, incident: str) -> list[dict[str, Any]]:
        """The stored records of an incident, in the order of arrival."""
        rows = self._all(
            "SELECT record FROM anomalies WHERE incident = ? AND record IS NOT NULL ORDER BY number", incident
        )
        return [json.loads(row[0]) for row in rows]

    def expire(self, before_us: int) -> int:
        """Expire resolved incidents last changed before this time in the logs, with their records; return how many."""
        with self.together():
            rows = self._all("SELECT id FROM incidents WHERE state = 'resolved' AND updated_us < ?", before_us)
            for (number,) in rows:
                keys = "SELECT key FROM anomalies WHERE incident = ?"
                self._do(f"DELETE FROM kept_sessions WHERE key IN ({keys})", number)
                self._do("DELETE FROM anomalies WHERE incident = ?", number)
                self._do(
                    "UPDATE incidents SET state = 'expired', document = json_set(document, '$.state', 'expired') "
                    "WHERE id = ?",
                    number,
                )
            return len(rows)

    def put_incident(self, document: Mapping[str, Any], now_us: int | None) -> None:
        """Store an incident's current state; `now_us`: the time in the logs, None: unchanged."""
        if now_us is None:
            rows = self._all("SELECT updated_us FROM incidents WHERE id = ?", document["id"])
            now_us = int(rows[0][0]) if rows else 0
        self._do(
            "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document["id"], document["fingerprint"], document["stream"], document["state"],
            SEVERITIES.index(document["severity"]), document["first_seen"], document["last_seen"], now_us,
            json.dumps(document, ensure_ascii=True),
        )  # fmt: skip

    def incident(self, number: str) -> dict[str, Any] | None:
        """One incident."""
        rows = self._all("SELECT document FROM incidents WHERE id = ?", number)
        return json.loads(rows[0][0]) if rows else None

    def incidents(
        self,
        *,
        state: str | None = None,
        stream: str | None = None,
        since: str | None = None,
        limit: int = 100,
        offset: int = 0,
        silenced: bool | None = None,
        fingerprints: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Incidents, the most severe first, then the latest; those silenced by answers come last.

        `since`: last seen at this time (ISO 8601) or later; `silenced`: only silenced ones, or only others.
        """
        asked: Sequence[tuple[str, Any]] = [("state = ?", state), ("stream = ?", stream), ("last_seen >= ?", since)]
        given = [(clause, value) for clause, value in asked if value is not None]
        clauses = [clause for clause, _ in given]
        if silenced is not None:
            clauses.append(f"{_QUIET} IS {'NOT ' if silenced else ''}NULL")
        if fingerprints is not None:
            clauses.append(f"fingerprint IN ({', '.join('?' * len(fingerprints))})")
            given += [("", fingerprint) for fingerprint in fingerprints]
        where = " AND ".join(clauses) or "TRUE"
        rows = self._all(
            f"SELECT document FROM incidents WHERE {where} ORDER BY {_QUIET} IS NOT NULL, severity DESC, "
            "last_seen DESC LIMIT ? OFFSET ?",
            *(value for _, value in given), limit, offset,
        )  # fmt: skip
        return [json.loads(row[0]) for row in rows]

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of incidents per (stream, state); those silenced by answers have the state `silenced`."""
        rows = self._all(
            f"SELECT stream, CASE WHEN {_QUIET} IS NULL THEN state ELSE 'silenced' END, COUNT(*) "
            "FROM incidents GROUP BY 1, 2"
        )
        return {(stream, state): count for stream, state, count in rows}

    def severities(self, state: str | None = None, silenced: bool | None = None) -> dict[str, int]:
        """Number of incidents per severity, the most severe first; see `incidents`."""
        clauses, values = ["TRUE"], []
        if state is not None:
            clauses.append("state = ?")
            values.append(state)
        if silenced is not None:
            clauses.append(f"{_QUIET} IS {'NOT ' if silenced else ''}NULL")
        rows = self._all(
            f"SELECT severity, COUNT(*) FROM incidents WHERE {' AND '.join(clauses)} GROUP BY severity "
            "ORDER BY severity DESC",
            *values,
        )
        return {SEVERITIES[severity]: count for severity, count in rows}

    def latest_starts(self, limit: int) -> list[str]:
        """Start times (ISO 8601) of the latest anomalous sessions whose records are stored."""
        rows = self._all(
            "SELECT json_extract(record, '$.start') FROM anomalies WHERE record IS NOT NULL ORDER BY rowid DESC "
            "LIMIT ?",
            limit,
        )
        return [row[0] for row in rows if row[0] is not None]

    def drop_incident(self, number: str) -> None:
        """Delete an incident whose only session belongs to another one."""
        self._do("DELETE FROM incidents WHERE id = ?", number)

    def latest_seen(self) -> str | None:
        """When the latest session of any incident was seen."""
        found = self._all("SELECT MAX(last_seen) FROM incidents")[0][0]
        return None if found is None else str(found)

    def sessions_by_verdict(self, since: str | None = None) -> dict[str | None, int]:
        """Number of sessions of all incidents, or of those last seen `since` (ISO 8601), by the verdict of their
        answer. Incidents of logs as a whole have none."""
        clause, values = (_OF_SESSIONS, ()) if since is None else (f"{_OF_SESSIONS}AND last_seen >= ? ", (since,))
        rows = self._all(
            "SELECT json_extract(document, '$.feedback.verdict'), SUM(json_extract(document, '$.sessions')) "
            f"FROM incidents {clause}GROUP BY 1",
            *values,
        )
        return {verdict: int(count) for verdict, count in rows}

    def put_feedback(self, name: str, at: str, document: Mapping[str, Any]) -> None:
        """Store an answer or an undo; an existing one is not changed."""
        self._do("INSERT OR IGNORE INTO feedback VALUES (?, ?, ?)", name, at, json.dumps(document))

    def feedback(self) -> list[dict[str, Any]]:
        """All answers and undos, in the order of arrival."""
        return [json.loads(row[0]) for row in self._all("SELECT document FROM feedback ORDER BY at, id")]

    def put_notice(self, output: str, incident: str, event: str, due_us: int) -> None:
        """Queue a notice of an incident; it replaces a pending one."""
        self._do(
            "INSERT INTO notices (output, incident, event, due_us) VALUES (?, ?, ?, ?) ON CONFLICT (output, incident) "
            "DO UPDATE SET event = excluded.event, due_us = excluded.due_us, attempts = 0",
            output, incident, event, due_us,
        )  # fmt: skip

    def due_notices(self, output: str, now_us: int, limit: int = 100) -> list[tuple[str, str, int, bool]]:
        """(incident, event, attempts, whether it was reported before) of due notices, the longest due first."""
        rows = self._all(
            "SELECT incident, event, attempts, told FROM notices WHERE output = ? AND due_us <= ? "
            "ORDER BY due_us LIMIT ?",
            output, now_us, limit,
        )  # fmt: skip
        return [(incident, event, attempts, bool(told)) for incident, event, attempts, told in rows]

    def notice_done(self, output: str, incident: str, event: str, again_us: int | None) -> None:
        """Mark a notice as delivered; `again_us`: when to repeat it, None: never. A newer pending notice is kept."""
        same = "output = ? AND incident = ? AND event = ?"
        if again_us is None:
            self._do(f"DELETE FROM notices WHERE {same}", output, incident, event)
        else:
            self._do(
                f"UPDATE notices SET event = 'repeated', due_us = ?, attempts = 0, told = 1 WHERE {same}",
                again_us, output, incident, event,
            )  # fmt: skip

    def notice_failed(self, output: str, incident: str, again_us: int) -> None:
        """Mark a notice as not delivered; the next attempt is at `again_us`."""
        self._do(
            "UPDATE notices SET due_us = ?, attempts = attempts + 1 WHERE output = ? AND incident = ?",
            again_us, output, incident,
        )  # fmt: skip

    def put_model(self, name: str, state: str, folder: str, created_us: int, document: Mapping[str, Any]) -> None:
        """Store a model, its state and its facts."""
        self._do(
            "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?)",
            name,
            state,
            folder,
            created_us,
            json.dumps(document),
        )

    def models(self) -> list[dict[str, Any]]:
        """All models, the latest first."""
        rows = self._all("SELECT id, state, folder, created_us, document FROM models ORDER BY created_us DESC")
        return [
            {"id": name, "state": state, "folder": folder, "created_us": created, **json.loads(document)}
            for name, state, folder, created, document in rows
        ]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
