// The page at /verify: a file and a trust in, each step and what is said out.
import { verifier } from "./verify.js";

const form = document.querySelector("form");
const file = document.querySelector("#bundle");
const trust = document.querySelector("#trust");
const answer = document.querySelector("#answer");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (file.files.length === 0) return;
  answer.setAttribute("aria-busy", "true");
  const bytes = new Uint8Array(await file.files[0].arrayBuffer());
  const verify = await verifier();
  show(verify(bytes, trust.value.trim()));
  answer.setAttribute("aria-busy", "false");
});

function show(result) {
  const verdict = element("p", result.ok ? "What it says is on the ledger." : "It proves nothing as it stands: see the step that is not ok.");
  verdict.className = result.ok ? "good" : "bad";
  const steps = document.createElement("ol");
  for (const { name, ok, text } of result.steps) {
    const step = element("li", "");
    step.className = ok ? "good" : "bad";
    step.append(element("strong", `${ok ? "ok" : "not ok"}: ${name}`), ` ${text}`);
    steps.append(step);
  }
  answer.replaceChildren(verdict, steps);
  for (const said of result.says) {
    const text = JSON.stringify(said.fields, (_, value) => (typeof value === "bigint" ? String(value) : value), 2);
    answer.append(element("h2", `${said.name} of block ${said.height}`), element("p", said.doc), element("pre", text));
  }
  answer.focus();
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
