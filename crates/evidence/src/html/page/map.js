// Links on hover and focus, and the path of one power.
const mapBox = $(".map");
const wires = $("#wires");
const cards = new Map($$(".card").map((card) => [Number(card.dataset.g), card]));
const SVG = "http://www.w3.org/2000/svg";
// More links of one card would be a thicket.
const MOST_WIRES = 80;
let traced = null;

function svg(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function clearWires() {
  wires.replaceChildren();
  $$(".near, .here", mapBox).forEach((card) => card.classList.remove("near", "here"));
}

function arrowHead(name) {
  const head = svg("marker", { id: name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
  head.append(svg("path", { d: "M0 0L8 4L0 8z", class: `head ${name}` }));
  return head;
}

function startWires() {
  const box = mapBox.getBoundingClientRect();
  wires.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  const defs = svg("defs", {});
  defs.append(arrowHead("uses"), arrowHead("used"), arrowHead("power"));
  wires.append(defs);
  return box;
}

// A curve between two cards that leaves and arrives at their sides.
function wire(box, from, to, kind) {
  const a = from.getBoundingClientRect(), b = to.getBoundingClientRect();
  const apart = b.left > a.right ? 1 : b.right < a.left ? -1 : 0;
  const y1 = a.top + a.height / 2 - box.top, y2 = b.top + b.height / 2 - box.top;
  let x1, x2, bend1, bend2;
  if (apart === 0) {
    // One above the other: along the left side, clear of the names.
    x1 = a.left - box.left; x2 = b.left - box.left;
    const out = Math.min(46, 14 + Math.abs(y2 - y1) / 12);
    bend1 = x1 - out; bend2 = x2 - out;
  } else {
    x1 = (apart > 0 ? a.right : a.left) - box.left;
    x2 = (apart > 0 ? b.left : b.right) - box.left;
    const half = Math.max(24, Math.abs(x2 - x1) / 2);
    bend1 = x1 + apart * half; bend2 = x2 - apart * half;
  }
  wires.append(svg("path", { d: `M${x1} ${y1}C${bend1} ${y1} ${bend2} ${y2} ${x2} ${y2}`, class: `wire ${kind}`, "marker-end": `url(#${kind})` }));
}

function neighbours(group) {
  const uses = new Set(), used = new Set();
  for (const part of D.groups[group]) {
    for (const link of linksFrom[part]) uses.add(groupOf.get(link.to));
    for (const link of linksTo[part]) used.add(groupOf.get(link.from));
  }
  for (const set of [uses, used]) { set.delete(group); set.delete(undefined); }
  return { uses: [...uses], used: [...used] };
}

function showLinks(group) {
  if (traced) return;
  clearWires();
  const here = cards.get(group);
  const { uses, used } = neighbours(group);
  const box = startWires();
  here.classList.add("here");
  for (const [list, kind] of [[uses, "uses"], [used, "used"]]) {
    for (const other of list.slice(0, MOST_WIRES)) {
      const card = cards.get(other);
      card.classList.add("near");
      if (kind === "uses") wire(box, here, card, kind); else wire(box, card, here, kind);
    }
  }
}

// Lights up the cards of a path, from whoever has the power to the part that it reaches.
function trace(path) {
  untrace();
  traced = path;
  mapBox.classList.add("tracing");
  const groups = path.hops.map((hop) => groupOf.get(hop.part)).filter((group, at, all) => group !== undefined && group !== all[at - 1]);
  groups.forEach((group) => cards.get(group).classList.add("on-path"));
  // Layers that the path does not touch are folded away, so that it is seen from end to end.
  $$(".row:not(.titles)", mapBox).forEach((row) => row.classList.toggle("folded", !$(".on-path", row)));
  const box = startWires();
  groups.forEach((group, at) => {
    const card = cards.get(group);
    if (at > 0) wire(box, card, cards.get(groups[at - 1]), "power");
  });
}

// Scrolls so that a whole path is seen, where it fits on the screen.
function bringIntoView() {
  const boxes = $$(".on-path", mapBox).map((card) => card.getBoundingClientRect());
  if (boxes.length === 0) return;
  const above = 140;
  const top = Math.min(...boxes.map((box) => box.top)), bottom = Math.max(...boxes.map((box) => box.bottom));
  if (bottom - top > innerHeight - above - 20) return;
  if (top < above) scrollBy(0, top - above); else if (bottom > innerHeight) scrollBy(0, bottom - innerHeight + 20);
}

function untrace() {
  traced = null;
  mapBox.classList.remove("tracing");
  $$(".on-path", mapBox).forEach((card) => card.classList.remove("on-path"));
  $$(".folded", mapBox).forEach((row) => row.classList.remove("folded"));
  clearWires();
}

function startMap() {
  for (const [group, card] of cards) {
    card.addEventListener("pointerenter", () => showLinks(group));
    card.addEventListener("pointerleave", () => { if (!traced) clearWires(); });
    card.addEventListener("focus", () => showLinks(group));
    card.addEventListener("blur", () => { if (!traced) clearWires(); });
    card.addEventListener("click", () => openGroup(group, card));
  }
  new ResizeObserver(() => { if (traced) trace(traced); else clearWires(); }).observe(mapBox);
}
