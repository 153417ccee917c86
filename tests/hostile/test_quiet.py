"""No connection that nobody asked for: every verb under strace, ONNX Runtime's sessions long enough to phone home."""

import os
import re
import shutil
import subprocess
import sys

import pytest

ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
PORT = re.compile(r"htons\((\d+)\)")
DNS = "53"


def beyond_loopback(trace):
    """The lines of a trace that reach another machine, or ask for the address of a name."""
    found = []
    for line in trace.splitlines():
        addresses = [first or second for first, second in ADDRESS.findall(line)]
        away = [
            address for address in addresses if not address.startswith("127.") and address not in ("::1", "0.0.0.0")
        ]
        if away or (addresses and DNS in PORT.findall(line)):
            found.append(line)
    return found


@pytest.fixture
def traced(tmp_path):
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")

    def run(command, **environment):
        trace = tmp_path / "trace"
        kinds = "trace=connect,sendto,sendmsg,sendmmsg"
        done = subprocess.run(
            [strace, "-f", "--seccomp-bpf", "-qq", "-e", kinds, "-o", trace, *command],
            capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environment}, timeout=500, check=False,
        )  # fmt: skip
        return done, trace.read_text(errors="replace")

    return run


def test_what_the_test_sees(traced):
    """A lookup and a connection are found, so that finding none means something."""
    code = (
        "import socket\n"
        "with socket.socket() as one:\n one.settimeout(0.1)\n"
        " try: one.connect(('192.0.2.1', 9))\n except OSError: pass\n"
        "with socket.socket(type=socket.SOCK_DGRAM) as two:\n"
        " try: two.sendto(b'x', ('127.0.0.53', 53))\n except OSError: pass\n"
        "with socket.socket() as three:\n"
        " try: three.connect(('127.0.0.1', 9))\n except OSError: pass\n"
    )
    done, trace = traced([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    assert len(beyond_loopback(trace)) == 2 and "127.0.0.1" in trace


@pytest.mark.slow
def test_no_verb_opens_a_connection(traced, tmp_path):
    ganzoo = f"{sys.executable} -m ganzoo"
    verbs = [
        f"{ganzoo} list",
        f"{ganzoo} train dcgan --preset tiny --data digits --out run",
        f"{ganzoo} sample run -o a.png -n 4",
        f"{ganzoo} export run",
        f"{ganzoo} verify run/exports/generator.onnx",
        f"{ganzoo} sample run/exports/generator.onnx -o b.png -n 4",
        f"{ganzoo} bench run/exports/generator.onnx --repeats 1 --max-time 16 -o r.json",  # a session of 14 s
    ]
    home = tmp_path / "home"
    home.mkdir()
    done, trace = traced(["sh", "-ec", "\n".join(verbs)], HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert beyond_loopback(trace) == []
    assert not list(home.rglob("*Microsoft*")), "ONNX Runtime keeps an identity for what it reports"
