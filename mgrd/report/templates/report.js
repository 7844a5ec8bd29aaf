"use strict";
// The playhead over each picture, a click in the picture as a place to play from, one sound at a time.
for (const figure of document.querySelectorAll("figure.sound")) {
  const audio = figure.querySelector("audio");
  const picture = figure.querySelector("svg.picture");
  const playhead = figure.querySelector(".playhead");
  const seconds = Number(figure.dataset.seconds);
  const width = picture.viewBox.baseVal.width;
  const draw = () => {
    const x = (width * audio.currentTime) / seconds;
    playhead.setAttribute("x1", x);
    playhead.setAttribute("x2", x);
    if (!audio.paused) requestAnimationFrame(draw);
  };
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
    draw();
  });
  audio.addEventListener("seeked", draw);
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    audio.currentTime = Math.min(seconds, Math.max(0, ((event.clientX - box.left) / box.width) * seconds));
  });
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
