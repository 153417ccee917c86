"use strict";
// A trial in one page. Answers are kept in this browser after each question, and saved as one file at the end.
const trial = JSON.parse(document.getElementById("trial").textContent);
const $ = (name) => document.getElementById(name);
const words = {
  real: ["Is this picture real, or painted by a machine?", "real", "", "painted"],
  better: ["Which looks better?", "left", "no difference", "right"],
  match: ["Which matches the picture at the top better?", "left", "no difference", "right"],
}[trial.ask];

// A small generator of numbers (mulberry32), begun by a text: each judge has an order, the same after a reload.
function numbers(text) {
  let state = 2166136261;
  for (const sign of text) state = Math.imul(state ^ sign.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(items, next) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

let judge = "", plan = [], answers = [], shownAt = 0, timer = 0, waiting = false;

const place = () => `ganzoo-trial-${trial.trial}-${judge}`;

function begin(name) {
  judge = name;
  const next = numbers(`${trial.trial}/${judge}`);
  const order = shuffled(trial.questions, next);
  // Half of the questions are turned, whichever half: who always answers left chooses both equally often.
  const turned = new Set(shuffled(order.map((_, index) => index), next).slice(0, order.length >> 1));
  plan = order.map((question, index) => ({ ...question, turned: turned.has(index) }));
  try { answers = JSON.parse(localStorage.getItem(place())) || []; } catch { answers = []; }
  const known = new Map(answers.map((answer) => [answer.question, answer]));
  answers = plan.filter((one) => known.has(one.name)).map((one) => known.get(one.name));
  $("intro").hidden = true;
  $("task").hidden = false;
  show();
}

function current() { return plan[answers.length]; }

function picture(name, caption) {
  const figure = document.createElement("figure"), image = document.createElement("img");
  image.src = `data:image/png;base64,${trial.pictures[name]}`;
  image.alt = caption || "the picture in question";
  const text = document.createElement("figcaption");
  text.textContent = caption;
  figure.append(image, text);
  return figure;
}

async function show() {
  clearTimeout(timer);
  $("progress").max = plan.length;
  $("progress").value = answers.length;
  $("count").textContent = `${answers.length} of ${plan.length}`;
  const question = current();
  if (!question) { finish(); return; }
  const pair = question.turned ? [...question.shown].reverse() : question.shown;
  const figures = pair.map((name, side) => picture(name, pair.length > 1 ? ["left", "right"][side] : ""));
  const stage = $("stage"), source = $("source");
  stage.className = "";
  source.replaceChildren(...(question.source ? [picture(question.source, "")] : []));
  source.hidden = !question.source;
  stage.replaceChildren(...figures);
  waiting = false;
  await Promise.all([...document.querySelectorAll("#stage img, #source img")].map((image) => image.decode().catch(() => 0)));
  waiting = true;
  shownAt = performance.now();
  if (trial.seconds > 0) timer = setTimeout(() => { stage.className = "over"; }, trial.seconds * 1000);
}

function answer(side) {
  const question = current();
  if (!question || !waiting) return;
  waiting = false;
  let chosen = side === 0 ? "real" : side === 2 ? "painted" : null;
  if (trial.ask !== "real") {
    const pair = question.turned ? [...question.shown].reverse() : question.shown;
    chosen = side === 1 ? "none" : pair[side === 0 ? 0 : 1];
  }
  if (chosen === null) { waiting = true; return; }
  answers.push({
    question: question.name, chosen, side: ["left", "none", "right"][side],
    milliseconds: Math.round(performance.now() - shownAt),
  });
  try { localStorage.setItem(place(), JSON.stringify(answers)); } catch { /* kept in the page alone */ }
  show();
}

function result() {
  return JSON.stringify(
    { kind: "ganzoo answers", format: 1, trial: trial.trial, judge, questions: plan.length, answers }, null, 1);
}

function finish() {
  $("task").hidden = true;
  $("end").hidden = false;
  if (trial.post) send();
}

async function send() {
  try {
    const reply = await fetch("answers", { method: "POST", body: result(), headers: { "Content-Type": "application/json" } });
    if (reply.ok) $("tosend").hidden = true;
    $("sent").textContent = reply.ok ? "Your answers were received. Thank you!" : "They could not be received; save the file.";
  } catch { $("sent").textContent = "They could not be sent; save the file."; }
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([result()], { type: "application/json" }));
  link.download = `answers-${trial.trial}-${judge.replace(/[^\w-]+/g, "_")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

$("question").textContent = words[0];
["left", "none", "right"].forEach((name, side) => {
  $(name).querySelector("span").textContent = words[side + 1];
  $(name).hidden = !words[side + 1];
  $(name).addEventListener("click", () => answer(side));
});
$("start").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("judge").value.trim();
  if (name) begin(name);
});
$("save").addEventListener("click", save);
addEventListener("keydown", (event) => {
  const side = { ArrowLeft: 0, ArrowDown: 1, ArrowRight: 2 }[event.key];
  if (side === undefined || $("task").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  answer(side);
});
// For a judge that is a program: the page as it is, asked and answered.
window.ganzooTrial = { trial, begin, answer, result, current, ready: () => waiting, done: () => answers.length === plan.length && plan.length > 0 };
