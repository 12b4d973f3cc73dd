"""The tables of the report as rows of words, the same for the page, the Markdown text and the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isang.runs.findings import Finding, Language
from isang.runs.findings.ranking import ranked
from isang.runs.read.table import BATCH_LOSS, INTERVAL_LOSS, METRIC, RUNNING_MEAN, VALIDATION_LOSS
from isang.runs.report.judge import JudgedRun
from isang.runs.text.words import SCALE, format_name, number, percent, rate, series_name, use_name, word
from isang.runs.text.writing import NO_VALUE, duration

CURVES = (RUNNING_MEAN, BATCH_LOSS, INTERVAL_LOSS, METRIC, "smoothed_loss", VALIDATION_LOSS)
METRICS = ("accuracy", "precision", "recall", "f1", "average_precision")
MOST_EPOCHS = 40
"""A run of more epochs shows about 30 of them, evenly spaced."""
VERDICTS = ("problem", "cannot_tell", "ok", "not_applicable")
"""In the order of the report: problems first, then findings that could not be judged."""


@dataclass(frozen=True)
class Table:
    """Rows of words below a header; the first column names the row."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def by_verdict(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The findings of each verdict, problems first, the most urgent at the top."""
    groups = {verdict: [finding for finding in findings if finding.verdict == verdict] for verdict in VERDICTS}
    return {**groups, "problem": ranked(findings)}


def headline(findings: Sequence[Finding], language: Language) -> str:
    """One line that counts the verdicts."""
    counts = {verdict: len(group) for verdict, group in by_verdict(findings).items()}
    problems = counts["problem"]
    key = "count_problem_none" if problems == 0 else "count_problem_one" if problems == 1 else "count_problem"
    parts = [word(key, language, count=problems)]
    parts += [word(f"count_{verdict}", language, count=counts[verdict]) for verdict in VERDICTS[1:] if counts[verdict]]
    return " · ".join(parts)


def reading(report: JudgedRun, language: Language) -> tuple[Table, Table]:
    """The file and its format; and what each of its lines was used for."""
    table, source = report.table, report.table.source
    judged_by = series_name(table.loss, language)
    if table.loss == METRIC:
        judged_by = table.loss_name
    if table.loss_window > 1:
        judged_by = word("judged_by_window", language, name=judged_by, window=f"{table.loss_window:,.10g}")
    about = [
        (word("file", language), source.path),
        (word("format", language), format_name(source.format, language)),
        (word("size", language), word("bytes", language, count=f"{source.size_bytes:,}")),
        (word("judged_by", language), judged_by),
    ]
    lines = [
        (word("lines_used", language, what=use_name(what, language)), f"{count:,}")
        for what, count in source.used.items()
    ]
    lines += [
        (word("lines_ignored", language, what=use_name(what, language)), f"{count:,}")
        for what, count in source.ignored.items()
    ]
    lines += [
        (word("lines_failed", language), f"{source.failed:,}"),
        (word("lines_total", language), f"{source.lines:,}"),
    ]
    return Table((), about), Table((), lines)


def accounted(report: JudgedRun, language: Language) -> str:
    """The sentence that says whether every line is counted in one row of the reading table."""
    source = report.table.source
    missing = source.lines - sum(source.used.values()) - sum(source.ignored.values()) - source.failed
    return word("not_accounted", language, count=f"{missing:,}") if missing else word("accounted", language)


def why_not_measured(evaluation: Mapping[str, Any], language: Language) -> str:
    """Why an evaluation could not measure the quality; in English where an older one has no Korean words for it."""
    english = evaluation.get("why_not_measured") or word("no_reason", language)
    return str(evaluation.get("why_not_measured_ko") or english) if language == "ko" else str(english)


def totals(report: JudgedRun, language: Language) -> Table:
    """Period, epochs, steps and batch size; what the log does not say is left out."""
    facts = report.statistics
    period = NO_VALUE
    if facts["started"] and facts["ended"]:
        period = word("period_value", language, started=_clock(facts["started"]), ended=_clock(facts["ended"]))
    batch = number(facts["batch_size"])
    if facts["batch_size"] and facts["batch_size_per_device"] and facts["devices"]:
        batch = word(
            "batch_size_value", language, batch_size=batch, devices=number(facts["devices"]),
            batch_size_per_device=number(facts["batch_size_per_device"]),
        )  # fmt: skip
    rows = [
        (word("period", language), period),
        (word("duration", language), duration(facts["duration_seconds"], language)),
        (word("epochs", language), number(facts["epochs"])),
        (word("steps", language), number(facts["steps"])),
        (word("batches_per_epoch", language), number(facts["batches_per_epoch"])),
        (word("batch_size", language), batch),
    ]
    known = [row for row in rows if row[1] != NO_VALUE]
    return Table((word("item", language), word("value", language)), known)


def curves(report: JudgedRun, language: Language) -> Table:
    """Initial, final and lowest value of each curve, separately; of a run that is better the higher, the best one."""
    maximised = report.table.maximised
    found = ("change_percent", "best_value") if maximised else ("decrease_percent", "minimum")
    keys = ("initial", "final", *found, "minimum_step")
    rows = []
    for name in _curves_of(report):
        entry = report.statistics[name]
        shown = "smoothed_metric" if name == "smoothed_loss" and report.table.loss == METRIC else name
        best = "maximum" if maximised and name in (METRIC, "smoothed_loss") else "minimum"
        rows.append((
            series_name(shown, language), number(entry["initial"]), number(entry["final"]),
            _moved(entry["decrease_percent"], maximised, 2), number(entry[best]), number(entry[f"{best}_step"]),
        ))  # fmt: skip
    return Table((word("curve", language), *(word(key, language) for key in keys)), rows)


def curves_note(report: JudgedRun, language: Language) -> str:
    """What to know about the curves, where there are several of one loss."""
    return word("curves_note", language) if RUNNING_MEAN in _curves_of(report) else ""


def _moved(decrease: float | None, maximised: bool, digits: int = 1) -> str:
    """A decrease in per cent, or the change with its sign."""
    if decrease is None or not maximised:
        return percent(decrease, digits)
    return f"{-decrease:+.{digits}f} %"


def curve_lines(report: JudgedRun, language: Language) -> list[str]:
    """The same as sentences for the terminal; a curve that improves by rising with its highest value."""
    lines = []
    for row, name in zip(curves(report, language).rows, _curves_of(report), strict=True):
        entry = report.statistics[name]
        if report.table.maximised and name in (METRIC, "smoothed_loss"):
            if name == METRIC:
                highest = word("highest", language, value=number(entry["maximum"]), step=number(entry["maximum_step"]))
                lines.append(f"{row[0]} ({report.table.loss_name}): {row[1]} → {row[2]}, {highest}")
            continue
        lines.append(f"{row[0]}: {row[1]} → {row[2]} ({row[3]}), {word('lowest', language, value=row[4], step=row[5])}")
    return lines


def _curves_of(report: JudgedRun) -> list[str]:
    return [name for name in CURVES if report.statistics.get(name)]


def minimum_note(report: JudgedRun, language: Language) -> str | None:
    """What to know about the running mean's minimum where it is the first batch of an epoch."""
    running, smooth = report.statistics.get(RUNNING_MEAN), report.statistics.get("smoothed_loss")
    if not running or not smooth or not running.get("minimum_is_first_of_epoch"):
        return None
    return word(
        "minimum_at_epoch_start", language, value=number(running["minimum"]), step=number(running["minimum_step"]),
        epoch=number(running["minimum_epoch"]), smooth_step=number(smooth["minimum_step"]),
        smooth_value=number(smooth["minimum"]),
    )  # fmt: skip


def epoch_rows(report: JudgedRun, language: Language) -> Table:
    """Mean, improvement and cumulative decrease per epoch; validation, rate and quartiles if known.

    If there are many epochs, only some are shown, including the first, the last and the best.
    """
    rows, maximised = report.epochs, report.table.maximised
    validation = any(row["validation_loss"] is not None for row in rows)
    rates = any(row["learning_rate_first"] is not None for row in rows)
    header = ["epoch", "epoch_steps", "mean_loss", "improvement", "cumulative"]
    if maximised:
        header[2:5] = ["mean_metric", "change_percent", "cumulative_change"]
    header += ["series_validation_loss"] * validation + ["rate_first_last"] * rates + ["quartiles"]
    cells = []
    for position in _shown_epochs(report):
        row = rows[position]
        cell = [
            number(row["epoch"]), number(row["steps"]), number(row["mean_loss"]),
            _moved(row["improvement_percent"], maximised) if position else NO_VALUE,
            _moved(row["cumulative_decrease_percent"], maximised) if position else word("base", language),
        ]  # fmt: skip
        cell += [number(row["validation_loss"])] * validation
        cell += [_first_and_last(rate(row["learning_rate_first"]), rate(row["learning_rate_last"]))] * rates
        cell.append(" / ".join(f"{q:#.3g}".rstrip(".") for q in row["loss_quartiles"] or ()) or NO_VALUE)
        cells.append(cell)
    return Table([word(key, language) for key in header], cells)


def _first_and_last(first: str, last: str) -> str:
    return first if first == last else f"{first} → {last}"


def epochs_note(report: JudgedRun, language: Language) -> str | None:
    """That not all epochs are shown, where it is so."""
    count, shown = len(report.epochs), len(_shown_epochs(report))
    return None if shown == count else word("epochs_shown", language, shown=shown, count=f"{count:,}")


def _shown_epochs(report: JudgedRun) -> list[int]:
    """The places of the epochs that have a row."""
    count = len(report.epochs)
    if count <= MOST_EPOCHS:
        return list(range(count))
    shown = {round(part * (count - 1) / 29) for part in range(30)}
    for series in ("mean_loss", "validation_loss"):
        known = [place for place, row in enumerate(report.epochs) if row[series] is not None]
        shown |= {min(known, key=lambda place: report.epochs[place][series])} if known else set()
    return sorted(shown)


def phase_rows(report: JudgedRun, language: Language) -> Table:
    """Early, middle and late, with what each gained."""
    unit = "epoch" if report.phases and report.phases[0]["first_epoch"] is not None else "step"
    rows = [
        (
            word(f"phase_{row['name']}", language), _range(row[f"first_{unit}"], row[f"last_{unit}"]),
            number(row["first_loss"]), number(row["last_loss"]),
            _moved(row["decrease_percent"], report.table.maximised),
        )
        for row in report.phases
    ]  # fmt: skip
    header = (word("phase", language), word(unit, language), word("initial", language), word("final", language))
    change = "change_percent" if report.table.maximised else "decrease_percent"
    return Table((*header, word(change, language)), rows)


def quality(evaluation: Mapping[str, Any], language: Language) -> Table:
    """Measured metrics with their intervals, beside the baselines."""
    others = [*evaluation.get("detectors", ()), *evaluation.get("baselines", ())]
    header = [word("metric", language), word("this_model", language), word("interval", language)]
    header += [str(other.get("name", NO_VALUE)) for other in others]
    rows = []
    for metric in METRICS:
        own = (evaluation.get("metrics") or {}).get(metric)
        row = [word(f"metric_{metric}", language), number(_metric(own)), _interval(own)]
        row += [number(_metric((other.get("metrics") or {}).get(metric))) for other in others]
        rows.append(row)
    return Table(header, rows)


def loss_scale(report: JudgedRun, language: Language) -> Table | None:
    """The rule-of-thumb scale of losses and the position of the final loss on it."""
    final = _final_loss(report)
    if final is None:
        return None
    rows = [
        (word(f"scale_{name}", language), f"< {limit}", word("below" if final < limit else "not_below", language))
        for name, limit in SCALE
    ]
    header = (word("scale_step", language), word("scale_limit", language))
    return Table((*header, word("scale_this", language, loss=number(final))), rows)


def forecast_tables(forecast: Mapping[str, Any] | None, language: Language) -> list[tuple[str, Table]]:
    """The expected losses as the schedule goes on, and with a rate that falls to zero over the added steps."""
    tables = []
    for key in ("points", "replanned"):
        points = (forecast or {}).get(key) or []
        if not points:
            continue
        unit = "epochs" if (forecast or {}).get("unit") == "epoch" else "units"
        header = [word(name, language) for name in (f"more_{unit}", "step", "expected_loss", "interval")]
        rows = [
            (number(p["more"]), number(p["step"]), number(p["loss"]), f"{number(p['low'])} … {number(p['high'])}")
            for p in points
        ]
        tables.append((word(f"forecast_{key}", language), Table(header, rows)))
    return tables


def _final_loss(report: JudgedRun) -> float | None:
    """The mean of the last epoch, else the last smoothed loss."""
    means = [row["mean_loss"] for row in report.epochs if row["mean_loss"] is not None]
    if means:
        return float(means[-1])
    smooth = report.statistics.get("smoothed_loss")
    return None if not smooth else float(smooth["final"])


def _metric(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, Mapping) else entry


def _interval(entry: Any) -> str:
    if not isinstance(entry, Mapping) or entry.get("low") is None or entry.get("high") is None:
        return NO_VALUE
    return f"{number(entry['low'])} … {number(entry['high'])}"


def _range(first: Any, last: Any) -> str:
    return number(first) if first == last else f"{number(first)}–{number(last)}"


def _clock(moment: str) -> str:
    return moment.replace("T", " ")[:19]
