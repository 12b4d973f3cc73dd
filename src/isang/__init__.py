"""isang: learns what normal logs look like, finds anomalies, and judges the training run behind them.

From Python: `isang.Detector` and `isang.Report`; or the stages on folders, `isang.run` and each alone: `prepare`,
`train`, `report`, `evaluate`, `detect`; settings: `Config`.
"""

from typing import TYPE_CHECKING, Any

from isang.threads import settle as _settle_threads

if TYPE_CHECKING:
    from isang.api import Anomaly as Anomaly
    from isang.api import Detector as Detector
    from isang.api import Report as Report
    from isang.config import Config as Config
    from isang.detection.incidents import Incident as Incident
    from isang.errors import IsangError as IsangError
    from isang.stages import detect as detect
    from isang.stages import evaluate as evaluate
    from isang.stages import prepare as prepare
    from isang.stages import report as report
    from isang.stages import run as run
    from isang.stages import train as train

__version__ = "0.1.0"

_settle_threads()

_PUBLIC = {
    "Anomaly": "api", "Detector": "api", "Report": "api", "Incident": "detection.incidents",
    "Config": "config", "IsangError": "errors", "prepare": "stages", "train": "stages", "report": "stages",
    "evaluate": "stages", "detect": "stages", "run": "stages",
}  # fmt: skip
__all__ = [
    "Anomaly", "Config", "Detector", "Incident", "IsangError", "Report", "__version__", "detect", "evaluate", "prepare",
    "report", "run", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `isang --help` must not wait for polars."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'isang' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"isang.{_PUBLIC[name]}"), name)
