"""What every execution provider must do, checked by doing it. Needs no torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ganzoo.errors import BenchError, GanzooError, RequestError
from ganzoo.plugin.kinds import PROVIDERS
from ganzoo.plugin.registry import Registry
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.check import compare
from ganzoo.runtime.providers.failures import Explanation
from ganzoo.runtime.providers.provider import Option, Provider
from ganzoo.runtime.providers.requirements import find_trouble
from ganzoo.runtime.providers.table import find_provider, implementation_of, is_known, offer
from ganzoo.runtime.session import CPU, open_checked, run_session
from ganzoo.testing.models import partly_possible, small_models

_PLACES = ("always", "build_options")
_FAR = 4096  # no machine has so many devices


class ProviderConformance:
    """Subclass it as `Test...`, set `provider`, and pytest runs every check.

    provider: as users type it after --provider. device: which of its devices is tried. Where the provider does not work
    on this machine, those checks that need it are skipped with its reason; what it declares is checked anywhere.
    """

    provider: ClassVar[str]
    device: ClassVar[int] = 0

    def found(self) -> Provider:
        """The provider, of ganzoo or of an installed plugin."""
        if not is_known(self.provider):
            offer(Registry.load().of(PROVIDERS))
        return find_provider(self.provider)

    def working(self) -> Provider:
        """The same; skips the check where it does not work here."""
        provider = self.found()
        trouble = find_trouble(self.provider)
        if trouble is not None:
            pytest.skip(f"{self.provider} does not work here: {trouble.reason}")
        return provider

    def test_it_declares_what_it_takes(self) -> None:
        """Options are Options, and every option that it sets itself is one that it declares, with a value that fits."""
        provider = self.found()
        _require(provider.ort_name.endswith("ExecutionProvider"), f"ort_name is {provider.ort_name!r}")
        _require(isinstance(provider.packages, tuple), f"packages is {provider.packages!r}; expected a tuple")
        odd = [key for key, option in provider.options.items() if not isinstance(option, Option)]
        _require(not odd, f"options that are no Option: {', '.join(odd)}")
        own: list[Mapping[str, str]] = [getattr(provider, place) for place in _PLACES]
        own += [*provider.precisions.values()]
        own += [{key: "1"} for key in (provider.device_option, provider.graph_option) if key]
        for options in own:
            provider.check_options({key: value.format(folder="x") for key, value in options.items()})
        _require("file" not in provider.precisions, "precisions has 'file', which every provider has of itself")

    def test_options_are_checked_before_a_session(self) -> None:
        """A key that there is not, and values that are none."""
        provider = self.found()
        with pytest.raises(RequestError, match="no_such_option"):
            provider.check_options({"no_such_option": "1"})
        for key, option in provider.options.items():
            if option.kind != "text":
                with pytest.raises(RequestError, match=f"{self.provider}.{key}"):
                    provider.check_options({key: "neither"})

    def test_what_is_stated_is_over_what_is_usual(self) -> None:
        """An option of the user's wins over `always`, a precision's, and the device."""
        provider = self.found()
        for precision in ("file", *provider.precisions):
            usual = provider.session_options(device=3, precision=precision, options={})
            for key in usual:
                chosen = provider.session_options(device=3, precision=precision, options={key: "stated"})
                _require(chosen[key] == "stated", f"the option {key} cannot be stated")
            if provider.device_option:
                value = usual[provider.device_option]
                _require(value == provider.device_value(3), "the device is not handed over")

    def test_it_says_whether_it_works(self) -> None:
        """None, or a clause that names what is wrong and something to do."""
        trouble = find_trouble(self.provider) if self.found() else None
        _require(trouble is None or isinstance(trouble, Explanation), f"find_trouble() gave {trouble!r}")
        if trouble is not None:
            _require(bool(trouble.reason) and "\n" not in trouble.reason, f"its reason is {trouble.reason!r}")
            _require(bool(trouble.remedy), f"{trouble.reason}: nothing is said of what to do")

    def test_it_is_made_without_torch(self) -> None:
        """In a process of its own: `ganzoo bench` works where torch is not installed."""
        self.found()
        code = (
            "import sys; from ganzoo.runtime.providers.table import find_provider; "
            f"p = find_provider({self.provider!r}, {implementation_of(self.provider)!r}); p.find_trouble(); "
            "sys.exit('torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        _require(done.returncode == 0, f"torch is imported, or it cannot be made: {done.stderr.strip()[-500:]}")

    def test_it_is_refused_where_it_does_not_work(self, tmp_path: Path) -> None:
        """By a sentence, and not by another provider that takes its place."""
        self.found()
        trouble = find_trouble(self.provider)
        if trouble is None:
            pytest.skip("it works here")
        path = next(small_models(tmp_path))
        with pytest.raises(BenchError) as caught:
            open_checked(path, self.provider)
        _require(trouble.reason in caught.value.message, f"{caught.value.message} does not say {trouble.reason}")

    def test_it_paints_what_the_processor_paints(self, tmp_path: Path) -> None:
        """Networks of every layer that generators are made of, at two batches, within the bound of its precision."""
        self.working()
        for path, feed in self.fed(tmp_path):
            expected = run_session(open_checked(path, "cpu").session, feed, path)
            found = run_session(open_checked(path, self.provider, device=self.device).session, feed, path)
            outcome = compare(OnnxFile(path), expected, found, "file", "strict")
            _require(outcome.state == "ok", f"{path.stem}: {outcome.why}")

    def test_nothing_runs_elsewhere(self, tmp_path: Path) -> None:
        """Every node of those networks is its own."""
        provider = self.working()
        for path in small_models(tmp_path):
            opened = open_checked(path, self.provider, device=self.device)
            others = {name: count for name, count in opened.nodes.items() if name != provider.ort_name}
            _require(not others or provider.ort_name == CPU, f"{path.stem}: {others} nodes run elsewhere")
            _require(bool(opened.nodes), f"{path.stem}: ONNX Runtime does not say where its nodes run")

    def test_a_node_without_a_kernel_is_named(self, tmp_path: Path) -> None:
        """A model of which it has no kernel for one node runs there whole, or is refused by the name of that node."""
        provider = self.working()
        path, node = partly_possible(tmp_path)
        try:
            opened = open_checked(path, self.provider, device=self.device)
        except GanzooError as error:
            _require(node in error.message, f"{error.message}: the node {node} is not named")
        else:
            _require(set(opened.nodes) == {provider.ort_name}, f"it runs on {', '.join(opened.nodes)} without a word")

    def test_a_device_that_there_is_not_is_refused(self, tmp_path: Path) -> None:
        """Another one does not take its place."""
        provider = self.working()
        if not provider.device_option:
            pytest.skip("it has one device")
        with pytest.raises(BenchError):
            open_checked(next(small_models(tmp_path)), self.provider, device=_FAR)

    def test_it_tells_its_devices_and_build(self) -> None:
        """Texts in one line, without a path or a host."""
        provider = self.working()
        devices = provider.devices()
        _require(bool(devices), "it works, and devices() is empty")
        _require(all(isinstance(one, Device) for one in devices), f"devices() gave {devices!r}; expected ganzoo.Device")
        texts = [*(one.name for one in devices), *provider.versions(), *provider.versions().values()]
        _require(len({one.key for one in devices}) == len(devices), "two of its devices have one label")
        odd = [text for text in texts if not isinstance(text, str) or not text or "/" in text or "\n" in text]
        _require(not odd, f"devices() or versions() have {odd}; expected short texts without paths")

    def test_it_is_measured(self, tmp_path: Path) -> None:
        """By `ganzoo bench`, in processes of its own, outputs compared."""
        self.working()
        from ganzoo.api.bench import bench

        path = next(small_models(tmp_path))
        result = bench(path, provider=self.provider, device=self.device, dims={"batch": [1, 2]}, repeats=1,
                       least_seconds=0.1, max_seconds=120)  # fmt: skip
        states = [(case["state"], case["why"]) for case in result.cases]
        _require(states == [("ok", "")] * 2, f"states are {states}")
        _require(all(case["latency_ms"]["host_to_host"] for case in result.cases), "no latency from host to host")

    def fed(self, folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Each small model with inputs, at two batches."""
        for path in small_models(folder):
            for batch in (1, 3):
                random = np.random.default_rng(batch)
                feed = {}
                for tensor in OnnxFile(path).inputs:
                    shape = [batch if place == 0 else size for place, size in enumerate(tensor.shape)]
                    feed[tensor.name] = random.normal(size=shape).astype(tensor.dtype)  # type: ignore[arg-type]
                yield path, feed


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
