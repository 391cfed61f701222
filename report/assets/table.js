// The facts in words, as many lines as fit; the rest is a height. Lines are made anew only when others come into view.
const table = $('table');
const lines = $('lines');
const LINE = 26;
// Browsers cannot make boxes of any height. Beyond this many lines the table shows the first ones and says so.
const MOST = 600000;

const filter = { row: '', kind: '', inView: true, evidence: null };
let listed = byTime; // what row and kind leave
let shown = { from: 0, to: byTime.length }; // which of them are in view
let painted = '';

for (const [index, row] of data.rows.entries()) $('by-row').append(make('option', { value: String(index) }, `cpu${row.cpu}`));
{
  const present = new Uint32Array(data.kinds.length);
  for (let id = 0; id < facts.count; id += 1) present[facts.kind[id]] += 1;
  data.groups.forEach((name, group) => {
    const kinds = data.kinds.map((kind, number) => ({ ...kind, number })).filter((kind) => kind.group === group && present[kind.number]);
    if (!kinds.length) return;
    const box = make('optgroup', { label: name }, make('option', { value: `g${group}` }, `all ${name}`));
    kinds.forEach((kind) => box.append(make('option', { value: `k${kind.number}` }, `${kind.name} (${present[kind.number]})`)));
    $('by-kind').append(box);
  });
}

function applyFilter() {
  const { row, kind, evidence } = filter;
  const number = Number(kind.slice(1));
  listed = evidence ? Uint32Array.from(evidence.facts) : byTime;
  if (!evidence && (row !== '' || kind !== '')) {
    const fits = kind[0] === 'g' ? (id) => groupOf(id) === number : (id) => facts.kind[id] === number;
    listed = byTime.filter((id) => (row === '' || facts.row[id] === Number(row)) && (kind === '' || fits(id)));
  }
  $('evidence').hidden = !evidence;
  if (evidence) $('evidence').textContent = `the facts of “${evidence.name}” ✕`;
  painted = '';
  table.scrollTop = 0;
  redraw();
}

function drawTable() {
  const narrowed = filter.inView && !filter.evidence;
  shown = {
    from: narrowed ? first(listed.length, (i) => facts.time[listed[i]] >= view.from) : 0,
    to: narrowed ? first(listed.length, (i) => facts.time[listed[i]] > view.to) : listed.length,
  };
  const count = Math.min(shown.to - shown.from, MOST);
  const top = clamp(Math.floor((table.scrollTop - LINE) / LINE) - 4, 0, count);
  const bottom = Math.min(count, top + Math.ceil(table.clientHeight / LINE) + 9);
  const mark = [shown.from, shown.to, top, bottom, state.selected].join();
  if (mark === painted) return;
  painted = mark;
  lines.style.height = `${count * LINE}px`;
  table.setAttribute('aria-rowcount', String(count + 1));
  const made = [];
  let active = '';
  for (let at = top; at < bottom; at += 1) {
    const id = listed[shown.from + at];
    const line = make('div', { role: 'row', 'aria-rowindex': String(at + 2), id: `line-${id}`, 'data-line': String(id) },
      make('span', { role: 'gridcell' }, ms(facts.time[id])),
      make('span', { role: 'gridcell' }, cpuOf(id)),
      make('span', { role: 'gridcell' }, String(facts.seq[id])),
      make('span', { role: 'gridcell', class: 'kind' }, kindName(id)),
      make('span', { role: 'gridcell' }, words(id)));
    line.style.top = `${at * LINE}px`;
    if (id === state.selected) {
      line.setAttribute('aria-selected', 'true');
      active = line.id;
    }
    made.push(line);
  }
  lines.replaceChildren(...made);
  if (active) table.setAttribute('aria-activedescendant', active);
  else table.removeAttribute('aria-activedescendant');
  const all = grouped(facts.count);
  const where = filter.evidence ? 'facts of this claim' : `of ${all} facts${filter.inView ? ' in view' : ''}`;
  $('count').textContent = `${grouped(shown.to - shown.from)} ${where}`;
  stats.lines = made.length;
}

// The place of a fact among the lines, or -1.
function placeOf(id) {
  let at = first(listed.length, (i) => facts.time[listed[i]] >= facts.time[id]);
  while (at < listed.length && listed[at] !== id && facts.time[listed[at]] === facts.time[id]) at += 1;
  return listed[at] === id && at >= shown.from && at < shown.to ? at - shown.from : -1;
}

// Scrolls the table to the selected fact, once the lines are those of the view.
function revealInTable() {
  requestAnimationFrame(() => {
    if (state.selected === undefined) return;
    drawTable();
    const place = placeOf(state.selected);
    if (place < 0) return;
    const room = table.clientHeight - LINE;
    if (place * LINE < table.scrollTop || (place + 1) * LINE > table.scrollTop + room) {
      table.scrollTop = Math.max(0, Math.round(place - room / 2 / LINE) * LINE);
    }
    redraw();
  });
}

listeners.push(drawTable);
table.addEventListener('scroll', redraw, { passive: true });
lines.addEventListener('click', (event) => {
  const line = event.target.closest('[data-line]');
  if (line) select(Number(line.dataset.line));
});
lines.addEventListener('dblclick', (event) => {
  const line = event.target.closest('[data-line]');
  if (line) visit(Number(line.dataset.line));
});
table.addEventListener('keydown', (event) => {
  const page = Math.max(1, Math.floor(table.clientHeight / LINE) - 2);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key === 'Enter' && state.selected !== undefined) visit(state.selected);
  if (!(event.key in steps) || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const place = state.selected === undefined ? -1 : placeOf(state.selected);
  const count = shown.to - shown.from;
  if (count) select(listed[shown.from + clamp((place < 0 ? -1 : place) + steps[event.key], 0, count - 1)]);
});
$('by-row').addEventListener('change', (event) => { filter.row = event.target.value; filter.evidence = null; applyFilter(); });
$('by-kind').addEventListener('change', (event) => { filter.kind = event.target.value; filter.evidence = null; applyFilter(); });
$('in-view').addEventListener('change', (event) => { filter.inView = event.target.checked; applyFilter(); });
$('evidence').addEventListener('click', () => { filter.evidence = null; state.pins = []; applyFilter(); table.focus(); });
