// Which part of the run is seen: times, and rows when there are more than fit.
const view = { from: begin, to: end, top: 0 };
const whole = { from: begin - (end - begin) * 0.008, to: end + (end - begin) * 0.008 };
const LEAST = 200; // ns across the whole width, two ticks of QEMU's clock

const GUTTER = () => (timeline.clientWidth < 560 ? 52 : 92);
const width = () => Math.max(timeline.clientWidth - GUTTER() - 12, 50);
const xOf = (time) => GUTTER() + ((time - view.from) / (view.to - view.from)) * width();
const timeOf = (x) => view.from + ((x - GUTTER()) / width()) * (view.to - view.from);

const listeners = [];
let scheduled = false;

// Draws with the next frame, once, however often it is asked for.
function redraw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    listeners.forEach((listener) => listener());
  });
}

function look(from, to) {
  const span = clamp(to - from, LEAST, whole.to - whole.from);
  const middle = (from + to) / 2;
  view.from = clamp(middle - span / 2, whole.from, whole.to - span);
  view.to = view.from + span;
  redraw();
}

function zoom(factor, at = (view.from + view.to) / 2) {
  const span = clamp((view.to - view.from) * factor, LEAST, whole.to - whole.from);
  const share = (at - view.from) / (view.to - view.from);
  look(at - span * share, at + span * (1 - share));
}

function pan(share) {
  const step = (view.to - view.from) * share;
  look(view.from + step, view.to + step);
}

const lookAtAll = () => look(whole.from, whole.to);

// Zooms so that these facts fill the middle of the view.
function lookAtFacts(ids) {
  if (!ids.length) return;
  let low = Infinity;
  let high = -Infinity;
  for (const id of ids) {
    low = Math.min(low, facts.time[id]);
    high = Math.max(high, facts.time[id]);
  }
  const room = Math.max((high - low) * 0.15, 20000);
  look(low - room, high + room);
}
