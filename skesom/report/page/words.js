// SPDX-License-Identifier: BSD-3-Clause
// What a person says: names of clusters and places, merges and splits, undone and redone.
"use strict";

let past = []; // numbers of the slider and groups before each change
let future = []; // and after those that were undone
let place = -1; // the pixel of which something can be said
let is_sliding = false;
let n_cut = 0; // number of the slider

const state_of = (all) => all.map(({ name, labels, color, said }) => ({ name, labels, color, said }));
const restore = (state) => state.map((each) => ({ ...cluster_of(each.labels), ...each }));
const by_number = (a, b) => a - b;
const total = () => Math.max(pixels_in([...facts.parts.keys()]), 1);
const share_of = ({ labels }) => percent(pixels_in(labels) / total());

// Replace groups by others, so that this can be undone, and say what happened.
function change(replaced, text) {
  remember();
  groups = settled(replaced);
  regroup();
  notify(text);
}

function remember() {
  past.push([n_cut, state_of(groups)]);
  future = [];
}

function show_number(n_clusters) {
  n_cut = n_clusters;
  choice("number").value = n_clusters;
  write("cut", n_clusters);
}

// Groups with facts and colors, by falling size, of which those of one name are one.
function settled(all) {
  const joined = new Map();
  for (const group of [...all].sort((a, b) => pixels_in(b.labels) - pixels_in(a.labels))) {
    const key = group.name ?? group;
    const first = joined.get(key);
    if (!first) joined.set(key, { ...group });
    else {
      first.labels = [...first.labels, ...group.labels].sort(by_number);
      first.said = [...first.said, ...group.said];
    }
  }
  const found = [...joined.values()].map(({ name, labels, color, said }) => ({
    ...cluster_of(labels), name, said, color,
  }));
  color_new(found);
  return found.sort((a, b) => b.pixels - a.pixels || a.labels[0] - b.labels[0]);
}

// Color the groups that are new: the larger part keeps the color, others have none of these.
function color_new(all) {
  const before = new Map(groups.map((group) => [head_of(group.labels), group.color]));
  const used = new Set(all.map(({ color }) => color));
  const spare = facts.parts.map(({ color }) => color);
  const take = (group, colors) => {
    if (group.color !== undefined) return;
    group.color = colors.find((color) => color !== undefined && !used.has(color));
    used.add(group.color);
  };
  for (const group of all) take(group, [before.get(head_of(group.labels))]);
  for (const group of all) take(group, [spare[head_of(group.labels)], ...spare, "#808080"]);
}

function step_in_time(from, to, text) {
  if (from.length === 0) return notify(`Nothing to ${text}.`);
  to.push([n_cut, state_of(groups)]);
  const [n_clusters, state] = from.pop();
  groups = restore(state);
  show_number(n_clusters);
  regroup();
  notify(`${text === "undo" ? "Undone" : "Done again"}: ${groups.length} clusters.`);
}

const undo = () => step_in_time(past, future, "undo");
const redo = () => step_in_time(future, past, "redo");

// Keys of any focus; a text that is being typed has its own history.
function time_key(event) {
  const { key, ctrlKey, metaKey, shiftKey, target } = event;
  if (!(ctrlKey || metaKey) || !/^[zy]$/i.test(key)) return;
  if (target.type === "text" && target.value !== (target.before ?? "")) return;
  event.preventDefault();
  if (shiftKey || /y/i.test(key)) redo();
  else undo();
}

// Give a group a name; of places of which something was said, or of its largest part.
function named(group, name) {
  const said = group.said.length > 0 ? group.said : [head_of(group.labels)];
  return { ...group, name, said: name === null ? [] : said };
}

function rename(group, text) {
  const name = clean(text) || null;
  if (name === group.name) return;
  const others = groups.filter((each) => each !== group);
  if (others.some((each) => each.name === null && title_of(each) === name))
    return notify(`Another cluster is “${name}”. Give another name, or tick both and merge.`);
  const is_joined = others.some((each) => each.name === name && name !== null);
  if (is_joined) {
    const is_in_list = choice("clusters").contains(document.activeElement);
    change([...others, named(group, name)], `Joined with the other “${name}”.`);
    const number = groups.findIndex((each) => each.name === name);
    if (is_in_list) choice("clusters").querySelectorAll("[type=text]")[number].focus();
    return;
  }
  remember();
  Object.assign(group, named(group, name));
  show_spectra();
  show_names();
  notify(name === null ? "The name is taken away." : `Named “${name}”.`);
}

function recolor(group, color) {
  remember();
  group.color = color;
  show_selection();
  show_names();
  notify(`The color of ${title_of(group)} is ${color}.`);
}

function merge() {
  const taken = [...ticked].sort(by_number).map((number) => groups[number]);
  if (taken.length < 2) return notify("Tick two clusters in the list first.");
  const labels = taken.flatMap((part) => part.labels).sort(by_number);
  const name = taken.some((part) => part.name) ? taken.map(title_of).join(" + ") : null;
  const merged = { name, labels, color: taken[0].color, said: taken.flatMap((part) => part.said) };
  const others = groups.filter((group) => !taken.includes(group));
  change([...others, name === null ? merged : named(merged, name)],
    `Merged into “${title_of(merged)}”. Type another name in the list.`);
}

// Split into the two children in the tree; without a tree, into what was merged.
function split() {
  const taken = groups.filter(({ labels }, number) => ticked.has(number) && labels.length > 1);
  if (taken.length === 0)
    return notify(ticked.size ? "This cluster has no parts." : "Tick a cluster that has parts, or click it.");
  const added = taken.flatMap((group) => {
    const parts = parted(group.labels).map((labels) => {
      const said = group.said.filter((leaf) => labels.includes(leaf));
      return { name: null, labels, said: [], known: said };
    });
    if (tree === null) return parts;
    parts.sort((a, b) => b.known.length - a.known.length || pixels_in(b.labels) - pixels_in(a.labels));
    Object.assign(parts[0], { name: group.name, said: parts[0].known });
    return parts;
  });
  const text = added.map((part) => `“${title_of(part)}” (${share_of(part)})`).join(" and ");
  change([...groups.filter((group) => !taken.includes(group)), ...added], `Split into ${text}.`);
}

// Cut the tree; what was said of places stays.
function cut_at(n_clusters) {
  const said = groups.flatMap((group) => group.said.map((leaf) => [leaf, group]));
  return cut_tree(n_clusters).flatMap((labels) => {
    const inside = new Map(said.filter(([leaf]) => labels.includes(leaf)));
    if (inside.size === 0) return [{ name: null, labels, said: [] }];
    const nearest = nearest_of(labels, [...inside.keys()]);
    return [...new Set(inside.values())].map(({ name, color }) => ({
      name,
      color,
      labels: labels.filter((_, n) => inside.get(nearest[n]).name === name),
      said: [...inside.keys()].filter((leaf) => inside.get(leaf).name === name),
    }));
  });
}

// While the slider moves, only the map is painted; one move is one change.
function slide() {
  const n_clusters = Number(choice("number").value);
  if (!is_sliding) remember();
  is_sliding = true;
  show_number(n_clusters);
  groups = settled(cut_at(n_clusters));
  index_groups();
  paint_map();
}

function end_slide() {
  is_sliding = false;
  regroup();
  notify(`${groups.length} clusters.`);
}

// The place of which something is said next; -1 for none.
function set_place(pixel) {
  place = arrays.labels[pixel] >= 0 ? pixel : -1;
  if (tree === null) return;
  if (place < 0) return write("place", "Click a place in the picture to say what it is.");
  const part = facts.parts[arrays.labels[place]];
  const [x, y] = place_of(place);
  const title = title_of(groups[group_at(place)]);
  write("place", `The ring is at x ${x}, y ${y}, in ${title}: a part with ${share_of(part)} of the pixels.`);
}

function say() {
  const name = clean(choice("word").value);
  if (place < 0) return notify("Click a place in the picture first, or take the next uncertain one.");
  if (name === "") return notify("Type what the place is.");
  const leaf = arrays.labels[place];
  const group = groups[group_of[leaf]];
  const others = groups.filter((each) => each !== group);
  const known = group.said.filter((each) => each !== leaf);
  choice("word").value = "";
  if (known.length === 0 || group.name === name)
    return change([...others, { ...group, name, said: [...known, leaf] }],
      `“${name}” is ${share_of(group)} of the clusters.`);
  const nearest = nearest_of(group.labels, [...known, leaf]);
  const taken = group.labels.filter((_, n) => nearest[n] === leaf);
  const rest = { ...group, labels: group.labels.filter((each) => !taken.includes(each)), said: known };
  const added = { name, labels: taken, said: [leaf] };
  change([...others, rest, added], `“${name}” took ${share_of(added)} from “${title_of(group)}”.`);
}

// Show the most uncertain place, of which something should be said next.
function offer() {
  const leaf = uncertain_leaf(groups.flatMap((group) => group.said));
  if (leaf < 0) return notify("Something is known of every place.");
  mark_selection(pixels_of([leaf], (i) => arrays.labels[i]));
  set_place(facts.parts[leaf].middle);
  const [x, y] = place_of(place);
  if (!sky_view.is_whole) sky_view.move_to(x, y); // else it is seen
  choice("word").focus();
  notify(`What is this? It is at x ${x}, y ${y}, in ${title_of(groups[group_of[leaf]])}; what is bright has ${share_of(facts.parts[leaf])} of the pixels.`);
}

// A ring around the place, which leaves it free.
function draw_place(context, view) {
  if (tree === null || place < 0) return;
  const ring = new Path2D();
  ring.arc(...view.to_screen(...place_of(place)), 9, 0, 2 * Math.PI);
  for (const [strokeStyle, lineWidth] of CROSS)
    Object.assign(context, { strokeStyle, lineWidth }).stroke(ring);
}
