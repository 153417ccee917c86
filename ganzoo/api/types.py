"""What verbs take and give, for annotations of those who call them."""

from ganzoo.evaluation.comparison import ScoreComparison
from ganzoo.evaluation.people.counting import TrialResult
from ganzoo.evaluation.result import Evaluation
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runs.listing import RunEntry
from ganzoo.runs.run import Run, TrainingOutcome
from ganzoo.runs.status import RunStatus
from ganzoo.runtime.comparison.choosing import Candidate
from ganzoo.sampling.model import Model

__all__ = [
    "Candidate",
    "Evaluation",
    "Model",
    "Progress",
    "ProgressListener",
    "Run",
    "RunEntry",
    "RunStatus",
    "ScoreComparison",
    "TrainingOutcome",
    "TrialResult",
]
