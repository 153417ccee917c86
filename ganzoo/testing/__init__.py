"""The conformance suite for architecture authors.

    # tests/test_mygan.py
    from ganzoo.testing import ArchitectureConformance

    class TestMyGAN(ArchitectureConformance):
        architecture = "mygan"

Every check runs with the `tiny` preset on random pictures, on the CPU, in seconds.
"""

from ganzoo.testing.conformance import ArchitectureConformance, Subject
from ganzoo.testing.pictures import RandomPictures

__all__ = ["ArchitectureConformance", "RandomPictures", "Subject"]
