// The queue: one row a claim, known by its id. Sends back ids, never row numbers.
const CELLS = ["pick", "claim", "due", "verdict", "reason", "order", "number", "state"];

function newRow(id) {
  const row = make("tr");
  row.dataset.id = id;
  for (const name of CELLS) row.append(make("td", name));
  const [pick, claim, due, verdict, reason, order, amount, state] = row.children;
  const box = make("input");
  box.type = "checkbox";
  pick.append(box);
  claim.append(make("div"), make("div"));
  claim.firstChild.append(make("a", "ref"));
  due.append(make("div"), make("div"));
  due.firstChild.append(make("span", "ticking"));
  for (const cell of [verdict, reason, order, amount, state]) cell.append(make("div"), make("div"));
  return row;
}

function set(node, text) {
  const wanted = text || "";
  if (node.textContent !== wanted) node.textContent = wanted;
  if (node.title !== wanted) node.title = wanted;
}

function fill(row, claim, state) {
  const [pick, ref, due, verdict, reason, order, amount, stand] = row.children;
  pick.firstChild.setAttribute("aria-label", "Select claim " + claim.ref);
  const link = ref.firstChild.firstChild;
  set(link, claim.ref);
  link.href = claim.href;
  set(ref.lastChild, claim.received);
  ref.lastChild.title = "Received: " + claim.received;
  const timer = due.firstChild.firstChild;
  if (claim.due === null) { timer.className = "quiet"; timer.textContent = "no deadline"; } else state.due.push([timer, claim.due]);
  timer.title = claim.dueAt || "";
  set(due.lastChild, claim.dueWhat);
  const [label, detail] = verdict.children;
  if (label.dataset.shown !== claim.verdict) {
    label.dataset.shown = claim.verdict;
    label.replaceChildren(icon(claim.icon, claim.tone), document.createTextNode(" "), make("span", claim.tone + " strong", claim.verdict));
  }
  set(detail, claim.verdictDetail);
  set(reason.firstChild, claim.reason);
  set(reason.lastChild, claim.product);
  set(order.firstChild, claim.order);
  set(order.lastChild, claim.customer);
  set(amount.firstChild, claim.amount);
  set(stand.firstChild, claim.state);
  set(stand.lastChild, claim.assignee);
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const table = parentElement.querySelector("table");
  const body = parentElement.querySelector("tbody");
  const all = parentElement.querySelector("thead input");
  const state = tickingOf(parentElement, data.now);
  parentElement.querySelector("caption").textContent = data.caption;
  table.classList.toggle("fixed", !data.selectable);

  // The selection lives here, so that quick clicks are not undone by an answer on its way; a new round clears it.
  if (state.round !== data.round) { state.round = data.round; state.picked = new Set(); state.last = null; }
  const shown = data.rows.map((claim) => claim.id);
  for (const id of [...state.picked]) if (!shown.includes(id)) state.picked.delete(id);

  const old = new Map([...body.children].map((row) => [row.dataset.id, row]));
  let before = null;
  for (const claim of data.rows) {
    const row = old.get(claim.id) || newRow(claim.id);
    old.delete(claim.id);
    fill(row, claim, state);
    const place = before ? before.nextSibling : body.firstChild;
    if (place !== row) body.insertBefore(row, place);
    before = row;
  }
  for (const row of old.values()) row.remove();

  const paint = () => {
    for (const row of body.children) {
      const picked = state.picked.has(row.dataset.id);
      row.classList.toggle("picked", picked);
      row.querySelector("input").checked = picked;
    }
    all.checked = shown.length > 0 && state.picked.size === shown.length;
    all.indeterminate = state.picked.size > 0 && !all.checked;
  };
  const send = () => { paint(); setStateValue("selected", { round: data.round, ids: shown.filter((id) => state.picked.has(id)) }); };
  const choose = (id, wanted) => { if (wanted) state.picked.add(id); else state.picked.delete(id); };

  all.onchange = () => { for (const id of shown) choose(id, all.checked); send(); };
  body.onclick = (event) => {
    const row = event.target.closest("tr");
    if (!row) return;
    if (event.target.matches("input")) {
      const id = row.dataset.id, wanted = event.target.checked;
      const [from, to] = [shown.indexOf(event.shiftKey && state.last ? state.last : id), shown.indexOf(id)];
      for (const each of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) choose(each, wanted);
      state.last = id;
      send();
    } else if (event.target.matches("a.ref") && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      setTriggerValue("opened", event.target.textContent);
    }
  };
  paint();
  state.start();
  return state.stop;
}
