// Names and values, as plain text.
export default function ({ data, parentElement }) {
  const list = parentElement.querySelector("dl");
  list.replaceChildren(...data.pairs.map((pair) => {
    const holder = make("div", (pair.wide ? "wide " : "") + (pair.unknown ? "unknown" : ""));
    holder.append(make("dt", "", pair.name), make("dd", "", pair.value));
    return holder;
  }));
}
