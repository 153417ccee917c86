"""A GAN that is right, and one for each mistake that a CPU lets pass and a GPU does not.

Shapes: B batch, C channels, S size.
"""

import io

import numpy as np
import torch
from toy_zoo.networks import Judge, Painter

from ganzoo import ArchitectureSpec, Preset
from ganzoo.architecture import Losses, NoiseToImage
from ganzoo.plugin.installed import InstalledSpec


class Right(NoiseToImage):
    """mistake: what a subclass adds to the discriminator's loss, a scalar."""

    def build(self):
        super().build()
        self.register_buffer("scale", torch.full((4,), 0.5))
        self.table = torch.arange(4)  # an attribute, which `to(device)` does not move

    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.size)

    def build_discriminator(self):
        return Judge(self.data.channels)

    def discriminator_loss(self, batch, step):
        losses = super().discriminator_loss(batch, step)
        total = losses.terms["adversarial"]
        return Losses({**losses.terms, "mistake": self.mistake(batch, step, total)}, losses.stats)

    def mistake(self, batch, step, total):
        """What is right: numbers of Python, tensors made on the device, randomness of the step, copies that are not
        waited for, indices that lie on the device."""
        rows = torch.arange(len(batch), device=total.device)
        weight = step.uniform("weight", len(batch)) * self.scale.mean() * 0.5
        noise = torch.randn(len(batch), device=total.device)
        own = torch.rand(len(batch), device=total.device, generator=torch.Generator(total.device).manual_seed(1))
        kept = torch.where(noise > 0, own, 0.25)[rows]
        shown = self.discriminator(batch.real)
        return 1e-3 * (weight * kept * shown.clamp(-1, 1)).mean() + torch.full_like(total, 0.1) * total


def _value(how):
    def mistake(self, batch, step, total):
        how(total)
        return total

    return mistake


def _counted(total):
    number = total.detach() * 0
    while float(number) < 3:
        number = number + 1


def _copied(total):
    number = total.detach() * 0
    while number.cpu() < 3:
        number = number + 1


def _lifted(self, batch, step, total):
    shown = self.discriminator(batch.real)
    kept = torch.zeros_like(shown)
    kept[torch.arange(len(batch), device=total.device)] = shown.clamp(-1, 1).exp()  # CUDA's autocast gives float32
    return total + kept.mean()


def _bce(self, batch, step, total):
    shown = torch.sigmoid(self.discriminator(batch.real))
    return total + torch.nn.functional.binary_cross_entropy(shown, torch.ones_like(shown))


def _halved_until_small(total):
    while total > 1e-3:
        total = total.detach() / 2


def _float64(self, batch, step, total):
    return (self.discriminator(batch.real).double() * torch.from_numpy(np.ones(len(batch)))).mean().float()


def _index_put(self, batch, step, total):
    kept = torch.zeros(len(batch), device=total.device)
    kept[torch.arange(len(batch), device=total.device)] = self.discriminator(batch.real)  # refused: bf16 into float32
    return kept.mean()


def _bessel(self, batch, step, total):
    features = self.discriminator.layers[0](batch.real).flatten(1)  # (B, K)
    gram = features @ features.T
    return torch.special.bessel_j0(gram.detach()).mean()


def _count_in_buffer(self, batch, step, total):
    self.scale = self.scale.to(self.discriminator(batch.real).dtype)
    return total


def _stray_buffer(self, batch, step, total):
    self.scale = torch.full((4,), 0.5)  # made anew, on the CPU
    return total


def _device_shape(self, batch, step, total):
    columns = 3 if total.device.type == "cpu" else 4
    return self.norm(torch.ones(2, columns, device=total.device)).mean() + total


MISTAKES = {
    # One of each kind.
    "constant": (lambda self, batch, step, total: total * torch.tensor(0.5), "mul meets tensors of two devices"),
    "item": (_value(lambda total: total.item()), "the host asks for a value"),
    "buffer": (lambda self, batch, step, total: total + self.table[: len(batch)].sum() * total, "of two devices"),
    "numpy": (_value(lambda total: total.detach().numpy().mean()), "is made a NumPy array"),
    "generator": (
        lambda self, batch, step, total: total * torch.rand(4, device=total.device, generator=torch.Generator()).mean(),
        "draws on the device with a generator of the CPU",
    ),
    "bf16": (_index_put, "In bf16 it fails"),
    # Others of the same kinds.
    "if": (_value(lambda total: 1 if total > 0 else 2), "the host asks for a value"),
    "float": (_value(lambda total: float(total.detach())), "the host asks for a value"),
    "assert": (_value(lambda total: bool(torch.isfinite(total).all())), "the host asks for a value"),
    "print": (_value(repr), "a tensor is printed"),
    "format": (_value(lambda total: f"{total.detach():.3f}"), "a tensor is printed"),
    "list": (_value(lambda total: total.detach().reshape(1).tolist()), "copied from the device to the CPU"),
    "cpu": (_value(lambda total: total.detach().cpu()), "copied from the device to the CPU"),
    "copy back": (_value(lambda total: torch.zeros(()).copy_(total.detach())), "copied from the device to the CPU"),
    "array": (_value(lambda total: np.asarray(total.detach().cpu())), "copied from the device to the CPU"),
    "array of it": (_value(lambda total: np.asarray(total.detach())), "is made a NumPy array"),
    "equal": (_value(lambda total: torch.equal(total, total)), "equal gives what depends on values|asks for a value"),
    "close": (_value(lambda total: torch.allclose(total, total)), "depends on values|asks for a value"),
    "mask": (lambda self, batch, step, total: total + batch.real[batch.real > 0].mean(), "depends on values"),
    "nonzero": (lambda self, batch, step, total: total + batch.real.nonzero().sum(), "depends on values"),
    "unique": (lambda self, batch, step, total: total + batch.real.unique().sum(), "depends on values"),
    "numbers": (
        lambda self, batch, step, total: total * torch.tensor([0.5], device=total.device).mean(),
        "made of Python numbers on the device",
    ),
    "moved": (
        lambda self, batch, step, total: total * torch.ones(4).to(total.device).mean(),
        "copied to the device, and the host waits",
    ),
    "index": (lambda self, batch, step, total: total + batch.real[self.table].mean(), "index meets tensors of two"),
    "in place": (
        lambda self, batch, step, total: total + torch.zeros(4, device=total.device).copy_(torch.ones(4)).mean(),
        "copied to the device, and the host waits",
    ),
    "normal": (
        lambda self, batch, step, total: total
        + torch.empty(4, device=total.device).normal_(generator=torch.Generator()).mean(),
        "normal_ draws on the device with a generator of the CPU",
    ),
    "permutation": (
        lambda self, batch, step, total: total + batch.real[torch.randperm(len(batch))].mean(), "index meets tensors"
    ),
    "float64": (_float64, "of two devices"),
    "loop": (_value(_halved_until_small), "the host asks for a value"),
    "distribution": (
        lambda self, batch, step, total: total * torch.distributions.Normal(total.detach(), total.detach().exp()).mean,
        "the host asks for a value",
    ),
    "one row": (
        lambda self, batch, step, total: total + batch.real[int(batch.label[0]) % 2].mean(),
        "the host asks for a value",
    ),
    "maximum": (_value(lambda total: max(total, 0)), "the host asks for a value"),
    "saved": (_value(lambda total: torch.save(total.detach(), io.BytesIO())), "a tensor is saved"),
    "legacy type": (_value(lambda total: total.detach().type("torch.FloatTensor").sum()), "copied from the device"),
    "as_tensor": (
        lambda self, batch, step, total: total + torch.as_tensor(np.zeros(4, np.float32), device=total.device).mean(),
        "made of Python numbers|copied to the device",
    ),
    "new_tensor": (lambda self, batch, step, total: total + total.new_tensor([0.5]).mean(), "made of Python numbers"),
    "random numpy": (
        lambda self, batch, step, total: total * torch.from_numpy(np.random.rand(4)).float().mean(),
        "mul meets tensors of two devices",
    ),
    "bce": (_bce, "binary_cross_entropy is refused under CUDA's autocast"),
    "fft": (
        lambda self, batch, step, total: total
        + torch.fft.rfft2(self.discriminator.layers[0](batch.real)).abs().mean(),
        "fft_rfft2 has no bf16 on a GPU",
    ),
    "quantile": (
        lambda self, batch, step, total: total + torch.quantile(self.discriminator(batch.real), 0.5),
        "quantile has no bf16 on a GPU",
    ),
    "warp": (
        lambda self, batch, step, total: total
        + torch.nn.functional.grid_sample(
            self.discriminator.layers[0](batch.real).float(), torch.zeros(len(batch), 2, 2, 2, device=total.device)
        ).mean(),
        "grid_sampler_2d_backward has no deterministic kernel",
    ),
    "loop over a number": (_value(_counted), "the host asks for a value"),
    "loop over a copy": (_value(_copied), "copied from the device to the CPU"),
    "inverse": (
        _value(lambda total: torch.linalg.inv(torch.eye(2, device=total.device))),
        "gives what depends on values",
    ),
    "lifted": (_lifted, "In bf16 it fails: .*Index put"),
    "hard-coded": (lambda self, batch, step, total: total + torch.zeros(1, device="cuda").mean(), "it fails: .*NVIDIA"),
    "moved by name": (_value(lambda total: total.cuda()), "it fails: .*NVIDIA"),
    "stray buffer": (_stray_buffer, "scale is on the CPU after a step"),
    "shape": (_device_shape, "norm gives 2x4 float32 there and 2x3 float32 on the CPU"),
    "no bf16": (_bessel, "In bf16 it fails"),
    "dtype": (_count_in_buffer, "scale became torch.bfloat16 in bf16 and is torch.float32 in fp32"),
    "pad": (
        lambda self, batch, step, total: total
        + torch.nn.functional.pad(self.discriminator.layers[0](batch.real), [1] * 4, "reflect").mean(),
        "reflection_pad2d_backward has no deterministic kernel",
    ),
    "resize": (
        lambda self, batch, step, total: total
        + torch.nn.functional.adaptive_avg_pool2d(self.discriminator.layers[0](batch.real), 3).mean(),
        "_adaptive_avg_pool2d_backward has no deterministic kernel",
    ),
}  # fmt: skip
"""By name: the method, and what the rehearsal says of it."""


def _build_with_norm(self):
    Right.build(self)
    self.norm = torch.nn.Identity()


for _name, (_method, _) in MISTAKES.items():
    _title = _name.title().replace(" ", "").replace("-", "")
    globals()[_title] = type(_title, (Right,), {"mistake": _method, "build": _build_with_norm, "__module__": __name__})


class StatisticOnTheCpu(Right):
    def discriminator_loss(self, batch, step):
        losses = super().discriminator_loss(batch, step)
        return Losses(losses.terms, {**losses.stats, "rate": torch.tensor(0.1)})

    def mistake(self, batch, step, total):
        return total * 0


class InAfterStep(Right):
    def after_step(self, step, stats):
        super().after_step(step, stats)
        self.scale.mul_(0.9 if stats["discriminator.real"].item() > 0 else 1.0)


class InTheGenerator(Right):
    """Right in training; what is painted and exported meets a tensor that stayed behind."""

    def build_generator(self):
        return LeftBehind(Painter(self.config.latent_size, self.data.channels, self.data.size))


class LeftBehind(torch.nn.Module):
    def __init__(self, painter):
        super().__init__()
        self.painter = painter
        self.offset = torch.zeros(1, 1, 1, 1)

    def forward(self, z):
        images = self.painter(z)
        return images if self.training else images + self.offset


class KeptOnTheDevice(Right):
    """Remembers a tensor of the training's device in an attribute, which an export does not take to the CPU."""

    def build_generator(self):
        return Remembers(Painter(self.config.latent_size, self.data.channels, self.data.size))


class Remembers(torch.nn.Module):
    def __init__(self, painter):
        super().__init__()
        self.painter = painter
        self.last = None

    def forward(self, z):
        images = self.painter(z)
        if self.training:
            self.last = images.detach().mean()
            return images
        return images + 0 * self.last if self.last is not None else images


_TINY = Preset(
    summary="for tests",
    architecture={"latent_size": 4},
    train={"batch_size": 4, "steps": 4, "sample_count": 4},
    data={"size": 8, "channels": 1},
)


def offer(title):
    """One of these classes as an installed architecture."""
    spec = ArchitectureSpec(
        name="planted", task="noise-to-image", summary=title, implementation=f"planted_mistakes:{title}",
        presets={"tiny": _TINY},
    )  # fmt: skip
    return InstalledSpec(spec=spec, distribution="planted", version="1.0")


def offer_of(name):
    return offer(name.title().replace(" ", "").replace("-", ""))
