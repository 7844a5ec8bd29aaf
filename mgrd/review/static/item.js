// The desk of one chain: sound, claims and verdict.

import { follow, on, say, sayOnNextPage, undo } from "/static/keys.js";
import { openSound } from "/static/sound.js";

const item = document.getElementById("item");
const AROUND = 0.5; // seconds heard before and after a claim
let sound = null;
if (item) openDesk();

async function openDesk() {
  openVerdict();
  openClaims(); // keys answer at once, whether or not the clip has arrived
  sound = await openSound(item.querySelector(".sound"));
}

function openClaims() {
  const claims = [...document.querySelectorAll("li.claim")];
  const reading = document.getElementById("reading");
  let current = -1;

  const parts = (number) => document.querySelectorAll(
    `mark[data-claims~="${number}"], button.tag[data-claim="${number}"], li.claim[data-claim="${number}"]`,
  );

  function light(number) {
    for (const part of document.querySelectorAll(".lit")) part.classList.remove("lit");
    const claim = claims[number - 1];
    if (!claim) {
      sound?.region(null);
      return;
    }
    for (const part of parts(number)) part.classList.add("lit");
    const kind = ["supported", "contradicted", "unverifiable"].find((name) => claim.classList.contains(name)) ?? "neutral";
    sound?.region(Number(claim.dataset.start), Number(claim.dataset.end), kind);
    if (reading) {
      const said = claim.querySelector(".said").textContent;
      reading.textContent = `Claim ${number}: ${said} · measured: ${claim.querySelector(".measured").firstChild.textContent}`;
    }
  }

  function hear(number) {
    const claim = claims[number - 1];
    if (!claim) return;
    current = number - 1;
    for (const one of claims) one.classList.toggle("current", one === claim);
    claim.scrollIntoView({ block: "nearest" });
    light(number);
    sound?.playSpan(Number(claim.dataset.start) - AROUND, Number(claim.dataset.end) + AROUND);
  }

  const rest = () => light(current + 1);
  document.querySelector(".reason").addEventListener("mouseover", (event) => {
    const over = event.target.closest("[data-claims], [data-claim]");
    if (over) light(Number(over.dataset.claim ?? over.dataset.claims.split(" ")[0]));
    else rest();
  });
  document.querySelector(".reason").addEventListener("mouseleave", rest);
  document.querySelector(".reason").addEventListener("click", (event) => {
    if (event.target.closest("[data-vote]")) return;
    const hit = event.target.closest("mark[data-claims], button.tag[data-claim], .hear");
    if (hit) hear(Number(hit.dataset.claim ?? hit.closest("li.claim")?.dataset.claim ?? hit.dataset.claims.split(" ")[0]));
  });
  for (const claim of claims) claim.addEventListener("focusin", () => light(Number(claim.dataset.claim)));

  const step = (by) => claims.length && hear(((current + by + claims.length) % claims.length) + 1);
  on("n", () => step(1));
  on("p", () => step(current < 0 ? 0 : -1));

  function vote(claim, verdict) {
    for (const button of claim.querySelectorAll("[data-vote]")) {
      const chosen = button.dataset.vote === verdict && button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(chosen));
    }
  }
  for (const button of document.querySelectorAll("[data-vote]")) {
    button.addEventListener("click", () => vote(button.closest("li.claim"), button.dataset.vote));
  }
  ["supported", "contradicted", "unverifiable"].forEach((verdict, index) => {
    on(`shift+${index + 1}`, () => {
      if (claims[current]) vote(claims[current], verdict);
      else say("Choose a claim first: n");
    });
  });
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
      field.name = `claim:${chosen.closest("li.claim").dataset.id}`;
      field.value = chosen.dataset.vote;
      form.append(field);
    }
  }

  document.body.addEventListener("htmx:after:swap", () => {
    const verdict = document.getElementById("said")?.dataset.verdict;
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
