// SPDX-License-Identifier: BSD-3-Clause
// The list of clusters, in which they are named, colored, merged and split.
"use strict";

function regroup() {
  group_of = [];
  groups.forEach(({ labels }, number) => labels.forEach((label) => (group_of[label] = number)));
  shown = count(groups.length, group_at);
  if (groups.some(({ quartiles }) => quartiles === null)) {
    const found = quartiles_of(group_at, groups.length);
    groups.forEach((group, number) => (group.quartiles ??= found[number]));
  }
  choice("clusters").replaceChildren(...groups.map(row_of));
  clear();
  show_legend();
}

function row_of(group, number) {
  const total = groups.reduce((sum, { pixels }) => sum + pixels, 0);
  const share = `${((100 * group.pixels) / Math.max(total, 1)).toFixed(1)} %`;
  const placeholder = title_of({ ...group, name: null });
  const tick = make("input", { type: "checkbox", onchange: () => toggle_group(number) });
  const color = make("input", { type: "color", value: group.color });
  const name = make("input", { type: "text", value: group.name ?? "", placeholder });
  color.onchange = () => {
    group.color = color.value;
    show_selection();
    show_legend();
  };
  name.onchange = () => {
    rename(group, name.value);
    name.value = group.name ?? "";
  };
  [tick, color, name].forEach((input, n) => {
    input.ariaLabel = `${["select", "color of", "name of"][n]} ${placeholder}`;
  });
  const cells = [tick, color, name, group.labels.join(", "), share, ""];
  return make("tr", {}, ...cells.map((content) => make("td", {}, content)));
}

// Take a name that region files can hold, and that no other group has.
function rename(group, text) {
  const name = text.replace(/[{};\p{C}]/gu, "").trim();
  if (groups.some((each) => each !== group && title_of(each) === name))
    return notify(`Another cluster is “${name}”. Merge them, or give another name.`);
  group.name = name || null;
  show_spectra();
  show_legend();
}

// Tick the rows of the selected clusters, and tell which share of each is selected.
function show_shares() {
  const parts = count(groups.length, (i) => (chosen?.[i] ? group_at(i) : -1));
  [...choice("clusters").rows].forEach(({ cells }, group) => {
    cells[0].firstChild.checked = ticked.has(group);
    const share = Math.round((100 * parts[group]) / shown[group]);
    cells[5].textContent = chosen !== null && shown[group] > 0 ? `${share} %` : "";
  });
}

// Colors of the map: those of no cluster, and in full screen those of the clusters too.
function show_legend() {
  const { sky_color, noise_color, missing_color } = facts;
  const colors = { [SKY]: sky_color, [NOISE]: noise_color, [MISSING]: missing_color };
  const others = [SKY, NOISE, MISSING].filter((label) => arrays.labels.includes(label));
  const items = groups.map((group) => ["cluster", group.color, title_of(group)]);
  for (const label of others)
    items.push([label === MISSING ? "missing" : "", colors[label], OTHERS[label]]);
  const entries = items.map(([className, color, text]) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.backgroundColor = color;
    return make("li", { className }, swatch, text);
  });
  choice("legend").replaceChildren(...entries);
}

function merge() {
  const taken = [...ticked].sort((a, b) => a - b);
  if (taken.length < 2) return notify("Tick two clusters in the list first.");
  const parts = taken.map((number) => groups[number]);
  const merged = {
    ...parts[0], // the largest
    name: parts.map(title_of).join(" + "),
    labels: parts.flatMap(({ labels }) => labels).sort((a, b) => a - b),
    pixels: parts.reduce((sum, { pixels }) => sum + pixels, 0),
    quartiles: null,
  };
  replace_groups(taken, [merged]);
  notify(`Merged into “${merged.name}”. Type another name in the list.`);
}

function split() {
  const merged = [...ticked].filter((number) => groups[number].labels.length > 1);
  if (merged.length === 0) return notify("Tick a merged cluster first.");
  const labels = merged.flatMap((number) => groups[number].labels);
  replace_groups(merged, labels.map((label) => ({ ...facts.originals[label] })));
  notify("Split into the clusters that it was made of.");
}

function replace_groups(old, added) {
  groups = groups.filter((_, number) => !old.includes(number)).concat(added);
  groups.sort((a, b) => b.pixels - a.pixels || a.labels[0] - b.labels[0]);
  regroup();
}
