"""Alerts then and now as text for people."""

from collections.abc import Sequence

from isang.detection.reproduction.again import Reproduced, said

SHOWN = 10
REASONS = 5


def of_reproduced(found: Sequence[Reproduced]) -> list[str]:
    """Each alert with its score and reasons then and now, and what differs."""
    lines = []
    for one in found[:SHOWN]:
        lines.append(f"session {one.then['session_id']}, {one.then['start'] or 'without a clock'}")
        lines.append(
            f"  score      {one.then['score']:.4g} then, {one.score:.4g} now; "
            f"anomalous from {one.then['threshold']:.4g} then, {one.threshold:.4g} now"
        )
        lines += [f"  because    {reason['detector']}: {reason['says']}" for reason in said(one.then)[:REASONS]]
        lines += [f"  differs    {what}" for what in one.differences]
        lines += [f"  note       {what}" for what in one.about]
        lines.append("  reproduced: the same score and the same reasons" if not one.differences else "  not reproduced")
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN:,} more sessions")
    if len(found) > 1:
        same = sum(not one.differences for one in found)
        lines.append(f"{same:,} of {len(found):,} sessions were reproduced")
    return lines
