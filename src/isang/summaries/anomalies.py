"""Text summaries of anomalous sessions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isang.formatting import joined
from isang.summaries.layout import SHOWN_CHARACTERS, SHOWN_TEMPLATES, raw_line

if TYPE_CHECKING:
    pass


def of_anomalies(records: Sequence[Mapping[str, Any]]) -> str:
    """Each group of similar anomalies by its most unusual one, the most unusual group first."""
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record)
    return "\n\n".join(_group(members) for members in groups.values())


def of_anomaly(record: Mapping[str, Any]) -> str:
    """One anomaly while logs are followed: in full if it is the first of its group, else one line."""
    if record["group_size"] == 1:
        return _group([record]) + f"\n  the session: {record['ended']}\n"
    when = f"  {record['start'][:19].replace('T', ' ')}" if record["start"] else ""
    like = f"like group {record['group']}, number {record['group_size']:,} of its kind"
    return joined([f"{record['session_id']}{when}  {like}"])


def _group(members: Sequence[Mapping[str, Any]]) -> str:
    record, others = members[0], len(members) - 1
    when = f"  {record['start'][:19].replace('T', ' ')}" if record["start"] else ""
    training = "  (within the training period)" if record["in_training_period"] else ""
    like = f"  and {others:,} like it" if others else ""
    score = f"score {record['score']:.1f}, alert from {record['threshold']:.1f}"
    lines = [f"{record['session_id']}{when}  {score}{training}{like}"]
    said: dict[str, list[Mapping[str, Any]]] = {}
    for reason in record["reasons"]:
        said.setdefault(reason["says"], []).append(reason)
    for says, reasons in said.items():
        rarity = reasons[0]["as_high"]
        lines.append(f"  {says} ({rarity['normal_sessions']:,} of {rarity['of']:,} normal sessions score as high)")
        for reason in reasons:
            lines += _reason(reason, lines)
    return joined(lines)


def _reason(reason: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    """The lines of a reason, below what it says."""
    lines = raw_line(reason["line"], shown, times=reason.get("times", 1))
    lines += raw_line(reason.get("since"), [*shown, *lines])
    if reason.get("expected"):
        likely = reason["expected"][0]
        lines.append(f"    expected ({100 * likely['probability']:.0f} %): {likely['template'][:SHOWN_CHARACTERS]}")
    lines += [
        f"    missing: {item['count']} x {item['template'][:SHOWN_CHARACTERS]}"
        for item in reason.get("missing", ())[:SHOWN_TEMPLATES]
    ]
    for item in reason.get("extra", ())[:SHOWN_TEMPLATES]:
        lines.append(f"    too many by {item['count']}: {item['template'][:SHOWN_CHARACTERS]}")
        lines += raw_line(item["line"], [*shown, *lines])
    return lines
