"""Two processes of one core each beside one process with both cores, in interleaved pairs."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pairs import compare

HERE = Path(__file__).parent
SECONDS = {"digits": 6.0, "paper": 10.0}


def images_per_second(preset, ranks):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = []
    for rank in range(ranks):
        env = {
            **os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks),
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": str(2 // ranks),
        }  # fmt: skip
        command = [sys.executable, HERE / "rank_speed.py", preset, str(SECONDS[preset])]
        processes.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return float(outputs[0])


@pytest.mark.parametrize("preset", SECONDS)
def test_two_ranks_on_two_cores(preset, report):
    comparison = compare(lambda: images_per_second(preset, 2), lambda: images_per_second(preset, 1), pairs=4)
    report(f"dcgan {preset}", **comparison.facts("images_per_second"))
    assert comparison.ratio >= 1.0
