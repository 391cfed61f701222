// Draws the rows. What is narrower than a few pixels is drawn together with its neighbours, found by bisection, so that a
// frame costs as much as it is wide and never as much as the run is long.
const NARROW = 2.5;
const LANES = 26; // height of the chapters' lane
const AXIS = 22;

const timeline = $('timeline');
const ink = timeline.getContext('2d');

const layout = { pitch: 56, bar: 24, rows: 0, bottom: 0 };

function lay() {
  const room = timeline.clientHeight - LANES - AXIS;
  layout.pitch = clamp(room / Math.max(data.rows.length, 1), 30, 76);
  layout.bar = clamp(layout.pitch * 0.42, 13, 28);
  layout.bottom = timeline.clientHeight - AXIS;
  layout.rows = Math.max(1, Math.floor(room / layout.pitch + 0.01));
  view.top = clamp(view.top, 0, Math.max(0, data.rows.length - layout.rows));
}

// Top edge of a row's bar; rows out of view lie outside the canvas' part for rows.
const rowTop = (row) => LANES + (row - view.top) * layout.pitch + (layout.pitch - layout.bar) * 0.45;
const rowInView = (row) => row >= view.top - 1 && row < view.top + layout.rows + 1;
const rowAt = (y) => {
  const row = Math.floor((y - LANES) / layout.pitch + view.top);
  return y >= LANES && y < layout.bottom && row >= 0 && row < data.rows.length ? row : -1;
};

function paint(x, y, w, h, fill) {
  ink.fillStyle = fill;
  ink.fillRect(x, y, w, h);
  stats.drawn += 1;
}

function write(text, x, y, fill, align = 'left', font = `12px ${colours.sans}`) {
  ink.font = font;
  ink.textAlign = align;
  ink.fillStyle = fill;
  ink.fillText(text, x, y);
  stats.drawn += 1;
}

function labelOf(span, room) {
  const [slot, generation] = [facts.low[0][span.id], facts.high[0][span.id]];
  const program = programName(slot, generation);
  for (const text of [`task ${slot}.${generation} ${program}`, `${slot}.${generation}`, `${slot}`]) {
    if (ink.measureText(text).width < room - 6) return text;
  }
  return '';
}

// Calls `wide` for each span that is wide enough, and `narrow` for each run of narrow ones, at most one every few pixels.
function walk(spans, wide, narrow) {
  let i = first(spans.length, (k) => spans[k].to >= view.from);
  while (i < spans.length && spans[i].from < view.to) {
    const span = spans[i];
    const [left, right] = [xOf(span.from), xOf(span.to)];
    if (right - left >= NARROW) {
      wide(span, Math.max(left, GUTTER()), Math.min(right, GUTTER() + width()));
      i += 1;
      continue;
    }
    const until = timeOf(left + NARROW);
    let next = Math.max(i + 1, first(spans.length, (k) => spans[k].from >= until));
    let last = spans[next - 1];
    if (next - 1 > i && xOf(last.to) - xOf(last.from) >= NARROW) last = spans[(next -= 1) - 1];
    const share = clamp((last.before + (last.to - last.from) - span.before) / (until - span.from), 0.25, 1);
    narrow(span, Math.max(left, GUTTER()), share);
    i = next;
  }
}

function drawBars(row, y) {
  ink.font = `11px ${colours.sans}`;
  walk(tasks[row], (span, left, right) => {
    const { fill, ink: on } = colourOf(span.id);
    ink.fillStyle = fill;
    ink.beginPath();
    ink.roundRect(left, y, Math.max(right - left - 0.5, 1), layout.bar, right - left > 8 ? 3 : 0);
    ink.fill();
    stats.drawn += 1;
    if (right - left > 16) {
      ink.font = `11px ${colours.sans}`;
      const text = labelOf(span, right - left);
      if (text) write(text, (left + right) / 2, y + layout.bar / 2 + 4, on, 'center', `11px ${colours.sans}`);
    }
  }, (span, left, share) => {
    ink.globalAlpha = share;
    paint(left, y, NARROW, layout.bar, colourOf(span.id).fill);
    ink.globalAlpha = 1;
  });
}

let hatch;

function drawAbsence(row, y) {
  const absent = (left, right, text) => {
    if (right - left < 1) return;
    ink.fillStyle = hatch;
    ink.fillRect(left, y, right - left, layout.bar);
    stats.drawn += 1;
    if (right - left > 60) write(text, (left + right) / 2, y + layout.bar / 2 + 4, colours.quiet, 'center', `11px ${colours.sans}`);
  };
  if (born[row] > view.from) absent(Math.max(xOf(begin), GUTTER()), Math.min(xOf(born[row]), GUTTER() + width()), 'not started');
  walk(offline[row], (span, left, right) => absent(left, right, 'offline'), (span, left) => absent(left, left + NARROW, ''));
}

function drawIdle(row, y) {
  const middle = y + layout.bar / 2 - 0.75;
  const line = (left, right, alpha) => {
    ink.globalAlpha = alpha;
    paint(left, middle, right - left, 1.5, colours.idle);
    ink.globalAlpha = 1;
  };
  walk(idle[row], (span, left, right) => line(left, right, 1), (span, left, share) => line(left, left + NARROW, share));
}

// Ticks under the bar, at most one every other pixel.
function drawTicks(ids, y, height, fill) {
  let i = first(ids.length, (k) => facts.time[ids[k]] >= view.from);
  ink.fillStyle = fill;
  ink.beginPath();
  while (i < ids.length && facts.time[ids[i]] <= view.to) {
    const x = xOf(facts.time[ids[i]]);
    ink.rect(x - 0.5, y, 1, height);
    stats.drawn += 1;
    const until = timeOf(x + 2);
    i = Math.max(i + 1, first(ids.length, (k) => facts.time[ids[k]] >= until));
  }
  ink.fill();
}

function drawRow(row, selected) {
  const y = rowTop(row);
  const top = LANES + (row - view.top) * layout.pitch;
  paint(GUTTER(), top + layout.pitch - 0.5, width(), 1, colours.line);
  drawAbsence(row, y);
  drawIdle(row, y);
  drawBars(row, y);
  drawTicks(entries[row], y + layout.bar + 2, 4, colours.entry);
  drawTicks(refusals[row], y + layout.bar + 2, 8, colours.red);
  const { cpu, hart } = data.rows[row];
  const middle = y + layout.bar / 2;
  paint(0, top, GUTTER() - 1, layout.pitch - 1, selected ? colours.soft : colours.panel);
  const narrow = GUTTER() < 80;
  if (layout.pitch >= 40 || narrow) {
    write(`cpu${cpu}`, 14, middle + (hart === null ? 4 : 0), colours.ink, 'left', `600 12px ${colours.sans}`);
    if (hart !== null) write(`hart ${hart}`, 14, middle + 14, colours.quiet, 'left', `11px ${colours.sans}`);
  } else {
    write(hart === null ? `cpu${cpu}` : `cpu${cpu} · hart ${hart}`, 8, middle + 4, colours.ink, 'left', `11px ${colours.sans}`);
  }
}

function makeHatch() {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const pen = tile.getContext('2d');
  pen.fillStyle = colours.off;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = colours.idle;
  pen.globalAlpha = 0.55;
  pen.beginPath();
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
  }
  pen.stroke();
  hatch = ink.createPattern(tile, 'repeat');
}
