"""The server for assistants: what it answers, what it refuses, and that a real client can talk to it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from isang.errors import InputError, UsageError
from isang.mcp_server import Shelf

pytest.importorskip("mcp", reason="needs the extra isang[mcp]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [{"step": step, "loss": 3 / (step + 1) ** 0.5 if step < 60 else 0.0} for step in range(1, 121)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    incidents = [
        {"fingerprint": f"f{place}", "severity": severity, "title": f"{severity} thing", "reasons": []}
        for place, severity in enumerate(("critical", "medium", "low"))
    ]
    (tmp_path / "incidents.json").write_text(json.dumps({"schema": 1, "incidents": incidents}))
    anomalies = [{"session_id": f"s{place}", "incident": f"f{place % 2}", "reasons": []} for place in range(4)]
    (tmp_path / "anomalies.jsonl").write_text("".join(json.dumps(anomaly) + "\n" for anomaly in anomalies))
    return tmp_path


def test_a_run_is_judged_with_what_to_do_first(folder: Path) -> None:
    (run,) = json.loads(Shelf([folder]).judge_run("train.jsonl"))["runs"]
    assert run["first"] == ["decreasing"]
    assert run["findings"][0]["id"] == "decreasing"
    assert "exactly 0 from step 60" in run["findings"][0]["statement"]
    assert run["steps"] == 120


def test_evidence_and_curves_are_read_by_name(folder: Path) -> None:
    shelf = Shelf([folder])
    found = json.loads(shelf.evidence("train.jsonl", "decreasing"))
    assert found["evidence"]["first_step"] == 60
    curve = json.loads(shelf.curve("train.jsonl", points=20))
    assert curve["values"] == 120
    assert len(curve["points"]) <= 30
    assert [1, pytest.approx(3 / 2**0.5)] in curve["points"]
    with pytest.raises(InputError, match="there are finite"):
        shelf.evidence("train.jsonl", "happiness")
    with pytest.raises(InputError, match="it has loss"):
        shelf.curve("train.jsonl", "happiness")


def test_incidents_and_anomalies_of_a_folder(folder: Path) -> None:
    shelf = Shelf([folder])
    assert [entry["severity"] for entry in json.loads(shelf.incidents("."))["incidents"]] == [
        "critical",
        "medium",
        "low",
    ]
    assert json.loads(shelf.incidents(".", severity="medium"))["of"] == 2
    assert [entry["session_id"] for entry in json.loads(shelf.anomalies(".", incident="f1"))["anomalies"]] == [
        "s1",
        "s3",
    ]
    assert {entry["kind"] for entry in json.loads(shelf.logs())["files"]} == {
        "incidents", "anomalies", "log or other file",
    }  # fmt: skip
    with pytest.raises(InputError, match="critical, got 'worst'"):
        shelf.incidents(".", severity="worst")


@pytest.mark.parametrize("path", ["../secret.log", "/etc/passwd", "link.log"])
def test_nothing_outside_the_folders_is_read(folder: Path, tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.log"
    outside.write_text("step=1 loss=2.5\n")
    (folder / "link.log").symlink_to(outside)
    shelf = Shelf([folder])
    for tool in (shelf.judge_run, shelf.incidents, shelf.anomalies, shelf.logs):
        with pytest.raises(InputError, match="outside of what this server may read"):
            tool(path)
    with pytest.raises(UsageError, match="is no folder"):
        Shelf([folder / "train.jsonl"])


def test_a_client_can_list_the_tools_and_call_one(folder: Path) -> None:
    from mcp import ClientSession, StdioServerParameters, stdio_client

    async def talk() -> tuple[list[Any], Any]:
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "isang", "mcp", str(folder)], env=dict(os.environ)
        )
        async with stdio_client(command) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            return tools, await session.call_tool("judge_run", {"path": "train.jsonl"})

    tools, answer = asyncio.run(asyncio.wait_for(talk(), 60))
    assert [tool.name for tool in tools] == ["logs", "judge_run", "evidence", "curve", "incidents", "anomalies"]
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert json.loads(answer.content[0].text)["runs"][0]["first"] == ["decreasing"]
