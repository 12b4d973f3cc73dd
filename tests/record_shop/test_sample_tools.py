"""Reading a request's story and packing a recording."""

from pathlib import Path

import pack
import pytest
import zstandard
from story import story

API = """\
ts=2026-01-01T00:00:01.500Z level=info rid=aaaaaaaaaa event="request received"
ts=2026-01-01T00:00:01.900Z level=info rid=bbbbbbbbbb event="request received"
ts=2026-01-01T00:00:02.100Z level=info rid=aaaaaaaaaa event="request served"
"""
CATALOGUE = """\
2026-01-01 00:00:01,700 ERROR catalogue [rid=aaaaaaaaaa] failed
Traceback (most recent call last):
ZeroDivisionError: division by zero
2026-01-01 00:00:01,950 INFO catalogue [rid=bbbbbbbbbb] fine
not part of the first request
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "api.log").write_text(API)
    (tmp_path / "logs" / "catalogue.log").write_text(CATALOGUE)
    (tmp_path / "requests.csv").write_text("request_id,anomalous\naaaaaaaaaa,true\n")
    (tmp_path / "faults.csv").write_text("kind,start,end,service\n")
    return tmp_path


def test_a_story_is_told_in_order_with_its_stack_trace(recording: Path) -> None:
    told = story(recording, "aaaaaaaaaa")
    assert [log for log, _ in told] == ["api", "catalogue", "api"]
    assert told[1][1] == CATALOGUE.splitlines()[:3]


def test_the_packed_sample_tells_the_same(recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = tmp_path / "sample"
    monkeypatch.setattr("sys.argv", ["pack", str(recording), str(sample)])
    assert pack.main() == 0
    assert story(sample, "aaaaaaaaaa") == story(recording, "aaaaaaaaaa")
    packed = (sample / "requests.csv.zst").read_bytes()
    assert zstandard.ZstdDecompressor().decompress(packed) == (recording / "requests.csv").read_bytes()


def test_packing_is_deterministic(recording: Path) -> None:
    pack.compress(recording / "requests.csv", recording / "one.zst")
    pack.compress(recording / "requests.csv", recording / "two.zst")
    assert (recording / "one.zst").read_bytes() == (recording / "two.zst").read_bytes()


def test_a_log_that_names_a_folder_of_this_machine_is_refused(recording: Path) -> None:
    path = recording / "logs" / "api.log"
    path.write_text(API + 'ts=2026-01-01T00:00:03.000Z event="cannot open /root/x"\n')
    with pytest.raises(SystemExit, match=r"api\.log:4 names a folder of this machine: /root"):
        pack.refuse_private(path)
