// The selected fact: marked on the timeline and in the table, and told in words with what belongs to it.
const detail = $('detail');

const link = (id, text) => make('button', { type: 'button', 'data-fact': String(id), title: `${cpuOf(id)} #${facts.seq[id]}` }, text);

// Steps with the time between them: request, bell, seen, answer.
function stepsLine(steps, names) {
  const line = make('div', { class: 'chain' });
  steps.forEach((id, at) => {
    if (at) line.append(make('span', { class: 'quiet' }, `→ ${duration(facts.time[id] - facts.time[steps[at - 1]])} →`));
    line.append(link(id, names(id)));
  });
  return line;
}

const STEP = { Request: 'request', Ring: 'bell', Rode: 'rode on a bell', Seen: 'seen', Ack: 'answered', Enqueue: 'queued', Stolen: 'stolen', Dispatch: 'run' };
const stepName = (id) => `${STEP[kindName(id)] || kindName(id)} on ${cpuOf(id)}`;

function runLine(id) {
  const row = facts.row[id];
  const span = spanAt(tasks, row, facts.time[id]);
  if (!span) return '';
  const [low, high] = [facts.low[0][span.id], facts.high[0][span.id]];
  const lasts = span.last === NONE ? 'to the end' : `for ${duration(span.to - span.from)}`;
  const line = make('div', {}, `${taskWithProgram(low, high)} runs here ${lasts}: `, link(span.id, 'begin'));
  if (span.last !== NONE) line.append(link(span.last, words(span.last).replace(/^stops running /, '')));
  return line;
}

function tell(id) {
  detail.replaceChildren();
  if (id === undefined) {
    detail.append(make('div', { class: 'quiet' },
      'Choose a bar, an arrow or a line of the table. Drag to move along, turn the wheel to zoom, or use the keyboard.'));
    return;
  }
  const row = data.rows[facts.row[id]];
  detail.append(make('div', {},
    make('span', { class: 'where' }, `${ms(facts.time[id])} ms · ${cpuOf(id)} #${facts.seq[id]} · ${kindName(id)}`),
    make('span', { class: 'says' }, `${cpuOf(id)} ${words(id)}`),
    id > row.first ? link(id - 1, '‹ before') : '',
    id + 1 < row.first + row.count ? link(id + 1, 'after ›') : ''));
  for (const chain of (chainOf.get(id) || []).slice(0, 3)) {
    const line = stepsLine(chain.steps, stepName);
    line.prepend(make('span', {}, `cpu${data.rows[chain.source].cpu}->cpu${data.rows[chain.target].cpu} #${chain.n}: `));
    if (chain.ack === NONE) line.append(make('span', { class: 'quiet' }, '→ never answered'));
    detail.append(line);
  }
  if (thefts.has(id)) detail.append(stepsLine(thefts.get(id), stepName));
  if (groupOf(id) !== GROUP.idle) detail.append(runLine(id));
}

// Selects a fact; `show` says whether the timeline goes there if it is out of view.
function select(id, show = true) {
  state.selected = id;
  tell(id);
  if (id !== undefined) {
    state.row = facts.row[id];
    const { row } = state;
    if (row < view.top) view.top = row;
    if (row > view.top + layout.rows - 1) view.top = row - layout.rows + 1;
    const time = facts.time[id];
    if (show && (time < view.from || time > view.to)) {
      const half = (view.to - view.from) / 2;
      look(time - half, time + half);
    }
  }
  for (const button of document.querySelectorAll('.evidence [data-fact]')) {
    if (Number(button.dataset.fact) === id) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }
  revealInTable();
  redraw();
}

// Selects it and goes close.
function visit(id) {
  const span = Math.min(view.to - view.from, 600000);
  look(facts.time[id] - span / 2, facts.time[id] + span / 2);
  select(id, false);
}

document.addEventListener('click', (event) => {
  const target = event.target.closest && event.target.closest('[data-fact]');
  if (target) visit(Number(target.dataset.fact));
});
