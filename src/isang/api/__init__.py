"""The library's objects: a detector of log anomalies, what it finds, and the judgement of a training run."""

from isang.api.anomalies import Anomalies, Anomaly
from isang.api.detector import Detector
from isang.api.report import Report

__all__ = ["Anomalies", "Anomaly", "Detector", "Report"]
