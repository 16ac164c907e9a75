// SPDX-License-Identifier: BSD-3-Clause
// What the browser keeps: choices of all pages, and the names of the clusters of this one.
"use strict";

// Some browsers let files, and frames of a notebook, keep nothing.
function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(`skesom ${key}`);
    else localStorage.setItem(`skesom ${key}`, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

// Take what is kept; null if it is nothing, or what another page wrote there.
function recall(key, take) {
  try {
    return take(JSON.parse(localStorage.getItem(`skesom ${key}`)));
  } catch {
    return null;
  }
}

// Begin a control as it was left, on any page.
function keep_choice(control) {
  const first = control.value;
  control.value = recall(control.id, String);
  if (!control.value) control.value = first;
  control.addEventListener("change", () => keep(control.id, control.value));
}

// Results have keys of their own, and so have copies in other places.
const key_of_groups = () => `${facts.label_map_sha256} ${location.pathname}`;
const names_of = (clusters) => clusters.map(({ name, labels, color }) => ({ name, labels, color }));

// Keep the names that the folder has not, and say so.
function keep_groups() {
  const [now, in_folder] = [groups, facts.clusters].map((each) => JSON.stringify(names_of(each)));
  const is_changed = now !== in_folder;
  const is_kept = keep(key_of_groups(), is_changed ? names_of(groups) : null);
  const where = is_kept ? "only in this browser" : "nowhere but on this page, and lost with it";
  const next = "“Save names” writes a file, and skesom name takes it to the folder.";
  choice("changed").hidden = !is_changed;
  write("kept", is_changed ? `Changed names, colors or merges are ${where}. ${next}` : "");
}

const kept_groups = () =>
  recall(key_of_groups(), (kept) => {
    const labels = kept.flatMap((each) => each.labels).sort((a, b) => a - b);
    const is_whole = String(labels) === String([...facts.originals.keys()]);
    const is_clean = ({ name, color }) =>
      (name === null || name === clean(name)) && /^#[\da-f]{6}$/.test(color);
    if (!is_whole || !kept.every(is_clean)) return null;
    return kept.map(({ name, labels, color }) => ({ ...cluster_of(labels.map(Number)), name, color }));
  });

function discard() {
  groups = clusters_of_folder();
  regroup();
  notify("The names, colors and clusters are those of the folder.");
}
