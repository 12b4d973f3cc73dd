"""The recorded sample as it is played into the service."""

import json
from datetime import UTC, datetime

from isang import samples
from isang.service.demo import _body, lines_of
from isang.service.intake import Request
from isang.service.intake.otlp import Otlp


def test_the_sample_s_lines_come_by_time_from_all_programs() -> None:
    sample = samples.shop()
    lines = lines_of(sample, datetime(2026, 11, 23, 11, 45, 30, tzinfo=UTC))
    assert {program for _, program, _ in lines} == {path.name.partition(".")[0] for path in sample.logs}
    seconds = [second for second, *_ in lines]
    assert seconds == sorted(seconds)
    assert seconds[0] > (11 * 60 + 45) * 60 + 30
    assert len(lines_of(sample, None)) > 1.5 * len(lines)
    request = Request("POST", "/v1/logs", {"content-type": "application/json"}, {}, 0, "")
    records = Otlp().decode(request, _body(lines[:500])).records
    sent = sorted((program, line) for _, program, line in lines[:500])
    assert sorted((record.source, record.text) for record in records) == sent
    assert json.loads(_body(lines[:1]))["resourceLogs"][0]["scopeLogs"]
