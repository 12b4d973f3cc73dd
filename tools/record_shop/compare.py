"""Whether two recordings of one seed agree: `python tools/record_shop/compare.py FOLDER FOLDER`.

They must have the same schedule, and the same truth by journey: whether it met a fault, and which. Times differ.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Agreement:
    same_schedule: bool
    journeys: int
    differing: dict[str, tuple[str, str]]
    """Journey to the faults that it met in the one and in the other, where these differ."""


def compare(one: Path, other: Path) -> Agreement:
    """Compare two recording folders."""
    same = (one / "plan.json").read_bytes() == (other / "plan.json").read_bytes()
    first, second = truth_by_journey(one / "requests.csv"), truth_by_journey(other / "requests.csv")
    both = first.keys() | second.keys()
    pairs = {journey: (first.get(journey, "absent"), second.get(journey, "absent")) for journey in both}
    return Agreement(same, len(both), {journey: pair for journey, pair in pairs.items() if pair[0] != pair[1]})


def truth_by_journey(requests: Path) -> dict[str, str]:
    """Each journey's faults, joined by a space; empty where it met none."""
    met: dict[str, set[str]] = {}
    with requests.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            met.setdefault(row["journey"], set()).update({row["fault"]} - {""})
    return {journey: " ".join(sorted(faults)) for journey, faults in met.items()}


def main() -> int:
    found = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"schedule: {'the same' if found.same_schedule else 'DIFFERENT'}")
    print(f"truth: {found.journeys - len(found.differing)} of {found.journeys} journeys agree")
    for journey, (one, other) in sorted(found.differing.items(), key=lambda item: int(item[0])):
        print(f"  journey {journey}: {one or 'no fault'} / {other or 'no fault'}")
    return int(not found.same_schedule or bool(found.differing))


if __name__ == "__main__":
    sys.exit(main())
