// Mouse, touch and keyboard on the timeline; and the start of it all.
const tip = $('tip');

function distance([x0, y0], [x1, y1], x, y) {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const share = length ? clamp(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1) : 0;
  return Math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0));
}

function nearest(ids, x) {
  const time = timeOf(x);
  const at = first(ids.length, (i) => facts.time[ids[i]] >= time);
  const near = [ids[at - 1], ids[at]].filter((id) => id !== undefined && Math.abs(xOf(facts.time[id]) - x) < 5);
  return near.sort((a, b) => Math.abs(facts.time[a] - time) - Math.abs(facts.time[b] - time))[0];
}

// How near an arrow is, in pixels; not a number if it is not near at all, and never 0.
function near(arrow, x, y) {
  let far = Infinity;
  for (let i = 1; i < arrow.points.length; i += 1) far = Math.min(far, distance(arrow.points[i - 1], arrow.points[i], x, y));
  return far < 5 ? far + 0.001 : NaN;
}

// What is under the pointer: its fact, and words for it.
function under(x, y) {
  if (y < LANES) {
    const part = parts.find((one) => one.fact !== null && one.from <= timeOf(x) && timeOf(x) < one.to);
    return part && { part, text: `${part.number}. ${part.title}: until “${part.line}”, ${duration(part.to - part.from)}` };
  }
  const row = rowAt(y);
  if (row < 0 || x < GUTTER()) return row < 0 ? undefined : { row, text: '' };
  let best;
  for (const arrow of state.arrows) {
    const far = near(arrow, x, y);
    if (far && (!best || far < best.far)) best = { far, arrow };
  }
  if (best && best.arrow.steal) {
    const { id } = best.arrow.steal;
    return { row, id, text: `${cpuOf(id)} ${words(id)}` };
  }
  const top = rowTop(row);
  if (y > top + layout.bar && y < top + layout.bar + 11) {
    const id = nearest(refusals[row], x) ?? nearest(entries[row], x);
    if (id !== undefined) return { row, id, text: `${cpuOf(id)} ${words(id)}` };
  }
  if (best) {
    const { chain } = best.arrow;
    const ends = chain.ack === NONE ? 'never answered' : `answered after ${duration(chain.to - chain.from)}`;
    return { row, id: chain.request, text: `${cpuOf(chain.request)} ${words(chain.request)}; ${ends}` };
  }
  const span = spanAt(tasks, row, timeOf(x));
  if (span) {
    const name = taskWithProgram(facts.low[0][span.id], facts.high[0][span.id]);
    const why = span.last === NONE ? 'to the end of the run' : `then ${data.values.leave[facts.low[1][span.last]]}`;
    const kind = data.values.class[facts.low[1][span.id]];
    return { row, id: span.id, text: `${name}, class ${kind}: ${duration(span.to - span.from)} on ${cpuOf(span.id)}, ${why}` };
  }
  const gone = spanAt(offline, row, timeOf(x));
  if (gone) return { row, id: gone.id, text: `${cpuOf(gone.id)} is offline for ${duration(gone.to - gone.from)}` };
  const rest = spanAt(idle, row, timeOf(x));
  if (rest) return { row, id: rest.id, text: `${cpuOf(rest.id)} is idle for ${duration(rest.to - rest.from)}` };
  return { row, text: '' };
}

function hint(event, text) {
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${clamp(event.clientX + 14, 4, window.innerWidth - box.width - 8)}px`;
  tip.style.top = `${event.clientY + 18 + box.height > window.innerHeight ? event.clientY - box.height - 10 : event.clientY + 18}px`;
}

// Where an event is on the timeline. `offsetX` would be rounded, and the timeline need not begin at a whole pixel.
function place(event) {
  const box = timeline.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

const fingers = new Map();
let moved = 0;

timeline.addEventListener('pointerdown', (event) => {
  fingers.set(event.pointerId, event);
  moved = 0;
  timeline.setPointerCapture(event.pointerId);
  timeline.classList.add('dragging');
  hint(event, '');
});
timeline.addEventListener('pointermove', (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) {
    const thing = under(...place(event));
    hint(event, thing && thing.text);
    return;
  }
  const dx = event.clientX - before.clientX;
  moved += Math.abs(dx) + Math.abs(event.clientY - before.clientY);
  if (fingers.size === 2) {
    const [other] = [...fingers.entries()].filter(([id]) => id !== event.pointerId).map(([, finger]) => finger);
    const [was, is] = [Math.abs(before.clientX - other.clientX), Math.abs(event.clientX - other.clientX)];
    if (was > 10 && is > 10) zoom(was / is, timeOf(place(other)[0]));
  } else if (moved > 3) {
    pan(-dx / width());
    view.top = clamp(view.top - (event.clientY - before.clientY) / layout.pitch, 0, Math.max(0, data.rows.length - layout.rows));
  }
  fingers.set(event.pointerId, event);
});
for (const name of ['pointerup', 'pointercancel']) {
  timeline.addEventListener(name, (event) => {
    const pressed = fingers.delete(event.pointerId);
    timeline.classList.toggle('dragging', fingers.size > 0);
    if (!pressed || moved > 3 || name === 'pointercancel') return;
    const thing = under(...place(event));
    if (!thing) return;
    if (thing.part) lookAtPart(thing.part);
    else if (thing.id !== undefined) select(thing.id, false);
    else state.row = thing.row;
    redraw();
  });
}
timeline.addEventListener('pointerleave', (event) => hint(event, ''));
timeline.addEventListener('dblclick', (event) => zoom(0.35, timeOf(place(event)[0])));

// Where the page itself scrolls, the wheel zooms only once the timeline has the focus, or with Ctrl held.
timeline.addEventListener('wheel', (event) => {
  const scrolls = document.documentElement.scrollHeight > window.innerHeight + 4;
  if (scrolls && !event.ctrlKey && !event.metaKey && !event.shiftKey && document.activeElement !== timeline) {
    hint(event, 'Click the timeline, or hold Ctrl, to zoom with the wheel.');
    return;
  }
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 30 : 1;
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  if (event.altKey) view.top = clamp(view.top + dy / layout.pitch, 0, Math.max(0, data.rows.length - layout.rows));
  else if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) pan((dx || dy) / width());
  else zoom(Math.exp(clamp(dy, -240, 240) / 320), timeOf(place(event)[0]));
  redraw();
}, { passive: false });

function stepFact(step) {
  const row = data.rows[state.row];
  let id = state.selected;
  if (id === undefined || facts.row[id] !== state.row) {
    const time = id === undefined ? view.from : facts.time[id];
    id = row.first + first(row.count, (i) => facts.time[row.first + i] >= time) - (step > 0 ? 1 : 0);
  }
  if (row.count) select(clamp(id + step, row.first, row.first + row.count - 1));
}

function chooseRow(step) {
  state.row = clamp(state.row + step, 0, data.rows.length - 1);
  if (state.row < view.top) view.top = state.row;
  if (state.row > view.top + layout.rows - 1) view.top = state.row - layout.rows + 1;
  redraw();
}

const keys = {
  ArrowLeft: () => pan(-0.12), ArrowRight: () => pan(0.12), PageUp: () => pan(-0.9), PageDown: () => pan(0.9),
  ArrowUp: () => chooseRow(-1), ArrowDown: () => chooseRow(1),
  '+': () => zoom(0.6, focus()), '=': () => zoom(0.6, focus()), '-': () => zoom(1 / 0.6, focus()), '_': () => zoom(1 / 0.6, focus()),
  Home: () => look(whole.from, whole.from + view.to - view.from), End: () => look(whole.to - view.to + view.from, whole.to),
  0: lookAtAll, ',': () => stepFact(-1), '.': () => stepFact(1),
  Enter: () => state.selected !== undefined && visit(state.selected), Escape: () => select(undefined),
};

// Zooming keeps the selected fact where it is, if it is in view.
function focus() {
  const time = state.selected === undefined ? NaN : facts.time[state.selected];
  return time >= view.from && time <= view.to ? time : (view.from + view.to) / 2;
}

timeline.addEventListener('keydown', (event) => {
  const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const act = { '/': () => query.focus(), n: () => go(1), p: () => go(-1), t: () => $('theme').click() }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
timeline.addEventListener('focus', redraw);
timeline.addEventListener('blur', redraw);

$('in').addEventListener('click', () => zoom(0.6, focus()));
$('out').addEventListener('click', () => zoom(1 / 0.6, focus()));
$('all').addEventListener('click', lookAtAll);
$('colour').addEventListener('change', (event) => {
  colourBy = event.target.value;
  redraw();
});

const dark = window.matchMedia('(prefers-color-scheme: dark)');
const theme = $('theme');
const paintTheme = (name) => {
  setTheme(name);
  makeHatch();
};
theme.hidden = false;
theme.addEventListener('click', () => paintTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
dark.addEventListener('change', () => paintTheme(dark.matches ? 'dark' : 'light'));

// The timeline takes what its rows need, and leaves the table at least half of the column.
function size() {
  const wanted = clamp(data.rows.length * 58 + LANES + AXIS, 150, Math.max(window.innerHeight * 0.46, 220));
  timeline.style.height = `${wanted}px`;
  redraw();
}

paintTheme(dark.matches ? 'dark' : 'light');
view.from = whole.from;
view.to = whole.to;
size();
tell(undefined);
window.addEventListener('resize', size);
new ResizeObserver(redraw).observe(timeline);
window.__report = { facts, state, view, whole, found, chains, parts, words, look, select, evidenceOf, xOf, near, rowTop, layout, tasks };
