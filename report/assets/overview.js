// The strip that always shows the whole run: how busy each hart was, where the chapters lie, and which part is in view.
const overview = $('overview');
const thin = overview.getContext('2d');
let backdrop;

// Drawn once for each size and scheme, one line a row, one rectangle a pixel at most.
function drawBackdrop() {
  const [w, h] = [overview.clientWidth, overview.clientHeight];
  thin.clearRect(0, 0, w, h);
  const left = GUTTER();
  const scale = width() / (whole.to - whole.from);
  const x = (time) => left + (time - whole.from) * scale;
  parts.forEach((part) => {
    if (part.fact === null || part.number % 2 === 0) return;
    thin.fillStyle = colours.soft;
    thin.fillRect(x(part.from), 0, Math.max(x(part.to) - x(part.from), 1), h);
  });
  const pitch = (h - 8) / Math.max(data.rows.length, 1);
  tasks.forEach((spans, row) => {
    let i = 0;
    while (i < spans.length) {
      const from = x(spans[i].from);
      const until = whole.from + (from + 1.5 - left) / scale;
      const next = Math.max(i + 1, first(spans.length, (k) => spans[k].from >= until));
      const last = spans[next - 1];
      const to = Math.max(x(last.to), from + 1);
      const busy = last.before + last.to - last.from - spans[i].before;
      thin.globalAlpha = clamp(busy / Math.max(last.to - spans[i].from, 1), 0.2, 1);
      thin.fillStyle = colourOf(spans[i].id).fill;
      thin.fillRect(from, 4 + row * pitch, to - from, Math.max(pitch - 1, 0.5));
      i = next;
    }
  });
  thin.globalAlpha = 1;
}

function drawOverview() {
  const mark = [overview.clientWidth, overview.clientHeight, window.devicePixelRatio, colourBy,
    document.documentElement.dataset.theme].join();
  if (!backdrop || backdrop.mark !== mark) {
    sharpen(overview, thin);
    drawBackdrop();
    const image = document.createElement('canvas');
    [image.width, image.height] = [overview.width, overview.height];
    if (image.width && image.height) image.getContext('2d').drawImage(overview, 0, 0);
    backdrop = { mark, image };
  }
  const [w, h] = [overview.clientWidth, overview.clientHeight];
  if (!w || !h) return;
  thin.clearRect(0, 0, w, h);
  thin.drawImage(backdrop.image, 0, 0, w, h);
  const left = GUTTER();
  const scale = width() / (whole.to - whole.from);
  const [from, to] = [view.from, view.to].map((time) => left + (time - whole.from) * scale);
  thin.fillStyle = colours.panel;
  thin.globalAlpha = 0.62;
  thin.fillRect(left, 0, from - left, h);
  thin.fillRect(to, 0, left + width() - to, h);
  thin.globalAlpha = 1;
  thin.strokeStyle = colours.accent;
  thin.lineWidth = 1.5;
  thin.strokeRect(from, 1, Math.max(to - from, 3), h - 2);
}

listeners.push(drawOverview);

// A press puts the middle of the view there, and dragging moves it along.
overview.addEventListener('pointerdown', (event) => {
  overview.setPointerCapture(event.pointerId);
  const move = (at) => {
    const share = (at.offsetX - GUTTER()) / width();
    const middle = whole.from + share * (whole.to - whole.from);
    const half = (view.to - view.from) / 2;
    look(middle - half, middle + half);
  };
  move(event);
  overview.onpointermove = move;
});
for (const name of ['pointerup', 'pointercancel']) {
  overview.addEventListener(name, () => { overview.onpointermove = null; });
}
