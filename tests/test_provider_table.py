"""The table of providers and the hook: declared, validated, told apart, proved by the suite that plugins use too."""

import json
from typing import ClassVar

import pytest
from helpers import assert_clean, ganzoo, make_distribution

from ganzoo import Device
from ganzoo.errors import PluginError, RequestError
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.kinds import PROVIDERS
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.specs import ProviderSpec
from ganzoo.runtime.providers import table
from ganzoo.runtime.providers.failures import Explanation
from ganzoo.runtime.providers.provider import Option, Provider, choice
from ganzoo.runtime.providers.requirements import describe, find_trouble, state_of
from ganzoo.runtime.providers.table import find_provider, known_names
from ganzoo.testing import ProviderConformance
from ganzoo.testing.models import partly_possible, small_models

OWN = ["cpu", "cuda", "tensorrt", "openvino", "directml", "coreml", "webgpu", "migraphx", "qnn", "xnnpack"]


def _suite(name):
    return type(f"Test_{name}", (ProviderConformance,), {"provider": name})


globals().update({f"Test_{name}": _suite(name) for name in OWN})


def test_all_of_them_are_offered():
    assert known_names()[: len(OWN)] == OWN
    assert [offer.name for offer in Registry.load().of(PROVIDERS) if offer.distribution == "ganzoo"] == sorted(OWN)


def test_who_was_never_run_says_so():
    assert not find_provider("directml").tried and find_provider("openvino").tried


@pytest.mark.parametrize(
    ("provider", "options", "text"),
    [
        ("openvino", {"devise_type": "CPU"}, "no option 'devise_type'. Did you mean 'device_type'"),
        ("openvino", {"precision": "FP8"}, "openvino.precision='FP8': expected one of FP32, FP16, ACCURACY"),
        ("cuda", {"gpu_mem_limit": "lots"}, "cuda.gpu_mem_limit='lots': expected a whole number from 0"),
        ("cuda", {"prefer_nhwc": "yes"}, "cuda.prefer_nhwc='yes': expected 1 or 0"),
        ("cuda", {"device_id": "-1"}, "expected a whole number from 0"),
        ("cpu", {"use_arena": ""}, "expected 1 or 0"),
        ("xnnpack", {"threads": "1"}, "no option 'threads'"),
        ("openvino", {"device_type": ""}, "expected a text"),
        ("openvino", {"device_type": "a\0b"}, "expected a text"),
        ("tensorrt", {"trt_fp16": "1"}, "Did you mean 'trt_fp16_enable'"),
    ],
)
def test_options_that_are_none(provider, options, text):
    with pytest.raises(RequestError) as caught:
        find_provider(provider).check_options(options)
    assert text in caught.value.message


def test_options_are_over_precision_over_what_is_usual():
    cuda = find_provider("cuda")
    assert cuda.session_options(device=2, precision="file", options={}) == {"use_tf32": "0", "device_id": "2"}
    assert cuda.session_options(device=2, precision="tf32", options={})["use_tf32"] == "1"
    assert cuda.session_options(device=2, precision="tf32", options={"use_tf32": "0"})["use_tf32"] == "0"
    assert find_provider("openvino").session_options(device=0, precision="file", options={})["precision"] == "FP32"


def test_a_precision_that_it_does_not_have():
    with pytest.raises(RequestError, match="cuda has no precision 'fp16': expected file, tf32"):
        find_provider("cuda").check_precision("fp16")


def test_missing_and_broken_are_told_apart():
    assert state_of(find_trouble("cpu")) == "works"
    assert state_of(find_trouble("directml")) == "missing"
    assert state_of(Explanation(reason="cuInit gives 999")) == "broken"
    assert describe("directml")["remedy"].endswith('pip install "onnxruntime-directml"')
    assert "build it from source" in describe("xnnpack")["remedy"]


PLUGIN = """
    from ganzoo import Device, Provider, ProviderSpec, hookimpl
    from ganzoo.runtime.providers.provider import Option, choice

    GANZOO_API = 2

    class Slow(Provider):
        '''The processor, by the name of a stranger.'''
        name = "slow"
        ort_name = "CPUExecutionProvider"
        packages = ("onnxruntime",)
        options = {"use_arena": Option(kind="switch")}
        precisions = {"bf16": {"use_arena": "0"}}
        tried = "here"

        def devices(self):
            return (Device(name="CPU"),)

    class Sick(Provider):
        name = "sick"
        ort_name = "SickExecutionProvider"

        def find_trouble(self):
            raise OSError("no bus")

    @hookimpl
    def ganzoo_providers():
        return [
            ProviderSpec(name="slow", summary="x", implementation=f"{__name__}:Slow"),
            ProviderSpec(name="sick", summary="x", implementation=f"{__name__}:Sick"),
            ProviderSpec(name="absent", summary="x", implementation=f"{__name__}:Nothing"),
            ProviderSpec(name="cpu", summary="not ganzoo's", implementation=f"{__name__}:Nothing"),
        ]
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return make_distribution(tmp_path_factory.mktemp("plugin"), "strange-providers", PLUGIN)


@pytest.fixture
def dense(tmp_path):
    return next(path for path in small_models(tmp_path) if path.stem == "dense")


def test_a_plugins_provider_is_measured(plugin, dense, tmp_path):
    """Its worker process finds it, too."""
    out = tmp_path / "result.json"
    done = ganzoo(
        "bench", dense, "--provider", "cpu,slow", "--option", "slow.use_arena=0,1", "--repeats", 1, "--seconds", 0.2,
        "-o", out, path=plugin,
    )  # fmt: skip
    assert_clean(done, status=0)
    cases = json.loads(out.read_text())["cases"]
    assert [(case["provider"], case["settings"]["options"], case["state"]) for case in cases] == [
        ("cpu", {}, "ok"), ("slow", {"use_arena": "0"}, "ok"), ("slow", {"use_arena": "1"}, "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["--provider", "slo"], 2, "There is no provider 'slo'. Did you mean 'slow'?"),
        (["--provider", "slow", "--option", "slow.arena=1"], 2, "The provider slow has no option 'arena'"),
        (
            ["--provider", "slow", "--precision", "int8"],
            2,
            "slow has no precision 'int8': expected file, bf16",
        ),
        (["--provider", "sick"], 1, "The provider 'sick' cannot say whether it works: OSError: no bus"),
        (["--provider", "absent"], 1, "'absent' of strange-providers 1.0 cannot be loaded"),
    ],
)
def test_what_is_wrong_with_a_plugins_provider(plugin, dense, arguments, status, text):
    done = ganzoo("bench", dense, *arguments, path=plugin)
    assert_clean(done, status=status)
    assert text in done.stderr


def test_an_option_that_names_a_library_is_loud():
    from pathlib import Path

    from ganzoo.runtime.latency.plan import libraries_of
    from ganzoo.runtime.latency.request import Axes, Request

    options = {"qnn.backend_path": ("a.so", "b.so"), "qnn.profiling_level": ("off",), "cuda.use_tf32": ("1",)}
    request = Request(models=[], libraries=(Path("c.so"),), axes=Axes(providers=("qnn",), options=options))
    assert list(libraries_of(request)) == ["c.so", "a.so", "b.so"]


def test_doctor_lists_them(plugin):
    done = ganzoo("doctor", "--json", path=plugin)
    assert_clean(done, status=1)
    facts = json.loads(done.stdout)
    providers = facts["onnxruntime"]["providers"]
    assert providers["slow"]["state"] == "works" and providers["slow"]["tried"] == "here"
    assert providers["sick"]["state"] == "broken" and "no bus" in providers["sick"]["reason"]
    assert providers["cpu"]["state"] == "works"  # ganzoo's own
    assert [problem for problem in facts["problems"] if problem.startswith("provider sick")]
    shown = ganzoo("doctor", path=plugin)
    assert "  slow: works: CPU" in shown.stdout and "  sick: broken: " in shown.stdout
    assert "not in this build:" in shown.stdout and "nobody of ganzoo" not in shown.stdout


@pytest.fixture
def offered(monkeypatch):
    """A class offered as a provider in this process, for one test."""
    monkeypatch.setattr(table, "_offers", dict(table._offers))
    monkeypatch.setattr(table, "_made", dict(table._made))

    def make(kind):
        from ganzoo.plugin.call import remember

        remember(f"tests.fakes:{kind.__name__}", kind)
        spec = ProviderSpec(name="fake", summary="", implementation=f"tests.fakes:{kind.__name__}")
        table.offer([InstalledSpec(spec=spec, distribution="fakes", version="1")])
        return _suite("fake")()

    return make


class Good(Provider):
    name = "fake"
    ort_name = "CPUExecutionProvider"
    options: ClassVar = {"use_arena": Option(kind="switch"), "mode": choice("a", "b")}

    def devices(self):
        return (Device(name="CPU"),)


def test_the_suite_finds_what_is_wrong(offered, tmp_path, monkeypatch):
    class Undeclared(Good):
        always: ClassVar = {"arena": "1"}

    with pytest.raises(RequestError, match="no option 'arena'"):
        offered(Undeclared).test_it_declares_what_it_takes()


def test_the_suite_finds_values_that_do_not_fit(offered):
    class Odd(Good):
        always: ClassVar = {"mode": "c"}

    with pytest.raises(RequestError, match="expected one of a, b"):
        offered(Odd).test_it_declares_what_it_takes()


def test_the_suite_finds_options_that_cannot_be_stated(offered):
    class Stubborn(Good):
        def session_options(self, *, device, precision, options):
            return {**options, "use_arena": "1"}

    with pytest.raises(AssertionError, match="use_arena cannot be stated"):
        offered(Stubborn).test_what_is_stated_is_over_what_is_usual()


def test_the_suite_finds_a_reason_without_a_remedy(offered):
    class Silent(Good):
        def find_trouble(self):
            return Explanation(reason="it is Sunday")

    with pytest.raises(AssertionError, match="it is Sunday: nothing is said of what to do"):
        offered(Silent).test_it_says_whether_it_works()


def test_the_suite_finds_paths_in_what_it_tells(offered):
    class Chatty(Good):
        def versions(self):
            return {"lib": "/home/me/lib.so"}

    with pytest.raises(AssertionError, match="without paths"):
        offered(Chatty).test_it_tells_its_devices_and_build()


def test_another_name_or_class_is_refused(offered):
    class Other(Good):
        name = "other"

    with pytest.raises(PluginError, match="no provider of that name"):
        offered(Other).found()


def test_a_model_that_is_partly_possible_runs_on_the_processor(tmp_path):
    from ganzoo.runtime.session import open_checked

    path, _ = partly_possible(tmp_path)
    assert set(open_checked(path, "cpu").nodes) == {"CPUExecutionProvider"}
