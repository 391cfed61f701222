// IPIs and steals across the rows. At most so many are drawn; beyond that every second, third, ... and a note says so.
const ARROWS = 360;

// The arrows in view, thinned out, and by how much.
function thinned(arrows) {
  const low = first(arrows.length, (i) => arrows[i].reach >= view.from);
  const high = first(arrows.length, (i) => arrows[i].from > view.to);
  const stride = Math.max(1, Math.ceil((high - low) / ARROWS));
  const some = [];
  // One of each block, never the same one: a fixed step would show every second CPU of a run that goes round.
  for (let block = Math.floor(low / stride); block * stride < high; block += 1) {
    const i = block * stride + ((Math.imul(block, 2654435761) >>> 16) % stride);
    if (i < low || i >= high) continue;
    if (arrows[i].to >= view.from && (rowInView(arrows[i].source) || rowInView(arrows[i].target))) some.push(arrows[i]);
  }
  return { some, stride };
}

// The edges of two rows that face each other.
function edges(source, target) {
  const down = source < target;
  return down ? [rowTop(source) + layout.bar, rowTop(target)] : [rowTop(source), rowTop(target) + layout.bar];
}

function head(x0, y0, x1, y1, size) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  ink.beginPath();
  ink.moveTo(x1, y1);
  ink.lineTo(x1 - size * Math.cos(angle - 0.42), y1 - size * Math.sin(angle - 0.42));
  ink.lineTo(x1 - size * Math.cos(angle + 0.42), y1 - size * Math.sin(angle + 0.42));
  ink.fill();
}

// A chain's way: along the sender's row until the bell, over to where it was seen, along the target's row until the answer.
function wayOf(chain) {
  const [y0, y1] = edges(chain.source, chain.target);
  const x = (id) => xOf(facts.time[id]);
  const request = x(chain.request);
  const bell = chain.bell === NONE ? request : x(chain.bell);
  if (chain.ack === NONE) return [[request, y0], [bell, y0]];
  const ack = x(chain.ack);
  const seen = chain.seen === NONE ? ack : x(chain.seen);
  return [[request, y0], [bell, y0], [seen, y1], [ack, y1]];
}

function stroke(points, colour, thick, dash = []) {
  ink.strokeStyle = colour;
  ink.fillStyle = colour;
  ink.lineWidth = thick;
  ink.setLineDash(dash);
  ink.beginPath();
  points.forEach(([x, y], at) => (at ? ink.lineTo(x, y) : ink.moveTo(x, y)));
  ink.stroke();
  ink.setLineDash([]);
  stats.drawn += 1;
}

function drawChain(chain, strong, few) {
  const points = wayOf(chain);
  ink.globalAlpha = strong ? 1 : few ? 0.9 : 0.6;
  stroke(points, colours.ipi, strong ? 2.5 : few ? 1.4 : 1);
  if (points.length === 4) {
    const [x1, y1] = points[1];
    const [x2, y2] = points[2];
    head(x1, y1, x2, y2, strong ? 9 : 6);
    if (few || strong) {
      for (const [x, y] of [points[0], points[3]]) {
        ink.beginPath();
        ink.arc(x, y, 2.2, 0, 7);
        ink.fill();
      }
      const room = Math.hypot(x2 - x1, y2 - y1);
      if (room > 34 && Math.abs(y2 - y1) > 24 && few) {
        write(`#${chain.n}`, (x1 + x2) / 2 + 5, (y1 + y2) / 2 + 4, colours.ipi, 'left', `10px ${colours.sans}`);
      }
    }
  }
  ink.globalAlpha = 1;
}

function drawSteal(steal, few) {
  const [y0, y1] = edges(steal.source, steal.target);
  const x = xOf(steal.from);
  stroke([[x, y0], [x, y1]], colours.steal, 2, [5, 3]);
  head(x, y0, x, y1, 8);
  if (few && Math.abs(y1 - y0) > 20) {
    write(`${steal.count}`, x + 5, y1 + (y1 > y0 ? -9 : 16), colours.steal, 'left', `600 11px ${colours.sans}`);
  }
}

// Draws all and says what was left out.
function drawArrows(chosen) {
  const ipis = thinned(chains);
  const few = ipis.some.length <= 60;
  const drawn = [];
  for (const chain of ipis.some) {
    drawChain(chain, false, few);
    drawn.push({ points: wayOf(chain), chain });
  }
  const taken = thinned(steals);
  for (const steal of taken.some) {
    drawSteal(steal, taken.some.length <= 12);
    const [y0, y1] = edges(steal.source, steal.target);
    drawn.push({ points: [[xOf(steal.from), y0], [xOf(steal.from), y1]], steal });
  }
  for (const chain of (chosen === undefined ? [] : chainOf.get(chosen) || []).slice(0, 8)) drawChain(chain, true, true);
  const notes = [];
  if (ipis.stride > 1) notes.push(`one in ${ipis.stride} IPIs drawn`);
  if (taken.stride > 1) notes.push(`one in ${taken.stride} steals drawn`);
  return { drawn, note: notes.length ? `${notes.join(', ')}; zoom in for all` : '' };
}
