"""A detector of anomalies in logs."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from isang.api.anomalies import Anomalies, Anomaly
from isang.api.logs import Logs, as_files
from isang.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from isang.artifact import Model
    from isang.config import Config
    from isang.detection.feedback.coverage import Answers

LINES_AT_ONCE = 2_000
LOOK_SECONDS = 0.25
"""`Detector.stream` judges after LINES_AT_ONCE lines or LOOK_SECONDS, whichever comes first."""


class Detector:
    """A detector of anomalous sessions: `fit` learns from logs, `load` reads a model folder.

    Everything is loaded once. A detector can be used from several threads, and several can live in one process.
    """

    def __init__(self, model: "Model", answers: "Answers | None" = None) -> None:
        self._model, self._answers = model, answers

    @classmethod
    def fit(cls, logs: Logs, *, labels: str | Path | None = None, config: "Config | None" = None) -> "Detector":
        """Learn what is normal in `logs` (or a dataset folder), most of which should be free of faults.

        `labels` is a CSV of known anomalies, as docs/formats.md describes it. Raises InputError and UsageError.
        """
        from isang import stages
        from isang.artifact import load_model
        from isang.logs.store import is_dataset

        with tempfile.TemporaryDirectory(prefix="isang-") as scratch:
            data, run = Path(scratch, "data"), Path(scratch, "run")
            if isinstance(logs, (str, Path)) and is_dataset(Path(logs)):
                if labels is not None:
                    raise UsageError("a dataset folder holds its labels; give labels with raw logs only")
                data = Path(logs)
            else:
                with as_files(logs) as paths:
                    stages.prepare(paths, data, config=config, labels=None if labels is None else Path(labels))
            stages.train(data, run, config=config, with_report=False)
            return cls(load_model(run))

    @classmethod
    def load(cls, folder: str | Path) -> "Detector":
        """The detector in a model folder, or in the folder of a run. Raises InputError."""
        from isang.artifact import load_model
        from isang.detection.feedback.ledger import answers_beside

        return cls(load_model(Path(folder)), answers_beside(Path(folder)))

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder."""
        from isang.artifact import save_model

        save_model(self._model, Path(folder), overwrite=overwrite)

    @property
    def templates(self) -> list[str]:
        """The known line templates."""
        return list(self._model.vocabulary.templates)

    def detect(self, logs: Logs) -> Anomalies:
        """The anomalies in `logs`, with reasons and raw lines, without incidents that users marked as normal."""
        from isang.detection.batch import judge_logs
        from isang.detection.feedback.coverage import NO_ANSWERS

        with as_files(logs) as paths:
            found = judge_logs(self._model, paths, self._answers or NO_ANSWERS)
        return Anomalies(
            found.anomalies, found.incidents, len(found.p_values), found.warnings, found.smaller, found.whole
        )

    def stream(
        self, lines: Iterable[str], *, source: str = "stream", idle_seconds: float | None = None
    ) -> Iterator[Anomaly]:
        """Each anomaly among `lines` when its session has ended; nothing is read from or written to files.

        A session ends after `idle_seconds` of silence, measured in the lines' own time; None: derived from the training
        data. When `lines` end, so do all sessions. A line that was never seen before is reported at once.
        """
        from isang.detection.live import Following
        from isang.logs.stream.pushed import PushedRecords
        from isang.logs.stream.record import Record

        pushed = PushedRecords()
        following = Following(self._model, [], idle_seconds=idle_seconds, source=pushed)
        looked_at = time.monotonic()
        try:
            for number, line in enumerate(lines, 1):
                pushed.push(Record(source, line.rstrip("\r\n"), line=number))
                if len(pushed) >= LINES_AT_ONCE or time.monotonic() - looked_at > LOOK_SECONDS:
                    yield from map(Anomaly, following.poll()[1])
                    looked_at = time.monotonic()
            yield from map(Anomaly, following.poll()[1])
            yield from map(Anomaly, following.finish())
        finally:
            following.close()

    def score(self, logs: Logs) -> "pl.DataFrame":
        """All sessions of `logs`: session_id, source, start, end, events, score, p_value, anomalous; no reasons."""
        import polars as pl

        from isang.artifact import rules_of
        from isang.detection.releases.rewordings import judge_reworded
        from isang.logs.prepare import prepare
        from isang.logs.store import is_dataset, read_dataset

        with as_files(logs) as paths:
            if len(paths) == 1 and is_dataset(Path(paths[0])):
                dataset = read_dataset(Path(paths[0]))
            else:
                dataset = prepare(
                    [str(path) for path in paths], self._model.config.logs, rules=rules_of(self._model)
                ).dataset
        _, judged, _ = judge_reworded(self._model, dataset)
        sessions = dataset.sessions[judged.rows]
        return sessions.select("session_id", "source", "start", "end", pl.col("events").list.len()).with_columns(
            score=pl.Series([decision.score for decision in judged.decisions], dtype=pl.Float64),
            p_value=pl.Series([decision.p_value for decision in judged.decisions], dtype=pl.Float64),
            anomalous=pl.Series([decision.anomalous for decision in judged.decisions], dtype=pl.Boolean),
        )

    def score_samples(self, logs: Logs) -> "NDArray[np.float64]":
        """How normal each session of `logs` is, as in scikit-learn: higher is more normal, log10 of the p-value."""
        return -self.score(logs)["score"].to_numpy()

    def predict(self, logs: Logs) -> "NDArray[np.int64]":
        """-1 for each anomalous session of `logs`, else 1, as in scikit-learn's outlier detectors."""
        import numpy as np

        return np.where(self.score(logs)["anomalous"].to_numpy(), -1, 1)

    def __repr__(self) -> str:
        facts = self._model.facts
        return (
            f"<Detector of {len(self.templates):,} templates, {facts.get('training_sessions', 0):,} training sessions>"
        )
