// a picture in -> its digits as MNIST's images are, out: the steps, and the numbers, of
// bpcli/data/ink.py, pieces.py, rows.py and preparation.py beside it. STEPS has their constants.
"use strict";

class Grey {  // height x width numbers, row by row
  constructor(height, width, data = new Float64Array(height * width)) {
    Object.assign(this, { height, width, data });
  }
  at(row, column) { return this.data[row * this.width + column]; }
  map(change) { return new Grey(this.height, this.width, this.data.map(change)); }
  transposed() {
    const turned = new Grey(this.width, this.height);
    for (let row = 0, i = 0; row < this.height; row++) {
      for (let c = 0; c < this.width; c++) turned.data[c * this.height + row] = this.data[i++];
    }
    return turned;
  }
}

// ---- ink ------------------------------------------------------------------------------------

function findContrast(colours, told = null, longest = STEPS.LONGEST) {
  const same = (a, b) => a.data.every((value, i) => value === b.data[i]);
  if (same(colours[0], colours[1]) && same(colours[0], colours[2])) colours = colours.slice(0, 1);
  const { height, width } = colours[0], longer = Math.max(height, width);
  const shrunk = Math.max(1, longer / longest);
  const size = [height, width].map(n => Math.max(1, roundHalfEven(n / shrunk)));
  const margin = Math.floor(Math.max(...size) / STEPS.MARGIN);
  colours = colours.map(colour => withMargin(resize(colour, ...size), margin));
  const isDark = told ?? standsOutDark(colours[0].map(
    (_, i) => colours.reduce((sum, colour) => sum + colour.data[i], 0) / colours.length));
  if (isDark) colours = colours.map(colour => colour.map(value => STEPS.WHITE - value));
  const reach = Math.floor(Math.floor(Math.max(...size) / STEPS.PAPER) / 2);
  const papers = colours.map(colour => extreme(extreme(colour, reach, -1), reach, 1));
  const ink = withoutMargin(colours[0].map((_, i) => colours.reduce(
    (most, colour, c) => Math.max(most, colour.data[i] - papers[c].data[i]), -STEPS.WHITE)), margin);
  const least = otsu(ink.data), paper = ink.data.filter(value => value < least);
  if (!paper.length) return null;
  const middle = percentile(paper, 50);
  const noise = percentile(paper.map(value => Math.abs(value - middle)), 50);
  return { levels: ink.map(value => Math.max(value - middle, 0)), noise, isDark, shrunk };
}

function cut({ levels, noise }, without = null) {  // the ink, as far as it is not left out
  if (without) levels = levels.map((value, i) => without.data[i] ? 0 : value);
  const highest = levels.data.reduce((a, b) => Math.max(a, b));
  if (highest < Math.max(STEPS.FAINT, STEPS.NOISES * noise)) return null;
  const least = findCut(levels.data), low = STEPS.FAINTEST * least;
  const contrast = percentile(levels.data.filter(value => value >= least), 50);
  return {
    levels: levels.map(value => Math.min(Math.max((value - low) / (contrast - low), 0), 1)),
    mask: levels.map(value => value >= least ? 1 : 0), contrast,
  };
}

// Paper around a picture: its colour, from the edges on, goes over to that of most of the outer ring.
function withMargin(grey, margin) {
  const { height, width } = grey, half = Math.floor(margin / 2);
  const ring = grey.data.filter((_, i) => {
    const row = Math.floor(i / width), c = i % width;
    return Math.min(row, height - 1 - row, c, width - 1 - c) < half || margin < 2;
  });
  const paper = percentile(ring, 50);
  return withRamps(withRamps(grey, margin, paper).transposed(), margin, paper).transposed();
}

function withRamps(grey, margin, paper) {  // above and below
  const { height, width } = grey, found = new Grey(height + 2 * margin, width);
  for (let row = 0; row < found.height; row++) {
    const inside = Math.min(Math.max(row - margin, 0), height - 1);
    const share = Math.min(row, found.height - 1 - row, margin) / margin || 0;
    for (let c = 0; c < width; c++) {
      const edge = grey.at(inside, c);
      found.data[row * width + c] = row === inside + margin ? edge : paper + (edge - paper) * share;
    }
  }
  return found;
}

function withoutMargin(grey, margin) {
  const found = new Grey(grey.height - 2 * margin, grey.width - 2 * margin);
  found.data.forEach((_, i) => {
    const row = Math.floor(i / found.width), c = i % found.width;
    found.data[i] = grey.at(row + margin, c + margin);
  });
  return found;
}

function roundHalfEven(value) {
  const below = Math.floor(value), rest = value - below;
  return below + (rest > 0.5 || (rest === 0.5 && below % 2) ? 1 : 0);
}

function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * share / 100, before = Math.floor(place);
  const after = Math.min(before + 1, sorted.length - 1);
  return sorted[before] + (sorted[after] - sorted[before]) * (place - before);
}

function resize(grey, height, width) {
  return resizeRows(resizeRows(grey, height).transposed(), width).transposed();
}

function resizeRows(grey, m) {  // each new row is made of old ones, in shares of a triangle
  const n = grey.height, scale = Math.max(1, n / m), made = new Grey(m, grey.width);
  for (let row = 0; row < m; row++) {
    const middle = (row + 0.5) * n / m - 0.5, shares = [];
    for (let i = 0; i < n; i++) shares.push(Math.max(0, 1 - Math.abs(middle - i) / scale));
    const total = shares.reduce((sum, share) => sum + share);
    shares.forEach((share, i) => {
      if (share) for (let c = 0; c < grey.width; c++) {
        made.data[row * grey.width + c] += share / total * grey.at(i, c);
      }
    });
  }
  return made;
}

function standsOutDark(grey) {
  const reach = Math.floor(Math.max(grey.height, grey.width) / STEPS.SURROUNDINGS);
  const around = mean(mean(grey, reach).transposed(), reach).transposed();
  const local = grey.data.map((value, i) => value - around.data[i]);
  const tail = Float64Array.from(local).sort(), middle = percentile(local, 50);
  const few = Math.min(STEPS.FEW, Math.floor(tail.length / STEPS.RARE));
  return middle - tail[few] > tail[tail.length - 1 - few] - middle;
}

function mean(grey, reach) {  // of the rows up to `reach` away, as far as there are any
  const { height: n, width } = grey, sums = new Grey(n + 1, width), found = new Grey(n, width);
  grey.data.forEach((value, i) => { sums.data[i + width] = sums.data[i] + value; });
  for (let row = 0; row < n; row++) {
    const first = Math.max(row - reach, 0), last = Math.min(row + reach + 1, n);
    for (let c = 0; c < width; c++) {
      found.data[row * width + c] = (sums.at(last, c) - sums.at(first, c)) / (last - first);
    }
  }
  return found;
}

function extreme(grey, reach, sign) {  // the least, of the sign -1, or the largest
  return extremeRows(extremeRows(grey, reach, sign).transposed(), reach, sign).transposed();
}

function extremeRows(grey, reach, sign) {  // spans of rows are doubled until they are long enough
  const { height: n, width } = grey, most = new Float64Array((n + 2 * reach) * width);
  for (let row = 0; row < n + 2 * reach; row++) {
    const start = Math.min(Math.max(row - reach, 0), n - 1) * width;
    most.set(grey.data.subarray(start, start + width), row * width);
  }
  let span = 1;
  const join = (rows, apart) => {
    for (let i = 0; i < rows * width; i++) {
      const other = most[i + apart * width];
      if (sign * other > sign * most[i]) most[i] = other;
    }
  };
  for (; 2 * span <= 2 * reach + 1; span *= 2) join(n + 2 * reach - 2 * span + 1, span);
  join(n, 2 * reach + 1 - span);
  return new Grey(n, width, most.slice(0, n * width));
}

function findCut(ink) {
  const average = values => values.reduce((sum, value) => sum + value, 0) / values.length;
  const cut = otsu(ink), higher = otsu(ink.filter(value => value >= cut));
  const pen = ink.filter(value => value >= higher);
  const rulings = ink.filter(value => value >= cut && value < higher);
  const two = pen.length && rulings.length && average(pen) > STEPS.TWICE * average(rulings);
  return two ? higher : cut;
}

function otsu(ink) {
  const counts = new Float64Array(STEPS.WHITE + 1);
  ink.forEach(value => { counts[Math.floor(value)]++; });
  const all = counts.reduce((sum, count, level) => sum + count * level, 0);
  let below = 0, sum = 0, best = -1, found = 0;
  counts.forEach((count, level) => {
    below += count; sum += count * level;
    const above = ink.length - below;
    if (!below || !above) return;
    const between = below * above * (sum / below - (all - sum) / above) ** 2;
    if (between > best) { best = between; found = level + 1; }
  });
  return found;
}

// ---- pieces ---------------------------------------------------------------------------------

function label(mask) {  // runs of a row are joined with those above that they touch
  const { height, width } = mask, labels = new Grey(height, width), parents = [0];
  const root = i => { while (parents[i] !== i) i = parents[i]; return i; };
  let above = [];
  for (let row = 0; row < height; row++) {
    const runs = [];
    for (let start = 0; start < width; start++) {
      if (!mask.at(row, start)) continue;
      let stop = start;
      while (stop < width && mask.at(row, stop)) stop++;
      const touched = above.filter(([first, last]) => first <= stop && last >= start)
        .map(run => root(run[2]));
      const own = touched.length ? Math.min(...touched) : parents.push(parents.length) - 1;
      touched.forEach(other => { parents[other] = own; });
      labels.data.fill(own, row * width + start, row * width + stop);
      runs.push([start, stop, own]);
      start = stop;
    }
    above = runs;
  }
  return labels.map(root);
}

function findPieces(labels) {
  const pieces = new Map();
  labels.data.forEach((owner, i) => {
    if (!owner) return;
    const row = Math.floor(i / labels.width), column = i % labels.width;
    const piece = pieces.get(owner)
      ?? { label: owner, size: 0, top: row, bottom: 0, left: column, right: 0 };
    pieces.set(owner, {
      label: owner, size: piece.size + 1,
      top: Math.min(piece.top, row), bottom: Math.max(piece.bottom, row + 1),
      left: Math.min(piece.left, column), right: Math.max(piece.right, column + 1),
    });
  });
  return [...pieces.values()].sort((a, b) => a.label - b.label);
}

// ---- rows -----------------------------------------------------------------------------------

function findDigits(mask) {
  const labels = labelBroken(withoutFrames(mask)), pieces = findPieces(labels);
  let inside = withoutEdges(labels, pieces);
  const gone = new Set(pieces.filter(p => !inside.includes(p)).map(p => p.label));
  const beyond = gone.size ? labels.map(owner => gone.has(owner) ? 1 : 0) : null;
  inside = withoutLines(withoutBoxes(labels, inside));
  const main = Math.max(0, ...inside.map(p => p.size));
  const rows = rowsOf(inside.filter(p => p.size >= STEPS.SPECK * main)).map(beside);
  return { labels, rows, beyond };
}

function labelBroken(mask) {  // in a small picture, a pixel of paper may be within a piece
  const { height, width } = mask;
  if (Math.max(height, width) > STEPS.SMALL) return label(mask);
  const wide = new Grey(height + 1, width + 1);
  mask.data.forEach((ink, i) => {
    const at = Math.floor(i / width) * (width + 1) + i % width;
    if (ink) for (const step of [0, 1, width + 1, width + 2]) wide.data[at + step] = 1;
  });
  const labels = label(wide);
  return mask.map((ink, i) => ink && labels.at(Math.floor(i / width), i % width));
}

const high = p => p.bottom - p.top, across = p => p.right - p.left;
const longer = p => Math.max(high(p), across(p));
const shared = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);

function withoutEdges(labels, pieces) {  // what touches an edge is left out beside what is large
  const { height, width } = labels;
  const inner = pieces.filter(p => p.top && p.left && p.bottom < height && p.right < width);
  if (!inner.length) return pieces;
  const edges = pieces.filter(p => !inner.includes(p));
  const main = inner.reduce((a, b) => b.size > a.size ? b : a);
  const all = pieces.reduce((sum, p) => sum + p.size, 0);
  if (main.size > STEPS.INNER * all && edges.every(p => longer(main) > STEPS.SHORT * longer(p))) {
    const near = around(labels, main, STEPS.NEAR);
    const isOfPen = p => p.size / longer(p) <= STEPS.THICK * main.size / longer(main);
    const isNext = p => shared(p, main) > STEPS.LEVEL * Math.max(high(p), high(main))
      && p.size <= STEPS.SOLID * across(p) * high(p) && across(p) * STEPS.POST > high(p);
    return pieces.filter(p =>
      inner.includes(p) || (isOfPen(p) && (near.has(p.label) || isNext(p))));
  }
  const shorter = Math.min(height, width);
  const alone = inner.filter(p => high(p) >= STEPS.LEAST * shorter
    && [...around(labels, p, STEPS.APART)].every(other => other === p.label));
  const sum = alone.reduce((total, p) => total + high(p), 0);
  return sum >= STEPS.INNER_HEIGHT * shorter ? inner : pieces;
}

function around(labels, piece, part) {  // the labels in its box and around it
  const reach = Math.max(1, Math.floor(part * longer(piece))), found = new Set();
  const bottom = Math.min(piece.bottom + reach, labels.height);
  const right = Math.min(piece.right + reach, labels.width);
  for (let row = Math.max(piece.top - reach, 0); row < bottom; row++) {
    for (let c = Math.max(piece.left - reach, 0); c < right; c++) found.add(labels.at(row, c));
  }
  found.delete(0);
  return found;
}

function withoutBoxes(labels, pieces) {  // the lines of a table, the box of a form
  const liesIn = (p, other) => other.left < p.left && p.right < other.right
    && other.top < p.top && p.bottom < other.bottom;
  return pieces.filter(box => {
    const inside = pieces.filter(p => liesIn(p, box));
    const tall = inside.filter(p => high(p) >= STEPS.CLOSE * high(box));
    const small = inside.filter(p => high(p) >= STEPS.LEAST * high(box));
    const sum = small.reduce((total, p) => total + p.size, 0);
    return !((small.length > 1 && sum > STEPS.SPECK * box.size) || tall.length > 1
      || (tall.length === 1 && hasCorners(labels, box)));
  });
}

function hasCorners(labels, piece) {
  const rows = Math.ceil(STEPS.CORNER * high(piece));
  const columns = Math.ceil(STEPS.CORNER * across(piece));
  return [piece.top, piece.bottom - rows].every(top =>
    [piece.left, piece.right - columns].every(left => {
      for (let i = 0; i < rows * columns; i++) {
        const c = left + i % columns;
        if (labels.at(top + Math.floor(i / columns), c) === piece.label) return true;
      }
      return false;
    }));
}

function withoutLines(pieces) {  // bars and posts
  const kept = pieces.filter(piece => {
    const others = pieces.filter(p => p !== piece && p.size >= STEPS.SPECK * piece.size);
    const tallest = others.length ? Math.max(...others.map(high)) : Infinity;
    const longest = STEPS.LONG * tallest;
    const isBar = across(piece) > STEPS.BAR * high(piece) && across(piece) > longest
      && longest > high(piece);
    const isPost = high(piece) > STEPS.POST * across(piece) && high(piece) > longest
      && (others.length > 1 || tallest >= STEPS.LOW * high(piece));
    return !(isBar || isPost);
  });
  return kept.length ? kept : pieces;
}

function withoutFrames(mask) {  // rows and columns near the edges that are ink from edge to edge
  const isFrame = (turned, row) => {
    const { height: n, width } = turned;
    const ink = turned.data.subarray(row * width, (row + 1) * width);
    return Math.min(row, n - 1 - row) < STEPS.OUTER * n
      && ink.reduce((sum, value) => sum + value) / width > STEPS.EDGE_TO_EDGE;
  };
  const frames = turned => Array.from({ length: turned.height }, (_, row) => isFrame(turned, row));
  const rows = frames(mask), columns = frames(mask.transposed());
  return mask.map((value, i) =>
    rows[Math.floor(i / mask.width)] || columns[i % mask.width] ? 0 : value);
}

function box(pieces) {
  return {
    top: Math.min(...pieces.map(p => p.top)), bottom: Math.max(...pieces.map(p => p.bottom)),
    left: Math.min(...pieces.map(p => p.left)), right: Math.max(...pieces.map(p => p.right)),
  };
}

function height(pieces) {
  const { top, bottom } = box(pieces);
  return bottom - top;
}

function gap(one, other) {
  const a = box(one), b = box(other);
  return Math.max(a.left, b.left) - Math.min(a.right, b.right);
}

function overlap(digit, piece) {
  const { left, right } = box(digit);
  return -gap(digit, [piece]) > Math.min(right - left, piece.right - piece.left) / 3;
}

function rowsOf(pieces) {  // from top to bottom
  const rows = [], joined = [];
  const order = (a, b) => high(b) - high(a) || a.label - b.label;
  for (const piece of [...pieces].sort(order)) {
    const shares = rows.map(row => Math.max(...row.map(other => shared(piece, other))));
    const best = Math.max(0, ...shares);
    if (best >= high(piece) / 2) rows[shares.indexOf(best)].push(piece);
    else rows.push([piece]);
  }
  const top = row => Math.min(...row.map(p => p.top));
  for (const row of rows.sort((a, b) => top(a) - top(b))) {
    if (joined.length && areOneRow(joined.at(-1), row)) joined.at(-1).push(...row);
    else joined.push(row);
  }
  const tallest = Math.max(0, ...joined.map(height));
  return joined.filter(row => row.length > 1 || height(row) >= STEPS.LOW * tallest);
}

function areOneRow(above, below) {  // low ones close to others, or halves of a digit
  const tall = row => Math.max(...row.map(high));
  const [low, most] = tall(above) <= tall(below) ? [above, below] : [below, above];
  const distance = box(below).top - box(above).bottom;
  if (tall(low) < STEPS.TALL * tall(most)) {
    const areParts = low.every(p => most.some(other => overlap([other], p)));
    return areParts && distance < (most.length === 1 ? STEPS.CLOSE : STEPS.BROKEN) * tall(most);
  }
  const isAlone = above.length === 1 && below.length === 1;
  return isAlone && distance < STEPS.BROKEN * tall(low) && overlap(above, below[0]);
}

function beside(pieces) {
  let parts = [];
  for (const piece of [...pieces].sort((a, b) => a.left - b.left || a.label - b.label)) {
    const above = parts.filter(part => overlap(part, piece));
    parts = parts.filter(part => !above.includes(part));
    parts.push([...above.flat(), piece]);
  }
  const tallest = Math.max(0, ...parts.map(height)), least = STEPS.LOW * tallest;
  const digits = parts.filter(part => height(part) >= least);
  for (const part of parts.filter(part => height(part) < least)) {
    const nearest = digits.reduce((near, digit) => gap(digit, part) < gap(near, part) ? digit : near);
    if (gap(nearest, part) < STEPS.TOUCHING * tallest) nearest.push(...part);
  }
  return digits;
}

// ---- preparation ----------------------------------------------------------------------------

// Takes red, green and blue as Grey; returns rows of images of SIDE x SIDE whole numbers from 0 to
// WHITE.
function prepare(colours) {
  const found = findContrast(colours);
  let seen = found && layOut(found);
  if (seen && isSheet(seen)) {
    const turned = findContrast(colours, !found.isDark);
    seen = (turned && layOut(turned)) ?? seen;
  }
  if (seen && areTiny(seen)) {
    const closer = findContrast(colours, seen.isDark, STEPS.CLOSER * STEPS.LONGEST);
    seen = (closer && layOut(closer)) ?? seen;
  }
  return seen
    ? seen.rows.map(digits => digits.map(pieces => prepareDigit(seen.ink, seen.labels, pieces))) : [];
}

function layOut(found) {  // what comes in from the edges has no part in where the ink is cut
  const ink = cut(found);
  if (!ink) return null;
  const layout = findDigits(ink.mask), again = layout.beyond && cut(found, layout.beyond);
  const { isDark, shrunk } = found;
  return again ? { ink: again, isDark, shrunk, ...findDigits(again.mask) }
    : { ink, isDark, shrunk, ...layout };
}

function areTiny({ shrunk, rows }) {  // so that more of the picture's own pixels are needed
  const heights = rows.flat().map(height);
  return shrunk > 1 && heights.length > 0 && percentile(heights, 50) < STEPS.TINY;
}

function isSheet({ labels, rows }) {  // the main piece is paper, or a window, and no digit
  const pieces = rows.flat(2);
  if (!pieces.length) return false;
  const main = pieces.reduce((a, b) => b.size > a.size ? b : a);
  return main.size > STEPS.FULL * high(main) * across(main)
    && main.size > STEPS.WIDE * labels.data.length;
}

function prepareDigit(ink, labels, pieces) {
  const { top, bottom, left, right } = box(pieces), own = new Set([0, ...pieces.map(p => p.label)]);
  let cropped = new Grey(bottom - top, right - left);
  for (let row = top; row < bottom; row++) {
    for (let c = left; c < right; c++) {
      if (own.has(labels.at(row, c))) {
        cropped.data[(row - top) * cropped.width + c - left] = ink.levels.at(row, c);
      }
    }
  }
  const stroke = strokeWidth(cropped) * STEPS.BOX / Math.max(cropped.height, cropped.width);
  if (stroke < STEPS.STROKE) cropped = thicken(cropped);
  const scale = STEPS.BOX / Math.max(cropped.height, cropped.width);
  const size = [cropped.height, cropped.width].map(n => Math.max(1, roundHalfEven(n * scale)));
  let digit = resize(cropped, ...size);
  const brightest = Math.max(...digit.data);
  digit = digit.map(value => value / brightest);
  return centre(digit).map(value => roundHalfEven(STEPS.WHITE * value));
}

function strokeWidth(digit) {  // twice the area by the length of the outline
  const value = (row, c) =>
    row < 0 || c < 0 || row >= digit.height || c >= digit.width ? 0 : digit.at(row, c);
  let area = 0, outline = 0;
  for (let row = -1; row < digit.height + 1; row++) {
    for (let c = -1; c < digit.width + 1; c++) {
      area += value(row, c);
      if (row > digit.height - 1 || c > digit.width - 1) continue;
      outline += Math.hypot(value(row + 1, c) - value(row, c), value(row, c + 1) - value(row, c));
    }
  }
  return 2 * area / outline;
}

function centre(digit) {
  const image = new Grey(STEPS.SIDE, STEPS.SIDE), top = start(digit), left = start(digit.transposed());
  digit.data.forEach((value, i) => {
    const row = top + Math.floor(i / digit.width), column = left + i % digit.width;
    image.data[row * STEPS.SIDE + column] = value;
  });
  return image;
}

function start(digit) {  // the row where it begins if the middle of its ink is row SIDE / 2
  let total = 0, moment = 0;
  digit.data.forEach((value, i) => {
    total += value;
    moment += value * Math.floor(i / digit.width);
  });
  const first = Math.floor(STEPS.SIDE / 2 - moment / total + 0.5);
  return Math.min(Math.max(first, 0), STEPS.SIDE - digit.height);
}

// Ink whose strokes will be STROKE pixels wide when it fits its box, before it is made smaller.
function thicken(levels) {
  const longer = Math.max(levels.height, levels.width);
  const growth = (STEPS.STROKE * longer - STEPS.BOX * strokeWidth(levels))
    / (2 * (STEPS.BOX - STEPS.STROKE));
  const whole = Math.trunc(growth);
  const padded = new Grey(levels.height + 2 * whole, levels.width + 2 * whole);
  levels.data.forEach((value, i) => {
    const row = whole + Math.floor(i / levels.width), column = whole + i % levels.width;
    padded.data[row * padded.width + column] = value;
  });
  return [...new Array(whole).fill(1), growth - whole].reduce(grow, padded);
}

function grow(levels, amount) {
  const { height, width } = levels;
  const value = (row, c) =>
    row < 0 || c < 0 || row >= height || c >= width ? 0 : levels.at(row, c);
  return levels.map((own, i) => {
    const row = Math.floor(i / width), c = i % width;
    const around = Math.max(
      value(row - 1, c), value(row + 1, c), value(row, c - 1), value(row, c + 1));
    return Math.max(own, amount * around);
  });
}
