"""What each stage prints: results as a few lines of text for people."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from isang.files import to_json
from isang.logs.store import Dataset

if TYPE_CHECKING:
    from isang.logs.preview import Preview
    from isang.stages import Finished, Trained

SHOWN_GROUPS = 4
SHOWN_TEMPLATES = 3
SHOWN_CHARACTERS = 140
LOSSES = {
    "continued": "continue the line before",
    "without_key": "without a session key",
    "not_matched": "not in the layout",
    "not_decoded": "with bytes that are no text",
    "cut": "cut for their length",
    "sessions_cut": "sessions cut for their length",
}
"""Counts of `meta.json` that a person should see where they are not zero."""


def of_dataset(dataset: Dataset) -> str:
    """Lines, templates and sessions, the session rule, the labels, and what was lost on the way."""
    meta = dataset.meta
    files = len(meta["sources"])
    lines = [
        f"{meta['lines']:,} lines in {files:,} {'file' if files == 1 else 'files'} → {meta['templates']:,} templates → "
        f"{meta['sessions']:,} sessions{_period(meta['start'], meta['end'])}",
        f"sessions: {meta['session_rule']['reason']}",
    ]
    if meta["labels"]:
        labels = meta["labels"]
        unknown = f", {labels['sessions_without_label']:,} unlabelled" if labels["sessions_without_label"] else ""
        lines.append(f"labels: {labels['anomalous']:,} of {labels['labelled']:,} sessions anomalous{unknown}")
    lost = [f"{meta[name]:,} {words}" for name, words in LOSSES.items() if meta[name]]
    if lost:
        lines.append(f"not every line is an event of its own: {', '.join(lost)}")
    return "\n".join(lines)


def of_preview(seen: "Preview") -> str:
    """How each source would be read, its first lines, the session rule and the first templates."""
    lines = [f"{name}: {layout}; {times}" for name, layout, times in seen.sources]
    lines += ["", "first lines, as read:"]
    for source, number, time, level, message in seen.records.rows():
        when = "no time" if time is None else f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        first = message.partition("\n")[0]
        lines.append(f"  {source}:{number}  {when}  {level or '-':<7}  {first[:SHOWN_CHARACTERS]}")
    lines += ["", f"sessions: {seen.rule.reason}"]
    if seen.rule.pattern is not None:
        lines.append(f"  key: {seen.rule.pattern}")
    lines += ["", "first templates:", *(f"  {template[:SHOWN_CHARACTERS]}" for template in seen.templates)]
    return "\n".join([*lines, "", "nothing was written; --out DATA writes the dataset"])


def of_training(trained: "Trained") -> str:
    """The outcome of a training run and where its report is."""
    return (
        f"trained for {trained.steps:,} steps; best validation loss {trained.best_validation_loss:.4f} nats per masked "
        f"event, in epoch {trained.best_epoch}\n"
        f"model:  {trained.folder / 'model'}\n"
        f"report: {trained.folder / 'report' / 'report.html'}"
    )


def of_reports(reports: Sequence[Any], language: Literal["en", "ko"] | None, *, as_json: bool, series: bool) -> str:
    """The reports as a screenful each, as one JSON document, or the series that the logs hold."""
    from isang.runs.report import default_language, report_json, summary

    if series:
        return "\n".join(
            f"{report.table.name}: {name}  {count:,} values"
            for report in reports
            for name, count in report.table.series.items()
        )
    if as_json:
        documents = [report_json(report) for report in reports]
        return to_json(documents[0] if len(documents) == 1 else {"schema": 1, "runs": documents}).rstrip("\n")
    return "\n\n".join(summary(report, language or default_language()) for report in reports)


def of_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Quality with intervals beside the baselines, or why it is not measured, and how the alert budget held."""
    sessions, budget = evaluation["sessions"], evaluation["budget"]
    lines = [
        f"{sessions['evaluated']:,} sessions after the training period, {sessions['labelled']:,} labelled, "
        f"{sessions['anomalous']:,} of them anomalous; {sessions['flagged']:,} flagged"
    ]
    if evaluation["measured"]:
        lines += ["", f"{'':<16}{'precision':>10}{'recall':>10}{'F1':>10}{'accuracy':>10}{'avg. prec.':>12}"]
        lines.append(_quality("isang", evaluation["metrics"]))
        lines.append(_interval("  95 % from", evaluation["metrics"], "low"))
        lines.append(_interval("  to", evaluation["metrics"], "high"))
        lines += [_quality(f"  {part['name']}", part["metrics"]) for part in evaluation["detectors"]]
        lines += [_quality(part["name"], part["metrics"]) for part in evaluation["baselines"]]
        lines.append("")
    else:
        lines.append(f"quality is not measured: {evaluation['why_not_measured']}")
    lines.append(_budget(budget, evaluation["measured"]))
    planted = [
        f"{part['kind'].replace('_', ' ')} {100 * part['found']['value']:.0f} %"
        for part in evaluation["planted"]
        if part["planted"]
    ]
    if planted:
        lines.append(f"of anomalies that isang planted into later sessions, it finds: {', '.join(planted)}")
    return "\n".join(lines)


def of_anomalies(records: Sequence[Mapping[str, Any]], most: int | None = None) -> str:
    """Each group of like anomalies by its strangest one, the strangest group first; at most `most` groups."""
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record)
    shown = [_group(members) for members in list(groups.values())[:most]]
    if most is not None and len(groups) > most:
        shown.append(f"and {len(groups) - most:,} more kinds")
    return "\n\n".join(shown)


def of_anomaly(record: Mapping[str, Any]) -> str:
    """One anomaly while it is followed: whole where it is the first of its group, else one line."""
    if record["group_size"] == 1:
        return _group([record]) + "\n"
    when = f"  {record['start'][:19].replace('T', ' ')}" if record["start"] else ""
    return f"{record['session_id']}{when}  like group {record['group']}, number {record['group_size']:,} of its kind"


def _group(members: Sequence[Mapping[str, Any]]) -> str:
    record, others = members[0], len(members) - 1
    when = f"  {record['start'][:19].replace('T', ' ')}" if record["start"] else ""
    training = "  (within the training period)" if record["in_training_period"] else ""
    like = f"  and {others:,} like it" if others else ""
    score = f"score {record['score']:.1f}, alert from {record['threshold']:.1f}"
    lines = [f"{record['session_id']}{when}  {score}{training}{like}"]
    for reason in record["reasons"]:
        lines.append(f"  {reason['says']}" + (f" ({reason['times']} times)" if "times" in reason else ""))
        lines += _raw_line(reason["line"], lines)
        lines += [
            f"    expected ({100 * item['probability']:.0f} %): {item['template'][:SHOWN_CHARACTERS]}"
            for item in reason.get("expected", ())[:1]
        ]
        lines += [
            f"    missing: {item['count']} x {item['template'][:SHOWN_CHARACTERS]}"
            for item in reason.get("missing", ())[:SHOWN_TEMPLATES]
        ]
        for item in reason.get("extra", ())[:SHOWN_TEMPLATES]:
            lines.append(f"    too many by {item['count']}: {item['template'][:SHOWN_CHARACTERS]}")
            lines += _raw_line(item["line"], lines)
    return "\n".join(lines)


def _raw_line(line: Mapping[str, Any] | None, shown: Sequence[str]) -> list[str]:
    """The line with its place, unless there is none or it is shown already."""
    if line is None:
        return []
    text = line["text"].partition("\n")[0][:SHOWN_CHARACTERS]
    raw = f"    {line['source']}:{line['number']}: {text}"
    return [] if raw in shown else [raw]


def of_run(finished: "Finished") -> str:
    """What was found, the measured quality, and where the report is."""
    anomalies = finished.detected.anomalies
    lines = [of_dataset(finished.dataset), "", of_evaluation(finished.evaluation), ""]
    lines.append(f"{len(anomalies):,} of {finished.detected.sessions:,} sessions are anomalous")
    if anomalies:
        lines += ["", of_anomalies(anomalies, SHOWN_GROUPS)]
    lines += [
        "",
        f"all anomalies: {finished.folder / 'anomalies.jsonl'}",
        f"model:         {finished.folder / 'run' / 'model'}",
        f"report:        {finished.folder / 'run' / 'report' / 'report.html'}",
    ]
    return "\n".join(lines)


def _period(start: str | None, end: str | None) -> str:
    if start is None or end is None:
        return ", without a clock"
    return f", {start[:16].replace('T', ' ')} to {end[:16].replace('T', ' ')} UTC"


def _quality(name: str, metrics: Mapping[str, Any]) -> str:
    return f"{name:<16}" + _cells(metrics, "value")


def _interval(name: str, metrics: Mapping[str, Any], bound: str) -> str:
    return f"{name:<16}" + _cells(metrics, bound)


def _cells(metrics: Mapping[str, Any], bound: str) -> str:
    names = ("precision", "recall", "f1", "accuracy")
    cells = "".join(f"{_number(metrics[name][bound]):>10}" for name in names)
    return cells + f"{_number(metrics['average_precision'][bound]):>12}"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _budget(budget: Mapping[str, Any], measured: bool) -> str:
    found = budget["false_alarms_per_thousand"] if measured else budget["alerts_per_thousand"]
    what = "false alarms" if measured else "alerts (true and false: there are no labels)"
    seen = "no later session is labelled normal, so what was found is unknown"
    if found["value"] is not None:
        interval = f"(95 %: {found['low']:.1f} to {found['high']:.1f})"
        seen = f"{found['value']:.1f} {what} per 1,000 later sessions found {interval}"
    lines = [f"alert budget: {budget['asked_per_thousand']:g} per 1,000 normal sessions asked for; {seen}"]
    if budget["extrapolated"]:
        lines.append(
            f"  {budget['calibration_sessions']:,} calibration sessions support a budget of "
            f"{budget['supported_per_thousand']:.1f} per 1,000; below that the threshold is extrapolated"
        )
    return "\n".join(lines)
