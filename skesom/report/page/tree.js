// SPDX-License-Identifier: BSD-3-Clause
// The tree of a run: which leaves its nodes hold, how early they are joined, and its cuts.
"use strict";

let tree = null; // none where the clusterer has none: labels are then clusters of the run

function grow_tree({ children, distances, clusters }) {
  const members = clusters.map((_, leaf) => [leaf]);
  const heights = clusters.map(() => clusters.map(() => 0)); // at which two leaves are joined
  children.forEach(([one, other], step) => {
    for (const a of members[one])
      for (const b of members[other]) heights[a][b] = heights[b][a] = distances[step];
    members.push([...members[one], ...members[other]].sort((a, b) => a - b));
  });
  tree = { children, clusters, members, heights, n_leaves: clusters.length, titles: [] };
  name_nodes(members.length - 1, "");
}

const pixels_in = (labels) => sum_of(labels, (label) => facts.parts[label].pixels);
const children_of = (node) => tree.children[node - tree.n_leaves] ?? [];

// Title of each node in a cluster of the run: 3, its children 3a (the larger) and 3b, ...
function name_nodes(node, title) {
  const owners = new Set(tree.members[node].map((leaf) => tree.clusters[leaf]));
  if (owners.size === 1) tree.titles[node] = title || String([...owners][0]);
  const pairs = [...children_of(node)];
  pairs.sort((a, b) => pixels_in(tree.members[b]) - pixels_in(tree.members[a]));
  pairs.forEach((child, n) => name_nodes(child, owners.size === 1 ? tree.titles[node] + "ab"[n] : ""));
}

// The largest nodes of which some labels are all leaves, as numbers of the run and letters.
function titles_of(labels) {
  if (tree === null) return labels.map(String);
  const inside = new Set(labels);
  const walk = (node) => {
    const is_within = tree.members[node].every((leaf) => inside.has(leaf));
    if (is_within && tree.titles[node] !== undefined) return [tree.titles[node]];
    return children_of(node).flatMap(walk);
  };
  return walk(tree.members.length - 1).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

// The label whose color a group has: down the tree, where more of its pixels are.
function head_of(labels) {
  if (tree === null) return labels.reduce((a, b) => (pixels_in([b]) > pixels_in([a]) ? b : a));
  const inside = new Set(labels);
  const held = (node) => tree.members[node].filter((leaf) => inside.has(leaf));
  let node = tree.members.length - 1;
  while (node >= tree.n_leaves) {
    const [one, other] = children_of(node);
    const [first, second] = [held(one), held(other)];
    const is_first = second.length === 0 || (first.length > 0 && pixels_in(first) >= pixels_in(second));
    node = is_first ? one : other;
  }
  return node;
}

// The leaves of each node of a cut.
function cut_tree(n_clusters) {
  const nodes = new Set(tree.clusters.keys());
  for (let step = 0; step < tree.n_leaves - n_clusters; step++) {
    for (const node of tree.children[step]) nodes.delete(node);
    nodes.add(tree.n_leaves + step);
  }
  return [...nodes].map((node) => tree.members[node]);
}

// The leaves of clusters of the run; without a tree these themselves.
const leaves_of = (labels) =>
  tree?.clusters.flatMap((cluster, leaf) => (labels.includes(cluster) ? [leaf] : [])) ?? labels;

// The two parts of labels where the tree parts them first; without one, each alone.
function parted(labels) {
  if (tree === null) return labels.map((label) => [label]);
  for (const nodes of tree.children.toReversed()) {
    const parts = nodes.map((node) => tree.members[node].filter((leaf) => labels.includes(leaf)));
    if (parts.every((part) => part.length > 0)) return parts;
  }
  return [labels];
}

// For each leaf the nearest of those of which something was said; of two, the larger one.
function nearest_of(leaves, said) {
  const known = [...said].sort((a, b) => pixels_in([b]) - pixels_in([a]) || a - b);
  return leaves.map((leaf) =>
    known.reduce((a, b) => (tree.heights[leaf][b] < tree.heights[leaf][a] ? b : a)),
  );
}

// The leaf with the most pixels times the height to what is known; -1 if all is known.
function uncertain_leaf(said) {
  const doubts = facts.parts.map(({ pixels }, leaf) => {
    if (said.includes(leaf)) return 0;
    return pixels * Math.min(1, ...said.map((other) => tree.heights[leaf][other]));
  });
  const most = Math.max(...doubts);
  return most > 0 ? doubts.indexOf(most) : -1;
}
