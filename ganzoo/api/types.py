"""What verbs take and give, for annotations of those who call them."""

from ganzoo.evaluation.comparison import ScoreComparison
from ganzoo.evaluation.people.counting import TrialResult
from ganzoo.evaluation.result import Evaluation
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runs.run import Run, TrainingOutcome
from ganzoo.runtime.comparison.choosing import Candidate

__all__ = [
    "Candidate",
    "Evaluation",
    "Progress",
    "ProgressListener",
    "Run",
    "ScoreComparison",
    "TrainingOutcome",
    "TrialResult",
]
