// A page with a clip: sound, claims and, on the desk of one chain, the verdict.

import { follow, on, say, sayOnNextPage, undo } from "/static/keys.js";
import { openSound } from "/static/sound.js";

const item = document.getElementById("item");
const AROUND = 0.5; // seconds heard before and after a claim
const VERDICTS = ["supported", "contradicted", "unverifiable"];
let sound = null;
if (item) openDesk();

async function openDesk() {
  if (document.getElementById("verdict")) openVerdict();
  openClaims(); // keys answer at once, whether or not the clip has arrived
  sound = await openSound(item.querySelector(".sound"));
}

function kindOf(claim) {
  return VERDICTS.find((name) => claim.classList.contains(name)) ?? "neutral";
}

function openClaims() {
  const claims = [...item.querySelectorAll(".claim[data-start]")];
  const byKey = new Map(claims.map((claim) => [claim.dataset.claim, claim]));
  const reading = document.getElementById("reading");
  let current = -1;
  drawLanes(claims);

  const parts = (key) => item.querySelectorAll(`mark[data-claims~="${key}"], [data-claim="${key}"]`);

  function light(claim) {
    for (const part of item.querySelectorAll(".lit")) part.classList.remove("lit");
    if (!claim) {
      sound?.region(null);
      if (reading) reading.textContent = "";
      return;
    }
    for (const part of parts(claim.dataset.claim)) part.classList.add("lit");
    sound?.region(Number(claim.dataset.start), Number(claim.dataset.end), kindOf(claim));
    if (reading) {
      const said = claim.querySelector(".said").firstChild.textContent;
      reading.textContent = `${said} · measured: ${claim.querySelector(".measured").textContent}`;
    }
  }

  function hear(claim) {
    if (!claim) return;
    current = claims.indexOf(claim);
    for (const one of claims) one.classList.toggle("current", one === claim);
    claim.scrollIntoView({ block: "nearest" });
    light(claim);
    sound?.playSpan(Number(claim.dataset.start) - AROUND, Number(claim.dataset.end) + AROUND);
  }

  const claimAt = (part) => byKey.get(part.dataset.claim ?? part.dataset.claims.split(" ")[0]);
  const rest = () => light(claims[current]);
  item.addEventListener("mouseover", (event) => {
    const over = event.target.closest("[data-claims], [data-claim]");
    if (over) light(claimAt(over));
    else rest();
  });
  item.addEventListener("mouseleave", rest);
  item.addEventListener("click", (event) => {
    if (event.target.closest("[data-vote]")) return;
    const hit = event.target.closest("mark[data-claims], button[data-claim], .hear");
    if (hit) hear(hit.matches(".hear") ? hit.closest(".claim") : claimAt(hit));
  });
  for (const claim of claims) claim.addEventListener("focusin", () => light(claim));

  const step = (by) => claims.length && hear(claims[(current + by + claims.length) % claims.length]);
  on("n", () => step(1));
  on("p", () => step(current < 0 ? 0 : -1));

  function vote(claim, verdict) {
    for (const button of claim.querySelectorAll("[data-vote]")) {
      const chosen = button.dataset.vote === verdict && button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(chosen));
    }
  }
  for (const button of item.querySelectorAll("[data-vote]")) {
    button.addEventListener("click", () => vote(button.closest(".claim"), button.dataset.vote));
  }
  VERDICTS.forEach((verdict, index) => {
    on(`shift+${index + 1}`, () => {
      if (claims[current]) vote(claims[current], verdict);
      else say("Choose a claim first: n");
    });
  });
}

// The claims' regions under the spectrogram, each in the first lane that is free there. The list of claims is the way in
// for a keyboard and for a screen reader; these are its picture.
function drawLanes(claims) {
  const lanes = document.getElementById("lanes");
  const seconds = Number(item.querySelector(".sound")?.dataset.duration);
  if (!lanes || !seconds) return;
  const rows = [];
  for (const claim of claims) {
    const [start, end] = [Number(claim.dataset.start), Number(claim.dataset.end)];
    let row = rows.find((one) => one.free <= start);
    if (!row) {
      row = { node: document.createElement("div"), free: 0 };
      rows.push(row);
      lanes.append(row.node);
    }
    row.free = end;
    const bar = document.createElement("button");
    bar.type = "button";
    bar.tabIndex = -1;
    bar.className = `lane ${kindOf(claim)}`;
    bar.dataset.claim = claim.dataset.claim;
    bar.textContent = claim.dataset.short;
    bar.style.left = `${(100 * start) / seconds}%`;
    bar.style.width = `${Math.max(2.5, (100 * (end - start)) / seconds)}%`;
    row.node.append(bar);
  }
}

function openVerdict() {
  const form = document.getElementById("verdict");
  const advance = document.getElementById("advance");
  const answer = document.getElementById("answer");
  const words = { "": "answer: no word", true: "answer: right", false: "answer: wrong" };
  const started = performance.now();
  let hidden = 0;
  let left = document.hidden ? started : null;

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) left = performance.now();
    else if (left !== null) {
      hidden += performance.now() - left;
      left = null;
    }
  });

  advance.checked = localStorage.getItem("advance") !== "no";
  advance.addEventListener("change", () => localStorage.setItem("advance", advance.checked ? "yes" : "no"));

  function show(value) {
    answer.dataset.value = value;
    answer.querySelector("span").textContent = words[value];
    form.elements.correct.value = value;
  }
  const turn = () => show({ "": "true", true: "false", false: "" }[answer.dataset.value]);
  show(answer.dataset.value);
  answer.addEventListener("click", turn);
  on("c", turn);

  for (const button of form.querySelectorAll("[data-verdict]")) {
    button.addEventListener("click", () => fill(button.dataset.verdict));
  }
  ["grounded", "not_grounded", "unsure"].forEach((verdict, index) => {
    on(String(index + 1), () => form.querySelector(`[data-verdict="${verdict}"]`).click());
  });

  function fill(verdict) {
    form.elements.verdict.value = verdict;
    form.elements.seconds.value = ((performance.now() - started - hidden) / 1000).toFixed(1);
    for (const old of form.querySelectorAll('input[name^="claim:"]')) old.remove();
    for (const chosen of document.querySelectorAll('[data-vote][aria-pressed="true"]')) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = `claim:${chosen.closest(".claim").dataset.id}`;
      field.value = chosen.dataset.vote;
      form.append(field);
    }
  }

  document.body.addEventListener("htmx:after:swap", () => {
    const verdict = document.getElementById("said")?.dataset.verdict;
    for (const button of form.querySelectorAll("[data-verdict]")) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
    }
    if (!verdict || !form.elements.verdict.value) return;
    form.elements.verdict.value = "";
    const text = `Saved: ${verdict.replace("_", " ")}`;
    if (!advance.checked) {
      say(text);
      return;
    }
    sayOnNextPage(text);
    if (!follow("#next")) say(`${text}. This was the last chain.`);
  });
  for (const kind of ["htmx:error", "htmx:response:error"]) {
    document.body.addEventListener(kind, () => say("Not saved: the server did not take it. Reload the page and try again.", true));
  }
  document.getElementById("undo").addEventListener("click", undo);
}
