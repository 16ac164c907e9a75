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

// Whether groups are of whole clusters of the run, which earlier versions read too.
const is_whole = (labels) => titles_of(labels).every((title) => /^\d+$/.test(title));
const are_whole = (all) => all.every(({ labels }) => is_whole(labels));

// Groups as files have them: labels are clusters of the run, leaves are parts of them.
function names_of(all) {
  const is_of_clusters = are_whole(all);
  return all.map(({ name, labels, color }) =>
    is_of_clusters
      ? { name, labels: titles_of(labels).map(Number).sort((a, b) => a - b), color }
      : { name, labels: [], color, leaves: labels },
  );
}

// Keep the names that the folder has not, and say so.
function keep_groups() {
  const state = state_of(groups);
  const is_changed = JSON.stringify(state) !== JSON.stringify(state_of(clusters_of_folder()));
  const is_kept = keep(key_of_groups(), is_changed ? state : null);
  const where = is_kept ? "only in this browser" : "nowhere but on this page, and lost with it";
  const next = "“Save names” writes a file, and skesom name takes it to the folder.";
  choice("changed").hidden = !is_changed;
  write("kept", is_changed ? `Changed names, colors or merges are ${where}. ${next}` : "");
}

// What an earlier version kept: clusters of the run, and no places of which something was said.
function of_earlier(group) {
  if (group.said) return group;
  const labels = leaves_of(group.labels);
  return { ...group, labels, said: group.name === null ? [] : [head_of(labels)] };
}

const kept_groups = () =>
  recall(key_of_groups(), (found) => {
    const kept = found.map(of_earlier);
    const labels = kept.flatMap((each) => each.labels).sort((a, b) => a - b);
    const is_all = String(labels) === String([...facts.parts.keys()]);
    const is_clean = ({ name, labels, color, said }) =>
      (name === null || name === clean(name)) && /^#[\da-f]{6}$/.test(color) &&
      said.every((label) => labels.includes(label));
    return is_all && kept.every(is_clean) ? restore(kept) : null;
  });

function discard() {
  remember();
  groups = clusters_of_folder();
  regroup();
  choice("undo").focus(); // the button that was pressed is hidden now
  notify("The names, colors and clusters are those of the folder.");
}
