"""The suites for authors find what they are there to find, and pass what is right."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_declarations import GREY, Right, offer, pixels
from toy_zoo.networks import Painter

from ganzoo.architecture import Batch, NoiseToImage, Pair
from ganzoo.data.checked import CheckedSource
from ganzoo.errors import DataError, RequestError
from ganzoo.plugin.call import remember
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.kinds import DATA_SOURCES
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.specs import DataSourceSpec
from ganzoo.tensors import DataInfo, Picture
from ganzoo.testing import ArchitectureConformance, DataSourceConformance


def suite(implementation):
    return type("Suite", (ArchitectureConformance,), {"architecture": offer(implementation)})()


def test_what_is_right_passes():
    one = suite(Right)
    one.test_what_is_declared_is_so()
    one.test_other_data_are_learnt_from_or_refused_in_a_sentence()
    one.test_resuming_after_sixty_steps_is_exact()
    one.test_a_phase_looks_at_the_reals_of_its_own()


class Late(Right):
    """Keeps a count outside its modules, and does something else from step 55 on."""

    def build(self):
        super().build()
        self.count = 0

    def after_step(self, step, stats):
        super().after_step(step, stats)
        self.count += 1
        if self.count > 55:
            with torch.no_grad():
                self.generator.layers[0].bias.mul_(0.9)


def test_state_that_shows_late_is_found():
    suite(Late).test_resuming_is_exact()  # too short to see it
    with pytest.raises(AssertionError, match=r"stopping after step 60 changed \d+ tensors, first .*kept outside"):
        suite(Late).test_resuming_after_sixty_steps_is_exact()


class Square(Right):
    """Takes the height for both sides."""

    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.height)


class Grey(Right):
    """Takes all pictures for grey ones."""

    def build_generator(self):
        return Painter(self.config.latent_size, 1, self.data.size)


class Tens(NoiseToImage):
    """Takes all labels for those of ten classes."""

    condition = "class"

    class Network(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network
            self.table = torch.nn.Linear(10, 4)

        def forward(self, z, label):
            return self.network(z + self.table(torch.nn.functional.one_hot(label, 10).to(z.dtype)))

    class Judge(torch.nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(1))
            self.shift = torch.nn.Embedding(classes - 7, 1)  # of ten: three

        def forward(self, images, label):
            return self.network(images) + self.shift(label % 3)

    def build_generator(self):
        return self.Network(Painter(4, self.data.channels, self.data.size))

    def build_discriminator(self):
        judge = self.Judge(self.data.classes)
        judge(torch.zeros(1, *self.data.picture.shape), torch.zeros(1, dtype=torch.int64))
        return judge


@pytest.mark.parametrize(
    ("implementation", "message"),
    [
        (Square, r"pictures that are twice as wide: .*declares 'image' as 3x1x8x16 float32 and gives 3x1x8x8"),
        (Grey, r"coloured pictures: "),
        (Tens, r"pictures of 3 classes: "),
    ],
)
def test_data_that_it_was_not_made_for(implementation, message):
    with pytest.raises(AssertionError, match=message) as caught:
        suite(implementation).test_other_data_are_learnt_from_or_refused_in_a_sentence()
    assert "Take sizes from self.data" in str(caught.value)


class Blind(Right):
    def phases(self):
        from dataclasses import replace

        discriminator, generator = super().phases()
        return [discriminator, replace(generator, reals="own")]  # whose loss sees no reals


def test_reals_of_its_own_that_nobody_looks_at():
    with pytest.raises(AssertionError, match="phase 'generator' has reals of its own, and its loss is the same"):
        suite(Blind).test_a_phase_looks_at_the_reals_of_its_own()


class Source:
    """Right; subclasses are not."""

    description, in_memory = "planted pictures", True

    def __init__(self, argument, options, *, notify):
        if argument:
            raise RequestError(f"{argument!r}: it takes no argument.")
        self.like = options.picture(Picture(channels=1, height=8, width=8))
        self.info = DataInfo({"real": self.like}, GREY.condition)
        self.lengths = (7,)
        random = np.random.RandomState(0)
        self.pictures = torch.from_numpy(random.randint(256, size=(7, *self.like.shape)).astype(np.uint8))

    def fetch(self, indices):
        return Batch(real=self.pictures[torch.from_numpy(indices[0])])


class Path(Source):
    description = "pictures of /home/me"


class Streams(Source):
    """The next pictures, whatever is asked for."""

    at = 0

    def fetch(self, indices):
        self.at += 1
        return Batch(real=(self.pictures + self.at)[torch.from_numpy(indices[0])])


class Draws(Source):
    def fetch(self, indices):
        torch.rand(1)
        return super().fetch(indices)


class DrawsNumpy(Source):
    def fetch(self, indices):
        np.random.rand(1)
        return super().fetch(indices)


class Views(Source):
    def fetch(self, indices):
        first, last = int(indices[0][0]), int(indices[0][-1])
        whole = last - first == len(indices[0]) - 1
        return Batch(real=self.pictures[first : last + 1]) if whole else super().fetch(indices)


class Deaf(Source):
    """Says what was asked for in its info, and has eight pixels for itself."""

    def __init__(self, argument, options, *, notify):
        from ganzoo.config import DataConfig

        super().__init__(argument, DataConfig(), notify=notify)


class Trusting(Source):
    def __init__(self, argument, options, *, notify):
        self.count = int(argument or 7)
        super().__init__("", options, notify=notify)


class Ragged(Source):
    def fetch(self, indices):
        batch = super().fetch(indices)
        return Batch(real=batch.real[..., :-1]) if 3 in indices[0] else batch


class Threaded(Source):
    """Answers the thread that made it alone."""

    def __init__(self, argument, options, *, notify):
        import threading

        super().__init__(argument, options, notify=notify)
        self.thread = threading.get_ident()

    def fetch(self, indices):
        import threading

        batch = super().fetch(indices)
        return batch if threading.get_ident() == self.thread else Batch(real=batch.real.flip(0) * 0)


CHECKS = sorted(name for name in vars(DataSourceConformance) if name.startswith("test_"))


@pytest.fixture
def checked(monkeypatch):
    """The suite over a class of sources, as if it were installed."""

    def make(implementation):
        remember("planted:source", implementation)
        spec = DataSourceSpec(name="planted", summary="planted", implementation="planted:source")
        registry = Registry.load()
        registry.add(DATA_SOURCES, InstalledSpec(spec=spec, distribution="planted", version="1.0"))
        monkeypatch.setattr(Registry, "load", classmethod(lambda cls: registry))
        return type("Suite", (DataSourceConformance,), {"source": "planted"})()

    return make


def failures(one):
    found = {}
    for name in CHECKS:
        try:
            getattr(one, name)()
        except (AssertionError, DataError) as error:
            found[name] = str(error)
    return found


def test_a_source_that_is_right_passes(checked):
    assert failures(checked(Source)) == {}


@pytest.mark.parametrize(
    ("implementation", "check", "message"),
    [
        (Path, "test_it_says_what_it_is", "has a path"),
        (Streams, "test_an_index_means_one_picture", "one picture alone and another among others"),
        (Draws, "test_fetching_leaves_randomness_and_pictures_alone", "moved torch's default generator"),
        (DrawsNumpy, "test_fetching_leaves_randomness_and_pictures_alone", "moved numpy's global generator"),
        (Views, "test_fetching_leaves_randomness_and_pictures_alone", "give copies"),
        (Deaf, "test_size_and_channels_are_obeyed_or_refused", "asked for 1x16x16, real is 1x8x8"),
        (Trusting, "test_a_wrong_argument_is_an_error_in_words", "made it fail"),
        (Ragged, "test_every_picture_is_what_is_declared", "all pictures of a source have one size"),
        (Threaded, "test_it_may_be_asked_from_another_thread", "from another thread it gave other pictures"),
    ],
)
def test_mistakes_of_sources_are_found(checked, implementation, check, message):
    found = failures(checked(implementation))
    assert message in found.get(check, "not found")


def test_pairs_pass_too(checked):
    class Pairs(Source):
        def __init__(self, argument, options, *, notify):
            super().__init__(argument, options, notify=notify)
            self.info = DataInfo({"source": self.like, "target": self.like})

        def fetch(self, indices):
            chosen = self.pictures[torch.from_numpy(indices[0])]
            return Pair(source=chosen, target=255 - chosen)

    assert failures(checked(Pairs)) == {}


def test_a_checked_source_is_its_source():
    one = CheckedSource(Source("", _options(), notify=print), "'x' of y")
    assert (one.lengths, one.in_memory, one.description) == ((7,), True, "planted pictures")
    assert torch.equal(one.fetch([np.array([2, 2])]).real[0], one.fetch([np.array([2])]).real[0])
    assert pixels(np.array([0])).dtype == torch.uint8


def _options():
    from ganzoo.config import DataConfig

    return DataConfig()


def test_everything_installed_is_collected_and_runs():
    """`pytest --pyargs ganzoo.testing`, narrowed to what is quick."""
    environment = {**os.environ, "GANZOO_PLUGINS": "ganzoo-dcgan", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "ganzoo.testing"]
    listed = subprocess.run([*command, "--collect-only"], capture_output=True, text=True, env=environment, check=False)
    suites = {line.split("::")[1] for line in listed.stdout.splitlines() if "::" in line}
    providers = {name for name in suites if name.endswith("_provider")}
    assert "Testganzoo_cpu_provider" in providers and len(providers) == 10
    scores = {name for name in suites if name.endswith(("_metric", "_network"))}
    assert {"Testganzoo_fid_metric", "Testganzoo_pixels_network"} <= scores and len(scores) == 17
    assert suites - providers - scores == {
        "Testganzoo_dcgan_dcgan", "Testganzoo_digits_data", "Testganzoo_digits_neon_data",
        "Testganzoo_digits_outline_data",
    }  # fmt: skip
    done = subprocess.run(
        [*command, "-k", "digits_data or declared_is_so"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0 and f"{len(CHECKS) + 1} passed" in done.stdout, done.stdout
