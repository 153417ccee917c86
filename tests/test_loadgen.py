"""The same case under MLPerf's own LoadGen: two harnesses, one session, in turn.

Marked slow. Other tests run beside it, so that bounds are wide: a mistake in what a scenario means is a factor (of the
streams of a query, of the pictures of a batch, of the waiting), not some percent. On a quiet machine: 0.94 to 1.01.
"""

import queue
import re
import statistics
import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ganzoo.runtime.latency.clock import SystemClock
from ganzoo.runtime.latency.scenarios import arrivals, multi_stream, offline, server, single_stream
from ganzoo.runtime.session import open_checked

pytestmark = pytest.mark.slow
loadgen = pytest.importorskip("mlperf_loadgen", reason="the extra loadgen: pip install 'ganzoo[loadgen]'")

SECONDS = 2.0
ROUNDS = 5
WIDE = 1.8
STREAMS = 4


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """A run of some milliseconds."""
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    weights = onnx.numpy_helper.from_array(np.ones((32, 32, 3, 3), np.float32) / 300, "w")
    nodes = [helper.make_node("Conv", [f"v{place}", "w"], [f"v{place + 1}"], pads=[1] * 4) for place in range(4)]
    shape = [1, 32, 128, 128]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("v0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("v4", TensorProto.FLOAT, shape)],
        [weights],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    session = open_checked(path, "cpu").session
    feed = {"v0": np.ones(shape, np.float32)}
    for _ in range(20):
        session.run(None, feed)
    return lambda: session.run(None, feed)


def summary(call, folder, scenario, **settings):
    """What LoadGen writes of a performance run, as numbers by the words before them."""
    work = queue.SimpleQueue()

    def respond(samples):
        for sample in samples:
            call()
            loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(sample.id, 0, 0)])

    def serve():
        while (samples := work.get()) is not None:
            respond(samples)

    wanted = loadgen.TestSettings()
    wanted.scenario = getattr(loadgen.TestScenario, scenario)
    wanted.mode = loadgen.TestMode.PerformanceOnly
    wanted.min_duration_ms = int(SECONDS * 1000)
    wanted.min_query_count = 1
    for name, value in settings.items():
        setattr(wanted, name, value)
    output = loadgen.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = str(folder), False
    logs = loadgen.LogSettings()
    logs.log_output = output
    thread = threading.Thread(target=serve)
    thread.start()
    # A server's queries come while others are worked on; the thread that hands them over must not work.
    sut = loadgen.ConstructSUT(work.put if scenario == "Server" else respond, lambda: None)
    library = loadgen.ConstructQSL(64, 64, lambda _: None, lambda _: None)
    try:
        loadgen.StartTestWithLogSettings(sut, library, wanted, logs, "")
    finally:
        work.put(None)
        thread.join()
        loadgen.DestroyQSL(library)
        loadgen.DestroySUT(sut)
    text = (folder / "mlperf_log_summary.txt").read_text()
    return {words.strip(): float(number) for words, number in re.findall(r"^(.+?)\s*:\s*([\d.]+)\s*$", text, re.M)}


def compared(ours, theirs):
    """The middle ratio of rounds in turn."""
    ratios = []
    for _ in range(ROUNDS):
        ratios.append(ours() / theirs())
    print(f"ours over LoadGen's: {', '.join(f'{ratio:.3f}' for ratio in ratios)}")
    return statistics.median(ratios)


def test_single_stream(call, tmp_path):
    def ours():
        return np.median(single_stream(call, SystemClock(), SECONDS).samples_ns)

    def theirs():
        return summary(call, tmp_path, "SingleStream")["50.00 percentile latency (ns)"]

    assert 1 / WIDE < compared(ours, theirs) < WIDE


def test_multi_stream(call, tmp_path):
    def ours():
        return np.median(multi_stream([call], SystemClock(), SECONDS, streams=STREAMS).samples_ns)

    def theirs():
        found = summary(call, tmp_path, "MultiStream", multi_stream_samples_per_query=STREAMS)
        return found["50.00 percentile latency (ns)"]

    assert 1 / WIDE < compared(ours, theirs) < WIDE


def test_offline(call, tmp_path):
    def ours():
        series = offline([call], SystemClock(), SECONDS)
        return series.calls / series.elapsed_ns * 1e9

    def theirs():
        expected = 1e9 / np.median(single_stream(call, SystemClock(), 0.5).samples_ns)
        return summary(call, tmp_path, "Offline", offline_expected_qps=float(expected))["Samples per second"]

    assert 1 / WIDE < compared(ours, theirs) < WIDE


def test_server(call, tmp_path):
    """At half of what it can do: the mean, with its waiting, from arrivals that each draws itself."""
    rate = 0.5e9 / np.median(single_stream(call, SystemClock(), 1.0).samples_ns)
    seeds = iter(range(100))

    def ours():
        return np.mean(server([call], SystemClock(), arrivals(rate, 2 * SECONDS, next(seeds))).samples_ns)

    def theirs():
        found = summary(
            call, tmp_path, "Server", server_target_qps=float(rate), min_duration_ms=int(2000 * SECONDS),
            server_target_latency_ns=10**9, schedule_rng_seed=next(seeds),
        )  # fmt: skip
        return found["Mean latency (ns)"]

    assert 1 / WIDE < compared(ours, theirs) < WIDE
