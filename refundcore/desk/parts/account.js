// The person's name, and a plain form that signs out.
export default function ({ data, parentElement }) {
  parentElement.querySelector(".who").textContent = data.name + " · " + data.role;
}
