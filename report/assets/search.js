// Search: a task, a request, a CPU's fact, a kind, or words of a fact's sentence. Hits are facts, by time.
const query = $('query');
const found = { ids: [], at: -1, text: '' };

function predicate(text) {
  const task = /^task\s+(\d+)(?:\.(\d+))?$/i.exec(text);
  if (task) {
    const [slot, generation] = [Number(task[1]), task[2] && Number(task[2])];
    const fields = sentences.map((parts) => parts.filter((part) => part.type === 'task' || part.type === 'parent').map((part) => part.word));
    return (id) => fields[facts.kind[id]].some((word) => facts.low[word][id] === slot
      && (generation === undefined ? facts.high[word][id] > 0 : facts.high[word][id] === generation));
  }
  const request = /^cpu(\d+)\s*(?:->|→|to)\s*cpu(\d+)(?:\s*#?\s*(\d+))?$/i.exec(text);
  if (request) {
    const ids = new Set();
    for (const chain of chains) {
      if (data.rows[chain.source].cpu === Number(request[1]) && data.rows[chain.target].cpu === Number(request[2])
        && (request[3] === undefined || chain.n === Number(request[3]))) chain.steps.forEach((id) => ids.add(id));
    }
    return (id) => ids.has(id);
  }
  const fact = /^cpu(\d+)\s*#(\d+)$/i.exec(text);
  if (fact) {
    const [row, seq] = [rowOfCpu.get(Number(fact[1])), Number(fact[2])];
    return (id) => facts.row[id] === row && facts.seq[id] === seq;
  }
  const lower = text.toLowerCase();
  const kinds = new Set(data.kinds.flatMap((kind, number) => (kind.name.toLowerCase() === lower ? [number] : [])));
  if (kinds.size) return (id) => kinds.has(facts.kind[id]);
  const part = parts.find((one) => one.fact !== null && [one.line, one.title].some((name) => name.toLowerCase().includes(lower)));
  const named = part ? part.fact : -1;
  return (id) => id === named || `${cpuOf(id)} ${words(id)}`.toLowerCase().includes(lower);
}

function search() {
  const text = query.value.trim();
  if (text === found.text) return;
  found.text = text;
  found.ids = [];
  found.at = -1;
  if (text) {
    const fits = predicate(text);
    for (const id of byTime) if (fits(id)) found.ids.push(id);
  }
  state.hits = found.ids;
  tellHits();
  redraw();
}

function tellHits() {
  const count = grouped(found.ids.length);
  $('hits').textContent = !found.text ? '' : !found.ids.length ? 'no hit' : found.at < 0 ? `${count} hits` : `${found.at + 1} of ${count}`;
}

function go(step) {
  search();
  const { ids } = found;
  if (!ids.length) return;
  // From a fact that was selected otherwise the search goes on from there.
  const here = state.selected;
  if (found.at < 0 || ids[found.at] !== here) {
    const time = here === undefined ? view.from : facts.time[here];
    const after = first(ids.length, (i) => facts.time[ids[i]] > time || (here !== undefined && facts.time[ids[i]] === time && ids[i] > here));
    found.at = step > 0 ? after - 1 : after + (ids[after - 1] === here ? -1 : 0);
  }
  found.at = (found.at + step + ids.length) % ids.length;
  tellHits();
  visit(ids[found.at]);
}

let waiting;
query.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, 120);
});
query.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') go(event.shiftKey ? -1 : 1);
  if (event.key === 'Escape') {
    query.value = '';
    search();
    timeline.focus();
  }
});
$('next').addEventListener('click', () => go(1));
$('previous').addEventListener('click', () => go(-1));
