// The clip: waveform (wavesurfer, from peaks that were measured before), spectrogram, tracks and regions on one time axis.

import { on } from "/static/keys.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
const TICKS = [100, 300, 1000, 3000]; // Hz
const FLOOR = -70; // dBFS at the foot of the waveform

export async function openSound(section) {
  const clip = section?.dataset.clip;
  if (!clip) return null;
  const audio = document.getElementById("audio");
  const response = await fetch(`/clips/${clip}/picture.json`);
  const picture = response.ok ? await response.json() : null;
  const seconds = picture?.seconds ?? Number(section.dataset.duration);
  const stage = drawStage(picture, seconds);
  openTransport(audio, stage, seconds);
  if (picture) drawWave(audio, picture);
  let stop = null;

  const seek = (second) => {
    audio.currentTime = Math.min(Math.max(0, second), seconds);
    stage.head(audio.currentTime);
  };
  document.getElementById("stage").addEventListener("click", (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    stop = null;
    seek(((event.clientX - box.left) / box.width) * seconds);
  });
  audio.addEventListener("pause", () => { stop = null; });
  (function tick() {
    if (stop !== null && audio.currentTime >= stop) {
      audio.pause();
      stop = null;
    }
    requestAnimationFrame(tick);
  })();
  on("ArrowLeft", () => seek(audio.currentTime - 1));
  on("ArrowRight", () => seek(audio.currentTime + 1));

  return {
    region: stage.region,
    async playSpan(start, end) {
      seek(start);
      await audio.play();
      stop = Math.min(end, seconds);
    },
  };
}

function drawWave(audio, picture) {
  const style = getComputedStyle(document.documentElement);
  const lows = picture.peaks.filter((_, index) => index % 2 === 0);
  const highs = picture.peaks.filter((_, index) => index % 2 === 1);
  const wave = window.WaveSurfer.create({
    container: "#wave", media: audio, peaks: [highs, lows], duration: picture.seconds, normalize: true,
    height: document.getElementById("wave").clientHeight, interact: false, cursorWidth: 0,
    waveColor: style.getPropertyValue("--wave").trim(), progressColor: style.getPropertyValue("--wave-played").trim(),
    cspNonce: document.querySelector('meta[name="style-nonce"]').content,
  });
  window.addEventListener("pagehide", () => wave.destroy(), { once: true });
}

function drawStage(picture, seconds) {
  const overlay = document.getElementById("overlay");
  const box = overlay.getBoundingClientRect();
  const height = box.height;
  const top = document.getElementById("spectrogram").getBoundingClientRect().top - box.top;
  overlay.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  const x = (second) => (second / seconds) * WIDTH;
  const add = (name, attributes) => {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    overlay.append(shape);
    return shape;
  };
  const shades = [0, 1].map(() => [
    add("rect", { class: "shade quiet", y: 0, height: top, width: 0 }),
    add("rect", { class: "shade dark", y: top, height: height - top, width: 0 }),
  ]);
  const region = add("rect", { class: "region", y: 1, height: height - 2, width: 0 });
  if (picture) drawTracks(picture, add, x, top, height);
  const head = add("line", { class: "head", y1: 0, y2: height, x1: 0, x2: 0 });
  drawScales(picture, seconds, top, height);
  for (const box of document.querySelectorAll("[data-track]")) {
    const show = () => {
      for (const shape of overlay.querySelectorAll(`.${box.dataset.track}`)) shape.toggleAttribute("hidden", !box.checked);
    };
    box.checked = localStorage.getItem(`track-${box.dataset.track}`) !== "no";
    box.addEventListener("change", () => {
      localStorage.setItem(`track-${box.dataset.track}`, box.checked ? "yes" : "no");
      show();
    });
    show();
  }
  return {
    head(second) {
      head.setAttribute("x1", x(second));
      head.setAttribute("x2", x(second));
    },
    region(start, end, kind) {
      region.setAttribute("class", start === null ? "region" : `region on ${kind}`);
      const between = start === null ? [[0, 0], [0, 0]] : [[0, x(start)], [x(end), WIDTH - x(end)]];
      between.forEach(([from, width], side) => {
        for (const shade of shades[side]) {
          shade.setAttribute("x", from);
          shade.setAttribute("width", Math.max(0, width));
        }
      });
      if (start === null) return;
      region.dataset.start = start;
      region.dataset.end = end;
      region.setAttribute("x", x(start));
      region.setAttribute("width", Math.max(2, x(end) - x(start)));
    },
  };
}

function drawTracks(picture, add, x, top, height) {
  const pitchY = (hz) => top + (height - top) * (1 - Math.log(hz / picture.lowest) / Math.log(picture.highest / picture.lowest));
  let path = "";
  let drawing = false;
  picture.f0.forEach((hz, index) => {
    if (hz) path += `${drawing ? "L" : "M"}${x(index * picture.step).toFixed(1)} ${pitchY(hz).toFixed(1)}`;
    drawing = Boolean(hz);
  });
  add("path", { class: "edge f0", d: path });
  add("path", { class: "line f0", d: path });
  const loud = (level) => (top - 6) * Math.min(1, Math.max(0, level / FLOOR)) + 2;
  const levels = picture.loudness.map((level, index) => `${x(index * picture.step).toFixed(1)} ${loud(level).toFixed(1)}`);
  add("path", { class: "line loudness", d: levels.length ? `M${levels.join("L")}` : "" });
  for (const onset of picture.onsets) {
    add("line", { class: "onsets", x1: x(onset), x2: x(onset), y1: 0, y2: height });
  }
}

function drawScales(picture, seconds, top, height) {
  const scale = document.getElementById("scale");
  const times = document.getElementById("times");
  const put = (parent, text, property, value) => {
    const label = document.createElement("span");
    label.textContent = text;
    label.style[property] = value;
    parent.append(label);
  };
  const low = picture?.lowest ?? 60;
  const high = picture?.highest ?? 8000;
  for (const hz of TICKS) {
    const y = top + (height - top) * (1 - Math.log(hz / low) / Math.log(high / low));
    put(scale, hz >= 1000 ? `${hz / 1000} kHz` : `${hz} Hz`, "top", `${(100 * y) / height}%`);
  }
  const step = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60].find((one) => seconds / one <= 9) ?? 120;
  for (let second = step; second < seconds - step / 4; second += step) {
    put(times, `${Number(second.toFixed(2))} s`, "left", `${(second / seconds) * 100}%`);
  }
}

function openTransport(audio, stage, seconds) {
  const play = document.getElementById("play");
  const time = document.getElementById("time");
  const speed = document.getElementById("speed");
  const toggle = () => (audio.paused ? audio.play() : audio.pause());
  const turn = (by) => {
    const at = SPEEDS.indexOf(audio.playbackRate);
    audio.playbackRate = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 3 : at) + by))];
    speed.textContent = `${audio.playbackRate}×`;
  };
  audio.preservesPitch = true;
  play.addEventListener("click", toggle);
  document.getElementById("slower").addEventListener("click", () => turn(-1));
  document.getElementById("faster").addEventListener("click", () => turn(1));
  on(" ", toggle);
  on("[", () => turn(-1));
  on("]", () => turn(1));
  const update = () => {
    play.firstElementChild.textContent = audio.paused ? "▶" : "❚❚";
    play.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
  };
  for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, update);
  audio.addEventListener("error", () => { time.textContent = "the clip cannot be played"; });
  (function tick() {
    time.textContent = Math.min(audio.currentTime, seconds).toFixed(2);
    stage.head(audio.currentTime);
    requestAnimationFrame(tick);
  })();
}
