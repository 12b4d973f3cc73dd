"""Text summaries of logs that were read."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isang.formatting import joined
from isang.summaries.layout import SHOWN_CHARACTERS, period

if TYPE_CHECKING:
    from isang.logs.preview import Preview

LOSSES = {
    "continued": "continue the line before",
    "without_key": "without a session key",
    "not_matched": "not in the layout",
    "not_decoded": "with bytes that are no text",
    "cut": "cut for their length",
    "sessions_cut": "sessions cut for their length",
}
"""Counts in `meta.json` that are shown unless they are zero."""


def of_dataset(meta: Mapping[str, Any]) -> str:
    """Lines, templates and sessions, the session rule, the labels, and what was lost on the way."""
    files = len(meta["sources"])
    lines = [
        f"{meta['lines']:,} lines in {files:,} {'file' if files == 1 else 'files'} → {meta['templates']:,} templates → "
        f"{meta['sessions']:,} sessions{period(meta['start'], meta['end'])}",
        f"sessions: {meta['session_rule']['reason']}",
    ]
    if meta["labels"]:
        labels = meta["labels"]
        unknown = f", {labels['sessions_without_label']:,} unlabelled" if labels["sessions_without_label"] else ""
        lines.append(f"labels: {labels['anomalous']:,} of {labels['labelled']:,} sessions anomalous{unknown}")
    if meta.get("redacted"):
        found = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in meta["redacted"].items())
        lines.append(f"secrets in different messages were replaced: {found}")
    lost = [f"{meta[name]:,} {words}" for name, words in LOSSES.items() if meta[name]]
    if lost:
        lines.append(f"not every line is an event of its own: {', '.join(lost)}")
    return joined(lines)


def of_preview(seen: "Preview") -> str:
    """How each source would be read, its first lines, the session rule and the first templates."""
    lines = [f"{name}: {layout}; {times}" for name, layout, times in seen.sources]
    lines += [f"  doubt: {doubt}" for doubt in seen.doubts]
    lines += ["", "first lines, as read:"]
    for source, number, time, level, message in seen.records.rows():
        when = "no time" if time is None else f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        first = message.partition("\n")[0]
        lines.append(f"  {source}:{number}  {when}  {level or '-':<7}  {first[:SHOWN_CHARACTERS]}")
    lines += ["", f"sessions: {seen.rule.reason}"]
    if seen.rule.pattern is not None:
        lines.append(f"  key: {seen.rule.pattern}")
    lines += ["", "first templates:", *(f"  {template[:SHOWN_CHARACTERS]}" for template in seen.templates)]
    return joined([*lines, "", "nothing was written; --out DATA writes the dataset"])
