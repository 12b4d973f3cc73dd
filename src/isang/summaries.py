"""What each stage prints: results as a few lines of text for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isang.files import to_json
from isang.formatting import joined

if TYPE_CHECKING:
    from isang.detection.comparison.compare import Comparison
    from isang.detection.feedback.answers import Answer
    from isang.detection.feedback.desk import Given
    from isang.detection.incidents import Incident
    from isang.logs.preview import Preview
    from isang.stages import Detected, Finished, Trained
    from isang.training.lr_range_test import RateTest

SHOWN_INCIDENTS = 6
SHOWN_DIFFERENCES = 10
SHOWN_NEVER_SEEN = 5
SHOWN_LINES = 2
"""Raw lines below an incident."""
SHOWN_TEMPLATES = 3
SHOWN_CHARACTERS = 140
AS_GOOD = 0.005
"""A simple rule whose F1 is no further below does as well."""
TOO_COARSE = 100.0
"""A detector whose calibration supports no lower budget than this, per 1,000 sessions, has seen too few of them."""
LOSSES = {
    "continued": "continue the line before",
    "without_key": "without a session key",
    "not_matched": "not in the layout",
    "not_decoded": "with bytes that are no text",
    "cut": "cut for their length",
    "sessions_cut": "sessions cut for their length",
}
"""Counts of `meta.json` that a person should see where they are not zero."""


def of_dataset(meta: Mapping[str, Any]) -> str:
    """Lines, templates and sessions, the session rule, the labels, and what was lost on the way."""
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


def of_training(trained: "Trained") -> str:
    """The outcome of a training run and where its report is."""
    if trained.best_validation_loss is None:
        return f"fitted without an encoder: the statistical detectors judge alone\nmodel:  {trained.folder / 'model'}"
    return (
        f"trained for {trained.steps:,} steps; best validation loss {trained.best_validation_loss:.4f} nats per masked "
        f"event, in epoch {trained.best_epoch}\n"
        f"model:  {trained.folder / 'model'}\n"
        f"report: {trained.folder / 'report' / 'report.html'}"
    )


def of_series(found: Sequence[tuple[str, Mapping[str, int]]], *, as_json: bool) -> str:
    """The series that each log holds, with their numbers of values."""
    if as_json:
        runs = [{"name": name, "series": dict(series)} for name, series in found]
        return to_json({"schema": 1, "runs": runs}).rstrip("\n")
    return joined(f"{name}: {entry}  {count:,} values" for name, series in found for entry, count in series.items())


def of_rates(test: "RateTest", folder: Path) -> str:
    """The loss over the learning rate in a dozen lines, and the rate to train with."""
    top = max(test.smoothed)
    every = max(1, len(test.rates) // 12)
    lines = ["learning rate   smoothed loss"]
    for rate, loss in zip(test.rates[::every], test.smoothed[::every], strict=True):
        lines.append(f"{rate:13.2e}   {loss:13.4f}  {'#' * round(40 * loss / top)}")
    if test.diverged:
        lines.append(f"beyond {test.rates[-1]:.2e} the loss runs away")
    return "\n".join(
        [
            *lines,
            f"suggested: --learning-rate {test.suggestion:.1e}, a tenth of the rate at which the loss was lowest",
            f"nothing was trained; the whole curve is in {folder / 'learning_rates.json'}",
        ]
    )


def of_reports(reports: Sequence[Any], language: Literal["en", "ko"] | None, *, as_json: bool) -> str:
    """The reports as a screenful each, or as one JSON document."""
    from isang.runs.report.report import default_language, report_json, summary
    from isang.runs.text.comparing import comparison_lines

    if as_json:
        documents = [report_json(report) for report in reports]
        return to_json(documents[0] if len(documents) == 1 else {"schema": 1, "runs": documents}).rstrip("\n")
    chosen = language or default_language()
    said = [summary(report, chosen) for report in reports]
    if len(reports) > 1:
        said.append("\n".join(comparison_lines(reports, chosen)))
    return "\n\n".join(said)


def of_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Quality beside the baselines, or why it is not measured; the alert budget, drift, and what was planted."""
    sessions = evaluation["sessions"]
    lines = [
        f"{sessions['evaluated']:,} sessions after the training period, {sessions['labelled']:,} labelled, "
        f"{sessions['anomalous']:,} of them anomalous; {sessions['flagged']:,} flagged"
    ]
    if evaluation["measured"]:
        lines += ["", *_quality_table(evaluation), "", *_confusion(evaluation["counts"]), ""]
        lines += [*_kinds(evaluation["kinds"]), *_in_time(evaluation)]
    else:
        lines.append(f"quality is not measured: {evaluation['why_not_measured']}")
    lines += _budget(evaluation)
    lines.append(f"drift: {evaluation['drift']['says']}")
    lines += _rewordings(evaluation["rewordings"])
    return joined(lines + _planted(evaluation["planted"]) + _choice(evaluation.get("choice")))


def of_incidents(incidents: Sequence["Incident"], most: int | None = None, raw_lines: int = SHOWN_LINES) -> str:
    """Each incident with up to `raw_lines` that tell of it, the most severe first; at most `most`."""
    shown = [_incident(incident, raw_lines) for incident in incidents[:most]]
    if most is not None and len(incidents) > most:
        shown.append(f"and {len(incidents) - most:,} more incidents")
    return "\n".join(shown)


def _incident(incident: "Incident", raw_lines: int) -> str:
    lines = [f"{incident.severity:<9}{incident.title}  [{incident.fingerprint}]"]
    for reason in incident.reasons:
        for line in _raw_line(reason["line"], lines):
            if len(lines) <= raw_lines:
                lines.append(line)
    return joined(lines)


def of_comparison(found: "Comparison", *, as_json: bool) -> str:
    """What bad logs have that good ones have not, and, one line each, what good ones differ in too."""
    from isang.detection.incidents import document

    if as_json:
        rest = {"differences": [difference.to_dict() for difference in found.differences]}
        facts: dict[str, Any] = {"good": list(found.good), "bad": list(found.bad), "lines": list(found.lines)}
        facts |= {"score": found.score, "verdict": _verdict(found)}
        return to_json(document(found.incidents) | rest | facts).rstrip("\n")
    logs = f"{len(found.good):,} good {'log' if len(found.good) == 1 else 'logs'}"
    head = f"{found.lines[1]:,} lines against {found.lines[0]:,} of {logs}, {found.templates:,} templates"
    count = len(found.incidents)
    parts = [
        head,
        f"{count:,} {'incident' if count == 1 else 'incidents'}" if count else "no incident: as good logs do",
    ]
    if count:
        parts.append(of_incidents(found.incidents))
    if found.verdict is not None:
        parts.append(found.verdict.says)
    if found.differences:
        rest_lines = [f"  {incident.title}" for incident in found.differences[:SHOWN_DIFFERENCES]]
        more = len(found.differences) - SHOWN_DIFFERENCES
        rest_lines += [f"  and {more:,} more"] if more > 0 else []
        parts.append("\n".join(["smaller differences, such as there are by chance too:", *rest_lines]))
    return "\n\n".join(parts)


def _verdict(found: "Comparison") -> dict[str, Any] | None:
    if found.verdict is None:
        return None
    verdict = found.verdict
    return {
        "verdict": verdict.verdict,
        "p_value": verdict.p_value,
        "score": verdict.score,
        "good_scores": list(verdict.good_scores),
        "says": verdict.says,
        "says_ko": verdict.says_ko,
    }


def of_silenced(silenced: Sequence["Incident"], measured: Mapping[str, Any] | None) -> list[str]:
    """What answers silence and measure, see words.py."""
    from isang.detection.feedback import words

    return words.of_silenced(silenced, measured)


def of_feedback(given: "Given", *, as_json: bool) -> str:
    """What an answer did, or would do."""
    from isang.detection.feedback import words

    if as_json:
        value = {"schema": 1, "feedback": given.answer.to_dict(), "accepted": given.accepted, "effect": given.effect}
        return to_json(value).rstrip("\n")
    return joined(words.of_given(given))


def of_answers(answers: Sequence["Answer"], file: Path, *, as_json: bool) -> str:
    """The answers in effect."""
    from isang.detection.feedback import words

    if as_json:
        return to_json({"schema": 1, "feedback": [answer.to_dict() for answer in answers]}).rstrip("\n")
    return joined(words.of_answers(answers, str(file)))


def of_detected(detected: "Detected") -> str:
    """The incidents first, below them the sessions, and how many of each there are."""
    found = f"{len(detected.anomalies):,} of {detected.sessions:,} sessions are anomalous"
    if detected.coverage.get("verdict") == "cannot_tell":
        found = (
            f"cannot tell: of {detected.coverage['lines']:,} lines {detected.coverage['known_lines']:,} are like lines "
            f"of the training period; these logs are of another program, train on logs of this one"
        )
    elif detected.whole is not None:
        found += f"\n{detected.whole.says}"
    new = of_never_seen(detected.never_seen)
    parts = [joined(new)] if new else []
    told = [record for record in detected.anomalies if not record.get("smaller")]
    if detected.incidents:
        count = len(detected.incidents)
        heads = f"{count:,} {'incident' if count == 1 else 'incidents'}:"
        sessions = ["sessions:", of_anomalies(told)] if told else []
        parts = [heads, of_incidents(detected.incidents), *sessions, *parts]
    smaller, quiet = of_smaller(detected), of_silenced(detected.silenced, detected.false_alarms())
    return "\n\n".join([*parts, *(joined(lines) for lines in (smaller, quiet) if lines), found])


def of_smaller(detected: "Detected") -> list[str]:
    """What is strange by itself, but such as normal stretches have too, one line each."""
    if not detected.smaller:
        return []
    lines = [f"  {incident.title}" for incident in detected.smaller[:SHOWN_DIFFERENCES]]
    more = len(detected.smaller) - SHOWN_DIFFERENCES
    lines += [f"  and {more:,} more"] if more > 0 else []
    return ["smaller, such as normal stretches of this log have too:", *lines]


def of_never_seen(never_seen: Sequence[Mapping[str, Any]]) -> list[str]:
    """The loudest templates that no training session has, each with its number and its first line."""
    if not never_seen:
        return []
    count = len(never_seen)
    lines = [f"never seen in training: {count:,} {'kind' if count == 1 else 'kinds'} of lines, the loudest first:"]
    for entry in never_seen[:SHOWN_NEVER_SEEN]:
        first, times = entry["first"], f"{entry['count']:,} {'line' if entry['count'] == 1 else 'lines'}"
        lines.append(f"  {entry['level'] or entry['loudness']}, {times}, first {first['source']}:{first['number']}")
        lines.append(f"    {first['text'][:SHOWN_CHARACTERS]}")
    more = count - SHOWN_NEVER_SEEN
    return [*lines, f"  and {more:,} more"] if more > 0 else lines


def of_anomalies(records: Sequence[Mapping[str, Any]]) -> str:
    """Each group of like anomalies by its strangest one, the strangest group first."""
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record)
    return "\n\n".join(_group(members) for members in groups.values())


def of_anomaly(record: Mapping[str, Any]) -> str:
    """One anomaly while it is followed: whole where it is the first of its group, else one line."""
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
    lines = _raw_line(reason["line"], shown, times=reason.get("times", 1))
    lines += _raw_line(reason.get("since"), [*shown, *lines])
    if reason.get("expected"):
        likely = reason["expected"][0]
        lines.append(f"    expected ({100 * likely['probability']:.0f} %): {likely['template'][:SHOWN_CHARACTERS]}")
    lines += [
        f"    missing: {item['count']} x {item['template'][:SHOWN_CHARACTERS]}"
        for item in reason.get("missing", ())[:SHOWN_TEMPLATES]
    ]
    for item in reason.get("extra", ())[:SHOWN_TEMPLATES]:
        lines.append(f"    too many by {item['count']}: {item['template'][:SHOWN_CHARACTERS]}")
        lines += _raw_line(item["line"], [*shown, *lines])
    return lines


def _raw_line(line: Mapping[str, Any] | None, shown: Sequence[str], times: int = 1) -> list[str]:
    """The line with its place, unless there is none or it is shown already."""
    if line is None:
        return []
    text = line["text"].partition("\n")[0][:SHOWN_CHARACTERS]
    raw = f"    {line['source']}:{line['number']}: {text}"
    if any(line.startswith(raw) for line in shown):
        return []
    return [raw if times == 1 else f"{raw}  ({times} lines like it)"]


def of_run(finished: "Finished", *, verbose: bool = False) -> str:
    """How the logs were read, the incidents, the quality and where to look, in about 25 lines; more if `verbose`."""
    if finished.halves is not None:
        return _of_small_run(finished)
    detected, evaluation = finished.detected, finished.evaluation
    count = len(detected.incidents)
    found = f"{len(detected.anomalies):,} of {detected.sessions:,} sessions are anomalous"
    if count:
        severities = Counter(incident.severity for incident in detected.incidents)
        by_severity = ", ".join(f"{number} {name}" for name, number in severities.items())  # the most severe come first
        found += f", in {count:,} {'incident' if count == 1 else 'incidents'} ({by_severity}):"
    lines = [*of_dataset(finished.dataset.meta).split("\n"), "", found]
    text = [joined(lines)]
    if count:
        text.append(of_incidents(detected.incidents, None if verbose else SHOWN_INCIDENTS, 2 if verbose else 1))
    quiet = of_silenced(detected.silenced, detected.false_alarms())
    text += ["", joined(quiet)] if quiet else []
    text += ["", of_evaluation(evaluation) if verbose else joined(_quality_in_short(evaluation)), ""]
    text.append(joined([f"look at {finished.folder / 'index.html'}", *_more(finished, verbose=verbose)]))
    return "\n".join(text)


def _more(finished: "Finished", *, verbose: bool) -> list[str]:
    folder = finished.folder
    if not verbose:
        made = ["incidents.json", "anomalies.jsonl", Path("run", "model")]
        made += [Path("run", "report")] if finished.judged_training else []
        return [f"(beside it: {', '.join(map(str, made))})"]
    report = [f"report:        {folder / 'run' / 'report' / 'report.html'}"] if finished.judged_training else []
    return [
        f"incidents:     {folder / 'incidents.json'}",
        f"all anomalies: {folder / 'anomalies.jsonl'}",
        f"model:         {folder / 'run' / 'model'}",
        *report,
    ]


def _quality_in_short(evaluation: Mapping[str, Any]) -> list[str]:
    """How good the detector is known to be, and whether a simple rule is as good."""
    if not evaluation["measured"]:
        planted = [part for part in evaluation["planted"] if part["planted"]]
        found = ", ".join(f"{_kind_name(part)} {_share(part['found'])}" for part in planted)
        return [
            f"quality is not measured: {evaluation['why_not_measured']}",
            *([f"of anomalies that isang planted itself it finds: {found}"] if found else []),
            *encoder_says(evaluation.get("choice")),
        ]
    own = evaluation["metrics"]
    lines = [
        f"measured on {evaluation['sessions']['labelled']:,} labelled sessions after the training period: "
        f"precision {_number(own['precision']['value'])}, recall {_number(own['recall']['value'])}, "
        f"F1 {_number(own['f1']['value'])}"
    ]
    best = max(evaluation["baselines"], key=lambda rule: rule["metrics"]["f1"]["value"] or 0, default=None)
    if best is not None and (best["metrics"]["f1"]["value"] or 0) >= (own["f1"]["value"] or 0) - AS_GOOD:
        name = best["name"].replace("_", " ")
        lines.append(f"the simple rule “{name}” does as well here: F1 {_number(best['metrics']['f1']['value'])}")
    return lines


def _of_small_run(finished: "Finished") -> str:
    """What can be told of a log that is too small to learn from, and that no alert budget is kept."""
    assert finished.halves is not None
    count = len(finished.dataset.sessions)
    are = "session is" if count == 1 else "sessions are"
    few = f"{count:,} {are} too few to train on and to calibrate an alert budget"
    return "\n".join(
        [
            of_dataset(finished.dataset.meta),
            "",
            f"{few}; what the second half of the log has that the first has not, ranked, true and false alarms alike:",
            "",
            of_comparison(finished.halves, as_json=False),
            "",
            f"look at {finished.folder / 'index.html'}",
            "with a log of a good run beside it isang compare tells more",
        ]
    )


def _period(start: str | None, end: str | None) -> str:
    if start is None or end is None:
        return ", without a clock"
    return f", {start[:16].replace('T', ' ')} to {end[:16].replace('T', ' ')} UTC"


def _quality_table(evaluation: Mapping[str, Any]) -> list[str]:
    metrics, drawn = evaluation["metrics"], evaluation["intervals"]
    lines = [f"{'':<16}{'precision':>10}{'recall':>10}{'F1':>10}{'accuracy':>10}{'avg. prec.':>12}"]
    lines += [_quality("isang", metrics, "value"), _quality("  95 % from", metrics, "low")]
    lines.append(_quality("  to", metrics, "high"))
    lines += [_quality(f"  {part['name']}", part["metrics"], "value") for part in evaluation["detectors"]]
    lines += [_quality(part["name"], part["metrics"], "value") for part in evaluation["baselines"]]
    if drawn["drawn"] == "time blocks":
        lines.append(
            f"(intervals: blocks of {drawn['block_sessions']:,} neighbours in time, which are not independent)"
        )
    return lines


def _quality(name: str, metrics: Mapping[str, Any], bound: str) -> str:
    return f"{name:<16}" + _cells(metrics, bound)


def _confusion(counts: Mapping[str, int]) -> list[str]:
    return [
        f"{'':<16}{'flagged':>10}{'not':>10}",
        f"{'anomalous':<16}{counts['true_positives']:>10,}{counts['false_negatives']:>10,}",
        f"{'normal':<16}{counts['false_positives']:>10,}{counts['true_negatives']:>10,}",
    ]


def _kinds(kinds: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many sessions of each kind of fault are found, nothing where no kind is known."""
    if not kinds:
        return []
    found = [f"{kind['kind']} {kind['flagged']:,} of {kind['sessions']:,}" for kind in kinds]
    return [f"found by kind of fault: {', '.join(found)}"]


def _in_time(evaluation: Mapping[str, Any]) -> list[str]:
    """False alarms per hour and the delay of detection, or that there is no clock."""
    rate, delay = evaluation["false_alarms_per_hour"], evaluation["delay"]
    if rate["value"] is None:
        return ["false alarms per hour and the delay of detection are unknown: the sessions have no clock"]
    lines = [f"{rate['value']:.3g} false alarms per hour (95 %: {rate['low']:.3g} to {rate['high']:.3g})"]
    if delay is None:
        return lines
    sessions, incidents = delay["sessions"], delay["incidents"]
    noticed = f"{incidents['count']:,} of {incidents['incidents']:,} incidents are noticed"
    if not sessions["count"]:
        return [*lines, f"delay: undefined, nothing is found; {noticed}"]
    lines.append(f"delay: a session is decided at its end, {_delays(sessions)}; {noticed}, {_delays(incidents)}")
    return lines


def _delays(delays: Mapping[str, Any]) -> str:
    from isang.runs.text.writing import duration

    median, most = (duration(delays[name], "en") for name in ("median_seconds", "p90_seconds"))
    return f"{median} after the first line (median; 90 % within {most})"


def _rewordings(taken: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which new templates were taken for known ones, and how to undo it."""
    if not taken:
        return []
    lines = ["  taken for reworded known lines, as in a new release (--no-rewordings undoes it):"]
    for item in taken[:SHOWN_TEMPLATES]:
        new, known = item["template"][:SHOWN_CHARACTERS], item["taken_for"][:SHOWN_CHARACTERS]
        lines.append(f"    {new} → {known}  ({item['sessions']:,} sessions; {item['because']})")
    more = len(taken) - SHOWN_TEMPLATES
    return [*lines, f"    and {more:,} more"] if more > 0 else lines


def _planted(planted: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is found of the anomalies that isang planted itself, and whether the reasons point at the planted line."""
    made = [part for part in planted if part["planted"]]
    if not made:
        return []
    found = [f"{_kind_name(part)} {_share(part['found'])}" for part in made]
    lines = [f"of anomalies that isang planted into later sessions, it finds: {', '.join(found)}"]
    blamed = [part for part in made if part["culprit_first"] is not None]
    if blamed:
        first = [f"{_kind_name(part)} {_share(part['culprit_first'])}" for part in blamed]
        turned = [f"{_kind_name(part)} {_share(part['turned'])}" for part in blamed]
        lines.append(f"  the reasons name the planted line first: {', '.join(first)}")
        lines.append(f"  undoing what they name first turns the verdict: {', '.join(turned)}")
    return lines


def _choice(choice: Mapping[str, Any] | None) -> list[str]:
    """Which detectors carry the result, what each finds of the anomalies planted into the training period."""
    if choice is None:
        return []
    lines = [
        "which detectors carry it (planted into the training period, % found; found by no other; alerts per 1,000):"
    ]
    for row in choice["detectors"]:
        note = "  trusts all sessions: its alerts were of every stretch" if row["trusts_all_sessions"] else ""
        shares = f"{100 * row['found']:>5.0f}{100 * row['alone']:>6.0f}{row['alerts_per_thousand']:>8.2f}"
        lines.append(f"  {row['name']:<16}{shares}{note}")
    return [*lines, *encoder_says(choice)]


def encoder_says(choice: Mapping[str, Any] | None) -> list[str]:
    """That the encoder adds nothing on this log, where it does not."""
    if choice is None or choice["encoder_adds"] is not False:
        return []
    with_it, without = 100 * choice["found"], 100 * choice["without_encoder"]
    return [
        f"the encoder adds nothing here: {without:.0f} % of what isang planted is found without it, "
        f"{with_it:.0f} % with it; --no-encoder saves its training"
    ]


def _kind_name(part: Mapping[str, Any]) -> str:
    return str(part["kind"]).replace("_", " ")


def _share(part: Mapping[str, Any]) -> str:
    return "undefined" if part["value"] is None else f"{100 * part['value']:.0f} %"


def _cells(metrics: Mapping[str, Any], bound: str) -> str:
    names = ("precision", "recall", "f1", "accuracy")
    cells = "".join(f"{_number(metrics[name][bound]):>10}" for name in names)
    return cells + f"{_number(metrics['average_precision'][bound]):>12}"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _budget(evaluation: Mapping[str, Any]) -> list[str]:
    """What was asked for and what was found: at the model's own budget, and at the others that are always measured."""
    budget, labelled = evaluation["budget"], evaluation["sessions"]["labelled"] > 0
    asked = f"{budget['asked_per_thousand']:g} per 1,000 normal sessions asked for"
    lines = [f"alert budget: {asked}; {_found(budget, labelled)}"]
    if budget["extrapolated"]:
        lines.append(
            f"  {budget['calibration_sessions']:,} calibration sessions support a budget of "
            f"{budget['supported_per_thousand']:.1f} per 1,000; below that the threshold is extrapolated"
        )
        if budget["supported_per_thousand"] > TOO_COARSE:
            lines.append(
                "  so few can hardly tell an anomaly from chance: give more logs, or smaller sessions (--window)"
            )
    others = [other for other in evaluation["budgets"] if other["asked_per_thousand"] != budget["asked_per_thousand"]]
    return lines + [f"  at {other['asked_per_thousand']:g} per 1,000: {_found(other, labelled)}" for other in others]


def _found(budget: Mapping[str, Any], labelled: bool) -> str:
    found = budget["false_alarms_per_thousand"] if labelled else budget["alerts_per_thousand"]
    what = "false alarms" if labelled else "alerts (true and false: there are no labels)"
    if found["value"] is None:
        return "no later session is labelled normal, so what was found is unknown"
    interval = f"(95 %: {found['low']:.1f} to {found['high']:.1f})"
    return f"{found['value']:.1f} {what} per 1,000 later sessions found {interval}"
