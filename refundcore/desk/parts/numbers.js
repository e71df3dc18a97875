// Numbers that open the claims behind them, and a chart's downloads. Text is set by textContent only.
function linked(cell, pick) {
  const node = make(cell.href ? "a" : "span", "", cell.text);
  if (cell.href) {
    node.setAttribute("href", cell.href);
    node.addEventListener("click", (event) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;  // a new tab follows the address
      event.preventDefault();
      pick(cell.pick);
    });
  }
  return node;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function csv(rows) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
  return "\ufeff" + rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
}

// The chart as it stands on the page: its layers as one picture, under its question.
function picture(given) {
  const layers = document.querySelectorAll(given.chart + " .js-plotly-plot svg.main-svg");
  if (!layers.length) return null;
  const wide = layers[0].clientWidth || Number(layers[0].getAttribute("width"));
  const high = layers[0].clientHeight || Number(layers[0].getAttribute("height"));
  const head = 34, space = "http://www.w3.org/2000/svg";
  const whole = document.createElementNS(space, "svg");
  const set = (node, values) => { for (const [name, value] of Object.entries(values)) node.setAttribute(name, value); return node; };
  set(whole, { xmlns: space, width: wide, height: high + head, viewBox: `0 0 ${wide} ${high + head}` });
  whole.append(set(document.createElementNS(space, "rect"), { width: "100%", height: "100%", fill: given.background }));
  const title = set(document.createElementNS(space, "text"), { x: 8, y: 22, fill: given.text, "font-size": 15, "font-weight": 600, "font-family": "system-ui, sans-serif" });
  title.textContent = given.title;
  whole.append(title);
  for (const layer of layers) whole.append(set(layer.cloneNode(true), { x: 0, y: head, style: "" }));
  return { text: new XMLSerializer().serializeToString(whole), wide, high: high + head };
}

function png(given) {
  const found = picture(given);
  if (!found) return;
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = found.wide * 2;
    canvas.height = found.high * 2;
    const pen = canvas.getContext("2d");
    pen.scale(2, 2);
    pen.drawImage(image, 0, 0);
    canvas.toBlob((blob) => save(blob, given.name + ".png"), "image/png");
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(found.text);
}

function tools(given) {
  const bar = make("div", "tools");
  const button = (text, does) => {
    const node = make("button", "", text);
    node.type = "button";
    node.addEventListener("click", does);
    bar.append(node);
  };
  button("Download CSV", () => save(new Blob([csv(given.csv)], { type: "text/csv" }), given.name + ".csv"));
  if (given.chart) {
    button("SVG", () => { const found = picture(given); if (found) save(new Blob([found.text], { type: "image/svg+xml" }), given.name + ".svg"); });
    button("PNG", () => png(given));
  }
  return bar;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".numbers");
  const pick = (text) => setTriggerValue("picked", text);
  root.replaceChildren();
  if (data.link) {
    const line = make("div", "alone");
    line.append(linked(data.link, pick));
    root.append(line);
    return;
  }
  if (data.exports) root.append(tools(data.exports));
  const table = make("table"), head = make("thead"), body = make("tbody"), first = make("tr");
  table.append(make("caption", "", data.caption));
  const numbers = data.heads.map((_, place) => data.rows.some((row) => row[place].number));
  data.heads.forEach((text, place) => {
    const cell = make("th", numbers[place] ? "number" : "", text);
    cell.scope = "col";
    first.append(cell);
  });
  for (const row of data.rows) {
    const line = make("tr");
    row.forEach((cell, place) => {
      const box = make("td", numbers[place] ? "number" : "");
      box.append(linked(cell, pick));
      line.append(box);
    });
    body.append(line);
  }
  head.append(first);
  table.append(head, body);
  const wide = make("div", "wide");
  wide.tabIndex = 0;
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", data.caption);
  wide.append(table);
  root.append(wide);
}
