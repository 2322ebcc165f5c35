// Parses the Mermaid diagrams named as arguments with Mermaid itself and prints, for each, one line of JSON: the boxes
// with their labels as shown and their classes, the arrows, and the frames. Mermaid's own limits apply.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

// The packages lie in the build folder, beside a copy of package.json.
const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));
const { JSDOM } = require('jsdom');
const { window } = new JSDOM('<!DOCTYPE html><body></body>');
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import(pathToFileURL(join(process.argv[2], 'node_modules/mermaid/dist/mermaid.core.mjs')));
mermaid.initialize({ startOnLoad: false });

// Mermaid puts a code in the place of an entity before it parses, and the entity back when it draws.
const shown = (text) =>
  text.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code))).replace(/ﬂ°(\w+)¶ß/g, '&$1;');

for (const path of process.argv.slice(3)) {
  const text = readFileSync(path, 'utf8');
  const limit = mermaid.mermaidAPI.getConfig().maxTextSize;
  if (!(limit > 0)) throw new Error('Mermaid does not tell its maxTextSize');
  if (text.length > limit) throw new Error(`${path}: ${text.length} characters, Mermaid draws ${limit}`);
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const boxes = [...db.getVertices().values()].map((box) => ({ id: box.id, text: shown(box.text ?? ''), classes: box.classes }));
  const arrows = db.getEdges().map((arrow) => ({ from: arrow.start, to: arrow.end, text: shown(arrow.text ?? '') }));
  const frames = db.getSubGraphs().map((frame) => ({ title: shown(frame.title), boxes: frame.nodes }));
  console.log(JSON.stringify({ boxes, arrows, frames }));
}
