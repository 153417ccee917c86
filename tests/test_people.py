"""Judging by people: statistics against published examples, trials, answers, a page that a program judges."""

import json
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from ganzoo.api.people import judge_trial
from ganzoo.errors import RequestError
from ganzoo.evaluation.people.answers import read_answers, read_key
from ganzoo.evaluation.people.counting import count_answers
from ganzoo.evaluation.people.page import trial_page
from ganzoo.evaluation.people.statistics import bradley_terry, krippendorff_alpha, sign_test
from ganzoo.evaluation.people.trial import make_trial
from ganzoo.evaluation.picture_set import PictureChunk


class Noise:
    """Pictures of noise; labels tell nothing."""

    title = "noise"

    def __init__(self, seed, count=400, side=8):
        self.count = count
        self._pixels = np.random.RandomState(seed).randint(0, 256, (count, 3, side, side)).astype(np.uint8)

    def read(self, start, stop):
        return PictureChunk(self._pixels[start:stop], None)


def trial_of(ask="real", makers=("a",), questions=60, catch=6, seed=0, seconds=0.0, **more):
    painted = {name: Noise(10 + place) for place, name in enumerate(makers)}
    return make_trial(
        ask, painted, Noise(1), sources=Noise(2), questions=questions, catch=catch, seconds=seconds, seed=seed, **more
    )


def written(trial, folder):
    folder.mkdir(exist_ok=True)
    (folder / "key.json").write_text(json.dumps(trial.key()))
    return read_key(folder / "key.json")


def answers_of(trial, judge, choose, folder):
    """choose: of a question of the key, what is chosen."""
    document = {
        "kind": "ganzoo answers",
        "format": 1,
        "trial": trial.name,
        "judge": judge,
        "questions": len(trial.questions),
        "answers": [{"question": one.name, "chosen": choose(one), "milliseconds": 900} for one in trial.questions],
    }
    path = folder / f"answers-{judge}.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("rows", "alpha"),
    [
        # Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): examples A, B and C, nominal.
        (("0100000010", "1110010000"), 0.095),
        (("aabbdcccedda", "babbbccceddd"), 0.692),
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
    ],
)
def test_alpha_is_that_of_the_published_examples(rows, alpha):
    units = [[sign for sign in column if sign != "."] for column in zip(*rows, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(alpha, abs=5e-4)


def test_alpha_of_judges_who_agree_and_of_none():
    assert krippendorff_alpha([["x", "x"], ["y", "y"], ["x", "x", "x"]]) == pytest.approx(1.0)
    assert krippendorff_alpha([["x", "x"], ["x", "x"]]) is None
    assert krippendorff_alpha([["x"], ["y"]]) is None
    random = np.random.RandomState(0)
    chance = krippendorff_alpha([list(random.randint(0, 2, 4)) for _ in range(4000)])
    assert abs(chance) < 0.03


def test_the_sign_test_is_the_binomial():
    assert sign_test(9, 1) == pytest.approx(2 * (10 + 1) / 1024)
    assert sign_test(5, 5) == 1.0 and sign_test(0, 0) == 1.0


def test_strengths_are_those_that_the_games_were_drawn_with():
    """Three players; of two, the ratio of strengths is that of the wins."""
    two = bradley_terry({("a", "b"): 300.0, ("b", "a"): 100.0})
    assert two["a"].value - two["b"].value == pytest.approx(np.log(300.5 / 100.5), abs=1e-6)
    truth = {"a": 0.8, "b": 0.0, "c": -0.8}
    random, inside = np.random.RandomState(0), []
    for _ in range(200):
        wins = {}
        for one, other in (("a", "b"), ("a", "c"), ("b", "c")):
            share = 1 / (1 + np.exp(truth[other] - truth[one]))
            wins[one, other] = float(random.binomial(60, share))
            wins[other, one] = 60 - wins[one, other]
        found = bradley_terry(wins)
        inside += [found[name].low <= truth[name] <= found[name].high for name in truth]
    assert np.mean(inside) > 0.9
    assert np.isfinite(bradley_terry({("a", "b"): 20.0, ("b", "a"): 0.0})["a"].value)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
def test_the_share_that_judges_are_fooled_comes_out(tmp_path, share):
    """A hundred trials of three judges who take a painted picture for real so often: inside in 90 and more."""
    inside = 0
    for number in range(100):
        trial = trial_of(questions=80, catch=4, seed=number)
        key = written(trial, tmp_path / "t")
        random = np.random.RandomState(number)

        def choose(one, random=random):
            if one.catch:
                return one.catch
            return "real" if random.rand() < (share if one.makers[0] else 0.8) else "painted"

        given = [read_answers(answers_of(trial, f"j{judge}", choose, tmp_path), key) for judge in range(3)]
        found = count_answers(key, given).fooled["a"]
        inside += found.low <= share <= found.high
    assert inside >= 90


def test_questions_are_balanced_and_say_nothing_of_what_is_true(tmp_path):
    trial = trial_of("better", makers=("a", "b", "c"), questions=60, catch=3)
    couples = [tuple(sorted(one.makers)) for one in trial.questions if not one.catch]
    assert {couples.count(couple) for couple in couples} == {20}
    names = [name for one in trial.questions for name in one.shown]
    assert len(set(names)) == len(names) == len(trial.pictures)
    page = trial_page(trial, post=False)
    shown = json.loads(re.search(r'<script type="application/json" id="trial">(.*?)</script>', page, re.S)[1])
    assert set(shown) == {"trial", "ask", "seconds", "post", "questions", "pictures"}
    assert all(set(one) == {"name", "shown", "source"} for one in shown["questions"])
    more = {"makers": ("a", "b", "c"), "questions": 60, "catch": 3}
    same, again = (trial_of("better", secret="s", **more) for _ in range(2))
    assert trial_page(same, post=False) == trial_page(again, post=False) != page
    assert {name: pixels.tobytes() for name, pixels in same.pictures.items()} != {
        name: pixels.tobytes() for name, pixels in trial.pictures.items()
    }
    assert sorted(one.tobytes() for one in same.pictures.values()) == sorted(
        one.tobytes() for one in trial.pictures.values()
    )
    # Neither the order of a question's pictures nor that of their names tells who made them.
    firsts = [sorted(one.makers).index(one.makers[0]) for one in trial.questions if not one.catch]
    assert 10 < sum(firsts) < 50
    assert 0 < sum(one.shown[0] == one.catch for one in trial_of("better", makers=("a", "b"), catch=20).questions) < 20
    real = trial_of(questions=41)
    assert sum(one.makers == ("a",) for one in real.questions) == 20


def test_who_fails_the_catch_trials_is_left_out_and_said(tmp_path):
    trial = trial_of(catch=6)
    key = written(trial, tmp_path)
    answers_of(trial, "asleep", lambda one: "real", tmp_path)
    answers_of(trial, "awake", lambda one: one.catch or ("real" if not one.makers[0] else "painted"), tmp_path)
    found = judge_trial(tmp_path, [tmp_path / "answers-asleep.json", tmp_path / "answers-awake.json"])
    assert found.left_out == {"asleep": "failed 6 of 6 catch trials"}
    assert found.judges == {"awake": 66} and found.fooled["a"].value == 0.0
    assert found.real_doubted.value == 0.0 and found.alpha is None
    with pytest.raises(RequestError, match="There are no answers to count: asleep: failed 6 of 6"):
        count_answers(key, [read_answers(tmp_path / "answers-asleep.json", key)])


def test_a_preference_and_its_ties_come_out(tmp_path):
    """Of ten questions: seven times the first, twice the second, once no difference; a judge who always answers left
    prefers nobody."""
    trial = trial_of("better", makers=("a", "b"), questions=10, catch=0)
    key = written(trial, tmp_path)
    turn = iter(["a"] * 7 + ["b"] * 2 + ["none"])

    def choose(one):
        wanted = next(turn)
        return "none" if wanted == "none" else one.shown[one.makers.index(wanted)]

    found = count_answers(key, [read_answers(answers_of(trial, "j", choose, tmp_path), key)])
    (preference,) = found.preferences
    assert (preference.wins, preference.losses, preference.ties) == (7, 2, 1)
    assert preference.p == pytest.approx(sign_test(7, 2)) and preference.share.count == 9
    assert found.strengths == {} and preference.answers == (7, 2, 1)
    assert found.remarks == []


def test_judges_of_one_question_are_no_independent_answers(tmp_path):
    """Of each pair a coin decides, and ten judges follow it: nothing is to be found, and is found 5 times in 100."""
    false = 0
    for number in range(60):
        trial = trial_of("better", makers=("a", "b"), questions=20, catch=0, seed=number)
        key = written(trial, tmp_path / "t")
        random = np.random.RandomState(number)
        coin = {one.name: random.randint(2) for one in trial.questions}

        def choose(one, coin=coin, random=random):
            return one.shown[coin[one.name]] if random.rand() < 0.9 else "none"

        given = [read_answers(answers_of(trial, f"j{judge}", choose, tmp_path), key) for judge in range(10)]
        found = count_answers(key, given)
        false += found.preferences[0].p < 0.05
        assert sum(found.preferences[0].answers) == 200
    assert false <= 8


def test_answers_that_nobody_can_have_meant_are_remarked(tmp_path):
    trial = trial_of(questions=20, catch=2)
    key = written(trial, tmp_path)
    path = answers_of(trial, "hasty", lambda one: "painted", tmp_path)
    document = json.loads(path.read_text())
    for answer in document["answers"]:
        answer["milliseconds"] = 80
    document["answers"].pop()
    path.write_text(json.dumps(document))
    found = count_answers(key, [read_answers(path, key)])
    told = " ".join(found.remarks)
    assert "answered 21 of 22 questions" in told and "less than 300 milliseconds" in told and "said 'painted'" in told


def test_pictures_that_their_shape_tells_apart_are_refused():
    with pytest.raises(RequestError, match="would tell them apart: a 3x8x8, the real ones 3x16x16"):
        make_trial("real", {"a": Noise(1)}, Noise(2, side=16), questions=4, catch=0, seconds=0, seed=0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"trial": "other"}, "its answers are of the trial 'other', not of"),
        ({"kind": "x"}, "it holds no answers of a trial"),
        ({"answers": [{"question": "q9999", "chosen": "real"}]}, "it answers 'q9999', which is not asked, or twice"),
        ({"answers": [{"question": "q0", "chosen": "left"}]}, "it chooses 'left' at q0, which is not shown"),
        ({"answers": 7}, "cannot be counted"),
        ({"judge": None}, "its judge is None; expected a name"),
        ({"judge": "  "}, "expected a name"),
    ],
)
def test_what_are_no_answers_is_said(tmp_path, change, told):
    trial = trial_of(questions=4, catch=0)
    key = written(trial, tmp_path)
    path = answers_of(trial, "j", lambda one: "real", tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RequestError, match=re.escape(told)):
        read_answers(path, key)


def test_two_files_of_one_judge_are_refused(tmp_path):
    trial = trial_of(questions=4, catch=0)
    key = written(trial, tmp_path)
    one = read_answers(answers_of(trial, "j", lambda one: "real", tmp_path), key)
    with pytest.raises(RequestError, match="2 files are of the judge 'j'"):
        count_answers(key, [one, one])


def test_too_little_for_a_trial_is_said():
    with pytest.raises(RequestError, match="--ask better wants 2 or more"):
        trial_of("better")
    with pytest.raises(RequestError, match=r"500 pictures are wanted for the trial, and there are 400"):
        trial_of(questions=1000)
    with pytest.raises(RequestError, match="3 questions are too few for 2"):
        trial_of("better", makers=("a", "b"), questions=3)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-component-update", "--disable-background-networking", "--hide-scrollbars",
         "--allow-file-access-from-files"]  # fmt: skip

JUDGE = """
<!doctype html><meta charset="utf-8"><pre id="out"></pre>
<iframe id="f" src="SOURCE" style="width:WIDTHpx;height:700px;border:0"></iframe>
<script>
const choices = CHOICES;
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
document.getElementById("f").addEventListener("load", async (event) => {
  const view = event.target.contentWindow, page = event.target.contentDocument;
  const press = (key) => page.dispatchEvent(new view.KeyboardEvent("keydown", { key, bubbles: true }));
  page.getElementById("judge").value = "JUDGE";
  page.getElementById("start").dispatchEvent(new view.Event("submit", { cancelable: true }));
  const api = view.ganzooTrial, sides = [];
  let small = 0, wide = 0;
  while (!api.done()) {
    if (!api.ready()) { await wait(1); continue; }
    const question = api.current(), wanted = choices[question.name];
    const pair = question.turned ? [...question.shown].reverse() : question.shown;
    const key = { real: "ArrowLeft", painted: "ArrowRight", none: "ArrowDown" }[wanted]
      || (wanted === "always-left" ? "ArrowLeft" : pair[0] === wanted ? "ArrowLeft" : "ArrowRight");
    sides.push(key);
    wide = Math.max(wide, page.documentElement.scrollWidth);
    small = [...page.querySelectorAll("button")].filter((one) => one.offsetParent && one.offsetHeight < 44).length;
    const name = { ArrowLeft: "left", ArrowDown: "none", ArrowRight: "right" }[key];
    if (sides.length % 2) press(key); else page.getElementById(name).click();
  }
  await wait(300);
  const end = !page.getElementById("end").hidden;
  const out = { result: JSON.parse(api.result()), wide, width: view.innerWidth, small, end };
  document.getElementById("out").textContent = btoa(JSON.stringify(out));
});
</script>
"""


def judged_in_a_browser(source, folder, choices, judge="robot", width=900):
    (folder / "probe.html").write_text(
        JUDGE.replace("SOURCE", source).replace("CHOICES", json.dumps(choices)).replace("JUDGE", judge)
        .replace("WIDTH", str(width))
    )  # fmt: skip
    profile = folder / f"profile{time.monotonic_ns()}"
    dumped = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=900000", "--dump-dom",
         f"file://{folder}/probe.html"],
        capture_output=True, text=True, timeout=120, check=True, cwd=folder,
    ).stdout  # fmt: skip
    import base64

    return json.loads(base64.b64decode(re.search(r'<pre id="out">(.*?)</pre>', dumped, re.S)[1]))


@needs_browser
@pytest.mark.parametrize("width", [380, 1200])
def test_a_program_judges_the_page_and_its_bias_comes_out(tmp_path, width):
    """Fooled by 12 of 30 painted pictures; by keys and by touch, on a telephone's width too."""
    trial = trial_of(questions=60, catch=4, seconds=0.5)
    key = written(trial, tmp_path)
    (tmp_path / "trial.html").write_text(trial_page(trial, post=False))
    painted = [one.name for one in trial.questions if one.makers == ("a",)]
    choices = {one.name: one.catch or "real" for one in trial.questions}
    choices |= dict.fromkeys(painted[12:], "painted")
    found = judged_in_a_browser("trial.html", tmp_path, choices, width=width)
    assert found["end"] and found["wide"] <= found["width"] and found["small"] == 0
    (tmp_path / "answers.json").write_text(json.dumps(found["result"]))
    counted = count_answers(key, [read_answers(tmp_path / "answers.json", key)])
    assert counted.judges == {"robot": 64} and counted.left_out == {}
    assert counted.fooled["a"].value == pytest.approx(12 / 30)
    assert counted.real_doubted.value == 0.0


@needs_browser
def test_a_program_that_always_answers_left_prefers_nobody(tmp_path):
    """Its bias is on the side, and half of the questions are turned: none comes out between the makers."""
    trial = trial_of("match", makers=("a", "b"), questions=40, catch=0)
    key = written(trial, tmp_path)
    (tmp_path / "trial.html").write_text(trial_page(trial, post=False))
    found = judged_in_a_browser("trial.html", tmp_path, {one.name: "always-left" for one in trial.questions})
    (tmp_path / "answers.json").write_text(json.dumps(found["result"]))
    (preference,) = count_answers(key, [read_answers(tmp_path / "answers.json", key)]).preferences
    assert preference.wins + preference.losses == 40 and preference.p > 0.001


@pytest.fixture
def served(tmp_path):
    from ganzoo.api.people import serve_trial

    trial = trial_of(questions=6, catch=0)
    written(trial, tmp_path)
    (tmp_path / "trial.html").write_text(trial_page(trial, post=False))
    said, address, known = [], [], threading.Event()

    class Heard:
        def update(self, progress): ...

        def say(self, text):
            said.append(text)

    def ready(text):
        address.append(text)
        known.set()

    threading.Thread(
        target=serve_trial, args=(tmp_path,), kwargs={"progress": Heard(), "ready": ready}, daemon=True
    ).start()
    assert known.wait(20)
    return trial, tmp_path, address[0], said


def posted(address, content, **headers):
    request = urllib.request.Request(f"{address}answers", data=content, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_served_trial_keeps_answers_and_refuses_others(served):
    trial, folder, address, said = served
    with urllib.request.urlopen(address, timeout=20) as reply:
        page = reply.read().decode()
    assert "connect-src &#x27;self&#x27;" in page and '"post":true' in page
    document = {"kind": "ganzoo answers", "format": 1, "trial": trial.name, "judge": "../../ann", "answers": [
        {"question": one.name, "chosen": "real"} for one in trial.questions]}  # fmt: skip
    content = json.dumps(document).encode()
    assert posted(address, content) == 200 and posted(address, content) == 200
    kept = [path.name for path in (folder / "answers").iterdir()]
    assert kept == ["answers-_ann.json"]
    document["answers"][0]["chosen"] = "painted"
    assert posted(address, json.dumps(document).encode()) == 409
    assert posted(address, content, **{"Content-Length": "9" * 5000}) in (400, 413)
    assert judge_trial(folder).judges == {"../../ann": 6}
    assert posted(address, b"{}") == 400
    assert posted(address, content, Origin="http://elsewhere.example") == 404
    assert posted(address, content, Host="elsewhere.example:80") == 404
    assert any("answers were refused" in line for line in said)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{address}key.json", timeout=20)


@needs_browser
def test_a_served_page_opens(served):
    _, folder, address, _ = served
    dumped = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder}/profile", "--virtual-time-budget=8000", "--dump-dom", address],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert "6 questions about pictures" in dumped
