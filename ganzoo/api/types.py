"""What verbs take and give, for annotations of those who call them."""

from ganzoo.progress import Progress, ProgressListener
from ganzoo.runs.run import Run, TrainingOutcome

__all__ = ["Progress", "ProgressListener", "Run", "TrainingOutcome"]
