"""`doctor --bench`: what would disturb a measurement is found on machines made of files."""

import pytest
from helpers import assert_clean, ganzoo

from ganzoo.runtime.latency import readiness, temperature

QUIET = {
    "devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    "devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "devices/system/cpu/intel_pstate/no_turbo": "1",
    "devices/system/cpu/smt/active": "0",
    "fs/cgroup/cpu.max": "max 100000",
    "class/power_supply/BAT0/status": "Charging",
    "class/thermal/thermal_zone0/type": "x86_pkg_temp",
    "class/thermal/thermal_zone0/temp": "41000",
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Found in a folder instead of /sys and /proc."""

    def make(files, flags="fpu sse2"):
        for name, text in files.items():
            path = tmp_path / "sys" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc" / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
        monkeypatch.setattr(readiness, "_SYS", tmp_path / "sys")
        monkeypatch.setattr(readiness, "_PROC", tmp_path / "proc")
        monkeypatch.setattr(temperature, "_ZONES", tmp_path / "sys" / "class/thermal")
        return {check.name: check for check in readiness._still()}

    return make


def test_a_quiet_machine_is_good(machine):
    found = machine(QUIET)
    assert {name: check.state for name, check in found.items()} == dict.fromkeys(found, "good")
    assert found["temperature"].found == "41 degrees Celsius"


@pytest.mark.parametrize(
    ("name", "changed", "text", "remedy"),
    [
        ("governor", {"devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave"}, "powersave", "cpupower"),
        ("boost", {"devices/system/cpu/intel_pstate/no_turbo": "0"}, "on", "docs/measuring.md"),
        ("hyperthreads", {"devices/system/cpu/smt/active": "1"}, "share a core", "--threads"),
        ("processors", {"fs/cgroup/cpu.max": "50000 100000"}, "0.5 of them by a quota", "--cpuset-cpus"),
        ("power", {"class/power_supply/BAT0/status": "Discharging"}, "battery", "Plug it in"),
        ("temperature", {"class/thermal/thermal_zone0/temp": "93000"}, "93 degrees", "--cool-to"),
    ],
)
def test_what_is_bad_says_what_to_do(machine, name, changed, text, remedy):
    found = machine({**QUIET, **changed})
    assert {other: check.state for other, check in found.items() if other != name} == dict.fromkeys(
        set(found) - {name}, "good"
    )
    assert found[name].state == "bad" and text in found[name].found and remedy in found[name].remedy


def test_a_quota_of_the_older_control_groups(machine):
    older = {"fs/cgroup/cpu/cpu.cfs_quota_us": "25000", "fs/cgroup/cpu/cpu.cfs_period_us": "100000"}
    files = {name: text for name, text in QUIET.items() if name != "fs/cgroup/cpu.max"}
    assert machine({**files, **older})["processors"].state == "bad"


def test_what_a_system_does_not_tell_is_unknown_and_not_good(machine):
    found = machine({})
    unknown = {"governor", "boost", "hyperthreads", "temperature"}
    assert {name for name, check in found.items() if check.state == "unknown"} == unknown


def test_a_virtual_machine(machine):
    assert machine(QUIET, flags="fpu hypervisor")["virtual machine"].state == "bad"


def test_the_verb():
    done = ganzoo("doctor", "--bench")
    assert_clean(done, status=0)
    for name in ("governor", "processors", "other processes", "constant work", "clock", "stolen time"):
        assert f"\n{name}: " in done.stdout


def test_waiting_ends_when_it_is_cool_or_the_time_is_up(machine, tmp_path, monkeypatch):
    machine({**QUIET, "class/thermal/thermal_zone0/temp": "70000"})
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        zone.write_text(str(int(zone.read_text()) - 5000))

    monkeypatch.setattr(temperature.time, "sleep", sleep)
    assert temperature.wait(None, "cpu", 60.0, seconds=1000) == 60.0 and len(pauses) == 2
    zone.write_text("90000")
    assert temperature.wait(None, "cpu", 60.0, seconds=0.0) == 90.0
    zone.unlink()
    with pytest.raises(temperature.BenchError, match="does not tell how warm"):
        temperature.check(None, "cpu")
