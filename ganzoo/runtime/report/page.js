"use strict";
// The page's own script. Names of strangers come into the page as text nodes alone, never as markup.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 560, HEIGHT = 300, LEFT = 76, RIGHT = 12, TOP = 12, BOTTOM = 40;
  const MOST_LINES = 8;
  const rows = JSON.parse(document.getElementById("rows").textContent);

  const make = (name, attributes = {}, text = null, space = null) => {
    const element = space ? document.createElementNS(space, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== null) element.textContent = text;
    return element;
  };
  const svg = (name, attributes, text = null) => make(name, attributes, text, SVG);
  const shown = (value) => {
    if (value === null || value === undefined) return "-";
    const size = Math.abs(value);
    if (size >= 1000) return Math.round(value).toLocaleString("en");
    return size >= 10 ? value.toFixed(1) : size >= 0.01 || size === 0 ? value.toFixed(3) : value.toExponential(1);
  };

  const brief = (value) => shown(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

  // Tables: sorted by a click on a heading, filtered by words and state.
  for (const table of document.querySelectorAll("table.sorts")) {
    const body = table.tBodies[0];
    table.querySelectorAll("thead th").forEach((heading, column) => {
      const button = heading.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        table.querySelectorAll("thead th").forEach((one) => one.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
        const number = (text) => (text === "" || text === "-" ? NaN : Number(text));
        const ordered = [...body.rows].sort((one, other) => {
          const first = key(one), second = key(other), a = number(first), b = number(second);
          if (!Number.isNaN(a) && !Number.isNaN(b)) return up ? a - b : b - a;
          if (Number.isNaN(a) !== Number.isNaN(b) && heading.classList.contains("number")) return Number.isNaN(a) ? 1 : -1;
          return up ? first.localeCompare(second) : second.localeCompare(first);
        });
        body.append(...ordered);
      });
    });
  }
  const filter = document.getElementById("filter"), state = document.getElementById("state");
  const count = document.getElementById("count");
  const cases = document.getElementById("cases");
  const texts = new Map([...cases.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]));
  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const [row, text] of texts) {
      const fits = words.every((word) => text.includes(word)) && (!state.value || row.dataset.state === state.value);
      row.hidden = !fits;
      left += fits;
    }
    count.textContent = `${left} of ${texts.size} cases`;
  };
  filter.addEventListener("input", narrow);
  state.addEventListener("change", narrow);
  narrow();

  // Curves.
  const chart = (figure, { x, y, xName, yName, lines, log = [true, true], line = true, mark = null }) => {
    const points = lines.flatMap((one) => one.points);
    const holder = figure.querySelector(".plot"), legend = figure.querySelector(".legend");
    holder.replaceChildren();
    legend.replaceChildren();
    figure.hidden = !points.length;
    if (!points.length) return;
    const scale = (values, logarithmic, from, to) => {
      const kept = values.filter((value) => value !== null && (!logarithmic || value > 0));
      let low = Math.min(...kept), high = Math.max(...kept);
      if (!logarithmic) low = Math.min(0, low);
      if (low === high) [low, high] = logarithmic ? [low / 1.5, high * 1.5] : [low, high || 1];
      const change = (value) => (logarithmic ? Math.log(value) : value);
      const place = (value) => from + ((change(value) - change(low)) / (change(high) - change(low))) * (to - from);
      const ticks = [];
      if (logarithmic) {
        const wide = Math.log10(high / low);
        const steps = wide > 2.5 ? [1] : wide > 1 ? [1, 3] : [1, 1.5, 2, 3, 5, 7];
        for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
          for (const step of steps) ticks.push(step * 10 ** power);
        if (ticks.filter((tick) => tick >= low && tick <= high).length < 2) ticks.push(low, high);
      } else for (let step = 0; step <= 4; step += 1) ticks.push(low + ((high - low) * step) / 4);
      return { place, ticks: ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001) };
    };
    const bounds = points.flatMap((point) => [point[y], point.low ?? null, point.high ?? null]).concat(mark ?? []);
    const across = scale(points.map((point) => point[x]), log[0], LEFT, WIDTH - RIGHT);
    const up = scale(bounds, log[1], HEIGHT - BOTTOM, TOP);
    const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": figure.dataset.name });
    for (const tick of across.ticks) {
      const at = across.place(tick);
      drawing.append(svg("line", { class: "axis", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }));
      drawing.append(svg("text", { x: at, y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, brief(tick)));
    }
    for (const tick of up.ticks) {
      const at = up.place(tick);
      drawing.append(svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }));
      drawing.append(svg("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, brief(tick)));
    }
    drawing.append(svg("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, xName));
    drawing.append(svg("text", { x: 14, y: HEIGHT / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${HEIGHT / 2})` }, yName));
    if (mark) {
      const at = up.place(mark);
      drawing.append(svg("line", { class: "slo", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }));
      drawing.append(svg("text", { x: WIDTH - RIGHT, y: at - 4, "text-anchor": "end" }, `objective ${shown(mark)} ms`));
    }
    const dashes = ["", "7 4", "2 3", "9 3 2 3"];
    lines.slice(0, MOST_LINES).forEach((one, number) => {
      const colour = `var(--s${number % 8})`, dash = dashes[number % dashes.length];
      const kept = one.points.filter((point) => point[x] > 0 || !log[0]).filter((point) => point[y] > 0 || !log[1]);
      const path = kept.map((point) => `${across.place(point[x]).toFixed(1)},${up.place(point[y]).toFixed(1)}`).join(" ");
      if (line && kept.length > 1)
        drawing.append(svg("polyline", { points: path, fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }));
      for (const point of kept) {
        const at = [across.place(point[x]), up.place(point[y])];
        if (point.low && point.high)
          drawing.append(svg("line", { x1: at[0], x2: at[0], y1: up.place(point.low), y2: up.place(point.high), stroke: colour }));
        if (one.dots === false) continue;
        const dot = svg("circle", { cx: at[0], cy: at[1], r: 3.5, fill: colour });
        dot.append(svg("title", {}, `${one.name}: ${xName} ${shown(point[x])}, ${yName} ${shown(point[y])}`));
        drawing.append(dot);
      }
      const item = make("li"), key = svg("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" });
      key.append(svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }));
      item.append(key, ` ${one.name}`);
      legend.append(item);
    });
    if (lines.length > MOST_LINES) legend.append(make("li", { class: "soft" }, `and ${lines.length - MOST_LINES} more: choose a model or filter`));
    holder.append(drawing);
  };

  // A line is named by what tells it from the others; by its result only where nothing else does.
  const naming = ["device", "provider", "settings", "precision"];
  let named = [];
  const words = (row, keys) => [model.value ? null : row.model, ...keys.map((key) => row[key])].filter(Boolean).join(", ");
  const name = () => {
    named = naming.filter((key) => new Set(chosen.map((row) => row[key])).size > 1);
    const met = new Map();
    for (const row of chosen) {
      const place = [words(row, named), row.model, row.shapes, row.scenario, row.rate_text].join("|");
      if (met.has(place) && met.get(place) !== row.source) {
        named.push("result");
        return;
      }
      met.set(place, row.source);
    }
  };
  const label = (row) => words(row, named) || row.provider;
  const grouped = (several, point, order) => {
    const groups = new Map();
    for (const row of several) {
      const made = point(row);
      if (made === null) continue;
      const name = label(row);
      groups.set(name, [...(groups.get(name) ?? []), made]);
    }
    return [...groups].map(([name, points]) => ({ name, points: points.sort((one, other) => one[order] - other[order]) }));
  };
  const model = document.getElementById("model"), which = document.getElementById("which");
  let chosen = rows;
  const draw = () => {
    chosen = rows.filter((row) => row.figure && (!model.value || row.model === model.value));
    name();
    const closed = chosen.filter((row) => row.scenario !== "server");
    const figure = (name) => document.getElementById(name);
    chart(figure("batch-chart"), {
      x: "x", y: "y", xName: "batch", yName: "median ms",
      lines: grouped(closed.filter((row) => row.median && row.batch > 0),
        (row) => ({ x: row.batch, y: row.median[0], low: row.median[1], high: row.median[2] }), "x"),
    });
    chart(figure("throughput-chart"), {
      x: "x", y: "y", xName: "median ms", yName: "pictures a second",
      lines: grouped(closed.filter((row) => row.median && row.throughput),
        (row) => ({ x: row.median[0], y: row.throughput[0], low: row.throughput[1], high: row.throughput[2] }), "x"),
    });
    const served = chosen.filter((row) => row.scenario === "server" && row.rate);
    const tail = (row) => row.p99 ?? row.p90 ?? row.median;
    const objective = served.map((row) => /=([\d.]+)ms/.exec(row.objective ?? "")).find(Boolean);
    chart(figure("rate-chart"), {
      x: "x", y: "y", xName: "calls a second", yName: "p99 ms (or what the count carries)", mark: objective ? Number(objective[1]) : null,
      lines: grouped(served.filter(tail), (row) => ({ x: row.rate, y: tail(row)[0], low: tail(row)[1], high: tail(row)[2] }), "x"),
    });
    const options = [...chosen.keys()].map((index) => {
      const row = chosen[index];
      return make("option", { value: String(index) }, [row.model, row.shapes, row.rate_text, row.provider, row.settings, row.device].filter(Boolean).join(", "));
    });
    which.replaceChildren(...options.slice(0, 500));
    single();
  };
  const single = () => {
    const row = chosen[Number(which.value || 0)];
    const spread = document.getElementById("distribution-chart"), operators = document.getElementById("operators-chart");
    const found = row && row.distribution;
    let points = [];
    if (found) {
      const step = Math.log(found.high / found.low) / found.counts.length;
      points = found.counts.map((number, place) => ({ x: found.low * Math.exp((place + 0.5) * step), y: number }));
    }
    chart(spread, { x: "x", y: "y", xName: "ms", yName: "samples", log: [true, false],
      lines: found ? [{ name: `${row.model}, ${row.shapes}`, points, dots: false }] : [] });
    const holder = operators.querySelector(".plot");
    holder.replaceChildren();
    operators.hidden = !row || !row.operators.length;
    if (operators.hidden) return;
    const tall = 24 * row.operators.length + 8;
    const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${tall}`, role: "img", "aria-label": operators.dataset.name });
    row.operators.forEach((one, place) => {
      const top = 24 * place + 4;
      drawing.append(svg("rect", { x: 180, y: top, width: Math.max(1, (WIDTH - 300) * one.share), height: 16, fill: "var(--s0)" }));
      drawing.append(svg("text", { x: 172, y: top + 12, "text-anchor": "end" }, one.operator.slice(0, 26)));
      drawing.append(svg("text", { x: 186 + (WIDTH - 300) * one.share, y: top + 12 }, `${shown(one.ms)} ms, ${(100 * one.share).toFixed(1)}%`));
    });
    holder.append(drawing);
  };
  model.addEventListener("change", draw);
  which.addEventListener("change", single);
  draw();
})();
