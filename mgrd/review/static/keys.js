// Keys and writes that every page shares. A key never acts while text is typed, and every key has a control to click.

export const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";
const toast = document.getElementById("toast");
const help = document.getElementById("help");
const actions = new Map();

export function say(text, wrong = false) {
  toast.textContent = text;
  toast.className = wrong ? "shown wrong" : "shown";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.className = ""; }, wrong ? 6000 : 2200);
}

export function sayOnNextPage(text) {
  sessionStorage.setItem("say", text);
}

export function on(key, act) {
  actions.set(key, act);
}

export function follow(selector) {
  const link = document.querySelector(selector);
  if (link) location.assign(link.href);
  return Boolean(link);
}

export async function undo() {
  const response = await fetch("/undo", { method: "POST", headers: { "X-CSRF-Token": csrf() } });
  if (!response.ok) {
    say(await response.text(), true);
    return;
  }
  const { undone, verdict } = await response.json();
  if (!undone) {
    say("Nothing to undo");
    return;
  }
  sayOnNextPage(verdict === "withdrawn" ? "Verdict taken back" : `Back to ${verdict.replace("_", " ")}`);
  const state = document.getElementById("item")?.dataset.state ?? location.search.slice(1);
  const target = `/item/${undone}?${state}`;
  if (location.pathname + location.search === target) location.reload();
  else location.assign(target);
}

function typing(target) {
  return target.closest("select, textarea, [contenteditable]")
    || (target.tagName === "INPUT" && !["checkbox", "radio", "button", "submit"].includes(target.type));
}

function moveRow(step) {
  const rows = [...document.querySelectorAll("a.row")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
}

on("/", () => document.getElementById("search")?.focus());
on("?", () => help?.showModal());
on("b", () => follow("#blind"));
on("u", undo);
on("j", () => follow('a[rel="next"]') || moveRow(1));
on("k", () => follow('a[rel="prev"]') || moveRow(-1));

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target)) event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || help?.open || typing(event.target)) return;
  const act = actions.get(event.shiftKey && event.code.startsWith("Digit") ? `shift+${event.code.at(-1)}` : event.key);
  if (!act) return;
  if (event.repeat && !event.key.startsWith("Arrow")) {
    event.preventDefault();
    return;
  }
  if (event.key === " " && event.target.closest("button, summary, a, input")) return;
  event.preventDefault();
  act();
});

// A button that was clicked with a mouse gives the keyboard back, so that the space bar plays instead of clicking again.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && document.querySelector(".sound")) event.target.closest("button, label.track input, #advance")?.blur();
});

document.getElementById("help-open")?.addEventListener("click", () => help.showModal());
document.getElementById("filters")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
for (const form of document.querySelectorAll('form[method="get"]')) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
}

const told = sessionStorage.getItem("say");
if (told) {
  sessionStorage.removeItem("say");
  say(told);
}
