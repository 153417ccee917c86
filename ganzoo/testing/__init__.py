"""The conformance suite for architecture authors.

    # tests/test_mygan.py
    from ganzoo.testing import ArchitectureConformance

    class TestMyGAN(ArchitectureConformance):
        architecture = "mygan"

Every check runs with the `tiny` preset on random pictures, on the CPU, in seconds.
"""

from ganzoo.testing.absent_device import Mistake
from ganzoo.testing.conformance import ArchitectureConformance
from ganzoo.testing.pictures import RandomPictures
from ganzoo.testing.rehearsal import rehearse
from ganzoo.testing.subject import Subject

__all__ = ["ArchitectureConformance", "Mistake", "RandomPictures", "Subject", "rehearse"]
