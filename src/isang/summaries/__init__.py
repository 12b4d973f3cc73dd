"""The output of each stage: results as a few lines of readable text."""

from isang.summaries.anomalies import of_anomalies, of_anomaly
from isang.summaries.data import of_dataset, of_preview
from isang.summaries.evaluation import encoder_says, of_evaluation
from isang.summaries.incidents import (
    of_answers,
    of_comparison,
    of_detected,
    of_detected_in_short,
    of_feedback,
    of_incidents,
    of_reproduced,
)
from isang.summaries.training import of_rates, of_reports, of_series, of_training
from isang.summaries.whole import of_run

__all__ = [
    "encoder_says", "of_anomalies", "of_anomaly", "of_answers", "of_comparison", "of_dataset", "of_detected",
    "of_detected_in_short", "of_evaluation", "of_feedback", "of_incidents", "of_preview", "of_rates", "of_reports",
    "of_reproduced", "of_run", "of_series", "of_training",
]  # fmt: skip
