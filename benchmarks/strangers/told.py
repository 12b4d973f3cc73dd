"""Whether an incident tells of a fault."""

import re
from collections.abc import Sequence

from isang.detection.incidents import Incident

ATTENTION = 5
"""So many incidents a person reads."""


def told(incidents: Sequence[Incident], telling: str) -> int | None:
    """The place of the first incident that tells of a fault, from 1; None where none of the first does."""
    for place, one in enumerate(incidents[:ATTENTION], 1):
        says = [one.title, *(str(reason.get("says", "")) for reason in one.reasons)]
        lines = [str(reason["line"]["text"]) for reason in one.reasons if reason.get("line")]
        if any(re.search(telling, text) for text in (*says, *lines)):
            return place
    return None


def show(head: str, incidents: Sequence[Incident]) -> None:
    """The incidents, for whoever looks why."""
    print(f"    {head}") if head else None
    for one in incidents[:ATTENTION]:
        print(f"    [{one.severity}] {one.title[:150]} | {[reason['detector'] for reason in one.reasons[:3]]}")
