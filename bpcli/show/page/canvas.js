// strokes of a mouse, a finger or the arrow keys in -> what the net sees in them, out.
"use strict";

const PEN = 18, STEP = 8;  // pixels: the pen's width, and how far a key moves it
const page = id => document.getElementById(id);
const paper = page("paper"), ink = paper.getContext("2d", { willReadFrequently: true });
const network = new Network(MODEL);
// `pen`: which pointer draws, of what kind, where it was, and what was on the paper before it.
let pen = null, key = { x: paper.width / 2, y: paper.height / 2, down: false };
let isWaiting = false, spent = 0;  // milliseconds

function clear() {
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, paper.width, paper.height);
  show();
}

function line(from, to) {
  ink.lineWidth = PEN;
  ink.lineCap = ink.lineJoin = "round";
  ink.strokeStyle = "#000";
  ink.beginPath();
  ink.moveTo(from.x, from.y);
  ink.lineTo(to.x, to.y);
  ink.stroke();
}

// The colours of the paper, each as Grey.
function colours() {
  const { data, width, height } = ink.getImageData(0, 0, paper.width, paper.height);
  return [0, 1, 2].map(c => new Grey(height, width,
    Float64Array.from({ length: width * height }, (_, i) => data[4 * i + c])));
}

// What the net makes of each digit, in rows.
function read(colours) {
  return prepare(colours).map(row => row.map(image => {
    const outputs = network.forward(image.data.map(value => value / STEPS.WHITE));
    return { image, outputs, chances: network.probabilities(outputs.at(-1)) };
  }));
}

// What speaks against an answer.
function doubt({ outputs, chances }, count) {
  const least = count === 1 ? STEPS.UNSURE : STEPS.UNSURE_OF_SEVERAL;
  const highest = Math.max(...chances), isStrange = Math.max(...outputs.at(-1)) < MODEL.least_logit;
  const found = highest < least ? [`the probability is only ${(100 * highest).toFixed(0)}%`] : [];
  return [...found, ...(isStrange ? ["it looks like no digit that the net knows"] : [])].join(", ");
}

function show() {
  const rows = read(colours()), found = rows.flat();
  const best = chances => chances.indexOf(Math.max(...chances));
  const spell = row => row.map(({ chances }) => MODEL.names[best(chances)]).join("");
  page("answer").textContent = rows.map(spell).join("\n") || "draw a digit";
  const doubts = found.map(one => [MODEL.names[best(one.chances)], doubt(one, found.length)])
    .filter(([, words]) => words).map(pair => pair.join(", "));
  page("others").textContent = found.length > 1 ? ", and its bars: of the first digit" : "";
  page("doubts").textContent = doubts.length ? `in doubt: ${doubts.join("; ")}` : "";
  const { image, outputs, chances } = found[0]
    ?? { image: new Grey(STEPS.SIDE, STEPS.SIDE), outputs: [], chances: MODEL.names.map(() => 0) };
  const seen = page("seen").getContext("2d"), pixels = seen.createImageData(image.width, image.height);
  image.data.forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  seen.putImageData(pixels, 0, 0);
  document.querySelectorAll("#chances meter").forEach((bar, i) => {
    bar.value = chances[i];
    bar.nextElementSibling.textContent = `${(100 * chances[i]).toFixed(1)}%`;
  });
  const hidden = outputs[1] ?? [], most = Math.max(...hidden.map(Math.abs), 1e-9);
  document.querySelectorAll("[data-unit]").forEach(unit => {
    const fires = Math.abs(hidden[unit.dataset.unit] ?? 0) / most;
    unit.classList.toggle("fires", fires > 0.3);
    unit.classList.toggle("rests", found.length > 0 && fires <= 0.05);
  });
  // For programs that drive the page: what it has found, to the last digit.
  paper.dataset.chances = JSON.stringify(found.map(({ chances }) => [...chances]));
}

// Where the pen of the keyboard is, on the paper and in words.
function moveCursor() {
  const cursor = page("cursor");
  cursor.style.left = `${100 * key.x / paper.width}%`;
  cursor.style.top = `${100 * key.y / paper.height}%`;
  cursor.classList.toggle("down", key.down);
  page("pen").textContent = `pen ${key.down ? "down" : "up"} at ${key.x}, ${key.y}`;
}

function place(event) {
  const frame = paper.getBoundingClientRect(), scale = paper.width / frame.width;
  return { x: (event.clientX - frame.left) * scale, y: (event.clientY - frame.top) * scale };
}

// The answer comes while drawing; the pen has at least two thirds of the time.
function showSoon() {
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(() => {
    const start = performance.now();
    show();
    isWaiting = false;
    spent = performance.now() - start;
  }, 2 * spent);
}

// One pointer draws at a time. A pen goes before the hand that rests beside it: what that has
// drawn goes.
paper.addEventListener("pointerdown", event => {
  if (event.button > 0 || pen && (event.pointerType !== "pen" || pen.kind === "pen")) return;
  if (pen) ink.putImageData(pen.before, 0, 0);
  paper.setPointerCapture(event.pointerId);
  pen = { id: event.pointerId, kind: event.pointerType, at: place(event),
    before: ink.getImageData(0, 0, paper.width, paper.height) };
  line(pen.at, pen.at);
  showSoon();
});
paper.addEventListener("pointermove", event => {
  if (event.pointerId !== pen?.id) return;
  const to = place(event);
  line(pen.at, to);
  pen.at = to;
  showSoon();
});
for (const end of ["pointerup", "pointercancel"]) {
  paper.addEventListener(end, event => {
    if (event.pointerId !== pen?.id) return;
    pen = null;
    show();
  });
}
paper.addEventListener("keydown", event => {
  const [dx, dy] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP],
    ArrowDown: [0, STEP] }[event.key] ?? [0, 0];
  if (event.key === " ") key.down = !key.down;
  else if (event.key === "Delete" || event.key === "Backspace") { key.down = false; clear(); }
  else if (!dx && !dy) return;
  event.preventDefault();
  const within = (n, size) => Math.min(Math.max(n, 0), size);
  const to = { ...key, x: within(key.x + dx, paper.width), y: within(key.y + dy, paper.height) };
  if (to.down) { line(key, to); show(); }
  key = to;
  moveCursor();
});
paper.addEventListener("focus", moveCursor);
page("clear").addEventListener("click", clear);
clear();
