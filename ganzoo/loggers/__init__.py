"""Where the metrics of a training go besides the screen."""

from ganzoo.loggers.protocol import Logger, open_loggers

__all__ = ["Logger", "open_loggers"]
