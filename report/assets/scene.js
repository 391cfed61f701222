// What is drawn, sorted so that a frame finds its part of it by bisection.
const begin = data.window[0];
const end = Math.max(data.window[1], begin + 1000);

// Spans of each row: when, from which fact to which, and how much of the time before each was taken.
function spansOf(list) {
  const rows = data.rows.map(() => []);
  for (let i = 0; i < list.length; i += 2) {
    const [from, to] = [list[i], list[i + 1]];
    rows[facts.row[from]].push({ from: facts.time[from], to: to === NONE ? end : facts.time[to], id: from, last: to });
  }
  return rows.map((spans) => {
    spans.sort((a, b) => a.from - b.from || a.id - b.id);
    let taken = 0;
    return spans.map((span) => {
      const before = taken;
      taken += span.to - span.from;
      return { ...span, before };
    });
  });
}

// Ids of each row's facts of some kinds, by time.
function marksOf(wanted) {
  const rows = data.rows.map(() => []);
  for (const id of byTime) if (wanted(id)) rows[facts.row[id]].push(id);
  return rows;
}

const tasks = spansOf(idsOf('spans'));
const idle = spansOf(idsOf('idle'));
const offline = spansOf(idsOf('offline'));

// Before it is online for the first time a hart is not there yet.
const born = data.rows.map((row) => {
  for (let id = row.first; id < row.first + row.count; id += 1) {
    if (facts.kind[id] === KIND.Online) return facts.time[id];
    if (facts.kind[id] === KIND.Dispatch) break;
  }
  return begin;
});

const isFault = (id) => facts.kind[id] === KIND.Fault;
const refusals = marksOf((id) => isFault(id) || groupOf(id) === GROUP.refusals);
const entries = marksOf((id) => facts.kind[id] === KIND.TrapUser || facts.kind[id] === KIND.Timer);

// Arrows have two ends; `reach` is the latest end of all that begin no later, so that bisection finds the first in view.
function withReach(arrows) {
  arrows.sort((a, b) => a.from - b.from);
  let reach = -Infinity;
  for (const arrow of arrows) {
    reach = Math.max(reach, arrow.to);
    arrow.reach = reach;
  }
  return arrows;
}

const chains = (() => {
  const list = idsOf('chains');
  const arrows = [];
  for (let i = 0; i < list.length; i += 4) {
    const [request, bell, seen, ack] = list.subarray(i, i + 4);
    const target = rowOfCpu.get(facts.low[0][request]);
    const steps = [request, bell, seen, ack].filter((id) => id !== NONE);
    const to = facts.time[steps[steps.length - 1]];
    arrows.push({
      request, bell, seen, ack, steps, from: facts.time[request], to, source: facts.row[request], target,
      n: facts.low[1][request],
    });
  }
  return withReach(arrows.filter((arrow) => arrow.target !== undefined));
})();

const chainOf = new Map();
for (const chain of chains) for (const id of chain.steps) chainOf.set(id, (chainOf.get(id) || []).concat(chain));

const steals = withReach(Array.from(idsOf('steals'), (id) => ({
  id, from: facts.time[id], to: facts.time[id], source: rowOfCpu.get(facts.low[0][id]), target: facts.row[id],
  count: facts.low[1][id],
})).filter((steal) => steal.source !== undefined));

const thefts = (() => {
  const list = idsOf('thefts');
  const ways = new Map();
  for (let i = 0; i < list.length; i += 3) {
    const steps = Array.from(list.subarray(i, i + 3)).filter((id) => id !== NONE);
    for (const id of steps) ways.set(id, steps);
  }
  return ways;
})();

const parts = data.parts.map((part, number) => ({ ...part, number: number + 1 }));

// The span of a row that covers a moment, if one does.
function spanAt(rows, row, time) {
  const spans = rows[row];
  const span = spans[first(spans.length, (i) => spans[i].from > time) - 1];
  return span && span.to >= time ? span : undefined;
}
