"""What stands under deploy/ fits the service: names of metrics, paths, ports, options; and passes its own checkers."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from isang.cli import app
from isang.service.metrics import Metrics
from isang.service.settings import tokens
from isang.service.web.access import OPEN

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROMTOOL = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool of Prometheus is not installed")


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def serve_options() -> set[str]:
    from typer.main import get_command

    command: Any = get_command(app)
    return {option for parameter in command.commands["serve"].params for option in parameter.opts}


def ran(*command: object, folder: Path = DEPLOY) -> str:
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_only_metrics_that_there_are_are_named() -> None:
    families = {family.name for family in Metrics().registry.collect()}
    suffix = re.compile(r"_(total|bucket|sum|count|created)$")
    for path in DEPLOY.rglob("*"):
        if path.suffix in (".yml", ".json"):
            named = set(re.findall(r"\bisang_[a-z_]+", path.read_text(encoding="utf-8")))
            assert {name for name in named if name not in families and suffix.sub("", name) not in families} == set()


@PROMTOOL
def test_the_alert_rules_do_what_their_tests_say() -> None:
    folder = DEPLOY / "prometheus"
    assert "SUCCESS" in ran("promtool", "test", "rules", "isang.rules.test.yml", folder=folder)
    ran("promtool", "check", "config", "prometheus.yml", folder=folder)


@PROMTOOL
def test_the_dashboard_s_expressions_are_promql(tmp_path: Path) -> None:
    panels = json.loads((DEPLOY / "grafana" / "isang.json").read_text(encoding="utf-8"))["panels"]
    rules = [
        {"record": f"panel:{panel['id']}:{target['refId'].lower()}", "expr": target["expr"]}
        for panel in panels
        for target in panel["targets"]
    ]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    assert f"{len(rules)} rules found" in ran("promtool", "check", "rules", path)


@PROMTOOL
def test_the_metrics_are_as_prometheus_wants_them() -> None:
    metrics = Metrics()
    metrics.received.labels("otlp").inc()
    text = metrics.text()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_valid_and_little_exposed(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "isang.service").read_text(encoding="utf-8")
    command = re.search(r"^ExecStart=(\S+) serve (.*)$", text, re.MULTILINE)
    assert command is not None
    assert {word for word in command[2].split() if word.startswith("--")} <= serve_options()
    unit = tmp_path / "isang.service"
    unit.write_text(text.replace(command[1], "/bin/true"))
    ran("systemd-analyze", "verify", unit)
    exposure = re.search(r"exposure level for isang.service: ([\d.]+)", ran(
        "systemd-analyze", "security", "--offline=true", unit
    ))  # fmt: skip
    assert exposure is not None
    assert float(exposure[1]) < 2.5


def test_the_dockerfile_copies_and_starts_what_there_is() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in line.split()[:-1]), line
    extras = re.findall(r'"\.\[([a-z,]+)\]"', text)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert extras
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras[0].split(","))
    start = re.search(r"^ENTRYPOINT (\[.+\])$", text, re.MULTILINE)
    assert start is not None
    words = json.loads(start[1])
    assert words[1] == "serve"
    assert {word for word in words if word.startswith("--")} <= serve_options()
    assert f"EXPOSE {words[-1].rpartition(':')[2]}" in text
    assert "USER isang" in text.partition("ENTRYPOINT")[0]


def test_the_manifests_ask_what_the_service_answers() -> None:
    state, service = documents("kubernetes/isang.yaml")
    container = state["spec"]["template"]["spec"]["containers"][0]
    assert {word for word in container["args"] if word.startswith("--")} <= serve_options()
    assert {container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")} == set(OPEN)
    names = {variable["name"]: "x" * 8 for variable in container["env"]}
    assert tokens(names)["token"]
    assert tokens(names)["read_token"]
    port = container["ports"][0]["containerPort"]
    assert [each["port"] for each in service["spec"]["ports"]] == [port]
    assert service["spec"]["selector"] == state["spec"]["template"]["metadata"]["labels"]
    settings, collector = documents("kubernetes/collector.yaml")
    yaml = pytest.importorskip("yaml")
    pipeline = yaml.safe_load(settings["data"]["config.yaml"])
    assert pipeline["exporters"]["otlphttp"]["endpoint"] == f"http://{service['metadata']['name']}:{port}"
    used = pipeline["service"]["pipelines"]["logs"]
    assert all(name in pipeline[kind] for kind in used for name in used[kind])
    volumes = {volume["name"] for volume in collector["spec"]["template"]["spec"]["volumes"]}
    mounts = collector["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {mount["name"] for mount in mounts} == volumes
