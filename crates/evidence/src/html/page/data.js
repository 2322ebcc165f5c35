"use strict";
// The data of the audit, and small things that every part of the page uses. Texts reach the page as text only.
const D = JSON.parse(document.getElementById("data").textContent);
const READ = 1, STOP = 2, LATER = 4, CHANGE = 8;
const MARKS = { ours: "·", home: "✓", foreign: "✗", unknown: "?" };
const SIDE_WORDS = { ours: "run by ourselves", home: "from home", foreign: "from abroad", unknown: "unknown" };

const whos = D.whos.map(([service, software, operator, controllers, from]) => ({
  service, software, operator, from,
  controllers: controllers.map(([entity, ground, claim, below, gives]) => {
    const [id, name, country] = D.entities[entity];
    return { id, name, country, ground, claim: D.claims[claim], below, gives: gives === 1 };
  }),
}));
const holders = D.holders.map(([kind, id, name, foreign], at) => ({ kind, id, name, foreign: foreign === 1, at }));
// Holder to [bits, classes].
const heldTables = D.held.map((row) => new Map(row.map(([holder, bits, classes]) => [holder, [bits, classes]])));
const seen = (list) => list.map(([file, line, end, reader]) => ({ path: D.files[file], line, end, reader: D.readers[reader] }));
const parts = D.parts.map(([id, name, layer, kind, role, side, who, held, base, country, region, hint, environment, classes, evidence], at) => ({
  at, id, name, layer: D.layers[layer], kind, role, side, who: whos[who], held: heldTables[held], base: heldTables[base],
  country, region, hint: hint === 1, environment, classes, evidence,
}));
const links = D.links.map(([from, to, kind, bits, data, mitigations, anyOf, evidence], at) => ({
  at, from, to, kind, bits, data, mitigations, anyOf, evidence,
}));
const groupOf = new Map();
D.groups.forEach((list, group) => list.forEach((part) => groupOf.set(part, group)));
const linksFrom = parts.map(() => []);
const linksTo = parts.map(() => []);
links.forEach((link) => { linksFrom[link.from].push(link); linksTo[link.to].push(link); });
const findingsOf = new Map();
D.findings.forEach(([code, severity, message, part]) => {
  if (!findingsOf.has(part)) findingsOf.set(part, []);
  findingsOf.get(part).push({ code, severity, message });
});

function $(selector, root = document) { return root.querySelector(selector); }
function $$(selector, root = document) { return [...root.querySelectorAll(selector)]; }

// An element with attributes and children; strings become text.
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

function place(seen) { return seen ? (seen.line ? `${seen.path}:${seen.line}` : seen.path) : ""; }
function placeOf(part) { return place(seen(part.evidence.slice(0, 1))[0]); }
function mark(side, hint) {
  return el("span", { class: `mark ${side}` }, el("span", { "aria-hidden": "true" }, hint ? "~" : MARKS[side]),
    el("span", { class: "sr" }, hint ? "hint only" : SIDE_WORDS[side]));
}

function whoRuns(part) {
  if (part.side === "ours") return "ourselves";
  if (part.side === "unknown") return "unknown";
  const service = part.who.service ?? part.who.software;
  const entity = part.who.operator ?? part.who.controllers[0]?.name;
  return service && entity && service !== entity ? `${service} (${entity})` : service ?? entity ?? "somebody unknown";
}

// The source of a statement: a link where it is a web address, text otherwise.
function sourceOf(claim) {
  if (!claim) return el("span", { class: "unknown" }, "? unverified");
  const [url, date, confidence] = claim;
  const shown = /^https?:\/\//.test(url) ? el("a", { href: url, rel: "noreferrer noopener" }, url) : url;
  return el("span", { class: "claim" }, shown, ` · seen ${date} · ${confidence}`);
}

const countryNames = (() => {
  try { return new Intl.DisplayNames(["en"], { type: "region" }); } catch { return null; }
})();
function countryName(code) {
  try { return countryNames?.of(code) ?? code; } catch { return code; }
}
function holderName(holder) { return holder.kind === "j" ? `${countryName(holder.id)} (${holder.id})` : holder.name; }
function holderShort(holder) { return holder.kind === "j" ? holder.id : holder.name; }
function plural(number, one) { return `${number} ${one}${number === 1 ? "" : "s"}`; }
