// One frame of the timeline: chapters, rows, arrows, the axis, and what is selected.
const state = { selected: undefined, row: 0, pins: [], hits: [], arrows: [], note: '' };

function sharpen(canvas, pen) {
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  pen.setTransform(scale, 0, 0, scale, 0, 0);
}

// The largest of 1, 2, 5 times a power of ten that leaves room for its label.
function tick(span, room) {
  let step = 1;
  for (const factor of [2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2]) {
    if (span / step <= room) break;
    step *= factor;
  }
  return step;
}

// Calls back for each tick of the axis: its place, and its label.
function eachTick(visit) {
  const step = tick(view.to - view.from, Math.max(width() / 90, 2));
  const digits = clamp(6 - Math.floor(Math.log10(step)), 0, 6);
  for (let at = Math.ceil(view.from / step) * step, count = 0; at <= view.to && count < 60; at += step, count += 1) {
    visit(xOf(at), (at / 1e6).toFixed(digits));
  }
}

const drawGrid = () => eachTick((x) => paint(x - 0.5, LANES, 1, layout.bottom - LANES, colours.line));

function drawAxis() {
  paint(0, layout.bottom, timeline.clientWidth, AXIS, colours.panel);
  paint(GUTTER(), layout.bottom, width(), 1, colours.line);
  eachTick((x, label) => {
    paint(x - 0.5, layout.bottom, 1, 4, colours.line);
    write(label, x, layout.bottom + 16, colours.quiet, 'center', `11px ${colours.sans}`);
  });
  write('ms', 14, layout.bottom + 16, colours.quiet, 'left', `11px ${colours.sans}`);
}

// Chapters as bands over the whole height, each with its label or at least its number.
function drawParts() {
  const seen = parts.filter((part) => part.fact !== null && part.to >= view.from && part.from <= view.to);
  const edgesOf = (part) => [Math.max(xOf(part.from), GUTTER()), Math.min(xOf(part.to), GUTTER() + width())];
  for (const part of seen) {
    const [left, right] = edgesOf(part);
    if (part.number % 2 === 1) paint(left, 0, Math.max(right - left, 0), layout.bottom, colours.band);
    paint(right - 0.5, 0, 1, layout.bottom, colours.line);
  }
  let free = -Infinity;
  for (const part of seen) {
    const [left, right] = edgesOf(part);
    const middle = clamp((left + right) / 2, GUTTER() + 9, GUTTER() + width() - 9);
    ink.font = `600 11px ${colours.sans}`;
    const text = `${part.number}  ${part.title}`;
    const room = ink.measureText(text).width;
    if (part.state === 'red') paint(left, 0, Math.max(right - left, 2), 3, colours.red);
    if (right - left > room + 8) {
      write(text, middle, 17, part.state === 'red' ? colours.red : colours.ink, 'center', `600 11px ${colours.sans}`);
      free = middle + room / 2;
    } else if (middle - 8 > free) {
      write(String(part.number), middle, 17, part.state === 'red' ? colours.red : colours.quiet, 'center', `600 11px ${colours.sans}`);
      free = middle + 8;
    }
  }
}

// Facts that a claim rests on, or that a search found: a pin each, at most one every few pixels of a row.
function drawPins(ids, colour) {
  let low = first(ids.length, (i) => facts.time[ids[i]] >= view.from);
  const taken = new Map();
  for (let count = 0; low < ids.length && facts.time[ids[low]] <= view.to && count < 4000; low += 1, count += 1) {
    const row = facts.row[ids[low]];
    const x = xOf(facts.time[ids[low]]);
    if (!rowInView(row) || x - (taken.get(row) ?? -9) < 4) continue;
    taken.set(row, x);
    const y = rowTop(row) - 2;
    ink.fillStyle = colour;
    ink.beginPath();
    ink.moveTo(x, y);
    ink.lineTo(x - 3.5, y - 6);
    ink.lineTo(x + 3.5, y - 6);
    ink.fill();
    stats.drawn += 1;
  }
}

function drawSelection() {
  if (state.selected === undefined) return;
  const row = facts.row[state.selected];
  const x = xOf(facts.time[state.selected]);
  if (x < GUTTER() - 1 || x > GUTTER() + width() + 1 || !rowInView(row)) return;
  const y = rowTop(row);
  ink.strokeStyle = colours.select;
  ink.lineWidth = 1.5;
  ink.beginPath();
  ink.moveTo(x, LANES);
  ink.lineTo(x, layout.bottom);
  ink.globalAlpha = 0.35;
  ink.stroke();
  ink.globalAlpha = 1;
  ink.beginPath();
  ink.arc(x, y + layout.bar / 2, layout.bar / 2 + 3, 0, 7);
  ink.stroke();
  stats.drawn += 2;
}

function drawScrollBar() {
  const hidden = data.rows.length - layout.rows;
  if (hidden <= 0) return;
  const room = layout.bottom - LANES;
  const x = timeline.clientWidth - 6;
  paint(x, LANES + (view.top / data.rows.length) * room, 4, (layout.rows / data.rows.length) * room, colours.idle);
}

function drawTimeline() {
  const since = performance.now();
  stats.drawn = 0;
  sharpen(timeline, ink);
  lay();
  ink.clearRect(0, 0, timeline.clientWidth, timeline.clientHeight);
  drawParts();
  drawGrid();
  ink.save();
  ink.beginPath();
  ink.rect(0, LANES, timeline.clientWidth, layout.bottom - LANES);
  ink.clip();
  const last = Math.min(data.rows.length, Math.ceil(view.top + layout.rows + 1));
  for (let row = Math.max(0, Math.floor(view.top)); row < last; row += 1) {
    drawRow(row, row === state.row && document.activeElement === timeline);
  }
  ink.beginPath();
  ink.rect(GUTTER(), 0, width() + 6, layout.bottom);
  ink.clip();
  const arrows = drawArrows(state.selected);
  drawPins(state.hits, colours.accent);
  drawPins(state.pins, colours.pin);
  drawSelection();
  ink.restore();
  drawAxis();
  if (!facts.count) write('No facts arrived, so there is nothing to draw.', GUTTER() + 12, LANES + 30, colours.quiet);
  drawScrollBar();
  state.arrows = arrows.drawn;
  if (arrows.note !== state.note) $('note').textContent = state.note = arrows.note;
  stats.frames += 1;
  stats.ms = performance.now() - since;
  stats.most = Math.max(stats.most, stats.drawn);
  stats.view = [view.from, view.to];
}

listeners.push(drawTimeline);
