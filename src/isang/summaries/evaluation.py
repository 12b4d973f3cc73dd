"""Text summaries of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isang.formatting import joined
from isang.summaries.layout import SHOWN_CHARACTERS, SHOWN_TEMPLATES, number

if TYPE_CHECKING:
    pass

AS_GOOD = 0.005
"""A simple rule counts as equally good if its F1 is lower by no more than this."""
FAR_FROM_ASKED = 10.0
"""If the lowest budget that calibration supports exceeds the one asked for by this factor, the summary warns that more
alerts will be raised."""


def of_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Quality and baselines, or why it is not measured; the alert budget, drift, and planted anomalies."""
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


def quality_in_short(evaluation: Mapping[str, Any]) -> list[str]:
    """The measured quality of the detector, and whether a simple rule is as good."""
    if not evaluation["measured"]:
        planted = [part for part in evaluation["planted"] if part["planted"]]
        found = ", ".join(f"{_kind_name(part)} {_share(part['found'])}" for part in planted)
        return [
            f"quality is not measured: {evaluation['why_not_measured']}",
            *([f"of anomalies that isang planted itself it finds: {found}"] if found else []),
            *encoder_says(evaluation.get("choice")),
            *_too_few(evaluation["budget"]),
        ]
    own = evaluation["metrics"]
    lines = [
        f"measured on {evaluation['sessions']['labelled']:,} labelled sessions after the training period: "
        f"precision {number(own['precision']['value'])}, recall {number(own['recall']['value'])}, "
        f"F1 {number(own['f1']['value'])}"
    ]
    best = max(evaluation["baselines"], key=lambda rule: rule["metrics"]["f1"]["value"] or 0, default=None)
    if best is not None and (best["metrics"]["f1"]["value"] or 0) >= (own["f1"]["value"] or 0) - AS_GOOD:
        name = best["name"].replace("_", " ")
        lines.append(f"the simple rule “{name}” does as well here: F1 {number(best['metrics']['f1']['value'])}")
    return [*lines, *_too_few(evaluation["budget"])]


def _too_few(budget: Mapping[str, Any]) -> list[str]:
    """A warning that many alerts may be due to chance, if there were few sessions to calibrate with."""
    asked, supported = budget["asked_per_thousand"], budget["supported_per_thousand"]
    if not budget["extrapolated"] or supported <= FAR_FROM_ASKED * asked:
        return []
    return [
        f"too few sessions for a budget of {asked:g} per 1,000: with "
        f"{budget['calibration_sessions']:,} to calibrate with, {supported:.0f} per 1,000 may come by chance; give "
        "more logs, or smaller sessions (--window)"
    ]


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
    """The number of sessions found per kind of fault; nothing if no kinds are known."""
    if not kinds:
        return []
    found = [f"{kind['kind']} {kind['flagged']:,} of {kind['sessions']:,}" for kind in kinds]
    return [f"found by kind of fault: {', '.join(found)}"]


def _in_time(evaluation: Mapping[str, Any]) -> list[str]:
    """False alarms per hour and the detection delay, or that there are no timestamps."""
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
    """The new templates that were matched to known ones, and how to undo it."""
    if not taken:
        return []
    lines = ["  taken for reworded known lines, as in a new release (--no-rewordings undoes it):"]
    for item in taken[:SHOWN_TEMPLATES]:
        new, known = item["template"][:SHOWN_CHARACTERS], item["taken_for"][:SHOWN_CHARACTERS]
        lines.append(f"    {new} → {known}  ({item['sessions']:,} sessions; {item['because']})")
    more = len(taken) - SHOWN_TEMPLATES
    return [*lines, f"    and {more:,} more"] if more > 0 else lines


def _planted(planted: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many anomalies planted by isang are found, and whether the reasons point at the planted line."""
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
    """The detectors that carry the result, and what each finds of the anomalies planted into the training period."""
    if choice is None:
        return []
    lines = [
        "which detectors carry it (planted into the training period, % found; found by no other; alerts per 1,000):"
    ]
    for row in choice["detectors"]:
        note = "  trusts all sessions: its alerts were of every stretch" if row["trusts_all_sessions"] else ""
        note += "" if row["decides"] else "  only explains: others find all that it finds"
        shares = f"{100 * row['found']:>5.0f}{100 * row['alone']:>6.0f}{row['alerts_per_thousand']:>8.2f}"
        lines.append(f"  {row['name']:<16}{shares}{note}")
    return [*lines, *encoder_says(choice)]


def encoder_says(choice: Mapping[str, Any] | None) -> list[str]:
    """A note that the encoder adds nothing on this log, if so."""
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
    cells = "".join(f"{number(metrics[name][bound]):>10}" for name in names)
    return cells + f"{number(metrics['average_precision'][bound]):>12}"


def _budget(evaluation: Mapping[str, Any]) -> list[str]:
    """Requested and measured alert rates: at the model's own budget, and at the others that are always measured."""
    from isang.detection.threshold.calibration import TOO_COARSE

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
