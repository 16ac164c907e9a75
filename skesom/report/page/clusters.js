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
  choice("clusters").replaceChildren(...groups.flatMap(rows_of));
  clear();
  show_names();
}

const clusters_of_folder = () => facts.clusters.map((each) => ({ ...each }));

// A cluster of some labels of the run: as the page was given it, or as the sum of its parts.
function cluster_of(labels) {
  const is_it = (each) => String(each.labels) === String(labels);
  const known = [...facts.clusters, ...facts.originals].find(is_it);
  if (known) return { ...known };
  const parts = labels.map((label) => facts.originals[label]);
  const pixels = sum_of(parts, (part) => part.pixels);
  const agreed = sum_of(parts, (part) => part.agreement * part.pixels);
  const description = parts.map(words_of).filter(Boolean).join(" + ");
  const agreement = parts[0].agreement === null ? null : agreed / pixels;
  return { name: null, labels, pixels, quartiles: null, agreement, description };
}

// What a cluster looks like, and how it differs from all others.
const words_of = ({ suggestion, description }) =>
  [suggestion && `${suggestion} (?)`, description].filter(Boolean).join(", ");

// The row of a cluster in the list, and one in which it is told in words.
function rows_of(group, number) {
  const total = sum_of(groups, ({ pixels }) => pixels);
  const placeholder = title_of({ ...group, name: null });
  const tick = make("input", { type: "checkbox", onchange: () => toggle_group(number) });
  const color = make("input", { type: "color", value: group.color });
  const name = make("input", { type: "text", value: group.name ?? "", placeholder, dir: "auto" });
  color.onchange = () => {
    group.color = color.value;
    show_selection();
    show_names();
  };
  name.onchange = () => {
    rename(group, name.value);
    name.value = group.name ?? "";
  };
  [tick, color, name].forEach((input, n) => {
    input.ariaLabel = `${["select", "color of", "name of"][n]} ${placeholder}`;
  });
  const share = `${((100 * group.pixels) / Math.max(total, 1)).toFixed(1)} %`;
  const agree = group.agreement === null ? "–" : `${Math.round(100 * group.agreement)} %`;
  const cells = [tick, color, name, share, agree, ""];
  const row = make("tr", {}, ...cells.map((content) => make("td", {}, content)));
  const what = [group.labels.join(" + "), words_of(group)].filter(Boolean).join(": ");
  const words = group.why ? make("details", {}, make("summary", {}, what), group.why) : what;
  return [row, make("tr", { className: "words" }, make("td", { colSpan: cells.length }, words))];
}

// What region files can hold of a name.
const clean = (text) => text.replace(/[{};\p{C}]/gu, "").replace(/\p{Z}/gu, " ").trim();

// Take a name that no other group has.
function rename(group, text) {
  const name = clean(text);
  if (groups.some((each) => each !== group && title_of(each) === name))
    return notify(`Another cluster is “${name}”. Merge them, or give another name.`);
  group.name = name || null;
  show_spectra();
  show_names();
}

// Tick the rows of the selected clusters, and tell which share of each is selected.
function show_shares() {
  const parts = count(groups.length, (i) => (chosen?.[i] ? group_at(i) : -1));
  choice("clusters").querySelectorAll("tr:not(.words)").forEach(({ cells }, group) => {
    cells[0].firstChild.checked = ticked.has(group);
    const share = Math.round((100 * parts[group]) / shown[group]);
    cells[5].textContent = chosen !== null && shown[group] > 0 ? `${share} %` : "";
  });
}

// Keep the names and colors, and show them in the legend: those of what is in no cluster,
// and in full screen those of the clusters too.
function show_names() {
  const { sky_color, noise_color, missing_color } = facts;
  const colors = { [SKY]: sky_color, [NOISE]: noise_color, [MISSING]: missing_color };
  const others = [SKY, NOISE, MISSING].filter((label) => arrays.labels.includes(label));
  const items = groups.map((group) => ["cluster", group.color, told(group)]);
  for (const label of others)
    items.push([label === MISSING ? "missing" : "", colors[label], OTHERS[label]]);
  const entries = items.map(([className, color, text]) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.backgroundColor = color;
    return make("li", { className }, swatch, text);
  });
  choice("legend").replaceChildren(...entries);
  keep_groups();
}

function merge() {
  const taken = [...ticked].sort((a, b) => a - b);
  if (taken.length < 2) return notify("Tick two clusters in the list first.");
  const parts = taken.map((number) => groups[number]);
  const labels = parts.flatMap((part) => part.labels).sort((a, b) => a - b);
  const name = parts.some((part) => part.name) ? parts.map(title_of).join(" + ") : null;
  const merged = { ...cluster_of(labels), name, color: parts[0].color }; // of the largest
  replace_groups(taken, [merged]);
  notify(`Merged into “${title_of(merged)}”. Type another name in the list.`);
}

function split() {
  const merged = [...ticked].filter((number) => groups[number].labels.length > 1);
  if (merged.length === 0) return notify("Tick a merged cluster first.");
  const labels = merged.flatMap((number) => groups[number].labels);
  replace_groups(merged, labels.map((label) => cluster_of([label])));
  notify("Split into the clusters that it was made of.");
}

function replace_groups(old, added) {
  groups = groups.filter((_, number) => !old.includes(number)).concat(added);
  groups.sort((a, b) => b.pixels - a.pixels || a.labels[0] - b.labels[0]);
  regroup();
}
