"""What a GPU would refuse or wait for is found without one: planted mistakes, and the core's own settings."""

import re

import pytest
import torch
from planted_mistakes import MISTAKES, offer, offer_of

from ganzoo.config import NoiseToImageConfig
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class
from ganzoo.testing import Subject, rehearse
from ganzoo.testing.absent_device import AbsentDevice
from ganzoo.testing.rehearsal import steps_to_rehearse
from ganzoo.testing.stand_ins import ABSENT


def test_what_is_right_is_found_right():
    assert rehearse(Subject(offer("Right"))) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_planted(name):
    found = rehearse(Subject(offer_of(name)))
    assert any(re.search(MISTAKES[name][1], str(mistake)) for mistake in found), found
    placeless = ("stray buffer", "shape", "dtype")  # of a state, or of a module
    assert name in placeless or any("planted_mistakes.py:" in mistake.where for mistake in found), found


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("InAfterStep", "the host asks for a value .* in after_step"),
        ("StatisticOnTheCpu", "stack meets tensors of two devices"),
        ("InTheGenerator", "add meets tensors of two devices: 1x1x1x1 on the CPU"),
        ("KeptOnTheDevice", "of two devices"),
    ],
)
def test_planted_elsewhere(title, text):
    found = rehearse(Subject(offer(title)))
    assert any(re.search(text, str(mistake)) for mistake in found), found


def test_one_run_shows_every_mistake_once():
    with AbsentDevice() as watch:
        x = torch.zeros(2, device=ABSENT)
        for _ in range(3):
            x.sum().item()
            x = x + torch.ones(2)
    assert [mistake.what.split(" (")[0] for mistake in watch.mistakes] == [
        "the host asks for a value",
        "add meets tensors of two devices: 2 on the CPU, 2 there",
    ]
    assert all(mistake.where.startswith("tests/test_rehearsal.py:") for mistake in watch.mistakes)


def _globals():
    return (
        torch.Generator, torch.autocast.__init__, torch.are_deterministic_algorithms_enabled(),
        torch.__future__.get_swap_module_params_on_conversion(), torch.is_anomaly_enabled(), torch.Tensor.__reduce_ex__,
        dict(torch.nn.modules.module._global_forward_hooks),
    )  # fmt: skip


def test_a_rehearsal_that_fails_leaves_torch_as_it_was():
    before = _globals()
    assert rehearse(Subject(offer_of("hard-coded"))) != []
    assert _globals() == before


def test_torch_is_left_as_it_was():
    before = torch.Generator, torch.autocast.__init__, torch.are_deterministic_algorithms_enabled()
    with pytest.raises(ZeroDivisionError), AbsentDevice(deterministic=True):
        raise ZeroDivisionError
    assert (torch.Generator, torch.autocast.__init__, torch.are_deterministic_algorithms_enabled()) == before
    with pytest.raises(RuntimeError):
        torch.Generator("meta")


def test_every_phase_has_its_turn_early_and_late(registry):
    for chosen in [one for one in registry.architectures if one.spec.trains]:
        engine = Subject(chosen).engine()
        numbers = steps_to_rehearse(engine)
        late = [number for number in numbers if number * engine.batch_size > 10**7]
        for phase in engine.phases:
            assert any(phase.due(number) for number in numbers if number not in late)
            assert any(phase.due(number) for number in late)


SETTINGS = {
    "ada": {"augment": "ada", "augment_kimg": 0.2},
    "diffaugment": {"augment": "diffaugment"},
    "eager r1 and r2": {"penalty": "r1+r2", "penalty_every": 1, "penalty_weight": 0.1},
    "lazy r1 of augmented": {"penalty": "r1", "penalty_every": 4, "penalty_weight": 0.1, "augment": "ada"},
    "lazy wgan-gp": {"objective": "wasserstein", "penalty": "wgan-gp", "penalty_every": 2, "penalty_weight": 1.0},
    "relativistic": {"objective": "relativistic", "penalty": "wgan-gp-one-sided", "penalty_weight": 1.0},
    "hinge and spectral norm": {"objective": "hinge", "spectral_norm": True},
    "clipped rmsprop": {"optimizer": "rmsprop", "clip_weights": 0.01, "clip_gradients": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_of_every_noise_to_image_game(settings):
    """On the toy networks: the game is the core's."""
    assert rehearse(Subject(offer("Right"), settings=SETTINGS[settings])) == []


ARCHITECTURES = [  # with a discriminator that can be shown augmented pictures
    offer.qualified_name
    for offer in Registry.load().architectures
    if issubclass(config_class(offer), NoiseToImageConfig)
]


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_augmented(name, registry):
    """The conformance suite rehearses each as it comes."""
    settings = {"augment": "ada", "augment_kimg": 0.2}
    assert rehearse(Subject(registry.architecture(name), settings=settings)) == []
