// The HTML report in a browser: node test.mjs [FOLDER OF PICTURES]. Needs a built `allod` ($ALLOD, else target/debug).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, open } from "./open.mjs";
import { makeTree } from "./tree.mjs";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const ALLOD = process.env.ALLOD ?? join(ROOT, "target/debug/allod");
const PICTURES = resolve(process.argv[2] ?? join(ROOT, "target/browser"));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const work = mkdtempSync(join(tmpdir(), "allod-browser-"));

// What the binary prints; exit code 1 says that something is foreign, and is no failure.
function run(args) {
  const done = spawnSync(ALLOD, args, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28 });
  assert.ok(done.status === 0 || done.status === 1, `allod ${args.join(" ")}: ${done.stderr ?? done.error}`);
  return done.stdout;
}

function audit(folder, args) {
  return run(["audit", folder, "--exit-zero", "--quiet", ...args]);
}

function report(folder, name) {
  const file = join(work, `${name}.html`);
  audit(folder, ["--format", "html", "--output", file]);
  return file;
}

const clinic = report("examples/clinic", "clinic");
const json = JSON.parse(audit("examples/clinic", ["--format", "json"]));
const certain = json.components.filter((one) => one.confidence !== "low");
const home = new Set(json.powers.filter((one) => !one.foreign && one.jurisdiction !== "unknown").map((one) => one.jurisdiction));

function sideOf(one) {
  if (one.control === "self") return "ours";
  if (one.control === "unknown" || one.controlled_from.length === 0) return "unknown";
  return one.controlled_from.every((country) => home.has(country)) ? "home" : "foreign";
}

// The summary says what the JSON says.
async function numbers({ page }) {
  for (const side of ["ours", "home", "foreign", "unknown"]) {
    const shown = await page.locator(`.sides li[data-side=${side}] b`).textContent();
    assert.equal(Number(shown), certain.filter((one) => sideOf(one) === side).length, side);
  }
  const ours = new Set(certain.filter((one) => sideOf(one) === "ours").map((one) => one.id));
  for (const power of ["read", "stop", "change"]) {
    const held = new Set(json.powers.filter((one) => one.foreign && one.power === power && ours.has(one.component)).map((one) => one.component));
    assert.equal(Number(await page.locator(`.tile[data-power=${power}] .figure b`).textContent()), held.size, power);
    assert.ok(held.size > 0, `${power}: nothing to compare`);
  }
  const bottom = await page.locator("ol.first").evaluate((list) => list.getBoundingClientRect().bottom);
  assert.ok(bottom <= 800, `the summary ends at ${bottom}, below the first screen`);
  assert.equal(await page.locator("ol.first > li").count(), 3);
}

// Every path that the page finds is the one of the JSON, and it knows of no other power.
async function paths({ page }, json) {
  const found = await page.evaluate(() => parts.flatMap((part) => jurisdictionsOf(part).flatMap((holder) => powersOf(part, holder.at).map((row) => {
    const path = explain(part.at, row.lane, holder.at);
    return [part.id, holder.id, row.power, row.when, row.classes.map((at) => D.classes[at]).join(),
      ...path.hops.map((hop) => parts[hop.part].id), ...path.parties.map((party) => party.id)].join(" | ");
  }))));
  const expected = json.powers.map((one) => [one.component, one.jurisdiction, one.power, one.when, one.data.join(), ...one.path].join(" | "));
  assert.ok(expected.length > 100);
  assert.deepEqual(found.sort(), expected.sort());
}

// Paths of a tree of several teams.
async function otherPaths(browser) {
  makeTree(join(work, "teams"), 150);
  const at = await open(browser, report(join(work, "teams"), "teams"));
  await paths(at, JSON.parse(audit(join(work, "teams"), ["--format", "json"])));
  assert.deepEqual(at.trouble, []);
  await at.close();
}

// Tab to a card, Enter opens it, Escape closes it and goes back to the card.
async function keyboard({ page }) {
  const focused = () => page.evaluate(() => document.activeElement.className.toString());
  await page.locator("#holder").focus();
  await page.keyboard.press("Tab");
  assert.match(await focused(), /\bcard\b/);
  assert.ok(await page.locator(".wire").count() > 0, "no link is drawn at the card that has the focus");
  const card = await page.evaluate(() => document.activeElement.dataset.g);
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#panel").isVisible());
  assert.equal(await page.evaluate(() => document.activeElement.id), "panel-title");
  assert.match(await page.locator("#panel").textContent(), /Seen at.*:\d+/s);
  await page.locator(".power-row").first().press("Enter");
  assert.ok(await page.locator(".steps:visible li").count() > 0, "a power shows no path");
  assert.ok(await page.locator(".card.on-path").count() > 0, "the path is not on the map");
  await page.keyboard.press("Escape");
  assert.ok(!(await page.locator("#panel").isVisible()));
  assert.equal(await page.evaluate(() => document.activeElement.dataset.g), card);
  assert.equal(await page.locator(".card.on-path").count(), 0);
}

async function filters({ page }) {
  await page.locator("#components").scrollIntoViewIfNeeded();
  const rows = page.locator("#components-table tbody tr");
  await rows.first().waitFor();
  const all = await rows.count();
  assert.equal(await page.locator("#components-shown").textContent(), `${json.components.length} rows`);
  await page.locator("#components-search").fill("cloudflare");
  assert.ok(await rows.count() > 0 && await rows.count() < all);
  for (const text of await rows.allTextContents()) assert.match(text.toLowerCase(), /cloudflare/);
  await page.locator("#components-search").fill("");
  await page.locator("#components-side").selectOption("from abroad");
  assert.equal(await rows.count(), certain.filter((one) => sideOf(one) === "foreign").length);
  await page.locator("#components-side").selectOption("");
  await page.locator("input[data-rows=statement-rows]").fill("microsoft");
  const visible = page.locator("#statement-rows tr:visible");
  assert.ok(await visible.count() > 0);
  for (const text of await visible.allTextContents()) assert.match(text, /microsoft/i);
  await page.locator("input[data-rows=statement-rows]").fill("");
}

// A drill marks on the cards what the JSON's powers say, for each power and each jurisdiction abroad.
async function drills({ page }) {
  const abroad = [...new Set(json.powers.filter((one) => one.foreign).map((one) => one.jurisdiction))];
  assert.ok(abroad.includes("US"));
  const unknown = json.powers.filter((one) => one.jurisdiction === "unknown");
  const states = new Set();
  for (const country of abroad) {
    for (const mode of ["stop", "read", "change"]) {
      await page.locator(`input[name=drill][value=${mode}]`).focus();
      await page.keyboard.press("Space");
      const value = await page.evaluate((id) => String(holders.find((one) => one.kind === "j" && one.id === id).at), country);
      await page.locator("#holder").selectOption(value);
      const held = json.powers.filter((one) => one.jurisdiction === country && one.power === mode);
      const cards = await page.evaluate(() => [...document.querySelectorAll(".card")].map((card) => ({
        ids: D.groups[card.dataset.g].map((at) => parts[at].id), dark: card.dataset.dark, later: card.dataset.later, state: card.dataset.state, text: card.querySelector(".state").textContent,
      })));
      for (const card of cards) {
        const dark = held.filter((one) => one.when === "now" && card.ids.includes(one.component)).length;
        const later = held.filter((one) => one.when === "later" && card.ids.includes(one.component)).length;
        assert.deepEqual([Number(card.dark), Number(card.later)], [dark, later], `${country} ${mode} ${card.ids}`);
        const open = unknown.some((one) => one.power === mode && card.ids.includes(one.component));
        assert.equal(card.state, dark ? "dark" : later ? "later" : open ? "unknown" : "on");
        states.add(card.state);
        assert.ok(card.text.length > 3, "a state is told by more than its colour");
      }
    }
  }
  assert.deepEqual([...states].sort(), ["dark", "later", "on", "unknown"], "the clinic shows every state");
}

// The page's drill and `allod drill` say the same of each of our own parts, for a jurisdiction and for a company.
async function drillCommand({ page }) {
  const seen = new Set();
  for (const who of ["US", "cloudflare-inc", "github-inc", "FR"]) {
    for (const [flag, mode] of [["--cut", "stop"], ["--compel", "read"], ["--tamper", "change"]]) {
      const drill = JSON.parse(run(["drill", flag, who, "examples/clinic", "--format", "json", "--quiet"]));
      const expected = new Map([...drill.safe.map((one) => [one.component, "on"]), ...drill.unknown.map((one) => [one.component, "unknown"])]);
      for (const { component, event } of drill.hit) expected.set(component, event === null || event === "at-once" ? "dark" : "later");
      assert.ok(expected.size > 15);
      const shown = await page.evaluate(([id, mode]) => {
        const holder = holders.find((one) => one.id === id).at;
        return parts.map((part) => [part.id, stateOf(part, mode, holder)]);
      }, [who, mode]);
      for (const [component, state] of shown.filter(([id]) => expected.has(id))) {
        assert.equal(state, expected.get(component), `${flag} ${who}: ${component}`);
        seen.add(state);
      }
    }
  }
  assert.ok(seen.has("dark") && seen.has("later") && seen.has("on"));
}

async function accessible({ page }, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const bad = violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join("\n    ")}`);
  assert.deepEqual(bad, [], `axe-core, ${name}`);
  for (const one of violations) console.log(`  ${name}: ${one.impact}: ${one.id} (${one.nodes.length})`);
}

async function seeAll({ page }) {
  for (const id of ["components", "powers", "findings"]) {
    await page.locator(`#${id}`).scrollIntoViewIfNeeded();
    await page.locator(`#${id}-table tbody tr`).first().waitFor();
  }
}

// Names that would be markup, or would end the script, in every place that a name can come from.
function hostile() {
  const folder = join(work, "hostile");
  const put = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const name = "</script><img src=x onerror=alert(1)><!--<script>";
  const yaml = JSON.stringify(name);
  put("k8s/a.yaml", `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${yaml}\n  labels: { allod/data: ${yaml}, allod/environment: ${yaml} }\nspec:\n  template:\n    spec:\n      containers:\n        - name: ${yaml}\n          image: 'ghcr.io/x/"><svg onload=alert(2)>:1'\n          env: [{ name: URL, value: "https://api.openai.com/${"<b onmouseover=alert(3)>"}" }]\n`);
  put("compose.yaml", `services:\n  ${yaml}:\n    image: "\${X<img src=x onerror=alert(4)>}"\n    environment: { H: "https://in.datadoghq.com" }\n`);
  put("b<img src=x onerror=alert(5)>/compose.yaml", `services:\n  web: { image: "nginx:1", environment: { U: "https://us.i.posthog.com" } }\n`);
  put("c</script><svg onload=alert(6)>/compose.yaml", `services:\n  db: { image: "postgres:16" }\n`);
  put("main.tf", `resource "aws_s3_bucket" "b" {\n  bucket = "\${unknown("<img src=x onerror=alert(7)>")}"\n}\n`);
  return folder;
}

async function hostileNames(browser) {
  const at = await open(browser, report(hostile(), "hostile"));
  const { page, trouble } = at;
  await seeAll(at);
  for (const card of await page.locator(".card").all()) {
    await card.click();
    for (const row of await page.locator(".power-row:visible").all()) await row.click();
    await page.keyboard.press("Escape");
  }
  for (const mode of ["stop", "read", "change"]) await page.locator(`input[name=drill][value=${mode}]`).check({ force: true });
  await page.mouse.move(400, 400);
  assert.equal(await page.locator("img, iframe, object, embed, [onerror], [onload], [onmouseover]").count(), 0);
  assert.equal(await page.locator("script").count(), 3);
  assert.ok(await page.getByText("<img src=x onerror=alert(1)>").count() > 0, "the hostile names are not even there");
  assert.match(await page.title(), /hostile$/);
  assert.deepEqual(trouble, []);
  await at.close();
}

// Without its script the page still has its summary, its map and its tables.
async function withoutScript(browser) {
  const at = await open(browser, clinic, { script: false });
  assert.equal(await at.page.locator("noscript table tr").count() > json.components.length, true);
  assert.ok(await at.page.locator(".card").first().isVisible());
  assert.ok(!(await at.page.locator(".drill").isVisible()));
  assert.match(await at.page.locator("body").innerText(), /Cloudflare DNS/);
  await at.close();
}

async function picture(browser, name, options, act) {
  const at = await open(browser, clinic, options);
  if (act) await act(at.page);
  await at.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  await at.close();
}

const toMap = (page) => page.locator("#map").evaluate((map) => map.scrollIntoView());
const cut = async (page) => {
  await page.locator("input[name=drill][value=stop]").check({ force: true });
  await toMap(page);
};

const browser = await launch();
try {
  const steps = [["the summary's numbers", numbers], ["paths", (at) => paths(at, json)], ["keyboard", keyboard], ["filters", filters],
    ["drills", drills], ["drills as `allod drill` has them", drillCommand]];
  for (const [name, step] of steps) {
    const at = await open(browser, clinic);
    await step(at);
    assert.deepEqual(at.trouble, [], name);
    await at.close();
    console.log(`ok: ${name}`);
  }
  for (const [name, options] of [["light", {}], ["dark", { theme: "dark" }], ["phone", { width: 390, height: 844 }]]) {
    const at = await open(browser, clinic, options);
    await seeAll(at);
    await accessible(at, name);
    await at.page.locator(".card").nth(4).click();
    await at.page.locator(".power-row").first().click();
    await accessible(at, `${name}, details`);
    await at.page.keyboard.press("Escape");
    await cut(at.page);
    await accessible(at, `${name}, drill`);
    const wide = await at.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name}: the page is ${wide} pixels too wide`);
    assert.deepEqual(at.trouble, [], name);
    await at.close();
    console.log(`ok: axe-core, ${name}`);
  }
  await otherPaths(browser);
  console.log("ok: paths of other trees");
  await hostileNames(browser);
  console.log("ok: hostile names");
  await withoutScript(browser);
  console.log("ok: without a script");
  mkdirSync(PICTURES, { recursive: true });
  await picture(browser, "report-light", {});
  await picture(browser, "report-dark", { theme: "dark" });
  await picture(browser, "report-phone", { width: 390, height: 844 });
  await picture(browser, "report-drill", { height: 900 }, cut);
  await picture(browser, "report-path", { height: 900 }, async (page) => {
    await toMap(page);
    await page.locator(".card", { hasText: /^·records-api/ }).click();
    await page.locator(".power-row").first().click();
  });
  console.log(`pictures: ${PICTURES}`);
} finally {
  await browser.close();
  rmSync(work, { recursive: true, force: true });
}
