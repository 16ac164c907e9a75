// SPDX-License-Identifier: BSD-3-Clause
// The list of clusters, in which they are named, colored, merged and split.
"use strict";

function regroup() {
  group_of = [];
  groups.forEach((group, number) => {
    for (const label of group.labels) group_of[label] = number;
  });
  shown = count(groups.length, group_at);
  complete_quartiles();
  choice("clusters").replaceChildren(...groups.map(row_of));
  clear();
  show_legend();
}

// Quartiles of the groups that were made here.
function complete_quartiles() {
  const own = groups.map((group, number) => (group.quartiles ? -1 : number));
  if (own.every((number) => number < 0)) return;
  const found = quartiles_of((i) => own[group_at(i)] ?? -1, groups.length);
  groups.forEach((group, number) => (group.quartiles ??= found[number]));
}

function row_of(group, number) {
  const total = groups.reduce((sum, { pixels }) => sum + pixels, 0);
  const share = ((100 * group.pixels) / Math.max(total, 1)).toFixed(1);
  const tick = make("input", { type: "checkbox" });
  const color = make("input", { type: "color", value: group.color });
  const name = make("input", { type: "text", value: group.name ?? "", maxLength: 200 });
  name.placeholder = title_of({ ...group, name: null });
  const named = () => {
    tick.ariaLabel = `select ${title_of(group)}`;
    color.ariaLabel = `color of ${title_of(group)}`;
    name.ariaLabel = `name of ${name.placeholder}`;
  };
  tick.addEventListener("change", () => toggle_group(number));
  color.addEventListener("change", () => {
    group.color = color.value;
    show_selection();
    show_legend();
  });
  name.addEventListener("change", () => {
    const given = name.value.replace(/[{};\p{C}]/gu, "").trim(); // as files can hold it
    const others = groups.filter((each) => each !== group);
    if (others.some((each) => title_of(each) === given))
      notify(`Another cluster is “${given}” already. Merge them, or give another name.`);
    else group.name = given || null;
    name.value = group.name ?? "";
    named();
    show_spectra();
    show_legend();
  });
  named();
  const cells = [tick, color, name, group.labels.join(", "), `${share} %`, ""];
  return make("tr", {}, ...cells.map((content) => make("td", {}, content)));
}

// Tick the rows of the selected clusters, and tell which share of each is selected.
function show_shares() {
  const parts = count(groups.length, (i) => (is_chosen(i) ? group_at(i) : -1));
  [...choice("clusters").rows].forEach(({ cells }, group) => {
    cells[0].firstChild.checked = marked.has(group);
    const is_known = chosen !== null && shown[group] > 0;
    const share = Math.round((100 * parts[group]) / shown[group]);
    cells[5].textContent = is_known ? `${share} %` : "";
  });
}

// Colors of the map: those of no cluster, and in full screen of the clusters too.
function show_legend() {
  const others = [
    [SKY, facts.sky_color, "sky"],
    [NOISE, facts.noise_color, "noise"],
    [MISSING, facts.missing_color, "missing"],
  ].filter(([label]) => arrays.labels.includes(label));
  const items = groups.map((group) => ["cluster", group.color, title_of(group)]);
  items.push(...others.map(([label, color, kind]) => [kind, color, OTHERS[label]]));
  const entries = items.map(([className, color, text]) => {
    const swatch = make("span", { className: "swatch", ariaHidden: "true" });
    swatch.style.backgroundColor = color;
    return make("li", { className }, swatch, text);
  });
  choice("legend").replaceChildren(...entries);
}

function merge() {
  const taken = [...marked].sort((a, b) => a - b);
  if (taken.length < 2) return notify("Tick two clusters in the list first.");
  const parts = taken.map((number) => groups[number]);
  const largest = parts.reduce((a, b) => (b.pixels > a.pixels ? b : a));
  const merged = {
    ...largest,
    name: parts.map(title_of).join(" + "),
    labels: parts.flatMap((part) => part.labels).sort((a, b) => a - b),
    pixels: parts.reduce((sum, part) => sum + part.pixels, 0),
    quartiles: null,
  };
  replace_groups(taken, [merged]);
  notify(`Merged into “${merged.name}”. Type another name in the list.`);
}

function split() {
  const merged = [...marked].filter((number) => groups[number].labels.length > 1);
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
