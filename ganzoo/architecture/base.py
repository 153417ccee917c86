"""The base of every architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor, nn

from ganzoo.architecture.records import DataKind, Ema, Graph, Optimizer, Phase
from ganzoo.architecture.step import Step
from ganzoo.errors import PluginError, RequestError
from ganzoo.plugin.api1 import map_overrides
from ganzoo.tensors import ConditionKind, DataInfo


class Architecture(nn.Module, ABC):
    """Networks, the game they play, and what is exported.

    Its `state_dict` is the whole state of the model: whatever changes during training and is not a
    weight (a running mean, a pool of past fakes) is a registered buffer. An attribute that is not
    would be lost by a resume, and the conformance suite looks for it.

    config: the architecture's hyperparameters. data: what the pictures are like.
    wants: the data that it learns from: `pictures` (a loss is given a Batch), `pairs` or `domains` (a Pair).
    condition: what its pictures are painted from besides noise: `none`, `class` or `vector`; an attribute of the class,
        or a property over the config, as it is read before the networks are built.
    judged_by: how checkpoints are compared where no metric is asked for: by the `likeness` of what is painted to the
        pictures, by PSNR against the `truth` of each translation, or not at all, `none`, so that the last is the best;
        an attribute or a property.
    fixed: names of submodules and buffers that no optimiser trains and that belong to what paints, such as an encoder;
        a run that begins from another's weights takes them too.
    channels_last: train in that memory format. Convolutions on a CPU are a fifth faster for it (measured on
        DCGAN), but `x.view(len(x), -1)` of a picture is refused in it; use `flatten` or `reshape`.
    """

    wants: ClassVar[DataKind] = "pictures"
    condition: ConditionKind = "none"
    channels_last: ClassVar[bool] = False
    judged_by: Literal["likeness", "truth", "none"] = "likeness"
    fixed: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: Any, data: DataInfo) -> None:
        """Raises RequestError for pictures without the condition that it wants, and what `build` raises."""
        super().__init__()
        self.config = config
        self.data = data if self.wants == "pictures" else data.of("source", "target")
        self.check_condition()
        self.build()

    def check_condition(self) -> None:
        """Raises RequestError where the pictures have no labels, or vectors, and they are wanted; PluginError for a
        condition that there is not.
        """
        declared = type(self).condition
        if isinstance(declared, property):
            declared = declared.fget(self)  # not self.condition: nn.Module hides an error of a property
        if declared not in get_args(ConditionKind):
            raise PluginError(
                f"{type(self).__name__} has condition = {declared!r}.",
                hint=f"Expected one of {', '.join(get_args(ConditionKind))}.",
            )
        wanted, found = self.painted_from(), self.data.condition
        if wanted == "none" or (found is not None and found.kind == wanted):
            return
        has = "no labels" if found is None else "class labels" if found.kind == "class" else "vectors, and no classes"
        if wanted == "class":
            raise RequestError(
                f"{type(self).__name__} is class-conditional and the pictures have {has}.",
                hint="--set data.labels=folders takes sub-folders as classes, FILE.csv a table; or --data digits.",
            )
        raise RequestError(
            f"{type(self).__name__} paints from a vector of numbers, and the pictures have {has}.",
            hint="Use a data source whose condition is a vector; `ganzoo plugins` lists what is installed.",
        )

    def painted_from(self) -> ConditionKind:
        """The condition in force: `condition`, or `class` where one of plugin API 1 says `conditional = True`."""
        declared = self.condition
        # One of API 1 may have an attribute of its own by this name.
        if declared != "none" and declared in get_args(ConditionKind):
            return declared
        return "class" if getattr(self, "conditional", False) else "none"

    @abstractmethod
    def build(self) -> None:
        """Register the networks as submodules. Raises RequestError for a size that does not fit."""

    @abstractmethod
    def optimizers(self) -> Mapping[str, Optimizer]:
        """Optimisers by name."""

    @abstractmethod
    def phases(self) -> Sequence[Phase]:
        """The updates of one step, in order."""

    @abstractmethod
    def graphs(self) -> Sequence[Graph]:
        """What can be sampled and exported, the main one first. Called on a copy in evaluation mode."""

    def can_be_scored(self) -> bool:
        """Whether what is painted now can be held against the pictures: a checkpoint is scored only then.

        False while an architecture that grows paints less than whole pictures. Called on a copy in evaluation mode.
        """
        return True

    def warnings_before(self, kimg: float) -> Sequence[str]:
        """What somebody who begins a run of so many kimg has to know, a line each; shown before the first step."""
        return ()

    def finished(self) -> bool:
        """The old name of `can_be_scored`, as the base has it."""
        return True

    def remarks(self, kimg: float) -> Sequence[str]:
        """The old name of `warnings_before`, as the base has it."""
        return ()

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        map_overrides(Architecture, cls)

    def ema(self) -> Ema | None:
        """Which submodules are averaged, or None. The average replaces them in `graphs()`."""
        return None

    def compile_networks(self, **options: Any) -> None:
        """Compile every network in place. options: of `torch.compile`.

        Override it for work that bypasses a network's `forward`. A compiled network cannot be differentiated twice.
        """
        for network in self.children():
            network.compile(**options)

    def after_step(self, step: Step, stats: Mapping[str, Tensor]) -> None:
        """Update buffers after all phases, without gradients.

        stats: the statistics of this step as `phase.name`, averaged over ranks and micro-batches.
        """
