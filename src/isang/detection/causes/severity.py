"""The severity of an incident, by one transparent rule.

| points | for |
| --- | --- |
| 1, 2 | rarity: a score of RARE or more, of VERY_RARE or more |
| 1 | a line that reports a failure, by its level or its words |
| 1 | spread: MANY_SESSIONS sessions or more |
| 1 | spread: lines in MANY_SOURCES logs or more |
| 1 | duration: LONG_SECONDS or more |
| -1 | noise: it came in the training period too, or again and again in ones and twos |

0 or 1 point is low, 2 or 3 medium, 4 high, 5 and more critical.
"""

from typing import Literal, NamedTuple

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")

RARE = 2.0
"""Score, -log10 of the p-value, from which an incident is rare."""
VERY_RARE = 6.0
MANY_SESSIONS = 10
MANY_SOURCES = 3
LONG_SECONDS = 600.0
NOISY_EPISODES = 4
"""Number of episodes of one or two sessions each, and none larger, that count as noise."""


class Weighed(NamedTuple):
    """What the severity of an incident rests on."""

    score: float
    failure: bool
    sessions: int
    sources: int
    seconds: float
    noisy: bool


def severity(weighed: Weighed) -> Severity:
    """The severity by the points of the table above."""
    points = (weighed.score >= RARE) + (weighed.score >= VERY_RARE)
    points += weighed.failure
    points += weighed.sessions >= MANY_SESSIONS
    points += weighed.sources >= MANY_SOURCES
    points += weighed.seconds >= LONG_SECONDS
    points -= weighed.noisy
    return SEVERITIES[(points >= 2) + (points >= 4) + (points >= 5)]
