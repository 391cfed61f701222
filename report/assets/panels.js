// The story's column: tabs, chapters, claims.
const tabs = [...document.querySelectorAll('[role="tab"]')];

function openTab(tab) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute('aria-selected', String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    $(one.getAttribute('aria-controls')).hidden = !chosen;
  }
}

tabs.forEach((tab, at) => {
  tab.addEventListener('click', () => openTab(tab));
  tab.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(at + step + tabs.length) % tabs.length];
    openTab(next);
    next.focus();
  });
});
openTab(tabs[0]);

function lookAtPart(part) {
  if (!part || part.fact === null) return;
  const room = Math.max((part.to - part.from) * 0.04, 2000);
  look(part.from - room, part.to + room);
}

document.querySelectorAll('[data-part]').forEach((button) => {
  button.addEventListener('click', () => lookAtPart(parts[Number(button.dataset.part)]));
});

// The chapter whose time the view lies in is marked in the story.
listeners.push(() => {
  const middle = (view.from + view.to) / 2;
  const close = view.to - view.from < (end - begin) * 0.7;
  document.querySelectorAll('.chapter').forEach((chapter, at) => {
    const part = parts[at];
    chapter.classList.toggle('here', close && part.fact !== null && part.from <= middle && middle < part.to);
  });
});

// An opened claim shows its facts: pins on the timeline, and lines of the table.
const evidenceOf = new Map(data.claims.map((claim) => [claim.name, claim.facts]));

document.querySelectorAll('details.claim').forEach((claim) => {
  claim.addEventListener('toggle', () => {
    const { claim: name } = claim.dataset;
    const ids = [...(evidenceOf.get(name) || [])].sort((a, b) => facts.time[a] - facts.time[b] || a - b);
    if (!claim.open) {
      if (filter.evidence && filter.evidence.name === name) {
        filter.evidence = null;
        state.pins = [];
        applyFilter();
      }
      return;
    }
    document.querySelectorAll('details.claim[open]').forEach((other) => { if (other !== claim) other.open = false; });
    state.pins = ids;
    filter.evidence = ids.length ? { name, facts: ids } : null;
    applyFilter();
    if (!ids.length) return;
    lookAtFacts(ids);
    select(ids[0], false);
  });
});

// Copying works from a file only where the browser lets it.
const copy = $('copy');
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener('click', () => navigator.clipboard.writeText($('command').textContent).then(
    () => { copy.textContent = 'Copied'; setTimeout(() => { copy.textContent = 'Copy'; }, 1500); },
    () => { copy.hidden = true; },
  ));
}
