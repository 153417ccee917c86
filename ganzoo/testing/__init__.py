"""The conformance suites for authors of architectures and of data sources.

    # tests/test_mygan.py
    from ganzoo.testing import ArchitectureConformance

    class TestMyGAN(ArchitectureConformance):
        architecture = "mygan"

    class TestMyPictures(DataSourceConformance):
        source = "mypictures:argument"

Every check of an architecture runs with the `tiny` preset on random pictures, on the CPU, in seconds.
`pytest --pyargs ganzoo.testing` runs them over everything that is installed.
"""

from ganzoo.testing.absent_device import Mistake
from ganzoo.testing.conformance import ArchitectureConformance
from ganzoo.testing.pictures import RandomPictures
from ganzoo.testing.rehearsal import rehearse
from ganzoo.testing.sources import DataSourceConformance
from ganzoo.testing.subject import Subject

__all__ = ["ArchitectureConformance", "DataSourceConformance", "Mistake", "RandomPictures", "Subject", "rehearse"]
