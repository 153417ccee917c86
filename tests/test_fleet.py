"""A fleet: who measures what, what becomes of what is lost, files by content; and Ray's own cluster of three nodes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from helpers import twin_distribution
from results import case, medians, result
from test_devices import A100, H100

import ganzoo as gz
from ganzoo.errors import BenchError, ExportError, RequestError
from ganzoo.progress import Silent
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.fleet import parcel as parcels
from ganzoo.runtime.fleet.conduct import Conductor, LostError, Tracked, check_versions, labels_of, places_of
from ganzoo.runtime.fleet.node import probe
from ganzoo.runtime.fleet.parcel import hashes_of, pack, tidy, unpack
from ganzoo.runtime.fleet.plan import Node, plan
from ganzoo.runtime.fleet.ray_cluster import RayCluster
from ganzoo.runtime.fleet.result import result_of
from ganzoo.runtime.latency.inputs import InputRequest
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.testing.models import small_models

HERE = Path(__file__).parent


def node(name, *devices, machine="", troubles=None, provider="cuda"):
    found = [Device(name=kind, number=number) for number, kind in enumerate(devices)]
    return Node(
        id=name, name=name, machine=machine or name, ganzoo=gz.__version__, cpu="Some CPU",
        devices={provider: found} if found else {}, troubles=troubles or {},
    )  # fmt: skip


# Who measures what.


NODES = [node("a", "H100", "H100"), node("b", "H100"), node("c", "T4", "A10")]


@pytest.mark.parametrize(
    ("each", "asked", "expected"),
    [
        ("device-kind", (), [["a0", "b0", "a1"], ["c0"], ["c1"]]), ("node", (), [["a0"], ["b0"], ["c0"]]),
        ("gpu", (), [["a0"], ["a1"], ["b0"], ["c0"], ["c1"]]), ("gpu", ("H100",), [["a0"], ["a1"], ["b0"]]),
        ("device-kind", ("0",), [["a0", "b0"], ["c0"]]), ("node", ("1",), [["a1"], ["c1"]]),
        ("device-kind", ("*",), [["a0", "b0", "a1"], ["c0"], ["c1"]]),
    ],
)  # fmt: skip
def test_the_plan_is_by_kind_by_node_or_by_device(each, asked, expected):
    """Of a kind the next place is on another node as long as there is one."""
    tasks = plan(NODES, ("cuda",), asked, each)
    assert [[f"{place.node.name}{place.device}" for place in task.places] for task in tasks] == expected


def test_what_works_nowhere_and_what_nobody_has():
    sick = [node("a", troubles={"cuda": "no driver"})]
    with pytest.raises(BenchError, match="a: no driver"):
        plan(sick, ("cuda",), (), "node")
    with pytest.raises(RequestError, match="no such device"):
        plan(NODES, ("cuda",), ("V100*",), "gpu")
    (task,) = plan([*sick, NODES[1]], ("cuda",), (), "gpu")
    assert task.places[0].node.name == "b", "the one that has no driver is left out"


def test_of_several_providers_those_that_work_there():
    mixed = [
        node("a", "H100", troubles={"tensorrt": "not installed"}),
        node("z", troubles={"tensorrt": "x", "cuda": "y"}),
    ]
    tasks = plan(mixed, ("cpu", "cuda", "tensorrt"), (), "device-kind")
    assert [(one.kind, one.places[0].providers) for one in tasks] == [("H100", ("cpu", "cuda")), ("Some CPU", ("cpu",))]


def test_another_ganzoo_on_a_node_is_refused_by_name():
    from dataclasses import replace

    with pytest.raises(BenchError, match=r"b has ganzoo 0\.0\.1"):
        check_versions([NODES[0], replace(NODES[1], ganzoo="0.0.1")], gz.__version__)


def test_a_node_says_what_it_has():
    found = probe("id", "here", ("cpu", "directml", "nobody"))
    assert set(found.troubles) == {"directml", "nobody"} and found.devices == {} and len(found.machine) == 16
    assert found.machine == probe("id2", "there", ("cpu",)).machine, "two nodes of one machine"
    assert os.uname().nodename not in json.dumps([found.machine, found.cpu])


@pytest.mark.skipif(sys.platform != "linux", reason="the node's own environment is in /proc")
@pytest.mark.parametrize("mask", ["3", None])
def test_what_ray_takes_from_a_task_is_given_back(mask):
    """Ray hides all GPUs from a task that asks for none, and gives it one thread."""
    task = (
        "import os; os.environ |= {'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1'}; "
        "from ganzoo.runtime.fleet.node import environment; found = environment(); "
        "print(found.get('CUDA_VISIBLE_DEVICES'), found.get('OMP_NUM_THREADS'), 'PATH' in found)"
    )
    node = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    plain = {key: value for key, value in os.environ.items() if key not in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", node, task], env={**plain, **({"CUDA_VISIBLE_DEVICES": mask} if mask else {})},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(mask), "None", "True"]


# Files.


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(parcels.tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def test_a_parcel_holds_everything_by_content_and_comes_out_as_it_was(tmp_path, cache):
    """A model of the same name and content in two folders travels once; external weights lie beside it again."""
    first, *_ = small_models(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(first, other / first.name)
    large = tmp_path / "large.onnx"
    (tmp_path / "weights").mkdir()
    onnx.save_model(onnx.load(first), large, save_as_external_data=True, location="weights/large.bin", size_threshold=0)
    (tmp_path / "x.npy").write_bytes(b"content")
    request = Request(models=[first, other / first.name, large], inputs=InputRequest(files={"x": tmp_path / "x.npy"}))
    weights = (tmp_path / "weights/large.bin").stat().st_size
    assert OnnxFile(large).size() == large.stat().st_size + weights, "size on disk is that of all its files"
    parcel, contents = pack(request)
    assert len(contents) == 4 and str(tmp_path) not in repr(parcel)
    assert [path.name for path in parcel.request.models] == [first.name, first.name, "large.onnx"]
    there = unpack(parcel, [contents[one].read_bytes() for one in hashes_of(parcel)])
    assert [path.read_bytes() for path in there.models] == [path.read_bytes() for path in request.models]
    assert (there.models[2].parent / "weights/large.bin").read_bytes() == (tmp_path / "weights/large.bin").read_bytes()
    assert there.inputs.files["x"].read_bytes() == b"content"
    before = there.models[0].stat().st_mtime_ns
    unpack(parcel, [b"?"] * 4)  # all there: not even looked at
    assert there.models[0].stat().st_mtime_ns == before
    there.models[0].write_bytes(b"damaged")
    assert (
        unpack(parcel, [contents[one].read_bytes() for one in hashes_of(parcel)]).models[0].read_bytes() != b"damaged"
    )
    other_call, _ = pack(request)
    unpack(other_call, [contents[one].read_bytes() for one in hashes_of(other_call)])
    tidy(other_call.name)
    assert there.models[0].exists(), "another call's files are its own"
    tidy(parcel.name)
    assert not there.models[0].exists()


def test_content_that_came_damaged_is_refused(tmp_path, cache):
    parcel, _ = pack(Request(models=[next(small_models(tmp_path))]))
    with pytest.raises(BenchError, match="another content"):
        unpack(parcel, [b"x"])


def test_a_place_outside_the_parcel_is_refused(tmp_path, cache):
    from dataclasses import replace

    parcel, _ = pack(Request(models=[next(small_models(tmp_path))]))
    with pytest.raises(BenchError, match="outside itself"):
        unpack(replace(parcel, places={"models/../../x": "0" * 64}), [b"x"])


def test_what_is_not_there_cannot_be_sent(tmp_path):
    with pytest.raises((ExportError, RequestError), match="no.onnx"):
        pack(Request(models=[tmp_path / "no.onnx"]))


# What becomes of what is lost.


class Script:
    """A cluster that answers by a script: of each node a list of what a measurement there says."""

    def __init__(self, **said):
        self.said, self.started, self.cancelled, self.dead = said, [], [], set()

    def start(self, parcel, place, before, label):
        self.started.append((place.node.name, place.device, before, label))
        return {"node": place.node.name, "left": list(self.said[place.node.name].pop(0)), "place": place}

    def messages(self, handles, seconds):
        for handle in handles:
            message = handle["left"].pop(0) if handle["left"] else None
            if message == "dies":
                self.dead.add(handle["node"])
                yield handle, LostError("NodeDiedError")
            elif message == "crashes":
                yield handle, LostError("WorkerCrashedError")
            else:
                yield handle, message

    def cancel(self, handle):
        self.cancelled.append(handle["node"])

    def is_alive(self, node):
        return node not in self.dead


def document(device, *, ended="converged"):
    return result(case(medians(1.0), device=device, provider="cuda", ended=ended))


def whole(device):
    return {"result": document(device), "whole": True}


PART = {"progress": {"case": "m.onnx", "repeat": 1, "repeats": 5, "done": 0, "total": 5}}


def conducted(cluster, tasks, tmp_path=None, **more):
    tracked = [Tracked(task, task.places[0]) for task in tasks]
    label_of = labels_of(tracked, None)
    places = places_of(tracked, tmp_path / "out", label_of) if tmp_path else None

    def save(one):
        if places:
            one.result.written = places(one.where).save(one.result)

    options = {"progress": Silent(), "save": save, "label_of": label_of, "max_seconds": 1.0, **more}
    Conductor(cluster, None, tracked, **options).run()
    return result_of(tracked, {})


def test_a_lost_nodes_task_goes_to_another_of_its_kind_and_begins_anew(tmp_path):
    (tmp_path / "out").mkdir()
    cluster = Script(
        a=[[PART, {"result": document("H100", ended="cut")}, "dies"]], b=[[PART, whole("H100")]], c=[[whole("T4")]]
    )
    tasks = plan([node("a", "H100"), node("b", "H100"), node("c", "T4")], ("cuda",), (), "device-kind")
    found = conducted(cluster, tasks, tmp_path)
    assert [(one.node, one.state, one.moved) for one in found.tasks] == [("b", "done", ("a",)), ("c", "done", ())]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b-h100.json", "c-t4.json"]
    assert [before for *_, before, _ in cluster.started] == [None] * 3, "another machine does not go on with it"
    assert len(found.results) == 2 and not found.failed


def test_where_no_other_is_left_it_is_lost():
    cluster = Script(a=[["dies"]], b=[[whole("T4")]])
    found = conducted(cluster, plan([node("a", "H100"), node("b", "T4")], ("cuda",), (), "device-kind"))
    assert [(one.state, one.why) for one in found.tasks] == [("lost", "no node that has H100 is left"), ("done", "")]
    assert found.failed == [found.tasks[0]] and found.table()[1][0][-1] == "lost"


def test_a_process_that_dies_on_a_node_that_lives_is_tried_once_more_and_goes_on():
    part = document("H100", ended="cut")
    cluster = Script(a=[[{"result": part}, "crashes"], [whole("H100")]])
    found = conducted(cluster, plan([node("a", "H100")], ("cuda",), (), "node"))
    assert found.tasks[0].state == "done" and cluster.started[1][2] == part
    cluster = Script(a=[["crashes"], ["crashes"]])
    assert conducted(cluster, plan([node("a", "H100")], ("cuda",), (), "node")).tasks[0].state == "lost"


def test_an_error_there_is_a_failed_task_and_the_others_go_on():
    cluster = Script(a=[[{"error": {"message": "no such input", "hint": "inspect"}}]], b=[[whole("T4")]])
    found = conducted(cluster, plan([node("a", "H100"), node("b", "T4")], ("cuda",), (), "node"))
    assert [(one.state, one.why, one.hint) for one in found.tasks] == [
        ("failed", "no such input", "inspect"),
        ("done", "", ""),
    ]


def test_one_at_a_time_on_a_machine_and_machines_side_by_side():
    at_once = []

    class Counting(Script):
        def messages(self, handles, seconds):
            at_once.append(sorted(handle["node"] for handle in handles))
            return super().messages(handles, seconds)

    nodes = [node("a", "H100", machine="one"), node("b", "T4", machine="one"), node("c", "A10", machine="two")]
    cluster = Counting(a=[[PART, whole("H100")]], b=[[PART, whole("T4")]], c=[[PART, whole("A10")]])
    conducted(cluster, plan(nodes, ("cuda",), (), "node"))
    assert ["a", "c"] in at_once and not any({"a", "b"} <= set(names) for names in at_once)


def test_silence_beyond_the_deadline_is_a_loss(monkeypatch):
    """Ray waits for ever for what a lost node held; we do not."""
    from ganzoo.runtime.fleet import conduct

    now = [0.0]
    monkeypatch.setattr(conduct.time, "monotonic", lambda: now[0])

    class Silence(Script):
        def messages(self, handles, seconds):
            now[0] += 100.0
            return iter(())

        def is_alive(self, node):
            return False

    cluster = Silence(a=[[]])
    found = conducted(cluster, plan([node("a", "H100")], ("cuda",), (), "node"), max_seconds=120.0)
    assert found.tasks[0].state == "lost" and cluster.cancelled == ["a"] and now[0] <= 500.0


def test_an_interrupt_leaves_nothing_running():
    class Interrupted(Script):
        def messages(self, handles, seconds):
            raise KeyboardInterrupt

    cluster = Interrupted(a=[[PART]], c=[[PART]])
    with pytest.raises(KeyboardInterrupt):
        conducted(cluster, plan([node("a", "H100"), node("c", "T4")], ("cuda",), (), "node"))
    assert sorted(cluster.cancelled) == ["a", "c"]


def test_files_of_several_alike_have_different_names(tmp_path):
    tasks = plan([node("a", "H100", "H100")], ("cuda",), (), "gpu")
    tracked = [Tracked(task, task.places[0]) for task in tasks]
    label_of = labels_of(tracked, "lab")
    (tmp_path / "out").mkdir()
    of = places_of(tracked, tmp_path / "out", label_of)
    assert [of(one.where).for_device(one.where.kind, one.where.device).name for one in tracked] == [
        "lab-a-0-h100.json",
        "lab-a-1-h100-1.json",
    ]
    with pytest.raises(RequestError, match="2 of them would be written"):
        places_of(tracked, tmp_path / "one.json", label_of)


@pytest.mark.parametrize("address", ["ray://host:10001", "host", "http://x", ""])
def test_an_address_that_is_none(address):
    with pytest.raises(RequestError, match="expected auto, or HOST:PORT"):
        RayCluster(address, {})


# Ray.


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Runs `ganzoo bench` on three local nodes, in a network that ends at the loopback address."""
    pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp("fleet")
    twin_distribution(folder)
    (folder / "h100.json").write_text(json.dumps({"gpus": [H100]}))
    (folder / "a100.json").write_text(json.dumps({"gpus": [A100]}))
    alone = ["unshare", "--net", "--map-root-user", "--user"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        alone = ["unshare", "--net"]
        if (
            shutil.which("unshare") is None
            or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode
        ):
            pytest.skip("no network namespace can be made here")

    def run(*arguments, **environment):
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        words = [sys.executable, str(HERE / "fleet_games.py"), str(folder), *map(str, arguments), "--provider", "twin",
                 "--fleet", "{address}"]  # fmt: skip
        done = subprocess.run(
            [*alone, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *words], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **environment}, timeout=400, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


SHORT = ("--repeats", 2, "--seconds", 0.5, "--within", 1)


@pytest.mark.slow
def test_three_nodes_of_two_kinds_of_which_one_is_killed(fleet, tmp_path):
    """All cases of both models are there; what the killed node had begun was measured by the other of its kind."""
    models = list(small_models(tmp_path))[:2]
    out = tmp_path / "out"
    found = fleet(*models, *SHORT, "-o", out, GANZOO_KILL_AFTER="2 of")
    assert found["status"] == 0, found["said"]
    assert found["killed"] == ["alpha"] and "moved here from alpha" in found["out"]
    names = sorted(path.name for path in out.iterdir())
    assert names == ["beta-nvidia-h100-80gb-hbm3.json", "gamma-nvidia-a100-sxm4-40gb.json"]
    for name in names:
        document = BenchResult.load(out / name).document
        assert [case["model"]["file"] for case in document["cases"]] == [path.name for path in models]
        assert all(case["state"] == "ok" and len(case["processes"]) >= 2 for case in document["cases"])
    assert not [line for line in found["said"] if "raylet" in line or "Traceback" in line]


@pytest.mark.slow
def test_a_fleets_results_are_those_of_one_machine_and_cost_little_more(fleet, tmp_path):
    """Equal in protocol to those without Ray, and comparable; resumed, nothing is measured again."""
    models = list(small_models(tmp_path))[:2]
    out = tmp_path / "out"
    found = fleet(*models, *SHORT, "--each", "node", "--seed", 7, "-o", out)
    assert found["status"] == 0, found["said"]
    results = {path.name: BenchResult.load(path) for path in out.iterdir()}
    assert sorted(name.partition("-")[0] for name in results) == ["alpha", "beta", "gamma"]
    spent = sum(one.document["protocol"]["seconds"] for one in results.values())
    print(f"{found['seconds']:.1f} s, of which {spent:.1f} s measuring, {len(results)} tasks")
    assert found["seconds"] - spent < 15 + len(results), "Ray's share: several times what it is"
    alone = gz.bench(models, repeats=2, least_seconds=0.5, within=1, seed=7)
    free = ("devices", "seconds")
    protocols = [
        {key: value for key, value in one.document["protocol"].items() if key not in free}
        for one in (alone, *results.values())
    ]
    assert all(one == protocols[0] for one in protocols)
    paths = sorted(out.iterdir())
    compared = gz.compare(paths[0], paths[1], across=("device",))
    assert len(compared.pairs) == 2
    again = fleet(*models, *SHORT, "--each", "node", "--seed", 7, "--resume", out)
    assert again["status"] == 0 and not [line for line in again["said"] if " of 2" in line], again["said"]


@pytest.mark.slow
def test_where_no_cluster_is_there_a_sentence_says_so(tmp_path):
    from helpers import assert_clean, ganzoo

    done = ganzoo("bench", next(small_models(tmp_path)), "--fleet", "127.0.0.1:1", timeout=120)
    assert_clean(done, status=1)
    assert "No cluster of Ray answers at 127.0.0.1:1" in done.stderr and "ray start --head" in done.stderr


def test_a_cpu_that_both_have_is_one_kind():
    nodes = [node("a"), node("b")]
    (task,) = plan(nodes, ("cpu",), (), "device-kind")
    assert [place.node.name for place in task.places] == ["a", "b"] and task.kind == "Some CPU"
