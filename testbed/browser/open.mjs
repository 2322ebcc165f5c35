// A browser that talks to nobody, and pages that remember what they asked for.
import { chromium } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

export function launch() {
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
}

// A page at a file, with every request, console error and uncaught error that it made.
export async function open(browser, file, { theme = "light", width = 1280, height = 800, script = true } = {}) {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height }, javaScriptEnabled: script, reducedMotion: "reduce" });
  const page = await context.newPage();
  const trouble = [];
  page.on("request", (request) => {
    const url = request.url();
    if (url !== `file://${file}` && !url.startsWith("data:")) trouble.push(`request: ${url}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) trouble.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => trouble.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { trouble.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(`file://${file}`);
  return { page, trouble, close: () => context.close() };
}
