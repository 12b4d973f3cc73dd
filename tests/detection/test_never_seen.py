"""Lines that no training session has are listed, and a log of another program is said to be one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.releases.never_seen import coverage, never_seen
from isang.logs.store import Dataset, Rows
from isang.pages.contents import contents_of
from isang.pages.page import index_html
from isang.stages import Detected
from isang.summaries import of_detected
from isang.testing import dataset_of
from tests.synthetic import BROWSE, STEPS


@dataclass(frozen=True)
class Named:
    name: str


@dataclass(frozen=True)
class Read:
    """A log of which each session stands in lines of its own, in order."""

    dataset: Dataset

    @property
    def sources(self) -> list[Named]:
        return [Named("shop.log")]

    def places(self, rows: Rows) -> pl.DataFrame:
        sizes = self.dataset.sizes
        numbers = np.split(np.arange(1, sizes.sum() + 1), np.cumsum(sizes)[:-1])
        table = {"source_index": [[0] * len(part) for part in numbers], "line": [list(part) for part in numbers]}
        return pl.DataFrame(table)[rows]

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        return {place: f"raw {place[1]}" for place in wanted}


VISIT = [STEPS[event] for event in BROWSE]
LEVELS = {"the volume is gone": "ERROR", "zebra stripes counted": "DEBUG"}


def test_the_loudest_comes_first_with_its_first_line(trained: Model) -> None:
    quiet, loud = ["zebra stripes counted"], ["the volume is gone"]
    read = Read(dataset_of([VISIT, [*VISIT, *quiet], [*quiet, *VISIT, *loud, *loud], VISIT], levels=LEVELS))
    found = never_seen(trained, read)  # type: ignore[arg-type]
    assert [(entry["template"], entry["loudness"], entry["count"], entry["sessions"]) for entry in found] == [
        ("the volume is gone", "error", 2, 1), ("zebra stripes counted", "other", 2, 2),
    ]  # fmt: skip
    assert found[0]["first"]["number"] == 5 + 6 + 7
    assert found[1]["first"]["text"] == "raw 11"
    covered = coverage(trained, read)  # type: ignore[arg-type]
    assert (covered.lines, covered.known, covered.other_program) == (24, 20, False)
    text = of_detected(Detected(4, [], never_seen=found, coverage=covered.to_dict()))
    assert text.index("the volume") if "the volume" in text else text.index("ERROR, 2 lines, first shop.log:18")
    assert text.endswith("0 of 4 sessions are anomalous")


def test_a_known_log_has_none(trained: Model) -> None:
    read = Read(dataset_of([VISIT] * 3))
    assert never_seen(trained, read) == []  # type: ignore[arg-type]
    assert coverage(trained, read).share == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("strangers", [3, 40])
def test_of_another_program_nothing_is_told(trained: Model, strangers: int) -> None:
    words = ["alpha quark", "beta gluon", "gamma lepton", "delta boson"]
    read = Read(dataset_of([words] * strangers))
    covered = coverage(trained, read)  # type: ignore[arg-type]
    assert covered.to_dict()["verdict"] == "cannot_tell"
    assert covered.to_dict()["detectors_without_power"] == []
    text = of_detected(Detected(strangers, [], coverage=covered.to_dict()))
    assert "cannot tell" in text
    assert "of another program" in text
    assert "sessions are anomalous" not in text


def test_new_templates_that_are_not_compared_are_said(trained: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """In JSON, on the terminal and on the page in both languages; nothing is said where all were compared."""
    new = [f"{word} counted" for word in ("zebra", "quark", "gluon")]
    read = Read(dataset_of([[*VISIT, template] for template in new]))
    assert coverage(trained, read).not_compared is None  # type: ignore[arg-type]
    monkeypatch.setattr("isang.detection.releases.never_seen.MOST_NEW", 2)
    covered = coverage(trained, read)  # type: ignore[arg-type]
    facts = covered.to_dict()
    assert (facts["new_templates"], facts["new_templates_compared"]) == (3, 2)
    assert "3 templates are new" in str(covered.not_compared)
    contents = contents_of("log", read.dataset, sessions=3, anomalies=[], incidents=[], coverage=facts)
    assert "for the 2 most frequent" in index_html(contents, "en")
    assert "2개만 비교" in index_html(contents, "ko")
