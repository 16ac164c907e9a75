// SPDX-License-Identifier: BSD-3-Clause
// The list of clusters, in which they are named and colored.
"use strict";

const counted = new Map(); // quartiles by labels

function index_groups() {
  group_of = [];
  groups.forEach(({ labels }, number) => labels.forEach((label) => (group_of[label] = number)));
}

function regroup() {
  index_groups();
  shown = count(groups.length, group_at);
  for (const group of groups) group.quartiles ??= counted.get(String(group.labels)) ?? null;
  if (groups.some(({ quartiles }) => quartiles === null)) {
    const found = quartiles_of(group_at, groups.length);
    groups.forEach((group, number) => {
      group.quartiles ??= found[number];
      counted.set(String(group.labels), group.quartiles);
    });
  }
  replace_rows();
  mark_selection([]);
  show_names();
  set_place(place);
}

// Write the list again. The focus stays in the row and column where it was.
function replace_rows() {
  const list = choice("clusters");
  const cell = document.activeElement?.closest("#clusters td");
  const row = cell ? cell.parentElement.sectionRowIndex : -1;
  list.replaceChildren(...groups.flatMap(rows_of));
  if (!cell) return;
  const last = list.rows.length - 2; // of the rows with fields; each has one with words
  const cells = list.rows[Math.min(row - (row % 2), last)].cells;
  cells[cell.cellIndex].querySelector("input").focus();
}

const clusters_of_folder = () =>
  facts.clusters.map((each) => ({ ...each, said: each.name ? [head_of(each.labels)] : [] }));

// A cluster of some labels of the run: as the page was given it, or as the sum of its parts.
function cluster_of(labels) {
  const is_it = (each) => String(each.labels) === String(labels);
  const known = [...facts.clusters, ...facts.originals].find(is_it);
  if (known) return { ...known };
  const parts = is_whole(labels)
    ? titles_of(labels).map((label) => facts.originals[label])
    : labels.map((label) => facts.parts[label]);
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
  name.before = name.value;
  color.onchange = () => recolor(group, color.value);
  name.onchange = () => {
    rename(group, name.value);
    name.value = name.before = group.name ?? "";
  };
  [tick, color, name].forEach((input, n) => {
    input.ariaLabel = `${["select", "color of", "name of"][n]} ${placeholder}`;
  });
  const share = percent(group.pixels / Math.max(total, 1));
  const agree = group.agreement === null ? "–" : `${Math.round(100 * group.agreement)} %`;
  const cells = [tick, color, name, share, agree, ""];
  const row = make("tr", {}, ...cells.map((content) => make("td", {}, content)));
  const what = [titles_of(group.labels).join(" + "), words_of(group)].filter(Boolean).join(": ");
  const words = group.why ? make("details", {}, make("summary", {}, what), group.why) : what;
  return [row, make("tr", { className: "words" }, make("td", { colSpan: cells.length }, words))];
}

// What region files can hold of a name.
const clean = (text) => text.replace(/[{};\p{C}]/gu, "").replace(/\p{Z}/gu, " ").trim();

// Tick the rows of the selected clusters, and tell which share of each is selected.
function show_shares() {
  const parts = count(groups.length, (i) => (chosen?.[i] ? group_at(i) : -1));
  choice("clusters").querySelectorAll("tr:not(.words)").forEach(({ cells }, group) => {
    cells[0].firstChild.checked = ticked.has(group);
    const share = Math.round((100 * parts[group]) / shown[group]);
    cells[5].textContent = chosen !== null && shown[group] > 0 ? `${share} %` : "";
  });
}

// Keep the names and colors, and show them.
function show_names() {
  show_legend();
  const names = groups.filter(({ name }) => name !== null).map(({ name }) => name);
  choice("known").replaceChildren(...names.map((value) => make("option", { value })));
  keep_groups();
}

// Colors of populations, or of what is in no cluster, and in full screen of the clusters too.
function show_legend() {
  const { sky_color, noise_color, missing_color } = facts;
  const colors = { [SKY]: sky_color, [NOISE]: noise_color, [MISSING]: missing_color };
  const others = [SKY, NOISE, MISSING].filter((label) => arrays.labels.includes(label));
  const items = are_populations_shown()
    ? facts.populations.map(({ color, title }) => ["population", color, title])
    : groups.map((group) => ["cluster", group.color, told(group)]);
  for (const label of others)
    items.push([label === MISSING ? "missing" : "", colors[label], OTHERS[label]]);
  const entries = items.map(([className, color, text]) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.backgroundColor = color;
    return make("li", { className }, swatch, text);
  });
  choice("legend").replaceChildren(...entries);
}
