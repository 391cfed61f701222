// Small things that everything else uses.
const $ = (id) => document.getElementById(id);

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'on') element.addEventListener('click', value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// The first place in 0..length at which `reached` holds; it holds from there on.
function first(length, reached) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function bytesOf(name) {
  const text = atob($('block-' + name).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  $('block-' + name).remove();
  return bytes;
}

// A list of fact numbers.
function idsOf(name) {
  const bytes = bytesOf(name);
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

const NONE = 0xffffffff;
const data = JSON.parse($('data').textContent);

function ms(ns, digits = 4) {
  return (ns / 1e6).toFixed(digits);
}

function duration(ns) {
  if (Math.abs(ns) < 1e3) return `${Math.round(ns)} ns`;
  if (Math.abs(ns) < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
  return `${(ns / 1e6).toFixed(3)} ms`;
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');

// What the tests look at; nothing on the page depends on it.
const stats = { frames: 0, drawn: 0, most: 0, ms: 0, facts: 0 };
window.__stats = stats;
