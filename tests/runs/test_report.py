"""The report: complete, escaped, self-contained, the same for the same run, the same numbers in both languages."""

import ast
import base64
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

import isang.runs
from isang.errors import InputError, UsageError
from isang.languages import Both, default_language
from isang.runs.findings import Finding
from isang.runs.plots.annotations import cited_steps
from isang.runs.read.table import BATCH_LOSS, RunSource
from isang.runs.report.judge import judged, make_report
from isang.runs.report.live import follow
from isang.runs.report.report import report_html, report_json, report_markdown, summary, write_report
from isang.runs.text import messages_ko, tables
from isang.runs.text.comparing import comparison
from isang.runs.text.words import WORDS
from tests.runs.curves import cut_cosine, flat, misshapen, table_of

METHODS = ("GL5", "PQ0.5", "UP3", "T_max")
ATTACK = '<script>alert("1")</script>|[x](http://example.org)\n# heading'
PROJECT = Path(__file__).resolve().parents[2]
LOG_LINES = "".join(f"step={step} loss={3 / step**0.5:.4f} lr=0.001\n" for step in range(1, 201))


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.data: list[dict] = []
        self.words: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        is_data = dict(attributes).get("type") == "application/json"
        self._open = "json" if is_data else tag if tag in self.inline else ""

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open == "json":
            self.data.append(json.loads(data))
        elif self._open:
            self.inline[self._open].append(data)
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def report():
    return judged(cut_cosine().table)


@pytest.fixture(scope="module")
def page(report):
    return Page(report_html(report, "en"))


def hostile():
    """A run whose every text is an attack on the page."""
    run = flat().table
    source = RunSource(
        ATTACK,
        ATTACK,
        10,
        6_002,
        {ATTACK: 6_000},
        {ATTACK: 1},
        1,
        failed_examples=(ATTACK,),
        notes=(Both.same(ATTACK),),
    )
    made = judged(replace(run, name=ATTACK, source=source, series={ATTACK: 1}))
    finding = Finding("spikes", "problem", {"en": ATTACK, "ko": ATTACK}, {ATTACK: ATTACK}, {"en": ATTACK, "ko": ATTACK})
    baselines = [{"name": ATTACK, "metrics": {}}]
    evaluation = {"schema": 1, "measured": True, "metrics": {"f1": {"value": 0.5, "low": None}}, "baselines": baselines}
    return replace(made, findings=[finding], evaluation=evaluation)


def test_the_page_loads_nothing_and_runs_nothing_but_its_own_script(page):
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    for kind in ("script", "style"):
        (content,) = page.inline[kind]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert tag not in ("img", "link", "iframe", "object", "base", "form")
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "style", "srcset")}
        assert attributes.get("href", "#").startswith("#")


def test_every_link_of_the_page_leads_somewhere_and_ids_are_used_once(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for _, attributes in page.elements if "href" in attributes}
    assert links <= set(ids)
    labels = {attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes}
    assert labels <= set(ids)


def test_the_page_draws_every_step_that_a_finding_cites(report, page):
    _, gaps, values = page.data[0]["series"][0]
    drawn = dict(zip(np.cumsum(gaps).tolist(), values, strict=True))
    loss = dict(zip(report.table.step.tolist(), report.table.column(BATCH_LOSS), strict=True))
    cited = {step for finding in report.findings for step in cited_steps(finding.evidence)} & set(loss)
    assert cited
    for step in cited:
        assert drawn[step] == pytest.approx(loss[step], rel=1e-4)


def test_the_page_says_how_many_points_of_how_many_are_drawn(page):
    said = re.search(r"Batch loss ([\d,]+) of ([\d,]+)", " ".join(page.words))
    assert int(said[1].replace(",", "")) == len(page.data[0]["series"][0][1])
    assert int(said[2].replace(",", "")) == 6_000


@pytest.mark.parametrize("language", ["en", "ko"])
def test_text_from_data_stays_text(language):
    report = hostile()
    html = report_html(report, language)
    assert "<script>alert" not in html
    assert len(Page(html).inline["script"]) == 1
    markdown = report_markdown(report, language)
    assert "<script>" not in markdown
    assert "\n# heading" not in markdown
    assert "[x](" not in markdown.replace("\\[x\\](", "")


def test_problems_come_first_then_what_cannot_be_told(report):
    shown = [re.match(r"### .*: (.*)$", line) for line in report_markdown(report, "en").split("\n")]
    order = ["Problem", "Cannot tell", "Fine", "Does not apply"]
    verdicts = [order.index(found[1]) for found in shown if found and found[1] in order]
    assert len(verdicts) == len(report.findings)
    assert verdicts == sorted(verdicts)


@pytest.mark.parametrize("run", [cut_cosine(), flat(), *misshapen()], ids=lambda run: run.table.name)
def test_any_run_gives_a_whole_report_in_both_languages(run):
    report = judged(run.table)
    document = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert document["schema"] == 1
    assert set(document) >= {"source", "statistics", "epochs", "phases", "schedule", "findings", "forecast"}
    for language in ("en", "ko"):
        assert not re.search(r"[|(:] *(nan|None|inf)\b", report_markdown(report, language))
        assert summary(report, language)
        html = report_html(report, language)
        assert html.count("<figure>") == 6
        assert Page(html).data


def test_of_many_epochs_the_first_the_last_and_the_best_are_shown_and_it_is_said():
    loss = np.linspace(5, 1, 400)
    loss[37] = 0.1
    report = judged(table_of("many", loss, epochs=400))
    epochs = [row[0] for row in tables.epoch_rows(report, "en").rows]
    assert {"1", "38", "400"} <= set(epochs)
    assert len(epochs) == 31
    assert f"{len(epochs)} of 400 epochs are shown" in report_markdown(report, "en")
    assert "epochs are shown" not in report_markdown(judged(table_of("few", loss, epochs=40)), "en")


def test_both_languages_tell_the_same_numbers(report):
    def numbers(table):
        return [sorted(re.findall(r"\d[\d.,:e+-]*", " ".join(row))) for row in table.rows]

    for make in (tables.totals, tables.curves, tables.epoch_rows, tables.phase_rows, tables.loss_scale):
        assert numbers(make(report, "en")) == numbers(make(report, "ko"))


def test_every_word_is_there_in_both_languages_with_the_same_blanks():
    for key, word in WORDS.items():
        blanks = [{name for _, name, _, _ in Formatter().parse(word[language]) if name} for language in ("en", "ko")]
        assert word["en"]
        assert word["ko"]
        assert blanks[0] == blanks[1], key


def test_the_evidence_of_every_finding_has_korean_names_and_values(report):
    runs = [report, *(judged(run.table) for run in (flat(), cut_cosine()))]

    def english(value, name=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from [] if key in messages_ko.NAMES or key in METHODS else [key]
                yield from english(inner, key)
        elif isinstance(value, list):
            for inner in value:
                yield from english(inner, name)
        elif isinstance(value, str):
            yield from [] if value in messages_ko.VALUES else [value]

    missing = [word for run in runs for finding in run.findings for word in english(finding.evidence)]
    assert missing == []


def test_what_readers_assume_is_korean_too_and_names_the_same_values():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(isang.runs.__file__).parent.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    said = [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id == "assumed"]
    assert len(said) > 20
    for english, korean in said:
        values, words = zip(*map(_values_and_words, (english, korean)), strict=True)
        assert values[0] == values[1], ast.unparse(english)
        assert re.search("[가-힣]", words[1])
        assert not re.search("[가-힣]", words[0])


def _values_and_words(text: ast.expr) -> tuple[list[str], str]:
    """What stands in the blanks of a literal (a word of `more_ko` stands for `more`), and the rest."""
    nodes = list(ast.walk(text))
    blanks = sorted(
        ast.unparse(node.value).removesuffix("_ko") for node in nodes if isinstance(node, ast.FormattedValue)
    )
    words = "".join(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return sorted(blanks), words


def test_a_lost_line_is_not_passed_over(report):
    source = report.table.source
    assert tables.accounted(report, "en").startswith("Every line")
    short = replace(report, table=replace(report.table, source=replace(source, lines=source.lines + 3)))
    assert tables.accounted(short, "en").startswith("3 lines")


def test_the_same_run_gives_the_same_files_and_none_names_a_place_on_the_disk(report, tmp_path):
    contents = []
    for name in ("first", "second"):
        written = write_report([report], tmp_path / name, language="en", overwrite=False)
        contents.append({path.name: path.read_bytes() for path in written})
    assert contents[0] == contents[1]
    assert written[0].name == "report.html"
    assert {"report.md", "report.json", "training_curves.png"} <= set(contents[0])
    assert sum(name.endswith(".svg") for name in contents[0]) == 6
    assert not any(str(tmp_path).encode() in content for content in contents[0].values())


def test_a_report_replaces_another_only_when_told_and_nothing_else_ever(report, tmp_path):
    folder = tmp_path / "report"
    write_report([report], folder, language="en", overwrite=False)
    before = (folder / "report.html").stat().st_ino
    with pytest.raises(UsageError, match="--overwrite"):
        write_report([report], folder, language="en", overwrite=False)
    assert (folder / "report.html").stat().st_ino == before
    write_report([report], folder, language="en", overwrite=True)
    assert (folder / "report.html").stat().st_ino != before

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        write_report([report], tmp_path / "mine", language="en", overwrite=True)
    assert (tmp_path / "mine" / "kept.txt").read_text() == "mine"


def test_several_runs_share_one_page_that_compares_them(report, tmp_path):
    runs = [report, judged(flat().table)]
    written = write_report(runs, tmp_path / "out", language="en", overwrite=False)
    page = Page(written[0].read_text(encoding="utf-8"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"comparison", "comparison-plot", "run1", "run2"} <= set(ids)
    assert [name for name, _, _ in page.data[0]["series"]] == ["1. cut_cosine", "2. flat"]
    assert len(json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["runs"]) == 2
    assert sum(path.suffix == ".png" for path in written) == 2
    row_by_name = {row[0]: row for row in comparison(runs, "en").rows}
    assert "Learning rate schedule" in row_by_name["cut_cosine"][-1]


def test_a_run_folder_gives_its_newest_log_and_its_evaluation(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "logs" / "training_20250101_000000.log").write_text(LOG_LINES)
    (tmp_path / "logs" / "training_20250102_000000.log").write_text(LOG_LINES.replace("loss=", "loss=1"))
    metrics = {"f1": {"value": 0.75, "low": 0.7, "high": 0.8}, "precision": {"value": None, "low": None, "high": None}}
    evaluation = {"schema": 1, "measured": True, "metrics": metrics, "baselines": [], "why_not_measured": None}
    (tmp_path / "model" / "evaluation.json").write_text(json.dumps(evaluation))
    (report,) = make_report(tmp_path)
    assert report.table.source.path.endswith("training_20250102_000000.log")
    text = report_markdown(report, "en")
    assert "| F1 | 0.7500 | 0.7000 … 0.8000 |" in text
    assert "| Precision | – | – |" in text


def test_an_evaluation_that_measured_nothing_says_why(report):
    unmeasured = replace(report, evaluation={"schema": 1, "measured": False, "why_not_measured": "there are no labels"})
    assert "there are no labels" in report_markdown(unmeasured, "en")
    assert "there are no labels" in report_html(unmeasured, "ko")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 2}', "[" * 100_000])
def test_a_broken_evaluation_is_named_as_such(tmp_path, content):
    log, evaluation = tmp_path / "x.log", tmp_path / "evaluation.json"
    log.write_text(LOG_LINES)
    evaluation.write_text(content)
    with pytest.raises(InputError, match=r"evaluation\.json"):
        make_report(log, evaluation=evaluation)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "ko_KR"}, "ko"),
    ],
)
def test_the_language_follows_the_locale(monkeypatch, variables, language):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_language() == language


def test_the_script_at_the_root_does_the_same(tmp_path):
    log, out = tmp_path / "run.log", tmp_path / "plots"
    log.write_text(LOG_LINES)
    command = [sys.executable, str(PROJECT / "plot_training_curve.py"), "--lang", "en", "--output", str(out), "--log"]
    done = subprocess.run([*command, str(log)], capture_output=True, text=True, encoding="utf-8", check=True)
    assert "problem" in done.stdout.lower()
    assert (out / "training_curves.png").read_bytes().startswith(b"\x89PNG")
    reports = make_report(log)
    again = write_report(reports, tmp_path / "again", language="en", overwrite=False)
    assert all(path.read_bytes() == (out / path.name).read_bytes() for path in again)
    failed = subprocess.run([*command, str(tmp_path / "none.log")], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "none.log" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_reference_log_gives_the_numbers_of_its_report_on_a_small_page(shared_data):
    (report,) = make_report(shared_data / "runs" / "training_20260105_090738.log.zst")
    text = report_markdown(report, "ko")
    means = ["1.0315", ".4429", ".3053", ".2550", ".2365", ".2305", ".2281", ".2234", ".2147", ".2029"]
    gains = ["–", "57.1", "31.1", "16.5", "7.3", "2.5", "1.0", "2.1", "3.9", "5.5"]
    for epoch, (mean, gain) in enumerate(zip(means, gains, strict=True), start=1):
        assert re.search(rf"\| {epoch} \| 19,252 \| 0?{re.escape(mean)} \| {gain}", text)
    for row in ("9.3812 | 0.2029 | 97.84 % | 0.1807 | 115,513", "89.0 %", "77.1 %", "14.2 %", "128 (장치 4개 × 32)"):
        assert row in text
    assert "에폭 7의 첫 배치" in text
    assert len(report_html(report, "ko").encode()) <= 400_000


def test_following_a_log_writes_anew_until_it_is_done(tmp_path):
    log, out = tmp_path / "training_20260105_090738.log", tmp_path / "out"
    lines = [
        f"2026-01-05 09:{n // 60:02d}:{n % 60:02d},000 INFO step={n}/90 loss={3 / n**0.5:.4f}" for n in range(1, 91)
    ]
    log.write_text("2026-01-05 09:00:00,000 INFO isang 0.1.0 training log 1\n")
    pages = []

    def train():
        for start in (0, 30, 60):
            with log.open("a") as file:
                file.write("\n".join(lines[start : start + 30]) + "\n")
            deadline = time.monotonic() + 30
            wanted = f"{start + 30}"
            while time.monotonic() < deadline:
                page = out / "report.json"
                if page.exists() and json.loads(page.read_text())["statistics"]["steps"] == start + 30:
                    pages.append((wanted, "refresh" in (out / "report.html").read_text()))
                    break
                time.sleep(0.05)
        with log.open("a") as file:
            file.write("2026-01-05 09:02:00,000 INFO done steps=90 seconds=90\n")

    training = threading.Thread(target=train)
    training.start()
    reports = follow([log], out, language="en", poll_seconds=0.1)
    training.join()
    assert pages == [("30", True), ("60", True), ("90", True)]
    assert reports[0].statistics["steps"] == 90
    assert "refresh" not in (out / "report.html").read_text()


def test_following_needs_a_log_that_is_there(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        follow([tmp_path / "none.log"], tmp_path / "out", language="en")
