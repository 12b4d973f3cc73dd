"""What to do first: the problems of a run in the order in which they are worth attending to."""

from collections.abc import Sequence

from isang.runs.finding import Finding

ORDER = (
    "finite", "decreasing", "divergence", "schedule", "restarts", "start_loss", "stability", "spikes", "overfitting",
    "convergence", "stopping_point", "throughput", "measured_quality", "normal_sessions",
)  # fmt: skip
"""A broken run comes before a badly planned one, that before one that could be better, and that before a slow one."""
BROKEN = ("finite", "decreasing", "divergence")
SETTLED_BY: dict[str, tuple[str, ...]] = {
    "restarts": ("schedule",),
    "start_loss": BROKEN,
    "stability": BROKEN,
    "spikes": BROKEN,
    "overfitting": BROKEN,
    "convergence": (*BROKEN, "overfitting", "schedule"),
    "stopping_point": (*BROKEN, "overfitting", "schedule"),
}
"""Problems whose advice is moot if one of these is a problem: they are symptoms of it, or resolve with it."""


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """The problems, the most urgent first; findings of plug-ins come last."""
    problems = [finding for finding in findings if finding.verdict == "problem"]
    return sorted(problems, key=lambda found: ORDER.index(found.id) if found.id in ORDER else len(ORDER))


def first_things(findings: Sequence[Finding]) -> list[Finding]:
    """The ranked problems that have something to try which no other one makes pointless."""
    problems = ranked(findings)
    ids = {finding.id for finding in problems}
    return [found for found in problems if found.remedy and not ids & set(SETTLED_BY.get(found.id, ()))]
