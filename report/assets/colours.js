// Colours of tasks: Paul Tol's "muted" scheme, which people with any common colour blindness tell apart. On dark ground the
// darkest of them are lifted. Colour never stands alone: bars carry their task's number.
const MUTED = {
  light: ['#4a5fb4', '#8cc9e8', '#44a596', '#d9c774', '#c9687a', '#2f7d46', '#a8559a', '#9a9a3c', '#86304f', '#5f97c9'],
  dark: ['#7d8fdc', '#9bd4ee', '#57b9a9', '#e0cf80', '#dc8292', '#56a86c', '#c078b4', '#b3b356', '#b0607d', '#7cb0dd'],
};

const colours = {};

function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return light > 0.18 ? '#10140f' : '#ffffff';
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['page', 'panel', 'ink', 'quiet', 'line', 'soft', 'green', 'red', 'accent', 'band', 'idle', 'off',
    'entry', 'ipi', 'steal', 'select', 'pin']) {
    colours[name] = style.getPropertyValue('--' + name).trim();
  }
  colours.sans = style.getPropertyValue('--sans').trim();
  const theme = document.documentElement.dataset.theme;
  colours.tasks = MUTED[theme === 'dark' ? 'dark' : 'light'].map((fill) => ({ fill, ink: inkOn(fill) }));
  colours.tasks.slice(0, 2).forEach((task, at) => {
    document.documentElement.style.setProperty('--t' + at, task.fill);
  });
}

let colourBy = 'task';

// The colour of a run, by its dispatch.
function colourOf(id) {
  const list = colours.tasks;
  const [low, high] = [facts.low[0][id], facts.high[0][id]];
  if (colourBy === 'class') return list[[7, 0, 3, 4][facts.low[1][id]] || 0];
  if (colourBy === 'program') return list[(programOf.get(`${low}.${high}`) || 0) % list.length];
  return list[low % list.length];
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColours();
  redraw();
}
