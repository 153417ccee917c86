"""A cluster of Ray on this machine, three nodes of two kinds, and a fleet measured on it: for `test_fleet.py`.

`python fleet_games.py FOLDER ARGUMENTS...`: arguments of `ganzoo bench`; `{address}` is the cluster's.
GANZOO_KILL_AFTER names a text: when a line of progress has it, the node that the line begins with is killed. The nodes
are gamma, the head, which has an A100, and alpha and beta, which have an H100 each; all of them say so and have none.
What is printed is a line of JSON.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

KINDS = {"gamma": "a100", "alpha": "h100", "beta": "h100"}


def main(folder, arguments):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    began = time.monotonic()
    cluster = Cluster()
    nodes = {}
    with contextlib.redirect_stdout(sys.stderr):
        for name, kind in KINDS.items():
            nodes[name] = cluster.add_node(
                num_cpus=1, node_name=name, node_ip_address="127.0.0.1", object_store_memory=100 * 2**20,
                include_dashboard=False, env_vars={"FAKE_NVML": str(Path(folder, f"{kind}.json"))},
            )  # fmt: skip
    up = time.monotonic() - began
    began = time.monotonic()
    command = [argument.replace("{address}", cluster.address) for argument in arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", "bench", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said, killed = [], []
    when = os.environ.get("GANZOO_KILL_AFTER")

    def listen():
        for line in process.stderr:
            said.append(line.rstrip("\n"))
            name = line.split(" ")[0].strip(":")
            if when and when in line and name in nodes and not killed:
                killed.append(name)
                cluster.remove_node(nodes[name], allow_graceful=False)

    thread = threading.Thread(target=listen)
    thread.start()
    out = process.stdout.read()
    status = process.wait()
    thread.join()
    took = time.monotonic() - began
    print(json.dumps({"status": status, "out": out, "said": said, "killed": killed, "seconds": took, "up": up}))
    with contextlib.suppress(Exception):
        cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
