"""Captured graphs: on a session that captures and replays as CUDA's does, with memory that is numpy's."""

from pathlib import Path

import numpy as np
import pytest

from ganzoo.runtime.latency.graphs import Replay, is_replayed


class Value:
    def __init__(self, array):
        self.array = array.copy()

    def update_inplace(self, array):
        self.array[...] = array

    def numpy(self):
        return self.array.copy()


class Binding:
    def __init__(self):
        self.inputs, self.outputs = {}, {}

    def bind_ortvalue_input(self, name, value):
        self.inputs[name] = value

    def bind_ortvalue_output(self, name, value):
        self.outputs[name] = value

    def synchronize_outputs(self):
        pass


class Output:
    name = "y"


class Session:
    """y = 2 x; the first run of a graph captures its addresses, the next are on those, whatever is bound.

    replays: False for one that took the option and does nothing with it.
    """

    def __init__(self, *, replays=True, constant=None):
        self.replays, self.constant, self.captured, self.launches = replays, constant, {}, 0

    def io_binding(self):
        return Binding()

    def get_outputs(self):
        return [Output()]

    def run_with_iobinding(self, binding, options):
        number = options.entries["gpu_graph_id"]
        used = self.captured.setdefault(number, binding) if self.replays else binding
        self.launches += 1
        used.outputs["y"].array[...] = 2 * used.inputs["x"].array if self.constant is None else self.constant


class Options:
    def __init__(self):
        self.entries = {}

    def add_run_config_entry(self, key, value):
        self.entries[key] = value


@pytest.fixture(autouse=True)
def runtime(monkeypatch):
    from ganzoo.runtime import ort

    class Runtime:
        RunOptions = Options

        class OrtValue:
            ortvalue_from_numpy = staticmethod(lambda array, memory, device: Value(array))

    monkeypatch.setattr(ort, "onnxruntime", Runtime)


X = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
Y = [2 * X["x"]]


def test_a_replay_computes_what_is_fed_now_not_what_was_captured():
    replay = Replay(Session(), {"x": np.zeros_like(X["x"])}, Y, "cuda", 0)
    replay.run()
    np.testing.assert_array_equal(replay.run_with(X)[0], Y[0])
    np.testing.assert_array_equal(replay.run_with({"x": X["x"] + 1})[0], Y[0] + 2)


def test_each_set_of_addresses_is_a_graph_of_its_own():
    session = Session()
    several = [Replay(session, {"x": X["x"] + number}, Y, "cuda", 0, number) for number in range(3)]
    for _ in range(2):
        for number, replay in enumerate(several):
            replay.run()
            np.testing.assert_array_equal(replay.outputs()[0], Y[0] + 2 * number)


@pytest.mark.parametrize("replays", [True, False])
def test_a_replay_is_told_from_a_plain_run(replays):
    assert is_replayed(Session(replays=replays), X, Y, "cuda", 0) is replays


def test_outputs_of_zero_prove_nothing():
    assert not is_replayed(Session(constant=0.0), X, [np.zeros((2, 3), np.float32)], "cuda", 0)


def test_a_case_whose_graph_is_not_replayed_is_invalid():
    from results import case as made

    from ganzoo.runtime.latency.cases import _state
    from ganzoo.runtime.latency.plan import Case
    from ganzoo.runtime.session import SessionSettings

    case = Case(path=Path("m.onnx"), provider="cuda", settings=SessionSettings())
    check = made([1.0, 1.0])["output_check"]
    states = [_state(case, "host_to_host", "valid", check, {"replayed": value})[0] for value in (True, None, False)]
    assert states == ["ok", "ok", "invalid"]
