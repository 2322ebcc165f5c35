// File size and time to the first paint of the report at several sizes: node measure.mjs [COMPONENTS...]. $ALLOD names
// the binary (a release build). Prints a table; the medians of some runs.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { launch, open } from "./open.mjs";
import { makeTree } from "./tree.mjs";

const RUNS = 7;
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const ALLOD = process.env.ALLOD ?? join(ROOT, "target/release/allod");
const sizes = process.argv.slice(2).map(Number);
const work = mkdtempSync(join(tmpdir(), "allod-measure-"));
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

// Times in ms: from navigation to first paint, to first contentful paint, until all is loaded and every script has
// run; one drill; the component table filtered.
async function times(browser, file) {
  const { page, trouble, close } = await open(browser, file);
  const found = await page.evaluate(async () => {
    await new Promise((done) => setTimeout(done, 300));
    const paint = Object.fromEntries(performance.getEntriesByType("paint").map((one) => [one.name, one.startTime]));
    const [navigation] = performance.getEntriesByType("navigation");
    const timed = async (act) => {
      const started = performance.now();
      act();
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
      return performance.now() - started;
    };
    const drill = await timed(() => document.querySelector("input[name=drill][value=stop]").click());
    document.querySelector("#components").scrollIntoView();
    await new Promise((done) => setTimeout(done, 300));
    const search = document.querySelector("#components-search");
    const filter = await timed(() => { search.value = "cloudflare"; search.dispatchEvent(new Event("input")); });
    return { components: parts.length, links: links.length, cards: document.querySelectorAll(".card").length,
      first: paint["first-paint"], contentful: paint["first-contentful-paint"], loaded: navigation.loadEventEnd, drill, filter };
  });
  await close();
  if (trouble.length) throw new Error(trouble.join("\n"));
  return found;
}

const browser = await launch();
try {
  console.log("components  links  cards   audit      file  gzipped  first paint  contentful  loaded   drill  filter");
  for (const size of sizes.length ? sizes : [50, 5000]) {
    const tree = join(work, "tree"), file = join(work, "report.html");
    makeTree(tree, size);
    const started = performance.now();
    execFileSync(ALLOD, ["audit", tree, "--exit-zero", "--quiet", "--format", "html", "--output", file]);
    const audit = performance.now() - started;
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await times(browser, file));
    const of = (name) => `${median(runs.map((one) => one[name])).toFixed(0)} ms`;
    const { components, links, cards } = runs[0];
    const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
    console.log([String(components).padStart(10), String(links).padStart(6), String(cards).padStart(6), `${audit.toFixed(0)} ms`.padStart(7),
      kilobytes(statSync(file).size).padStart(9), kilobytes(gzipSync(readFileSync(file)).length).padStart(8), of("first").padStart(12), of("contentful").padStart(11), of("loaded").padStart(7),
      of("drill").padStart(7), of("filter").padStart(7)].join(" "));
  }
} finally {
  await browser.close();
  rmSync(work, { recursive: true, force: true });
}
