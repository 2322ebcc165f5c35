// The shortest path by which a holder has a power over a part, as `allod audit --explain` finds it: along links
// whose targets the holder has the power over, until a part that the holder itself stands behind. The first of equal
// ones in the order of the links.
const LANE_STOP = 0, LANE_LATER = 1, LANE_CHANGE = 2, LANE_READ = 3;
const SECRETS = 1;

function hasLane(table, lane, holder) {
  const entry = table.get(holder);
  if (!entry) return false;
  if (lane === LANE_STOP) return (entry[0] & STOP) !== 0;
  if (lane === LANE_LATER) return (entry[0] & LATER) !== 0;
  if (lane === LANE_CHANGE) return (entry[0] & CHANGE) !== 0;
  return entry[1].includes(lane - LANE_READ);
}

// The lanes of a link's target that reach a lane of its source.
function sourceLanes(link, lane) {
  const stop = (link.bits & STOP) !== 0, later = (link.bits & LATER) !== 0;
  if (lane === LANE_STOP) return stop && !later ? [LANE_STOP] : [];
  if (lane === LANE_LATER) return !stop ? [] : later || link.anyOf ? [LANE_STOP, LANE_LATER] : [LANE_LATER];
  if (lane === LANE_CHANGE) return link.bits & CHANGE ? [LANE_CHANGE] : [];
  const klass = lane - LANE_READ;
  const carries = parts[link.from].classes.includes(klass) && (link.data.length === 0 || link.data.includes(klass));
  if (klass === SECRETS && link.kind === "deployed_by" && !parts[link.to].hint) return D.classes.map((_, at) => LANE_READ + at);
  return link.bits & READ && carries ? [lane] : [];
}

// { hops: [{ part, link }], parties: [controller] } or null. Each hop but the last leads on by its link.
function explain(part, lane, holder) {
  if (!hasLane(parts[part].held, lane, holder)) return null;
  const width = LANE_READ + D.classes.length;
  const key = (at, lane) => at * width + lane;
  const cameFrom = new Map([[key(part, lane), null]]);
  const queue = [[part, lane]];
  for (let next = 0; next < queue.length; next += 1) {
    const [at, lane] = queue[next];
    if (hasLane(parts[at].base, lane, holder)) return { hops: walkBack(cameFrom, key, at, lane), parties: partiesOf(at, holder) };
    for (const link of linksFrom[at]) {
      for (const source of sourceLanes(link, lane)) {
        const there = key(link.to, source);
        if (hasLane(parts[link.to].held, source, holder) && !cameFrom.has(there)) {
          cameFrom.set(there, [at, lane, link]);
          queue.push([link.to, source]);
        }
      }
    }
  }
  return null;
}

function walkBack(cameFrom, key, at, lane) {
  const hops = [{ part: at, link: null }];
  for (let from = cameFrom.get(key(at, lane)); from; from = cameFrom.get(key(from[0], from[1]))) {
    hops.push({ part: from[0], link: from[2] });
  }
  return hops.reverse();
}

// From the operator (or publisher) of a part up to the one through which the holder has its power.
function partiesOf(at, holder) {
  const { kind, id } = holders[holder];
  const { controllers } = parts[at].who;
  const isHolder = (one) => one.gives &&
    (kind === "j" ? one.country === id : kind === "u" ? one.country == null : one.id === id);
  const chain = [];
  for (let position = controllers.findIndex(isHolder); position >= 0; position = controllers[position].below) {
    chain.push(controllers[position]);
  }
  return chain.reverse();
}

// The powers of a holder over a part: power, time, classes, lane.
function powersOf(part, holder) {
  const entry = part.held.get(holder);
  if (!entry) return [];
  const [bits, classes] = entry;
  const out = [];
  if (bits & READ) out.push({ power: "read", when: "now", classes, lane: LANE_READ + classes[0] });
  if (bits & (STOP | LATER)) {
    const now = (bits & STOP) !== 0;
    out.push({ power: "stop", when: now ? "now" : "later", classes: [], lane: now ? LANE_STOP : LANE_LATER });
  }
  if (bits & CHANGE) out.push({ power: "change", when: "now", classes: [], lane: LANE_CHANGE });
  return out;
}

// Those classes that say something.
function classNames(classes) { return classes.filter((at) => at !== 0).map((at) => D.classes[at]); }

// Jurisdictions and unknown parties with a power over a part, those abroad first.
function jurisdictionsOf(part) {
  return [...part.held.keys()].map((at) => holders[at]).filter((one) => one.kind !== "e")
    .sort((a, b) => Number(b.foreign) - Number(a.foreign) || a.at - b.at);
}
