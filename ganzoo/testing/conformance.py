"""What every architecture must do, checked by doing it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import torch

from ganzoo.architecture.declarations import contradictions, misbehaviour, untrained
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.architecture.graphs import graphs_of
from ganzoo.config.fields import describe, unannotated
from ganzoo.config.resolve import Layer, resolve
from ganzoo.errors import RequestError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class, resolve_for
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.runtime.file import OnnxFile
from ganzoo.tensors import BATCH, Dim
from ganzoo.testing.absent_device import Kind
from ganzoo.testing.other_data import other_data, own_losses, try_data
from ganzoo.testing.rehearsal import rehearse, steps_to_rehearse
from ganzoo.testing.subject import Subject, differing, whole_state
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Engine
from ganzoo.training.engine_state import restore_engine, save_engine

_COMPILED_WITHIN = 1e-3  # of a loss, after a few steps of Adam: operators are fused and round otherwise
_MOST_COMPILED = 100  # of the steps that are rehearsed, those of the beginning: each size is compiled anew
_LATE = 60  # steps
_PIXELS = 16  # height and width of pictures whose size is open


class ArchitectureConformance:
    """Subclass it as `Test...`, set `architecture`, and pytest runs every check.

    architecture: a name as users type it, or an `InstalledSpec`.
    accepted: kinds of mistake on a GPU that this architecture makes knowingly, e.g. {"deterministic"} for an operator
        that torch has no deterministic kernel for.
    """

    architecture: ClassVar[str | InstalledSpec[ArchitectureSpec]]
    accepted: ClassVar[frozenset[Kind]] = frozenset()

    @property
    def subject(self) -> Subject:
        """What is tested, anew for each check."""
        chosen = self.architecture
        return Subject(Registry.load().architecture(chosen) if isinstance(chosen, str) else chosen)

    def test_the_plugin_imports_nothing_heavy(self) -> None:
        """Loading it imports no torch, numpy, onnx, onnxruntime or pydantic."""
        offer = self.subject.offer
        if not isinstance(self.architecture, str):
            return  # not installed, so there is no entry point to import
        heavy = ("torch", "torchvision", "onnx", "onnxruntime", "numpy", "pydantic")
        code = (
            "import sys; from ganzoo.plugin.registry import Registry; Registry.load(); "
            f"print(*[name for name in {heavy!r} if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        _require(
            not done.stdout.split(),
            f"loading plugins imported {done.stdout.strip()}; is it {offer.distribution}?",
        )

    def test_every_setting_says_what_it_means(self) -> None:
        """Each field of the config has a Help."""
        fields = describe(config_class(self.subject.offer))
        silent = [info.name for info in fields if not info.help]
        _require(not silent, f"settings without Help: {', '.join(silent)}")

    def test_every_preset_is_valid(self) -> None:
        """Each preset has keys that exist and values in their range."""
        offer = self.subject.offer
        for name in offer.spec.presets:
            size = Layer(origin="test", tables={"data": {"size": 64}})
            resolve_for(offer, [size] if offer.spec.presets[name].computed else [], preset=name)

    def test_the_seed_decides_the_weights(self) -> None:
        """One seed gives one set of weights, another another."""
        subject = self.subject
        first, again, other = (subject.build(seed=seed).state_dict() for seed in (0, 0, 1))
        _require(not differing(first, again), "one seed gave two sets of weights")
        _require(bool(differing(first, other)), "two seeds gave one set of weights")

    def test_building_leaves_the_callers_randomness_alone(self) -> None:
        """torch's default generator stands where it stood."""
        before = torch.random.get_rng_state()
        self.subject.build()
        _require(torch.equal(before, torch.random.get_rng_state()), "building moved torch's default generator")

    def test_every_player_learns(self) -> None:
        """Every optimiser moves a weight."""
        subject = self.subject
        engine = subject.engine()
        before = {
            name: [parameter.detach().clone() for parameter in optimizer.parameters]
            for name, optimizer in engine.optimizers.items()
        }
        subject.train(engine, range(subject.steps(engine)))
        for name, optimizer in engine.optimizers.items():
            moved = any(not torch.equal(old, new) for old, new in zip(before[name], optimizer.parameters, strict=True))
            _require(moved, f"optimizer {name!r} moved no weight in {subject.steps(engine)} steps")

    def test_training_repeats_bit_for_bit(self) -> None:
        """The same training gives the same losses and weights, whatever the process did before."""
        subject = self.subject
        first, second = subject.engine(), subject.engine()
        steps = range(subject.steps(first))
        one = subject.train(first, steps)
        torch.rand(7)  # whatever a process did before must not matter
        two = subject.train(second, steps)
        _require(one == two, "the same training gave other losses")
        _require(not differing(whole_state(first), whole_state(second)), "the same training gave other weights")

    def test_resuming_is_exact(self) -> None:
        """Also finds state kept outside modules: the interrupted half begins with a new object."""
        subject = self.subject
        unbroken = subject.engine()
        steps = subject.steps(unbroken)
        subject.train(unbroken, range(steps))
        for interruption in (1, steps // 2):
            broken = subject.engine()
            subject.train(broken, range(interruption))
            resumed = _resumed(subject, broken, interruption)
            subject.train(resumed, range(interruption, steps))
            names = differing(whole_state(unbroken), whole_state(resumed))
            _require(
                not names,
                f"stopping after step {interruption} of {steps} changed {len(names)} tensors, first {names[:3]}; "
                "is something that changes in training kept outside parameters and buffers?",
            )

    def test_resuming_after_sixty_steps_is_exact(self) -> None:
        """What happens rarely, or after a while, survives a resume too."""
        subject = self.subject
        unbroken = subject.engine()
        subject.train(unbroken, range(_LATE))
        resumed = _resumed(subject, unbroken, _LATE)
        more = range(_LATE, _LATE + 3)
        one, two = subject.train(unbroken, more), subject.train(resumed, more)
        names = differing(whole_state(unbroken), whole_state(resumed))
        _require(
            not names and one == two,
            f"stopping after step {_LATE} changed {len(names)} tensors, first {names[:3]}, and the losses that follow; "
            "is a counter or a running value kept outside parameters and buffers?",
        )

    def test_what_is_declared_is_so(self) -> None:
        """Shapes at two sizes, types, finite values, rows that do not see each other, parameters that learn, roles."""
        subject = self.subject
        engine = subject.engine()
        twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
        trained = [parameter for player in engine.optimizers.values() for parameter in player.parameters]
        asked = [graph for graph in graphs_of(twin) if graph.on_request]
        items = [*contradictions(twin), *misbehaviour(asked), *untrained(engine.architecture, trained)]
        # Plugins of API 1 had no roles to declare.
        found = [str(item) for item in items if item.kind != "unsaid" or subject.offer.api >= 2]
        _require(not found, "\n  ".join(["it contradicts what it declares:", *found]))
        silent = unannotated(config_class(subject.offer))
        _require(not silent, f"no annotation, and so no setting: {', '.join(silent)}; NAME: Annotated[...] = VALUE")

    def test_other_data_are_learnt_from_or_refused_in_a_sentence(self) -> None:
        """Labelled and not, other numbers of classes or of a vector, oblong, one channel to three, unequal sizes."""
        subject = self.subject
        failures = [failure for name, data in other_data(subject).items() if (failure := try_data(subject, name, data))]
        _require(not failures, "\n  ".join(["with other data it fails:", *failures]))

    def test_a_phase_looks_at_the_reals_of_its_own(self) -> None:
        """Of a phase that says reals="own": another batch gives another loss."""
        subject = self.subject
        engine = subject.engine()
        for phase in engine.phases:
            if phase.reals == "own":
                found = own_losses(subject, engine, phase)
                _require(
                    found[0] != found[1],
                    f"phase {phase.name!r} has reals of its own, and its loss is the same whatever they are; use "
                    "`batch`, or leave reals='own' out",
                )

    def test_sampling_does_not_touch_training(self) -> None:
        """Graphs give the declared shapes, twice the same, and leave the live networks as they were."""
        subject = self.subject
        engine = subject.engine()
        subject.train(engine, range(2))
        before = whole_state(engine)
        twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
        for graph in graphs_of(twin):
            dims = {
                dim.name: dim.default or dim.smallest(_PIXELS)
                for spec in graph.inputs
                for dim in spec.shape
                if isinstance(dim, Dim) and dim != BATCH
            }
            inputs = [torch.from_numpy(spec.sample([0, 1, 2], dims)) for spec in graph.inputs]
            outputs = graph.run(*inputs)
            _require(
                len(outputs) == len(graph.outputs),
                f"graph {graph.name!r} declares {len(graph.outputs)} outputs and gives {len(outputs)}",
            )
            for spec, value in zip(graph.outputs, outputs, strict=True):
                expected = spec.sizes({**dims, "batch": 3})
                _require(
                    tuple(value.shape) == expected,
                    f"{spec.name!r} is {tuple(value.shape)}, declared {expected}",
                )
            again = graph.run(*inputs)
            same = all(torch.equal(one, two) for one, two in zip(outputs, again, strict=True))
            _require(same, f"graph {graph.name!r} gave two results for one input in evaluation mode")
        _require(engine.architecture.training, "graphs() left the live networks in evaluation mode")
        _require(not differing(before, whole_state(engine)), "sampling changed the live networks")

    def test_the_exported_file_is_proved_and_repeats(self) -> None:
        """Every graph exports with proof, to the same bytes twice, without computing shapes at run time."""
        subject = self.subject
        engine = subject.engine()
        subject.train(engine, range(2))
        twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
        origin = Origin(offer=subject.offer)
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            first = export_graphs(twin, origin, destination=Path(one))
            second = export_graphs(twin, origin, destination=Path(two))
            for item, again in zip(first, second, strict=True):
                _require(
                    item.proof.model_sha256 == again.proof.model_sha256,
                    f"{item.graph!r}: two exports, two files",
                )
                operators = OnnxFile(item.path).operators()
                _require(
                    "Shape" not in operators,
                    f"{item.graph!r} computes shapes at run time, which ONNX Runtime does on the CPU; "
                    "broadcast a constant by arithmetic instead of expanding it",
                )

    def test_the_rehearsal_of_a_gpu_finds_no_mistake(self) -> None:
        """Steps, samples and graphs on a device that is not there, and bf16: see `ganzoo.testing.rehearsal`."""
        mistakes = [mistake for mistake in rehearse(self.subject) if mistake.kind not in self.accepted]
        listed = "\n".join(f"  [{mistake.kind}] {mistake}" for mistake in mistakes)
        _require(not mistakes, f"on a GPU this would go wrong, or slowly (`accepted` names kinds you allow):\n{listed}")

    def test_compiled_networks_learn_the_same(self) -> None:
        """Traced as a compiler sees them and run without one (torch's `aot_eager`)."""
        subject = self.subject
        eager, compiled = subject.engine(), subject.engine()
        torch.compiler.reset()
        compiled.architecture.compile_networks(backend="aot_eager")
        numbers = [number for number in steps_to_rehearse(eager) if number <= _MOST_COMPILED]
        expected, found = subject.losses(eager, numbers), subject.losses(compiled, numbers)
        for number, one, two in zip(numbers, expected, found, strict=True):
            for name, value in one.items():
                _require(
                    abs(two[name] - value) <= _COMPILED_WITHIN * max(1.0, abs(value)),
                    f"compiled, the loss {name} of step {number} is {two[name]}, and {value} without",
                )

    def test_an_unknown_setting_is_refused(self) -> None:
        """A key that does not exist is an error that names it."""
        from ganzoo.config.resolve import set_layer

        offer = self.subject.offer
        try:
            resolve(offer.spec.name, config_class(offer), [set_layer(["no_such_setting=1"])])
        except RequestError as error:
            _require("no_such_setting" in str(error), "the error does not name the setting")
        else:
            _require(False, "a setting that does not exist was accepted")


def _resumed(subject: Subject, engine: Engine, step: int) -> Engine:
    """A new engine that goes on from the other's checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        saved = save_engine(Path(folder), engine, step=step, state={}, config="", keep=1)
        resumed = subject.engine()
        restore_engine(resumed, saved)
    return resumed


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise AssertionError(message)
