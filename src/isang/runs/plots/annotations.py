"""Where the findings point on the curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isang.runs.findings import Finding, Verdict


@dataclass(frozen=True)
class Mark:
    """What a finding points at: single steps, or the stretch from the first to the last of them."""

    finding: str
    verdict: Verdict
    steps: tuple[int, ...]
    stretch: bool


STRETCHES: Mapping[str, Sequence[tuple[str, str]]] = {
    "divergence": (("lowest_around_step", "last_step"),),
    "convergence": (("first_step", "last_step"),),
    "schedule": (("rises_again_at", "last_step"), ("zero_tail_from_step", "last_step")),
    "overfitting": (("best_step", "last_step"),),
    "stability": (("first_step", "last_step"),),
}
"""For findings about a stretch of the run: the names of its ends in the evidence, the first pair that is there."""
POINTS: Mapping[str, tuple[str, str]] = {
    "spikes": ("spikes", "step"),
    "throughput": ("stalls", "step"),
    "restarts": ("restarts", "step_after"),
    "finite": ("series", "first_step"),
}
"""For findings about single steps: the list in the evidence that holds them, and their name in it."""

ALWAYS_MARKED = ("spikes", "restarts")
"""Findings whose steps are marked even if they are not a problem."""


def marks_of(findings: Sequence[Finding], last_step: int) -> tuple[Mark, ...]:
    """Stretches and single steps of problems, and every spike and restart, in the order of the findings.

    A stretch without an end in its evidence extends to `last_step`.
    """
    marks = []
    for finding in findings:
        steps = _single_steps(finding)
        if steps and (finding.verdict == "problem" or finding.id in ALWAYS_MARKED):
            marks.append(Mark(finding.id, finding.verdict, steps, stretch=False))
        elif finding.verdict == "problem" and (ends := _ends(finding, last_step)) is not None:
            marks.append(Mark(finding.id, finding.verdict, ends, stretch=True))
    return tuple(marks)


def cited_steps(evidence: Any, name: str = "") -> Iterator[int]:
    """Every step that evidence names: whole numbers under a name with `step` in it, at any depth.

    Counts of steps come along; to keep a point too many in a picture does no harm.
    """
    if isinstance(evidence, Mapping):
        for key, inner in evidence.items():
            yield from cited_steps(inner, str(key))
    elif isinstance(evidence, list | tuple):
        for inner in evidence:
            yield from cited_steps(inner, name)
    elif isinstance(evidence, int) and not isinstance(evidence, bool) and "step" in name:
        yield evidence


def _single_steps(finding: Finding) -> tuple[int, ...]:
    listed, name = POINTS.get(finding.id, ("", ""))
    found = finding.evidence.get(listed) or ()
    return tuple(sorted({entry[name] for entry in found if isinstance(entry.get(name), int)}))


def _ends(finding: Finding, last_step: int) -> tuple[int, int] | None:
    for first, last in STRETCHES.get(finding.id, ()):
        start, end = finding.evidence.get(first), finding.evidence.get(last)
        if isinstance(start, int):
            return start, end if isinstance(end, int) and end > start else max(start, last_step)
    return None
