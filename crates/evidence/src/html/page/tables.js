// The large tables: filtered in memory, shown page by page.
const PAGE_ROWS = 50;
// On paper there are no pages to turn.
const PRINTED_ROWS = 500;
const printing = [];

function cellsOf(kind, values) { return values.map((value) => el(kind, kind === "th" ? { scope: "col" } : {}, value)); }

// `rows()` is called once, when the table comes near; `text` is what is searched, `filters` name to [label of all, value of a row].
function table(id, { heads, rows, text, filters, show }) {
  const box = $(`#${id}-table`), search = $(`#${id}-search`), pages = $(`#${id}-pages`), status = $(`#${id}-shown`);
  const body = el("tbody");
  box.append(el("thead", {}, el("tr", {}, cellsOf("th", heads))), body);
  let all = null, found = [], page = 0;
  const selects = Object.entries(filters).map(([name, valueOf]) => ({ select: $(`#${id}-${name}`), valueOf }));

  function start() {
    if (all) return;
    all = rows();
    for (const { select, valueOf } of selects) {
      const values = [...new Set(all.flatMap(valueOf))].sort();
      select.append(el("option", { value: "" }, "all"), ...values.map((value) => el("option", { value }, value)));
      select.addEventListener("change", filter);
    }
    search.addEventListener("input", filter);
    filter();
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = selects.filter(({ select }) => select.value);
    found = all.filter((row) => chosen.every(({ select, valueOf }) => [valueOf(row)].flat().includes(select.value)) &&
      (words.length === 0 || matches(text(row).toLowerCase(), words)));
    page = 0;
    render(PAGE_ROWS);
  }
  function render(size) {
    body.replaceChildren(...found.slice(page * size, (page + 1) * size).map(show));
    status.textContent = found.length === all.length ? `${all.length} rows` : `${found.length} of ${all.length} rows`;
    const last = Math.max(0, Math.ceil(found.length / size) - 1);
    const turn = (step, word) => el("button", { type: "button", disabled: page + step < 0 || page + step > last,
      onclick: () => { page += step; render(size); box.scrollIntoView({ block: "nearest" }); } }, word);
    pages.replaceChildren(...(last > 0 ? [turn(-1, "Previous"), el("span", {}, `page ${page + 1} of ${last + 1}`), turn(1, "Next")] : []));
  }
  new IntersectionObserver((seen, watch) => {
    if (seen.some((one) => one.isIntersecting)) { watch.disconnect(); start(); }
  }, { rootMargin: "400px" }).observe($(`#${id}`));
  printing.push({ before: () => { start(); page = 0; render(PRINTED_ROWS); }, after: () => render(PAGE_ROWS) });
}

function matches(text, words) { return words.every((word) => text.includes(word)); }

function opens(part, text, first) {
  const button = el("button", { type: "button", class: "link", "data-id": part.id }, text);
  button.addEventListener("click", () => openPart(part.at, button, [part.at], first));
  return button;
}

function fromAbroad(part, bits) {
  return jurisdictionsOf(part).filter((one) => part.held.get(one.at)[0] & bits)
    .map((one) => el("span", { class: one.kind === "u" ? "unknown" : one.foreign ? "foreign" : "home" },
      `${one.kind === "u" ? "?" : one.foreign ? "✗" : "✓"} ${one.kind === "u" ? "unknown" : one.id} `));
}

function startTables() {
  table("components", {
    heads: ["component", "layer", "run by", "controlled from", "located in", "read from", "stopped from", "changed from", "seen at"],
    rows: () => parts,
    text: (part) => `${part.id} ${part.name} ${part.layer} ${part.kind} ${whoRuns(part)} ${placeOf(part)} ${classNames(part.classes).join(" ")}`,
    filters: { side: (part) => part.hint ? "hint only" : SIDE_WORDS[part.side], layer: (part) => part.layer },
    show: (part) => el("tr", {}, el("th", { scope: "row" }, el("div", { class: "marked" }, mark(part.side, part.hint), opens(part, part.name))),
      cellsOf("td", [part.layer, whoRuns(part), part.who.from.join(", "), part.country ?? ""]),
      el("td", {}, fromAbroad(part, READ)), el("td", {}, fromAbroad(part, STOP | LATER)), el("td", {}, fromAbroad(part, CHANGE)),
      el("td", { class: "place" }, placeOf(part))),
  });
  table("powers", {
    heads: ["component", "from", "power", "when", "data", "through", "hops"],
    rows: () => parts.flatMap((part) => jurisdictionsOf(part).flatMap((holder) => powersOf(part, holder.at).map((power) => ({ part, holder, ...power })))),
    text: (row) => `${row.part.id} ${row.part.name} ${row.part.layer} ${row.holder.id} ${row.power} ${row.when} ${classNames(row.classes).join(" ")}`,
    filters: { power: (row) => row.power, from: (row) => [row.holder.id, row.holder.kind === "u" ? [] : row.holder.foreign ? "(any abroad)" : "(any home)"].flat() },
    show: (row) => {
      const path = explain(row.part.at, row.lane, row.holder.at);
      const side = row.holder.kind === "u" ? "unknown" : row.holder.foreign ? "foreign" : "home";
      return el("tr", {}, el("th", { scope: "row" }, opens(row.part, row.part.name, [row.holder.at, row.power])),
        el("td", {}, mark(side), ` ${row.holder.id}`), cellsOf("td", [row.power, row.when, classNames(row.classes).join(", "),
          path ? parts[path.hops.at(-1).part].name : "", path ? String(path.hops.length - 1) : ""]));
    },
  });
  table("findings", {
    heads: ["code", "severity", "finding", "seen at"],
    rows: () => D.findings.map(([code, severity, message, part]) => ({ code, severity, message, part: parts[part] })),
    text: (row) => `${row.code} ${row.severity} ${row.message} ${row.part.id} ${placeOf(row.part)}`,
    filters: { severity: (row) => row.severity, code: (row) => row.code },
    show: (row) => el("tr", {}, el("td", { class: "code" }, row.code), el("td", { class: `severity ${row.severity}` }, row.severity),
      el("td", {}, opens(row.part, row.message)), el("td", { class: "place" }, placeOf(row.part))),
  });
  $$("input[data-rows]").forEach(filterRows);
  addEventListener("beforeprint", () => printing.forEach((one) => one.before()));
  addEventListener("afterprint", () => printing.forEach((one) => one.after()));
}

// A table that is in the page already: rows that do not match are hidden.
function filterRows(input) {
  const rows = [...$(`#${input.dataset.rows}`).rows];
  const status = input.closest(".tools").querySelector(".shown");
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = words.length > 0 && !matches(row.textContent.toLowerCase(), words);
      shown += row.hidden ? 0 : 1;
    }
    status.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
  };
  input.addEventListener("input", filter);
  filter();
}
