// The details of a component, and the path of each power over it.
const panel = $("#panel");
let opener = null;
// Longer lists are cut, with a button for the rest.
const SHORT = 8;

function openGroup(group, from) {
  const list = D.groups[group];
  openPart(list[0], from, list);
}

// `siblings`: the parts of the same card; `first`: the power whose path is shown, [holder, power].
function openPart(at, from, siblings, first) {
  if (from) opener = from;
  const part = parts[at];
  const list = siblings ?? D.groups[groupOf.get(at)] ?? [at];
  keepInPlace(opener, () => {
    panel.replaceChildren(...[
      el("div", { class: "panel-head" },
        el("h2", { id: "panel-title", tabindex: "-1" }, mark(part.side, part.hint), " ", part.name),
        el("button", { type: "button", class: "quiet close", onclick: closePanel, "aria-label": "Close" }, "✕")),
      list.length > 1 && chooser(list, at),
      el("p", { class: "id" }, part.id),
      facts(part),
      powersBlock(part, first),
      evidenceBlock(part),
      controllersBlock(part),
      linksBlock("Depends on", linksFrom[at], (link) => link.to),
      linksBlock("Used by", linksTo[at], (link) => link.from),
      findingsBlock(at),
    ].filter(Boolean));
    panel.hidden = false;
    document.body.classList.add("has-panel");
  });
  $$(".card[aria-current]").forEach((card) => card.removeAttribute("aria-current"));
  cards.get(groupOf.get(at))?.setAttribute("aria-current", "true");
  panel.scrollTop = 0;
  $("#panel-title").focus({ preventScroll: true });
}

function closePanel() {
  keepInPlace(opener, () => {
    panel.hidden = true;
    document.body.classList.remove("has-panel");
    untrace();
  });
  $$(".card[aria-current]").forEach((card) => card.removeAttribute("aria-current"));
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  opener = null;
}

// Does something that moves the page about, and leaves an element where it was on the screen.
function keepInPlace(node, change) {
  const before = node?.isConnected ? node.getBoundingClientRect().top : null;
  change();
  if (before !== null) scrollBy(0, node.getBoundingClientRect().top - before);
}

function chooser(list, at) {
  const select = el("select", { onchange: () => openPart(Number(select.value), null, list) },
    list.map((one) => el("option", { value: one, selected: one === at }, `${parts[one].name}  (${placeOf(parts[one])})`)));
  return el("label", { class: "chooser" }, `One of ${list.length} that are alike`, select);
}

function facts(part) {
  const rows = [["layer", part.layer], ["kind", part.kind], ["role", part.role]];
  rows.push(["run by", whoRuns(part)]);
  if (part.side === "home" || part.side === "foreign") rows.push(["controlled from", part.who.from.map((code) => `${countryName(code)} (${code})`).join(", ") || "unknown"]);
  const located = part.country ? `${countryName(part.country)} (${part.country})` : "not stated";
  rows.push(["located in", part.region ? `${located}, region ${part.region}` : located]);
  if (part.who.software && part.who.service) rows.push(["software", part.who.software]);
  if (part.environment) rows.push(["environment", part.environment]);
  const classes = classNames(part.classes);
  if (classes.length) rows.push(["data", classes.join(", ")]);
  return el("dl", { class: "facts" }, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function powersBlock(part, first) {
  const rows = jurisdictionsOf(part).flatMap((holder) => powersOf(part, holder.at).map((power) => ({ holder, ...power })));
  const block = el("section", {}, el("h3", {}, "Powers over it"));
  if (!rows.length) block.append(el("p", {}, "Nobody else holds a known power over it."));
  for (const row of rows) block.append(powerRow(part, row, first));
  const companies = [...part.held.keys()].map((at) => holders[at]).filter((one) => one.kind === "e");
  if (companies.length) {
    block.append(el("details", { class: "companies" }, el("summary", {}, `${companies.length} ${companies.length === 1 ? "company" : "companies"} with a power`),
      companies.flatMap((holder) => powersOf(part, holder.at).map((power) => powerRow(part, { holder, ...power }, first)))));
  }
  return block;
}

function powerRow(part, row, first) {
  const side = row.holder.kind === "u" ? "unknown" : row.holder.foreign ? "foreign" : "home";
  const when = row.when === "later" ? ", later (token refresh, deploy, build or renewal)" : "";
  const classes = classNames(row.classes);
  const steps = el("ol", { class: "steps", hidden: true });
  const button = el("button", { type: "button", class: `power-row ${side}`, "aria-expanded": "false" },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[side]),
    el("span", {}, `${holderShort(row.holder)} can `, el("b", {}, row.power), ` it${when}${classes.length ? ` (${classes.join(", ")})` : ""}`));
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    $$(".power-row[aria-expanded=true]", panel).forEach((other) => { other.setAttribute("aria-expanded", "false"); other.nextSibling.hidden = true; });
    if (open) { keepInPlace(cards.get(groupOf.get(part.at)), untrace); return; }
    const path = explain(part.at, row.lane, row.holder.at);
    steps.replaceChildren(...stepsOf(path));
    steps.hidden = false;
    button.setAttribute("aria-expanded", "true");
    keepInPlace(cards.get(groupOf.get(part.at)), () => trace(path));
    bringIntoView();
  });
  if (first && first[0] === row.holder.at && first[1] === row.power) queueMicrotask(() => button.click());
  return el("div", {}, button, steps);
}

function stepsOf(path) {
  const out = path.hops.slice(0, -1).map((hop, at) => el("li", {},
    el("b", {}, parts[hop.part].name), ` ${hop.link.kind.replaceAll("_", " ")} `, el("b", {}, parts[path.hops[at + 1].part].name),
    el("span", { class: "place" }, place(seen(hop.link.evidence)[0]))));
  let below = parts[path.hops.at(-1).part].name;
  for (const party of path.parties) {
    out.push(el("li", {}, el("b", {}, below), ` has ${party.ground} `, el("b", {}, party.name), ` (${party.country ?? "country not known"})`, sourceOf(party.claim)));
    below = party.name;
  }
  if (!out.length) out.push(el("li", {}, `Nobody knows who provides ${below}.`));
  return out;
}

function shortened(items, list) {
  list.append(...items.slice(0, SHORT));
  if (items.length <= SHORT) return list;
  const more = el("button", { type: "button", class: "quiet" }, `${items.length - SHORT} more`);
  more.addEventListener("click", () => { more.remove(); list.append(...items.slice(SHORT)); });
  return el("div", {}, list, more);
}

function evidenceBlock(part) {
  const items = seen(part.evidence).map((one) => el("li", {}, el("code", {}, one.end > one.line ? `${place(one)}-${one.end}` : place(one)), ` ${one.reader}`));
  return el("section", {}, el("h3", {}, "Seen at"), shortened(items, el("ul", { class: "plain" })));
}

function controllersBlock(part) {
  const { controllers } = part.who;
  if (!controllers.length) return null;
  const items = controllers.map((one) => el("li", {}, `${one.ground}: `, el("b", {}, one.name), ` (${one.country ?? "country not known"})`, sourceOf(one.claim)));
  return el("section", {}, el("h3", {}, "Who controls it"), shortened(items, el("ul", { class: "plain" })));
}

function linksBlock(title, list, other) {
  if (!list.length) return null;
  const items = list.map((link) => {
    const part = parts[other(link)];
    return el("li", {}, el("span", { class: "kind" }, link.kind.replaceAll("_", " ")), " ",
      el("button", { type: "button", class: "link", onclick: () => openPart(part.at) }, mark(part.side, part.hint), " ", part.name),
      link.mitigations.length > 0 && el("span", { class: "cut" }, ` cut by: ${link.mitigations.join(", ").replaceAll("-", " ")}`),
      link.anyOf && el("span", { class: "cut" }, " one of several alternatives"));
  });
  return el("section", {}, el("h3", {}, `${title} (${list.length})`), shortened(items, el("ul", { class: "plain" })));
}

function findingsBlock(at) {
  const list = findingsOf.get(at);
  if (!list) return null;
  return el("section", {}, el("h3", {}, "Findings"), el("ul", { class: "plain" }, list.map((one) => el("li", {}, el("code", {}, one.code), ` ${one.message}`))));
}

function startPanel() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) { event.preventDefault(); closePanel(); }
  });
}
