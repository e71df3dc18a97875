// What the parts share. Text is set by textContent only; nothing here ever parses markup.
const SOON = 4 * 3600;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
}

function icon(name, tone) {
  const node = make("span", "icon" + (tone ? " " + tone : ""), name);
  node.setAttribute("aria-hidden", "true");
  return node;
}

// "2 d 04:10:09", "03:59:59": whole days apart, so that a long wait stays short to read.
function clock(seconds) {
  const left = Math.abs(Math.trunc(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(left / 86400);
  const rest = two(Math.floor((left % 86400) / 3600)) + ":" + two(Math.floor((left % 3600) / 60)) + ":" + two(left % 60);
  return (days ? days + " d " : "") + rest;
}

// Due and not yet over; the words say what the colour says.
function tell(node, due, now) {
  const left = due - now;
  const text = left < 0 ? clock(left) + " overdue" : clock(left) + (left < SOON ? ", soon" : " left");
  const tone = left < 0 ? "ticking red strong" : left < SOON ? "ticking orange strong" : "ticking";
  if (node.textContent !== text) node.textContent = text;
  if (node.className !== tone) node.className = tone;
}

// One timer for each mounted part: it keeps the server's clock, so a wrong clock of the browser does not matter.
const mounted = new WeakMap();

function tickingOf(parentElement, serverNow) {
  let state = mounted.get(parentElement);
  if (!state) { state = { due: [] }; mounted.set(parentElement, state); }
  state.skew = serverNow - Date.now() / 1000;
  state.due = [];
  state.start = () => {
    const tick = () => { const now = Date.now() / 1000 + state.skew; for (const [node, due] of state.due) tell(node, due, now); };
    tick();
    clearInterval(state.timer);
    if (state.due.length) state.timer = setInterval(tick, 1000);
  };
  state.stop = () => { clearInterval(state.timer); mounted.delete(parentElement); };
  return state;
}
