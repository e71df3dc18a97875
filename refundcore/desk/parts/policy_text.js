// The policy as a document: paragraph by paragraph, each clause with its wording at the left and, where there is
// room, how it is read and what it came to at the right.
function pairs(rows, className) {
  const list = make("dl", className);
  for (const [name, value] of rows) list.append(make("dt", "", name), make("dd", "", value));
  return list;
}

function headed(tag, text, code) {
  const head = make(tag, "", text);
  if (code) head.append(make("span", "code", code));
  return head;
}

function reading(row) {
  const block = make("section", row.values.length ? "reading" : "reading elsewhere");
  block.append(headed("h4", row.title, row.code));
  if (row.values.length) block.append(pairs(row.values));
  if (row.why) block.append(make("p", "why", row.why));
  return block;
}

function folded(summary, lines) {
  const block = make("details", "reading");
  const list = make("ul", "cases");
  list.append(...lines);
  block.append(make("summary", "", summary), list);
  return block;
}

function settled(row) {
  const line = make("li");
  line.append(headed("div", row.title, row.code), make("p", "", row.text), make("p", "why", row.why));
  line.firstChild.className = "head";
  return line;
}

function example(row) {
  const line = make("li");
  const head = make("div", "head");
  const word = make("span", row.tone);
  word.append(icon(row.icon, row.tone), " " + row.word);
  head.append(row.title + ": ", word);
  line.append(head, make("p", "why", row.sentence));
  return line;
}

function rule(row) {
  const line = make("li");
  line.append(make("div", "head", row.role), make("pre", "source", row.source));
  return line;
}

const told = (number, one, many) => number + " " + (number === 1 ? one : many);

function clause(row) {
  const block = make("article", "clause");
  block.id = row.id;
  const said = make("div", "said");
  const wording = make("p", "wording");
  for (const [text, number] of row.wording) wording.append(number ? make("b", "", text) : text);
  said.append(make("h3", "", row.title), wording, pairs(row.facts, "facts"));
  const notes = make("div", "notes");
  notes.append(...row.readings.map(reading));
  const { settled: plain, examples } = row;
  if (plain.length) notes.append(folded(told(plain.length, "point with one reading", "points with one reading"), plain.map(settled)));
  if (examples.length) notes.append(folded(told(examples.length, "worked example", "worked examples"), examples.map(example)));
  if (row.figures) said.append(make("p", "figures", row.figures));
  if (row.rules.length) notes.append(folded(told(row.rules.length, "rule as it is written", "rules as they are written"), row.rules.map(rule)));
  block.append(make("div", "number", row.id), said);
  if (notes.childElementCount) block.append(notes);
  return block;
}

export default function ({ data, parentElement }) {
  const page = parentElement.querySelector(".document");
  const nodes = [];
  let paragraph = 0;
  for (const row of data.rows) {
    if (row.paragraph !== paragraph) {
      paragraph = row.paragraph;
      nodes.push(make("h2", "paragraph", "Paragraph " + paragraph));
    }
    nodes.push(clause(row));
  }
  const unfolded = new Set([...page.querySelectorAll("details[open]")].map((each) => each.dataset.key));
  page.replaceChildren(...nodes);
  for (const each of page.querySelectorAll("details")) {
    each.dataset.key = each.closest("article").id + " " + each.querySelector("summary").textContent;
    each.open = unfolded.has(each.dataset.key);
  }
  const wanted = data.open && page.querySelector("#" + CSS.escape(data.open));
  if (wanted && page.dataset.opened !== data.open) {
    page.dataset.opened = data.open;
    wanted.classList.add("open");
    requestAnimationFrame(() => wanted.scrollIntoView({ block: "start" }));
  }
}
