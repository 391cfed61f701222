// The facts as columns, and each of them in words.
const facts = (() => {
  const bytes = bytesOf('facts');
  const count = data.rows.reduce((sum, row) => sum + row.count, 0);
  const columns = {
    count,
    kind: new Uint8Array(count),
    row: new Uint16Array(count),
    seq: new Uint32Array(count),
    time: new Float64Array(count),
    low: [0, 1, 2].map(() => new Uint32Array(count)),
    high: [0, 1, 2].map(() => new Uint32Array(count)),
  };
  let at = 0;
  let low = 0;
  let high = 0;
  const number = () => {
    low = 0;
    high = 0;
    let shift = 0;
    let byte;
    do {
      byte = bytes[at++];
      const bits = byte & 127;
      if (shift < 32) {
        low = (low | (bits << shift)) >>> 0;
        if (shift > 25) high = (high | (bits >>> (32 - shift))) >>> 0;
      } else {
        high = (high | (bits << (shift - 32))) >>> 0;
      }
      shift += 7;
    } while (byte & 128);
  };
  const step = () => {
    number();
    const half = high * 2147483648 + (low >>> 1);
    return low & 1 ? -half - 1 : half;
  };
  let id = 0;
  data.rows.forEach((row, index) => {
    let seq = 0;
    let time = 0;
    for (let i = 0; i < row.count; i += 1, id += 1) {
      columns.kind[id] = bytes[at++];
      columns.row[id] = index;
      seq += step();
      columns.seq[id] = seq;
      seq += 1;
      time += step();
      columns.time[id] = time < 0 ? time + 18446744073709551616 : time;
      for (let word = 0; word < 3; word += 1) {
        number();
        columns.low[word][id] = low;
        columns.high[word][id] = high;
      }
    }
  });
  return columns;
})();
stats.facts = facts.count;

const KIND = Object.fromEntries(data.kinds.map((kind, number) => [kind.name, number]));
const GROUP = Object.fromEntries(data.groups.map((name, number) => [name, number]));
const groupOf = (id) => data.kinds[facts.kind[id]].group;

// All facts by time; facts of one moment by CPU, in its own order.
const byTime = Uint32Array.from({ length: facts.count }, (_, id) => id)
  .sort((a, b) => facts.time[a] - facts.time[b] || a - b);

const programOf = new Map(data.tasks.map(([slot, generation, program]) => [`${slot}.${generation}`, program]));

function programName(slot, generation) {
  const program = programOf.get(`${slot}.${generation}`);
  if (program === null || program === undefined) return '';
  return data.programs[program] || `program ${program + 1}`;
}

const taskName = (low, high) => `task ${low}.${high}`;

function taskWithProgram(low, high) {
  const program = programName(low, high);
  return program ? `${taskName(low, high)} (${program})` : taskName(low, high);
}

const readers = {
  number: (low, high) => ((BigInt(high) << 32n) | BigInt(low)).toString(),
  hex: (low, high) => '0x' + ((BigInt(high) << 32n) | BigInt(low)).toString(16),
  task: taskName,
  parent: (low, high) => (low || high ? `child of ${taskName(low, high)}` : 'the first thread of its program'),
  cpu: (low) => `cpu${low}`,
  time: (low, high) => `${ms(high * 4294967296 + low)} ms`,
  cause: (low, high) => data.values.cause[high >>> 31 ? low + 100 : low] || `cause ${low}`,
};

const sentences = data.kinds.map((kind) => kind.says.split(/\{(\d:\w+)\}/).map((part, at) => {
  if (at % 2 === 0) return part;
  const [word, type] = part.split(':');
  return { word: Number(word), type };
}));

// A fact in words, without the CPU that states it.
function words(id) {
  return sentences[facts.kind[id]].map((part) => {
    if (typeof part === 'string') return part;
    const low = facts.low[part.word][id];
    const high = facts.high[part.word][id];
    const read = readers[part.type];
    return read ? read(low, high) : (data.values[part.type] || {})[low] || `${part.type} ${low}`;
  }).join('');
}

const cpuOf = (id) => `cpu${data.rows[facts.row[id]].cpu}`;
const kindName = (id) => data.kinds[facts.kind[id]].name;
const rowOfCpu = new Map(data.rows.map((row, index) => [row.cpu, index]));
