"""The truth about every request: what differed from the plan, and whether a fault was the cause.

The rule. A request deviates when one of these differs from its journey's plan:
`status` what the customer was answered; `steps` what the services did for it, by their own word to the generator (not
in any log); `delay` it took longer than its kind of request may (1 s; 3.5 s where the bank is known to need more
than one attempt); `effect` what the database holds of a confirmed order at the end: one reservation for each product
that is not digital, made before the charge, or after it for an express order. A request is anomalous when it deviates
and its time overlaps a fault's, up to `SETTLE_SECONDS` after the repair. Requests that a fault itself sends (`sent`)
are anomalous too.
"""

import csv
import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from journeys import matches
from plan import PAUSE_SECONDS, Plan, fault_at
from traffic import Outcome

SETTLE_SECONDS = 6.0
COLUMNS = (
    "request_id", "journey", "journey_kind", "step", "start", "status", "expected", "deviation", "anomalous", "fault",
)  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """What the database holds of an order."""

    reserved: int
    charged_first: bool


EFFECTS = """
    SELECT o.request_id, count(r.order_id), coalesce(bool_or(r.reserved_at > c.charged_at), false)
    FROM orders o LEFT JOIN reservations r ON r.order_id = o.id LEFT JOIN charges c ON c.order_id = o.id
    WHERE o.state IN ('CONFIRMED', 'CANCELLED') GROUP BY o.request_id
"""


def deviations(outcome: Outcome, effects: Mapping[str, Effect]) -> list[str]:
    """What differed from the plan, by the rule above."""
    step = outcome.step
    if step.name == "scan":
        return ["sent"]
    found = []
    if outcome.status != step.status:
        found.append("status")
    if not matches(step, outcome.steps):
        found.append("steps")
    if 1000 * (outcome.end - outcome.begin) > step.limit_ms:
        found.append("delay")
    if step.reserved is not None and outcome.status == step.status:
        effect = effects.get(outcome.request_id)
        if effect != Effect(step.reserved, step.charged_first):
            found.append("effect")
    return found


def rows(plan: Plan, started: float, outcomes: Iterable[Outcome], effects: Mapping[str, Effect]) -> list[list[str]]:
    """One row of requests.csv for each request, in the order of their start."""
    made = []
    for outcome in sorted(outcomes, key=lambda outcome: outcome.begin):
        found = deviations(outcome, effects)
        fault = fault_at(plan, outcome.begin, outcome.end, SETTLE_SECONDS) if found else None
        kind = "invalid_burst" if found == ["sent"] else fault.kind if fault else ""
        expected = str(outcome.step.status) if outcome.step.status else ""
        made.append([
            outcome.request_id, str(outcome.journey.number), outcome.journey.kind, outcome.step.name,
            moment(started + outcome.begin), str(outcome.status), expected, "+".join(found),
            "true" if kind else "false", kind,
        ])  # fmt: skip
    return made


def write(folder: Path, plan: Plan, started: float, made: list[list[str]]) -> None:
    """requests.csv and faults.csv."""
    _write_csv(folder / "requests.csv", COLUMNS, made)
    faults = [
        [fault.kind, moment(started + plan.clock(fault.start) - PAUSE_SECONDS),
         moment(started + plan.clock(fault.end)), fault.service]
        for fault in plan.faults
    ]  # fmt: skip
    _write_csv(folder / "faults.csv", ("kind", "start", "end", "service"), faults)


def moment(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write_csv(path: Path, columns: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)
