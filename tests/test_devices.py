"""Devices: which are meant, what the driver tells of them, one worker each, together, clocks, and what vanishes.

NVIDIA's management library is `fake_nvml/pynvml.py`; the provider is `twin_provider.Twin`, which runs on the processor.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import assert_clean, ganzoo, twin_distribution, usual_signals

from ganzoo import Device
from ganzoo.errors import RequestError
from ganzoo.runtime.devices import meter as meters
from ganzoo.runtime.devices import nvml, sysfs
from ganzoo.runtime.devices.device import choose
from ganzoo.runtime.devices.meter import Reading, Watch, energy
from ganzoo.runtime.latency.places import Places
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.testing.models import small_models

HERE = Path(__file__).parent
H100 = {
    "name": "NVIDIA H100 80GB HBM3", "uuid": "GPU-5a0c1f3e-8b1e-4a56-9d0f-0d6f7c1b2a01", "memory": 85_520_809_984,
    "capability": [9, 0], "limit_mw": 700_000, "most_mhz": 1980, "most_memory_mhz": 2619, "base_mhz": 1095,
    "mhz": 1755, "memory_mhz": 2619, "power_mw": 312_500, "celsius": 44, "reasons": 0, "busy": 87,
}  # fmt: skip
A100 = {
    "name": "NVIDIA A100-SXM4-40GB", "uuid": "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "memory": 42_949_672_960,
    "capability": [8, 0], "limit_mw": 400_000, "most_mhz": 1410, "most_memory_mhz": 1215, "base_mhz": 1095,
    "mhz": 1410, "memory_mhz": 1215, "power_mw": 90_000, "celsius": 33, "reasons": 0x4, "busy": 50,
}  # fmt: skip
SLICES = [
    {"profile": "3g.20gb", "uuid": "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "memory": 20_937_965_568},
    {"profile": "1g.5gb", "uuid": "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb", "memory": 5_100_273_664},
]
SECOND = {**H100, "uuid": "GPU-77c0e2b4-11a3-4a11-8c5d-6f1d2e3c4b55", "mhz": 1980, "celsius": 51}


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Makes a machine with these GPUs, for this process and for those that it starts."""
    folder = tmp_path / "fake"
    folder.mkdir()
    twin_distribution(folder)
    state = tmp_path / "board.json"
    monkeypatch.setenv("FAKE_NVML", str(state))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.syspath_prepend(str(folder))
    known = sys.modules.pop("pynvml", None)

    def make(*gpus, **more):
        state.write_text(json.dumps({"gpus": list(gpus), **more}))
        nvml._library.cache_clear()
        return state

    yield make
    nvml._library.cache_clear()
    sys.modules.pop("pynvml", None)
    if known is not None:
        sys.modules["pynvml"] = known


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return next(small_models(tmp_path_factory.mktemp("model")))


def measured(model, *arguments, status=0, **environment):
    """`ganzoo bench` on twins, short, and its result."""
    done = ganzoo(
        "bench", model, "--provider", "twin", "--repeats", 2, "--seconds", 0.3, "--within", 1, "--json", *arguments,
        **environment,
    )  # fmt: skip
    assert_clean(done, status=status)
    return json.loads(done.stdout)


# Which are meant.


def listed():
    return [
        Device(name="NVIDIA H100 80GB HBM3", number=0, uuid=H100["uuid"]),
        Device(name="NVIDIA H100 80GB HBM3", number=1, uuid=SECOND["uuid"]),
        Device(name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", number=2, label="2:0", uuid=SLICES[1]["uuid"], slice="1g.5gb"),
        Device(name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", number=3, label="2:1", uuid="MIG-0", slice="1g.5gb"),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], ["0"]), (["1"], ["1"]), (["1", "0"], ["0", "1"]), (["all"], ["0", "1", "2:0", "2:1"]),
        (["2:1"], ["2:1"]), ([SECOND["uuid"]], ["1"]), (["GPU-77c0e2b4"], ["1"]), (["77c0e2b4-11a3"], ["1"]),
        (["MIG-cba663e8"], ["2:0"]), (["NVIDIA H100*"], ["0", "1"]), (["h100*"], ["0", "1"]),
        (["*MIG*"], ["2:0", "2:1"]),
        (["NVIDIA H100 80GB HBM3"], ["0", "1"]), (["0", "h100*"], ["0", "1"]),
    ],
)  # fmt: skip
def test_devices_are_meant_by_number_slice_uuid_and_pattern(asked, expected):
    assert [one.key for one in choose(listed(), asked, "cuda")] == expected


@pytest.mark.parametrize("asked", ["7", "V100*", "GPU-00000000", "GPU-77", "2:9", "-1", "*H200*", "[", "NVIDIA H100"])
def test_what_means_no_device_says_which_there_are(asked):
    with pytest.raises(RequestError) as caught:
        choose(listed(), [asked], "cuda")
    assert "0 (NVIDIA H100 80GB HBM3)" in caught.value.message and "doctor" in caught.value.hint


def test_a_gpu_that_is_cut_in_slices_names_them():
    with pytest.raises(RequestError, match="cut in slices: 2:0, 2:1"):
        choose(listed(), ["2"], "cuda")


def test_a_uuid_that_was_typed_is_in_no_result(board, model, tmp_path):
    board(H100, SECOND)
    out = tmp_path / "r.json"
    document = measured(model, "--device", SECOND["uuid"], "-o", out)
    assert SECOND["uuid"][4:] not in json.dumps(document) and document["protocol"]["devices"] == ["1"]
    measured(model, "--device", "1", "--resume", out)
    done = ganzoo("bench", model, "--provider", "twin", "--repeats", 2, "--device", "0", "--resume", out)
    assert_clean(done, status=2)
    done = ganzoo("bench", model, "--provider", "twin", "--repeats", 2, "--seconds", 0.3, "--device", "1", "--label",
                  "other", "--resume", out)  # fmt: skip
    assert_clean(done, status=2)
    assert "is labelled None, not 'other'" in done.stderr


def test_two_runs_on_two_devices_do_not_share_a_name(board, model, tmp_path):
    board(H100, SECOND)
    for device in ("0", "1"):
        measured(model, "--device", device, "-o", tmp_path / "{device}.json")
    assert sorted(path.name for path in tmp_path.glob("nvidia*")) == [
        "nvidia-h100-80gb-hbm3-1.json", "nvidia-h100-80gb-hbm3.json"
    ]  # fmt: skip


# What the driver tells.


def test_gpus_and_slices_are_listed(board):
    board(H100, {**A100, "slices": SLICES})
    found = nvml.list_gpus()
    assert [(one.key, one.name, one.slice, one.number) for one in found] == [
        ("0", "NVIDIA H100 80GB HBM3", "", 0),
        ("1:0", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", "3g.20gb", 1),
        ("1:1", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "1g.5gb", 2),
    ]
    assert found[0].uuid not in json.dumps(found[0].to_json()) and len(found[0].uuid_sha256) == 16


def test_numbers_are_the_drivers_also_beside_slices(board):
    """The third GPU is `2`, whatever the first was cut into; `0` names its slices."""
    two = [{**one, "uuid": one["uuid"][:-1] + "0"} for one in SLICES]
    board({**A100, "slices": SLICES}, H100, {**SECOND, "slices": two}, {**A100, "uuid": "GPU-9", "slices": []})
    found = nvml.list_gpus()
    assert [one.key for one in found] == ["0:0", "0:1", "1", "2:0", "2:1"]
    with pytest.raises(RequestError, match="cut in slices: 2:0, 2:1"):
        choose(found, ["2"], "cuda")


def test_one_uuid_is_one_device_and_a_lost_one_is_listed(board, model, tmp_path):
    gone = tmp_path / "gone"
    gone.touch()
    board(H100, H100, {**SECOND, "lost_file": str(gone)}, {**A100, "name": "<b>\nA/100"})
    assert [(one.key, one.name) for one in nvml.list_gpus()] == [
        ("0", "NVIDIA H100 80GB HBM3"), ("2", "NVIDIA GPU that is lost"), ("3", nvml.list_gpus()[2].name)
    ]  # fmt: skip
    assert set(nvml.list_gpus()[2].name) & set("\n/") == set()
    cases = measured(model, "--device", "0,2", status=1)["cases"]
    assert [case["state"] for case in cases] == ["ok", "failed"] and "lost" in cases[1]["why"]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1", ["0 GPU-77c0"]), ("1,0", ["0 GPU-77c0", "1 GPU-5a0c"]), ("", []), ("GPU-77c0e2b4", ["0 GPU-77c0"]),
        ("0,9,1", ["0 GPU-5a0c"]), ("nonsense", []), (" 0 , 1", ["0 GPU-5a0c", "1 GPU-77c0"]),
    ],
)  # fmt: skip
def test_only_what_cuda_may_see_is_listed(board, monkeypatch, visible, expected):
    board(H100, SECOND)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [f"{one.key} {one.uuid[:8]}" for one in nvml.list_gpus()] == expected


@pytest.mark.parametrize("old", [False, True], ids=["new names", "a driver before 535"])
def test_a_reading_has_units_and_reasons(board, old):
    board({**H100, "reasons": 0x4 | 0x20}, old_driver=old)
    (device,) = nvml.list_gpus()
    reading = nvml.NvmlMeter(device).read()
    assert (reading.mhz, reading.memory_mhz, reading.watts, reading.celsius) == (1755, 2619, 312.5, 44)
    assert reading.reasons == ("power cap", "software thermal") and reading.busy == 0.87
    facts = nvml.NvmlMeter(device).facts()
    assert facts["driver"] == "580.65.06" and facts["driver_cuda"] == "13.0" and facts["capability"] == "9.0"
    assert facts["power_limit_watts"] == 700 and facts["pcie"] == "gen 5 of 5, x8 of 16"


def test_a_slice_has_no_energy_of_its_own(board):
    board({**A100, "slices": SLICES})
    first, _ = nvml.list_gpus()
    reading = nvml.NvmlMeter(first).read()
    assert reading.joules is None and reading.watts == 90 and reading.used_bytes < first.memory_bytes


def test_what_a_board_does_not_tell_is_none(board):
    board({key: H100[key] for key in ("name", "uuid", "memory", "capability")})
    (device,) = nvml.list_gpus()
    reading = nvml.NvmlMeter(device).read()
    assert (reading.watts, reading.mhz, reading.celsius, reading.reasons) == (None,) * 4


def test_without_the_library_or_the_driver_there_are_no_names(board, monkeypatch):
    board(H100)
    monkeypatch.delenv("FAKE_NVML")
    nvml._library.cache_clear()
    assert nvml.list_gpus() == [] and not nvml.is_installed()


# Energy and readings.


def test_energy_is_the_counters_between_two_moments():
    readings = [Reading(at_ns=int(n * 1e8), joules=100 + 30 * n / 10, watts=1.0) for n in range(11)]  # 30 W
    assert energy(readings, 150_000_000, 850_000_000) == pytest.approx(30 * 0.7)
    assert energy(readings, 310_000_000, 340_000_000) == pytest.approx(30 * 0.03), "shorter than the pause"
    assert energy(readings, 0, 2_000_000_000) is None, "the window is longer than what was read"


def test_without_a_counter_energy_is_power_over_time():
    readings = [Reading(at_ns=int(n * 1e8), watts=100.0 + 10 * n) for n in range(11)]
    assert energy(readings, 200_000_000, 800_000_000) == pytest.approx(0.6 * (120 + 180) / 2)
    assert energy([Reading(at_ns=n) for n in range(9)], 1, 5) is None


class Meter:
    """Answers with a list, and then is lost."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def facts(self):
        return {}

    def read(self):
        found = self.answers.pop(0) if self.answers else meters.DeviceLostError("GPU is lost")
        if isinstance(found, Exception):
            raise found
        return found._replace(at_ns=meters.now_ns())


def test_a_watch_reads_until_the_device_is_lost():
    with Watch(Meter(Reading(at_ns=0, mhz=1.0), Reading(at_ns=0, mhz=3.0)), hertz=100) as watch:
        time.sleep(0.1)
    assert watch.lost == "GPU is lost" and [one.mhz for one in watch.readings] == [1.0, 3.0]


def test_an_odd_error_of_a_driver_is_no_lost_device():
    with Watch(Meter(Reading(at_ns=0), ValueError("odd")), hertz=100) as watch:
        time.sleep(0.1)
    assert watch.lost == "" and len(watch.readings) == 1


@pytest.mark.parametrize(
    ("before", "during", "own", "others"),
    [
        ((), (7,), 7, 0), ((5,), (5, 7), 7, 1), ((), (), 7, 0), ((), (99,), 7, 0), ((5,), (5, 99), 7, 1),
        ((), (98, 99), 7, 1),
    ],
)  # fmt: skip
def test_other_processes_are_counted_in_containers_too(before, during, own, others):
    watch = Watch(None)
    watch.readings = [Reading(at_ns=0, processes=before), Reading(at_ns=10, processes=during)]
    assert watch.window(5, 20, own)["others"] == others


def test_a_watch_of_nothing_says_nothing():
    with Watch(None) as watch:
        pass
    assert watch.window(0, 1) is None and watch.used_bytes() is None and watch.lost == ""


# AMD's and Intel's, as the kernel's files have them.


def card(root, number, driver, bus, sensors, **device):
    folder = root / f"card{number}"
    (folder / "device/hwmon/hwmon3").mkdir(parents=True)
    (folder / "device/uevent").write_text(f"DRIVER={driver}\nPCI_SLOT_NAME={bus}\n")
    for name, value in device.items():
        (folder / "device" / name).write_text(f"{value}\n")
    for name, value in sensors.items():
        (folder / "device/hwmon/hwmon3" / name).write_text(f"{value}\n")
    (root / f"card{number}-DP-1").mkdir()


def test_amds_and_intels_cards_by_the_kernels_files(tmp_path, monkeypatch):
    monkeypatch.setattr(sysfs, "DRM", tmp_path)
    amd = {"power1_average": 45_000_000, "temp1_input": 51_000, "freq1_input": 2_100_000_000, "power1_cap": 203_000_000}
    card(tmp_path, 1, "amdgpu", "0000:0b:00.0", amd, product_name="Instinct MI300X", mem_info_vram_total=2**37,
         mem_info_vram_used=2**30, gpu_busy_percent=93, unique_id="af1b2c")  # fmt: skip
    card(tmp_path, 0, "amdgpu", "0000:83:00.0", {}, device="0x74a1")
    card(tmp_path, 2, "xe", "0000:03:00.0", {"energy1_input": 5_000_000, "power1_max": 190_000_000}, device="0xe20b")
    first, second = sysfs.list_cards("amd")
    assert (first.name, first.number, first.memory_bytes) == ("Instinct MI300X", 0, 2**37) and second.number == 1
    meter = sysfs.SysfsMeter(first, "amd")
    reading = meter.read()
    assert (reading.watts, reading.celsius, reading.mhz, reading.busy) == (45.0, 51.0, 2100.0, 0.93)
    assert meter.facts()["power_limit_watts"] == 203 and reading.used_bytes == 2**30
    (intel,) = sysfs.list_cards("intel")
    assert sysfs.SysfsMeter(intel, "intel").read().joules == 5.0 and intel.name == "Intel GPU 0xe20b"


# One worker each.


def test_each_device_is_measured_by_a_process_that_sees_it_alone(board, model, tmp_path):
    board({**H100, "mhz": [1755, 1980]}, SECOND)
    saw = tmp_path / "saw"
    document = measured(model, "--device", "all", "--batch", "1,2", GANZOO_TWIN_SAW=str(saw))
    cases = document["cases"]
    found = [(case["device"]["label"], case["batch"], case["state"]) for case in cases]
    assert found == [("0", 1, "ok"), ("0", 2, "ok"), ("1", 1, "ok"), ("1", 2, "ok")]
    assert {line.split()[0] for line in saw.read_text().splitlines()} == {H100["uuid"], SECOND["uuid"]}
    text = json.dumps(document)
    assert H100["uuid"] not in text and H100["uuid"][4:12] not in text
    first, second = document["machine"]["devices"]
    assert (first["name"], first["power_limit_watts"], first["driver"]) == (H100["name"], 700.0, "580.65.06")
    assert first["uuid_sha256"] != second["uuid_sha256"]
    series = cases[0]["processes"][0]["series"]["host_to_host"]
    assert series["device"]["watts"][1] == 312.5 and series["device"]["readings"] >= 2
    # 312.5 W throughout: the energy of a picture is that over the pictures a second.
    pictures = cases[0]["latency_ms"]["host_to_host"]["pictures_per_second"]["value"]
    assert cases[0]["joules_per_picture"]["value"] == pytest.approx(312.5 / pictures, rel=0.1)
    assert any("clock went from 1,755 to 1,980 MHz" in reason for case in cases[:2] for reason in case["reasons"])


def test_heat_and_others_make_a_case_noisy(board, model):
    board({**H100, "reasons": 0x40, "processes": [4242]})
    (case,) = measured(model)["cases"]
    assert case["verdict"] == "noisy"
    assert any("slowed (hardware thermal)" in reason for reason in case["reasons"])
    assert any("1 other process had the device open" in reason for reason in case["reasons"])


def test_a_device_that_vanishes_is_a_failed_case(board, model, tmp_path):
    """The other one's cases are measured to their end; those of the lost one fail without being waited for."""
    gone = tmp_path / "gone"
    board(H100, {**SECOND, "lost_file": str(gone)})
    seconds = 1.0
    process = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", "bench", str(model), "--provider", "twin", "--device", "all", "--batch", "1,2",
         "--repeats", "2", "--seconds", str(seconds), "--within", "1", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()  # the first process is about to begin
    time.sleep(1.0)
    gone.touch()
    out, said = process.communicate(timeout=120)
    document = json.loads(out)
    states = {(case["device"]["label"], case["batch"]): case["state"] for case in document["cases"]}
    assert states == {("0", 1): "ok", ("0", 2): "ok", ("1", 1): "failed", ("1", 2): "failed"}
    assert all("was lost" in case["why"] for case in document["cases"] if case["state"] == "failed")
    assert process.returncode == 1 and "Traceback" not in said


def test_a_worker_that_dies_on_one_device_spoils_that_case_alone(board, model):
    board(H100, SECOND)
    cases = measured(model, "--device", "all", "--together", status=1, GANZOO_TWIN_DIES=SECOND["uuid"])["cases"]
    assert [case["state"] for case in cases] == ["ok", "failed"]
    assert "exit status 17" in cases[1]["why"] and cases[0]["together"] is None


# Together.


def test_together_begins_at_one_moment_and_says_how_much_slower(board, model):
    board(H100, SECOND)
    document = measured(model, "--device", "0,1", "--together")
    assert document["protocol"]["together"] is True and document["protocol"]["devices"] == ["0", "1"]
    for case in document["cases"]:
        together = case["together"]
        assert together["devices"] == 2 and len(together["processes"]) == 2
        assert together["overlap"] > 0.9, "they were at work at the same time"
        alone, beside = case["figure"]["value"], together["figure"]["value"]
        assert together["slower"]["value"] == pytest.approx(beside / alone, rel=1e-6)
    assert BenchResult(document).table() and any(
        "beside 1 other device" in line for line in BenchResult(document).notes()
    )


@pytest.mark.slow
def test_a_device_that_is_lost_while_all_are_at_work_spoils_its_cases_alone(board, model, tmp_path):
    """Both of its cases fail, the second without being waited for; the sweep goes on to its end."""
    gone = tmp_path / "gone"
    board(H100, {**SECOND, "lost_file": str(gone)})
    process = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", "bench", str(model), "--provider", "twin", "--device", "all", "--together",
         "--batch", "1,2", "--repeats", "1", "--seconds", "1", "--within", "1", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    while "beside 1 more" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.7)
    gone.touch()
    out, said = process.communicate(timeout=120)
    assert "Traceback" not in said, said
    cases = json.loads(out)["cases"]
    states = {(case["device"]["label"], case["batch"]): case["state"] for case in cases}
    assert states == {("0", 1): "ok", ("0", 2): "ok", ("1", 1): "failed", ("1", 2): "failed"}
    assert process.returncode == 1


def test_together_wants_several_devices(board, model):
    board(H100)
    done = ganzoo("bench", model, "--provider", "twin", "--together")
    assert_clean(done, status=2)
    assert "--together wants several devices" in done.stderr and "--device all" in done.stderr


# Clocks.


def log_of(state):
    place = state.with_suffix(".log")
    return place.read_text().split("\n")[:-1] if place.exists() else []


def test_clocks_are_held_and_let_go(board, model):
    state = board(H100, SECOND, administrator=True)
    document = measured(model, "--device", "all", "--lock-clocks", "base")
    assert log_of(state) == ["lock 0 1095 1095", "lock 1 1095 1095", "free 0", "free 1"]
    assert [device["locked_mhz"] for device in document["machine"]["devices"]] == [1095, 1095]
    assert document["protocol"]["lock_clocks"] == "base"


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGINT, signal.SIGTERM))],
)
def test_clocks_are_let_go_whatever_ends_the_command(board, model, number):
    state = board(H100, administrator=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", "bench", str(model), "--provider", "twin", "--lock-clocks", "1500",
         "--seconds", "30"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=usual_signals,  # noqa: PLW1509 - as in helpers
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while log_of(state) != ["lock 0 1500 1500"] and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    process.wait(30)
    while len(log_of(state)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert log_of(state) == ["lock 0 1500 1500", "free 0"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [("9000", "MHz up to 1980"), ("fast", "expected base, most"), ("-5", "expected base"), ("0", "expected base")],
)
def test_a_clock_that_there_is_not_is_refused(board, model, asked, said):
    state = board(H100, administrator=True)
    done = ganzoo("bench", model, "--provider", "twin", "--lock-clocks", asked)
    assert done.returncode and said in done.stderr and "Traceback" not in done.stderr and not log_of(state)


def test_who_may_not_lock_is_told_how(board, model):
    state = board(H100)
    done = ganzoo("bench", model, "--provider", "twin", "--lock-clocks", "base")
    assert_clean(done, status=1)
    assert "Insufficient Permissions" in done.stderr and "nvidia-smi --lock-gpu-clocks" in done.stderr
    assert log_of(state) == []


def test_a_processors_clock_is_not_locked(model):
    done = ganzoo("bench", model, "--lock-clocks", "base")
    assert done.returncode and "none of the providers has a device" in done.stderr


# Names of results.


@pytest.mark.slow
def test_a_result_for_each_device_by_its_name(board, model, tmp_path):
    board(H100, {**A100, "slices": SLICES})
    out = tmp_path / "{label}-{device}.json"
    measured(model, "--device", "all", "--label", "Lab 3/b", "-o", out)
    names = sorted(path.name for path in tmp_path.glob("Lab*.json"))
    assert names == [
        "Lab-3-b-nvidia-a100-sxm4-40gb-mig-1g.5gb-1-1.json",
        "Lab-3-b-nvidia-a100-sxm4-40gb-mig-3g.20gb-1-0.json",
        "Lab-3-b-nvidia-h100-80gb-hbm3.json",
    ]
    for name in names:
        document = BenchResult.load(tmp_path / name).document
        assert len(document["cases"]) == 1 and len(document["machine"]["devices"]) == 1
        assert document["label"] == "Lab 3/b"


@pytest.mark.parametrize(
    ("out", "label", "said"),
    [
        ("{label}.json", "☃ -", "nothing that a name can have"),
        ("{lable}.json", "x", "Did you mean"),
        ("{label}.json", None, "--label NAME"),
        ("{}.json", "x", "no field"),
    ],
)
def test_a_field_that_there_is_not_is_refused(tmp_path, out, label, said):
    with pytest.raises(RequestError) as caught:
        Places(tmp_path / out, label)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_device_of_what_has_one_is_refused(model):
    done = ganzoo("bench", model, "--provider", "cpu", "--device", "1")
    assert_clean(done, status=2)
    assert "cpu has one device" in done.stderr
