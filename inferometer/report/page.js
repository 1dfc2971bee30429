// What a report's page can do besides being read: tables that sort, and a look into single runs. The page says the same without it.
"use strict";
(() => {
  const svgName = "http://www.w3.org/2000/svg";
  const units = {ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1};

  const make = (tag, properties = {}, children = []) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const draw = (tag, attributes, text) => {
    const element = document.createElementNS(svgName, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Tables -------------------------------------------------------------------------------------------------------------------

  // A cell as a number in SI units where it begins with one ("1.2 ms", "+3.4 %"), else as text; what is missing comes last.
  const valueOf = (cell) => {
    const text = cell.textContent.trim();
    if (text === "" || text === "–") return null;
    const found = /^([<+−-]?)\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(\S*)/.exec(text);
    if (!found) return text.toLowerCase();
    const sign = found[1] === "-" || found[1] === "−" ? -1 : 1;
    return sign * Number(found[2]) * (units[found[3]] ?? 1);
  };
  const compare = (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", {numeric: true});
  };

  // Turns the order of a column round, and says whether it rises now.
  const turn = (heads, head) => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    return rising;
  };
  const sorted = (items, value, rising) => {
    const keyed = items.map((item) => ({item, key: value(item)}));
    keyed.sort((a, b) => {
      const missing = a.key === null || b.key === null;  // last both ways
      return missing || rising ? compare(a.key, b.key) : compare(b.key, a.key);
    });
    return keyed.map(({item}) => item);
  };

  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make("button", {type: "button", textContent: head.textContent});
      if (head.textContent === "") button.setAttribute("aria-label", `column ${column + 1}`);
      button.addEventListener("click", () => {
        const rising = turn(table.tHead.rows[0].cells, head);
        table.tBodies[0].append(...sorted([...table.tBodies[0].rows], (row) => valueOf(row.cells[column]), rising));
      });
      head.replaceChildren(button);
    });
  };

  // Runs ---------------------------------------------------------------------------------------------------------------------

  // Three digits, and no exponent.
  const digits = (value) => (Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3));
  const seconds = (value) => {
    if (value === null || value === undefined) return "–";
    if (value >= 1) return `${digits(value)} s`;
    return value >= 1e-3 ? `${digits(value * 1e3)} ms` : `${digits(value * 1e6)} µs`;
  };
  const rate = (value) => (value === null || value === undefined ? "–" : digits(value));

  // 1, 2 or 5 times a power of ten, so that about `count` steps reach `largest`.
  const niceStep = (largest, count) => {
    const rough = largest / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough);
  };

  // Token events of a run: when each came, how many tokens it held, and the time since the one before.
  const eventsOf = (run) => {
    const events = [];
    let at = 0;
    let tokens = 0;
    let before = null;
    run.gaps_us.forEach((gap, i) => {
      at += gap / 1e6;
      const held = run.held ? run.held[i] : 1;
      if (held === 0) return;  // a keep-alive
      tokens += held;
      events.push({at, tokens, gap: before === null ? null : at - before});
      before = at;
    });
    return events;
  };

  const panel = (title, height, xLabel, yLabel, xMost, yMost, body) => {
    const box = {left: 84, right: 24, top: 44, bottom: 56, width: 1000, height};
    const x = (value) => box.left + (value / xMost) * (box.width - box.left - box.right);
    const y = (value) => height - box.bottom - (value / yMost) * (height - box.top - box.bottom);
    const svg = draw("svg", {viewBox: `0 0 ${box.width} ${height}`, role: "img", "aria-label": title, "font-size": 15});
    svg.append(draw("text", {x: 14, y: 26, "font-weight": "bold", fill: "#101010"}, title));
    const grid = {stroke: "#e4e4e4"};
    const text = {fill: "#303030"};
    for (let v = 0, step = niceStep(xMost, 8); v <= xMost * 1.0001; v += step) {
      svg.append(draw("line", {x1: x(v), x2: x(v), y1: box.top, y2: height - box.bottom, ...grid}));
      svg.append(draw("text", {x: x(v), y: height - box.bottom + 20, "text-anchor": "middle", ...text}, String(Number(v.toPrecision(6)))));
    }
    for (let v = 0, step = niceStep(yMost, 4); v <= yMost * 1.0001; v += step) {
      svg.append(draw("line", {x1: box.left, x2: box.width - box.right, y1: y(v), y2: y(v), ...grid}));
      svg.append(draw("text", {x: box.left - 8, y: y(v) + 5, "text-anchor": "end", ...text}, String(Number(v.toPrecision(6)))));
    }
    svg.append(draw("text", {x: box.width / 2, y: height - 12, "text-anchor": "middle", ...text}, xLabel));
    const side = draw("text", {"text-anchor": "middle", transform: `translate(20 ${height / 2}) rotate(-90)`, ...text}, yLabel);
    svg.append(side);
    body(svg, x, y);
    return svg;
  };

  const timelines = (run) => {
    const events = eventsOf(run);
    if (events.length === 0) return [make("p", {className: "note", textContent: "No token was stamped."})];
    const last = events[events.length - 1];
    const arrivals = panel("Tokens over time", 300, "Seconds after the start", "Tokens", last.at * 1.03, last.tokens * 1.05, (svg, x, y) => {
      let path = `M${x(0)},${y(0)}`;
      for (const event of events) path += ` H${x(event.at).toFixed(1)} V${y(event.tokens).toFixed(1)}`;
      svg.append(draw("path", {d: path, fill: "none", stroke: "#0072b2", "stroke-width": 2}));
    });
    const gaps = events.slice(1);
    if (gaps.length === 0) return [arrivals];
    const sorted = gaps.map((event) => event.gap).sort((a, b) => a - b);
    const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    const most = Math.max(sorted[sorted.length - 1], 1e-9);
    const title = `Gaps between token events: median ${seconds(median)}, longest ${seconds(most)}`;
    const bars = panel(title, 260, "Token", "Gap (ms)", last.tokens + 1, most * 1.1e3, (svg, x, y) => {
      let path = "";
      for (const event of gaps) path += `M${x(event.tokens).toFixed(1)},${y(0)} V${y(event.gap * 1e3).toFixed(1)} `;
      svg.append(draw("path", {d: path, stroke: "#0072b2", "stroke-width": Math.max(1, Math.min(6, 500 / gaps.length))}));
      const at = y(median * 1e3);
      svg.append(draw("line", {x1: x(0), x2: x(last.tokens + 1), y1: at, y2: at, stroke: "#000000", "stroke-dasharray": "6 5"}));
    });
    return [arrivals, bars];
  };

  const fact = (list, name, value) => {
    if (value !== "" && value !== null && value !== undefined) list.append(make("dt", {textContent: name}), make("dd", {textContent: value}));
  };

  const explore = (data, section) => {
    const runs = data.runs;
    const name = (run) => data.series[run.series] ?? "";
    const detail = make("div", {id: "run-detail"});
    detail.setAttribute("aria-live", "polite");
    const body = make("tbody");
    const notes = (run) => (run.error ? [`failed: ${run.error}`, ...run.flags] : run.flags).join(", ");
    const known = (value) => value ?? null;
    // How each column sorts, and what it shows.
    const columns = [
      {head: "run", value: (run) => run.id, text: (run) => String(run.id)},
      {head: "series", value: name, text: name, left: true},
      {head: "prompt", value: (run) => data.prompts[run.prompt], text: (run) => data.prompts[run.prompt], left: true},
      {head: "tokens", value: (run) => run.max_tokens, text: (run) => String(run.max_tokens)},
      {head: "temperature", value: (run) => run.temperature, text: (run) => String(run.temperature)},
      {head: "latency", value: (run) => known(run.e2e_s), text: (run) => seconds(run.e2e_s)},
      {head: "first token", value: (run) => known(run.ttft_s), text: (run) => seconds(run.ttft_s)},
      {head: "decode tok/s", value: (run) => known(run.decode_tok_per_s), text: (run) => rate(run.decode_tok_per_s)},
      {head: "notes", value: (run) => notes(run) || null, text: notes, left: true},
    ];
    const heads = columns.map(({head, left}) => make("th", {scope: "col", className: left ? "left" : ""}, [
      make("button", {type: "button", textContent: head})]));
    const table = make("table", {}, [make("thead", {}, [make("tr", {}, heads)]), body]);

    const show = (run, row) => {
      for (const other of body.rows) other.removeAttribute("aria-selected");
      row.setAttribute("aria-selected", "true");
      const list = make("dl");
      fact(list, "Series", name(run));
      fact(list, "Asked", `prompt ${data.prompts[run.prompt]}, ${run.max_tokens} tokens, temperature ${run.temperature}`);
      fact(list, "Place", `number ${run.order + 1} in the session, block ${run.block + 1}, repeat ${run.repeat + 1}`);
      fact(list, "Latency", seconds(run.e2e_s));
      fact(list, "Time to first token", seconds(run.ttft_s));
      fact(list, "Decode speed", run.decode_tok_per_s === null ? "" : `${rate(run.decode_tok_per_s)} tok/s`);
      fact(list, "Tokens", run.output_tokens === null ? "" : `${run.output_tokens} (${run.finish_reason || "no reason given"})`);
      fact(list, "Flags", run.flags.join(", "));
      fact(list, "Failed", run.error ? `${run.error}: ${run.error_message}` : "");
      const parts = [make("h3", {textContent: `Run ${run.id}`}), list];
      if (run.gaps_us) parts.push(make("div", {className: "timeline"}, timelines(run)));
      if (run.text) parts.push(make("h3", {textContent: "Answer"}), make("pre", {className: "answer", textContent: run.text, tabIndex: 0}));
      if (!run.gaps_us) parts.push(make("p", {className: "note", textContent: data.no_detail}));
      detail.replaceChildren(...parts);
    };

    const rowOf = (run) => {
      const pick = make("button", {type: "button", textContent: columns[0].text(run)});
      const cells = columns.slice(1).map(({text, left}) => make("td", {textContent: text(run), className: left ? "left" : ""}));
      const row = make("tr", {}, [make("th", {scope: "row"}, [pick]), ...cells]);
      pick.addEventListener("click", () => show(run, row));
      row.addEventListener("click", (event) => { if (event.target !== pick) show(run, row); });
      return row;
    };

    const choices = [];
    const choice = (label, values, text, has) => {
      if (values.length < 2) return;
      const select = make("select", {}, [make("option", {value: "", textContent: "all"}),
        ...values.map((value) => make("option", {value: String(value), textContent: text(value)}))]);
      choices.push({select, has});
      filters.append(make("label", {}, [label, select]));
    };
    const filters = make("div", {className: "filters"});
    const different = (key) => [...new Set(runs.map((run) => run[key]))].sort((a, b) => a - b);
    choice("Series", different("series"), (i) => data.series[i], (run, v) => String(run.series) === v);
    choice("Prompt", different("prompt"), (i) => data.prompts[i], (run, v) => String(run.prompt) === v);
    choice("Tokens", different("max_tokens"), String, (run, v) => String(run.max_tokens) === v);
    choice("Temperature", different("temperature"), String, (run, v) => String(run.temperature) === v);
    const noted = make("input", {type: "checkbox"});
    filters.append(make("label", {className: "check"}, [noted, "only failed and flagged"]));
    const count = make("p", {className: "note"});
    count.setAttribute("role", "status");

    const rowsAtOnce = 100;
    let chosen = [];
    const more = make("button", {type: "button", className: "more"});
    const showMore = () => {
      body.append(...chosen.slice(body.rows.length, body.rows.length + rowsAtOnce).map(rowOf));
      const left = chosen.length - body.rows.length;
      more.hidden = left === 0;
      more.textContent = `Show ${Math.min(left, rowsAtOnce)} more of ${left}`;
    };
    more.addEventListener("click", showMore);
    const showChosen = () => {
      body.replaceChildren();
      showMore();
    };
    const refresh = () => {
      chosen = runs.filter((run) => (!noted.checked || run.error || run.flags.length > 0) &&
        choices.every(({select, has}) => select.value === "" || has(run, select.value)));
      for (const head of heads) head.removeAttribute("aria-sort");
      showChosen();
      count.textContent = `${chosen.length} of ${runs.length} runs. Choose one by its number.`;
      if (chosen.length > 0) show(chosen[0], body.rows[0]);
      else detail.replaceChildren();
    };
    heads.forEach((head, i) => head.firstChild.addEventListener("click", () => {
      chosen = sorted(chosen, columns[i].value, turn(heads, head));
      showChosen();
    }));
    filters.addEventListener("change", refresh);
    const frame = make("div", {className: "scroll tall", tabIndex: 0}, [table]);
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", "Table: runs");
    section.querySelector(".runs-without-script")?.remove();
    section.append(filters, count, frame, more, detail);
    refresh();
  };

  document.querySelectorAll("main table").forEach(makeSortable);
  const data = document.getElementById("runs-data");
  const section = document.getElementById("runs");
  if (data && section) explore(JSON.parse(data.textContent), section);
})();
