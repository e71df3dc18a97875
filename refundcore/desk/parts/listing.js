// A list of lines: icon, head, text, note; at the side a word or a ticking deadline. A line may open a claim.
export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector("ul");
  const state = tickingOf(parentElement, data.now);
  list.setAttribute("aria-label", data.label);
  const lines = data.rows.map((row) => {
    const line = make("li", row.dim ? "dim" : "");
    const mark = make("div");
    if (row.icon) mark.append(icon(row.icon, row.tone));
    const body = make("div", "body");
    if (row.head) {
      const head = make("div", "head");
      if (row.href) {
        const link = make("a", "", row.head);
        link.href = row.href;
        link.onclick = (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          setTriggerValue("opened", row.open);
        };
        head.append(link);
      } else head.textContent = row.head;
      body.append(head);
    }
    if (row.text) body.append(make("div", "", row.text));
    if (row.note) body.append(make("div", "note", row.note));
    const side = make("div", "side");
    if (row.due !== undefined && row.due !== null) {
      const timer = make("span", "ticking");
      timer.setAttribute("role", "timer");
      state.due.push([timer, row.due]);
      const holder = make("div");
      holder.append(timer);
      side.append(holder);
    }
    if (row.word) side.append(make("div", row.tone || "", row.word));
    if (row.when) side.append(make("div", "", row.when));
    line.append(mark, body, side);
    return line;
  });
  list.replaceChildren(...lines);
  state.start();
  return state.stop;
}
