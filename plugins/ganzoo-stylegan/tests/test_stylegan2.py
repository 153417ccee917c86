"""StyleGAN2: parameter counts, the outputs of the original networks, the game, and the exported graphs."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.discriminator import Discriminator
from ganzoo_stylegan.importing import discriminator_state, generator_state
from ganzoo_stylegan.ops import with_group_deviation
from ganzoo_stylegan.stylegan2 import StyleGAN2
from ganzoo_stylegan.styles import Generator, MappingNetwork
from ganzoo_stylegan.synthesis import Synthesis

from ganzoo import DataInfo
from ganzoo.architecture import Batch, Step
from ganzoo.config import Schedule
from ganzoo.errors import RequestError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.plugin.registry import Registry
from ganzoo.runtime.file import OnnxFile
from ganzoo.testing import ArchitectureConformance, Subject

REFERENCE = Path(__file__).parent / "reference"
SMALL = {"latent_size": 64, "style_size": 64, "maps_base": 512, "maps_most": 48}
LAYERS = {"uncond": 8, "cond": 2}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("size", "settings", "classes", "generator", "discriminator"),
    [
        (1024, {}, 0, 30_370_060, 29_012_513),
        (512, {}, 0, 30_276_583, 28_982_849),
        (256, {}, 0, 30_034_338, 28_864_129),
        (256, {"maps_base": 16384}, 0, 24_767_458, 24_001_089),
        (256, {"maps_base": 16384, "mapping_layers": 2}, 0, 23_191_522, 24_001_089),
        (32, {"mapping_layers": 2, "residual": False}, 0, 19_947_539, 20_720_641),
        (32, {"mapping_layers": 2, "residual": False, "conditional": True}, 10, 20_215_315, 23_089_664),
    ],
)
def test_the_networks_are_exactly_the_published_ones(size, settings, classes, generator, discriminator):
    with torch.device("meta"):
        networks = StyleGAN2(StyleGAN2Config(**settings), DataInfo(channels=3, size=size, classes=classes))
    assert (count(networks.generator), count(networks.discriminator)) == (generator, discriminator)


def reference(kind):
    arrays = np.load(REFERENCE / f"stylegan2_32_{kind}.npz")
    classes = 10 if kind == "cond" else 0
    config = StyleGAN2Config(**SMALL, mapping_layers=LAYERS[kind], conditional=bool(classes))
    networks = StyleGAN2(config, DataInfo(channels=3, size=32, classes=classes)).eval()
    for part, network, renamed in (
        ("G", networks.generator, generator_state),
        ("D", networks.discriminator, lambda state: discriminator_state(state, 32)),
    ):
        state = {name[2:]: torch.from_numpy(arrays[name]) for name in arrays.files if name.startswith(f"{part}/")}
        network.load_state_dict(renamed(state))
    labels = (torch.from_numpy(arrays["c"]).argmax(1),) if classes else ()
    return networks, arrays, labels


def distance(found, expected):
    return np.abs(np.asarray(found) - expected).max()


@pytest.mark.parametrize("kind", LAYERS)
def test_weights_of_the_original_networks_paint_what_they_paint(kind):
    networks, arrays, labels = reference(kind)
    z, generator = torch.from_numpy(arrays["z"]), networks.generator
    with torch.no_grad():
        for psi, name in ((1.0, "psi1"), (0.7, "psi07")):
            strength = torch.full((len(z),), psi)
            assert distance(generator.styles(z, *labels, strength), arrays[f"ws_{name}"]) <= 1e-4
            assert distance(generator(z, *labels, strength), arrays[f"images_{name}"]) <= 1e-4
        images = torch.from_numpy(arrays["images_psi1"]).clamp(-1, 1)
        # The original's groups take every second sample of eight; ours are of consecutive ones.
        order = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])
        logits = networks.discriminator(images[order], *(label[order] for label in labels))
        assert distance(logits, arrays["logits_of_clamped_images_psi1"][order.numpy()]) <= 1e-4


@pytest.mark.parametrize("kind", ["uncond", pytest.param("cond", marks=pytest.mark.slow)])
def test_so_do_their_onnx_files(tmp_path, kind):
    networks, arrays, labels = reference(kind)
    exported = export_graphs(networks, Origin(offer=Registry.load().architecture("stylegan2")), destination=tmp_path)
    assert [item.graph for item in exported] == ["generator", "mapping", "synthesis"]
    sessions = {item.graph: onnxruntime.InferenceSession(item.path) for item in exported}
    for item in exported:
        operators = OnnxFile(item.path).operators()
        assert "Shape" not in operators
    for psi, name in ((1.0, "psi1"), (0.7, "psi07")):
        feed = {"z": arrays["z"], "truncation_psi": np.full(8, psi, np.float32)}
        feed |= {"label": labels[0].numpy()} if labels else {}
        (whole,) = sessions["generator"].run(None, feed)
        (styles,) = sessions["mapping"].run(None, feed)
        (halves,) = sessions["synthesis"].run(None, {"w": styles})
        assert distance(styles, arrays[f"ws_{name}"]) <= 1e-4
        assert distance(whole, arrays[f"images_{name}"]) <= 1e-4
        assert distance(halves, arrays[f"images_{name}"]) <= 1e-4
    openvino = pytest.importorskip("openvino")
    elsewhere = openvino.Core().compile_model(tmp_path / "generator.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for batch in (1, 2, 5):
        part = {key: value[:batch] for key, value in feed.items()}
        assert distance(sessions["generator"].run(None, part)[0], arrays["images_psi07"][:batch]) <= 1e-4
        assert distance(elsewhere(part)[0], arrays["images_psi07"][:batch]) <= 1e-4


def test_no_convolution_is_grouped_by_batch(tmp_path):
    import onnx

    networks, _, _ = reference("uncond")
    origin = Origin(offer=Registry.load().architecture("stylegan2"))
    (item,) = export_graphs(networks, origin, destination=tmp_path / "s.onnx", graph="synthesis")
    graph = onnx.load(item.path).graph
    static = {tensor.name for tensor in graph.initializer}
    convolutions = 0
    for node in graph.node:
        if static.issuperset(node.input):
            static.update(node.output)  # folded when a session is made
        if node.op_type in ("Conv", "ConvTranspose"):
            convolutions += 1
            assert node.input[1] in static  # one weight, whatever the batch
    assert convolutions >= 11


def game(**changes):
    config = StyleGAN2Config(**{**SMALL, "maps_base": 64, "maps_most": 8, "mapping_layers": 2, **changes})
    torch.manual_seed(0)
    return StyleGAN2(config, DataInfo(channels=1, size=16, classes=10))


def step(number=0):
    return Step(seed=0, number=number, batch_size=64, device=torch.device("cpu"))


def test_mixing_changes_the_style_from_a_layer_on():
    batch = Batch(real=torch.zeros(64, 1, 16, 16))
    with (now := step()).scope("g"):
        ws, mean = game().styles(batch, now)
    assert ws.shape == (64, 6, 64) and mean.shape == (64,)
    changes = (ws[:, 1:] != ws[:, :-1]).any(2).sum(1)
    assert set(changes.tolist()) <= {0, 1}
    assert 0.75 < changes.float().mean() < 1.0  # 0.9
    places = (ws[:, 1:] != ws[:, :-1]).any(2).float().argmax(1)[changes == 1]
    assert set(places.tolist()) == set(range(5))
    with (now := step()).scope("g"):
        plain, _ = game(mixing=0.0).styles(batch, now)
    assert (plain == plain[:, :1]).all()


def test_the_path_length_is_that_of_the_jacobian():
    networks = game(mixing=0.0)
    batch = Batch(real=torch.zeros(4, 1, 16, 16))
    with (now := step()).scope("path"):
        losses = networks.path_loss(batch, now)
    with (again := step()).scope("path"):
        ws, _ = networks.styles(batch, again, 2)
        noise = networks.noise(again, 2)
        direction = again.noise("path", 2, 1, 16, 16) / 16
    lengths = []
    for row in range(2):
        one = ws[row : row + 1].detach()
        jacobian = torch.autograd.functional.jacobian(
            lambda w, row=row: networks.generator.synthesis(w, noise[row : row + 1]), one
        ).reshape(256, 6, 64)
        product = torch.einsum("p,pln->ln", direction[row].flatten(), jacobian)
        lengths.append(product.square().sum(1).mean().sqrt())
    assert losses.stats["length"].item() == pytest.approx(torch.stack(lengths).mean().item(), rel=1e-4)
    expected = 2.0 * torch.stack(lengths).square().mean()  # the mean is 0 at first
    assert losses.terms["path"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_noise_is_new_in_training_and_constant_in_a_sample():
    networks = game()
    with torch.no_grad():
        for block in networks.generator.synthesis.blocks:
            block.conv1.noise_strength.fill_(1.0)
    ws = torch.randn(2, 6, 64)
    synthesis = networks.generator.synthesis
    with (now := step()).scope("a"):
        noise = networks.noise(now, 2)
    assert noise.shape == (2, 16 + 2 * 64 + 2 * 256)
    assert not torch.equal(synthesis(ws, noise), synthesis(ws))
    constant = [buffer.flatten() for name, buffer in synthesis.named_buffers() if name.endswith("noise")]
    assert torch.allclose(synthesis(ws, torch.cat(constant).expand(2, -1)), synthesis(ws), atol=1e-5)


def test_groups_are_of_consecutive_samples():
    x = torch.randn(8, 3, 4, 4)
    plane = with_group_deviation(x, 4)[:, 3]
    assert torch.equal(plane[:4], with_group_deviation(x[:4], 4)[:, 3])
    assert with_group_deviation(x[:6], 4).shape == (6, 4, 4, 4)  # in twos or threes
    expected = (x[:4].var(0, correction=0) + 1e-8).sqrt().mean()
    assert plane[0, 0, 0].item() == pytest.approx(expected.item(), rel=1e-5)


def test_labels_choose_and_are_needed():
    mapping = MappingNetwork(latent_size=4, classes=3, width=4, layers=1)
    z = torch.randn(2, 4)
    assert not torch.equal(mapping(z, torch.tensor([0, 1])), mapping(z, torch.tensor([0, 2])))
    with pytest.raises(RequestError, match="class-conditional and the pictures have no labels"):
        StyleGAN2(StyleGAN2Config(**SMALL, conditional=True), DataInfo(channels=1, size=16))


def test_a_limit_on_activations():
    synthesis = Synthesis(size=8, channels=1, width=4, base=32, most=4, clamp=0.5)
    generator = Generator(MappingNetwork(latent_size=4, classes=0, width=4, layers=1), synthesis, 4)
    images = generator(torch.randn(8, 4) * 9, torch.ones(8))
    assert images.abs().max() <= 1.0  # two pictures of at most 0.5, one of them enlarged
    judge = Discriminator(size=8, channels=1, classes=0, base=32, most=4, clamp=0.5)
    assert judge.picture(torch.randn(2, 1, 8, 8) * 100).abs().max() == 0.5


def augmented():
    """Whose augmentation has come to some strength after a few steps."""
    settings = {"augment": "ada", "augment_kimg": 0.1, "augment_target": 0.01}
    return Subject(Registry.load().architecture("stylegan2"), settings=settings)


def test_what_a_training_keeps_besides_weights():
    subject = augmented()
    engine = subject.engine()
    subject.train(engine, range(subject.steps(engine)))
    state = engine.architecture.state_dict()
    assert 0 < state["augmentation.probability"] <= 1
    assert state["path_mean"] > 0 and state["generator.average"].abs().max() > 0


def test_resuming_with_augmentation_is_exact():
    suite = type("Suite", (ArchitectureConformance,), {"subject": property(lambda self: augmented())})
    suite().test_resuming_is_exact()


def test_the_path_length_takes_every_second_picture_with_its_label():
    networks = game(mixing=0.0, conditional=True)
    label = torch.arange(4)
    with (now := step()).scope("path"):
        ws, _ = networks.styles(Batch(real=torch.zeros(4, 1, 16, 16), label=label), now, 2)
    with (again := step()).scope("path"):
        z = again.normal("latent", 2, 64)
    assert torch.equal(ws[:, 0], networks.generator.mapping(z, label[::2]))


def test_a_batch_that_path_shrink_does_not_divide():
    with (
        (now := step()).scope("path"),
        pytest.raises(RequestError, match="path_shrink is 2, .* the 5 pictures"),
    ):
        game().path_loss(Batch(real=torch.zeros(5, 1, 16, 16)), now)


def test_maps_that_do_not_reach():
    with pytest.raises(RequestError, match="maps_base is 8, which leaves pictures of 16 pixels no feature map"):
        game(maps_base=8)


def test_layers_that_spectral_norm_does_not_know():
    with pytest.raises(RequestError, match="spectral_norm finds no layer of torch's own"):
        game(spectral_norm=True)


def test_without_path_length_the_rate_can_be_what_it_is_with_it():
    data = DataInfo(channels=1, size=16)

    def generator(**settings):
        return StyleGAN2(StyleGAN2Config(**SMALL, **settings), data).optimizers()["generator"]

    plain, scaled = generator(path_weight=0.0), generator(path_weight=0.0, path_rate=True)
    assert (plain.lr, plain.betas) == (2.5e-3, (0.0, 0.99))
    assert scaled.lr == pytest.approx(2e-3) and scaled.betas == (0.0, pytest.approx(0.99**0.8))
    assert generator(path_rate=True) == generator()  # the lazy phase itself scales them
    scheduled = generator(path_weight=0.0, path_rate=True, generator_lr=Schedule(start=1e-3, end=0.0, to_kimg=2.0))
    assert scheduled.lr(1.0) == pytest.approx(0.8 * 5e-4)


def test_the_average_has_the_mean_style_of_the_network_that_learns():
    networks = StyleGAN2(StyleGAN2Config(**SMALL), DataInfo(channels=1, size=16))
    assert networks.ema().buffers == "copied"
    assert StyleGAN2(StyleGAN2Config(**SMALL, ema_half_life_kimg=0.0), DataInfo(channels=1, size=16)).ema() is None


def test_a_network_without_noise_has_no_input_for_it_and_trains():
    subject = Subject(Registry.load().architecture("stylegan2"), settings={"noise": False})
    engine = subject.engine()
    networks = engine.architecture
    assert [graph.name for graph in networks.graphs()] == ["generator", "mapping", "synthesis"]
    assert not any("noise" in name for name in networks.state_dict())
    assert subject.train(engine, range(2))


@pytest.mark.parametrize("group", [0, 3])
def test_a_group_of_zero_is_all_of_the_batch(group):
    x = torch.randn(6, 2, 4, 4)
    whole = with_group_deviation(x, 6)
    assert torch.equal(with_group_deviation(x, group), whole) == (group == 0)
