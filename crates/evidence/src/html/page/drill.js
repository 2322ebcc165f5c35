// What happens to every card when a holder uses one of its powers.
const STATES = { dark: "■", later: "◧", unknown: "?", on: "□" };

// `dark` at once, `later` at the next token refresh, deploy, build or renewal, `unknown`: a party that nobody knows has the power, which
// may be this holder or answer to it; `on`: no known path.
const nobody = holders.find((one) => one.kind === "u")?.at;
function stateOf(part, mode, holder) {
  const bits = part.held.get(holder)?.[0] ?? 0;
  const open = part.held.get(nobody)?.[0] ?? 0;
  const [now, any] = { read: [READ, READ], change: [CHANGE, CHANGE], stop: [STOP, STOP | LATER] }[mode];
  return bits & now ? "dark" : bits & any ? "later" : open & any ? "unknown" : "on";
}

const DRILL_WORDS = {
  stop: { dark: "dark", later: "later", unknown: "not known", on: "runs on" },
  read: { dark: "exposed", unknown: "not known", on: "no path" },
  change: { dark: "alterable", unknown: "not known", on: "no path" },
};

function tally(list, mode, holder) {
  const count = { dark: 0, later: 0, unknown: 0, on: 0 };
  for (const part of list) count[stateOf(part, mode, holder)] += 1;
  return count;
}

function drill() {
  const mode = $("input[name=drill]:checked").value;
  const holder = Number($("#holder").value);
  mapBox.dataset.drill = mode;
  for (const [group, card] of cards) {
    const list = D.groups[group].map((at) => parts[at]);
    const state = $(".state", card);
    if (!mode) {
      delete card.dataset.state;
      state.replaceChildren();
      continue;
    }
    const count = tally(list, mode, holder);
    const worst = Object.keys(count).find((state) => count[state] > 0);
    card.dataset.state = worst;
    Object.assign(card.dataset, { dark: count.dark, later: count.later });
    const number = count[worst] < list.length ? `${count[worst]} of ${list.length} ` : "";
    const classes = mode === "read" && worst === "dark" ? exposed(list, holder) : "";
    const word = classes || DRILL_WORDS[mode][worst];
    state.replaceChildren(el("span", { "aria-hidden": "true" }, STATES[worst]), ` ${number}${word}`);
  }
  $("#drill-result").replaceChildren(...(mode ? result(mode, holder) : [IDLE]));
}
const IDLE = "A drill shows what happens when a jurisdiction or a company uses its power.";

// The data classes that a holder reads in some parts.
function exposed(list, holder) {
  const classes = new Set(list.flatMap((part) => part.held.get(holder)?.[1] ?? []));
  // The reader's own words first, then secrets.
  return classNames([...classes].sort((a, b) => b - a)).join(", ");
}

function result(mode, holder) {
  const certain = parts.filter((part) => !part.hint);
  const ours = tally(certain.filter((part) => part.side === "ours"), mode, holder);
  const all = tally(certain, mode, holder);
  const who = holderName(holders[holder]);
  const bold = (number) => el("b", {}, String(number));
  const legend = (state, text) => [el("span", { class: `key ${state}`, "aria-hidden": "true" }, STATES[state]), " ", text];
  const total = ours.dark + ours.later + ours.unknown + ours.on;
  const unknown = ours.unknown > 0 ? [...legend("unknown", ""), bold(ours.unknown), " are not known, "] : [];
  const everything = el("span", { class: "all" }, ` Of all ${certain.length} components, hints apart: ${all.dark}${mode === "stop" ? ` at once, ${all.later} later` : ""}.`);
  if (mode === "stop") {
    return [`If ${who} uses its power to stop, of the ${total} that we run: `, ...legend("dark", ""), bold(ours.dark), " go dark at once, ",
      ...legend("later", ""), bold(ours.later), " fail later (token refresh, deploy, build or renewal), ", ...unknown, ...legend("on", ""), bold(ours.on), " run on.", everything];
  }
  const classes = mode === "read" ? exposed(certain, holder) : "";
  return [`If ${who} uses its power to ${mode}, of the ${total} that we run: `, ...legend("dark", ""), bold(ours.dark),
    mode === "read" ? " give up their data" : " can be altered", classes ? ` (${classes})` : "", ", ", ...unknown, ...legend("on", ""), bold(ours.on), " show no path to that.", everything];
}

function startDrill() {
  const reach = holders.map(() => 0);
  for (const part of parts) for (const [holder, [bits]] of part.held) if (bits) reach[holder] += 1;
  const shown = holders.filter((one) => reach[one.at] > 0).sort((a, b) => reach[b.at] - reach[a.at] || a.at - b.at);
  const group = (label, list) => list.length > 0 &&
    el("optgroup", { label }, list.map((one) => el("option", { value: one.at }, `${holderName(one)} · ${reach[one.at]}`)));
  $("#holder").append(...[
    group("Jurisdictions abroad, with how many components they reach", shown.filter((one) => one.kind === "j" && one.foreign)),
    group("Companies abroad", shown.filter((one) => one.kind === "e" && one.foreign)),
    group("Unknown", shown.filter((one) => one.kind === "u")),
    group("At home", shown.filter((one) => one.kind !== "u" && !one.foreign)),
  ].filter(Boolean));
  $$("input[name=drill]").forEach((input) => input.addEventListener("change", drill));
  $("#holder").addEventListener("change", () => {
    if (!$("input[name=drill]:checked").value) $("input[name=drill][value=stop]").checked = true;
    drill();
  });
  drill();
}
