// SPDX-License-Identifier: BSD-3-Clause
// Files that the page saves: names of clusters, and the selection for other programs.
"use strict";

const STEPS = [[1, 0], [0, 1], [-1, 0], [0, -1]]; // east, north, west, south
const TURNS = [1, 0, 3, 2]; // left, straight on, right, back

function save(name, lines) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/plain" }));
  link.download = name;
  link.click();
  notify(`Saved as ${name}.`);
}

function export_groups() {
  const { format, label_map_sha256 } = facts;
  const content = { format, version: 1, label_map_sha256, clusters: names_of(groups) };
  if (!are_whole(groups)) Object.assign(content, { version: 2, tree_sha256: facts.tree.sha256 });
  save("groups.json", [JSON.stringify(content, null, 2)]);
}

function export_region() {
  if (chosen === null) return notify("Select pixels first.");
  const has_sky = arrays.sky.length > 0;
  const place_of = (corner) => {
    const [x, y] = corner.map((place) => place * facts.step - 0.5);
    return has_sky ? sky_at(x, y)?.map((angle) => angle.toFixed(7)) : [x + 1, y + 1];
  };
  const polygons = outlines_of(chosen, width, height).map((corners) => corners.map(place_of));
  const known = polygons.filter((places) => !places.includes(undefined)); // within the sky
  const head = ["# Region file format: DS9 version 4.1", has_sky ? "icrs" : "image"];
  save("selection.reg", [...head, ...known.map((places) => `polygon(${places.join()})`)]);
}

function export_table() {
  if (chosen === null) return notify("Select pixels first.");
  const bands = facts.bands.map(({ name, unit }) => (unit ? `${name} [${unit}]` : name));
  const lines = [["x", "y", "ra", "dec", "cluster", "name", "unit", ...bands]];
  for (let i = 0; i < n_pixels; i++) {
    if (!chosen[i]) continue;
    const place = place_of(i);
    const sky = sky_at(...place)?.map((angle) => angle.toFixed(7)) ?? ["", ""];
    const [label, unit] = [arrays.labels[i], arrays.units[i]];
    const fluxes = facts.bands.map((_, band) => flux_of(band, i) ?? "");
    const cluster = label >= 0 && tree !== null ? tree.clusters[label] : label; // of the run
    lines.push([...place, ...sky, cluster, cluster_text(label, title_of), unit === NO_UNIT ? "" : unit, ...fluxes]);
  }
  save("selection.csv", lines.map((line) => line.map(cell_of).join()));
}

// Quote a name; one that begins like a formula would be run by a spreadsheet.
function cell_of(value) {
  const text = String(value).replace(/^(?=[=@\t]|[+-](?![\d.]))/, "'");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Polygons around the connected pieces of pixels that are 1, along their edges, as corners
// [column, row]; a cut joins each hole to what is above it.
function outlines_of(inside, n_columns, n_rows) {
  const across = n_columns + 1;
  const sides = new Uint8Array(across * (n_rows + 1)); // bits of directions from a corner
  const is_in = (column, row) =>
    column >= 0 && column < n_columns && inside[row * n_columns + column] === 1;
  for (let row = 0; row < n_rows; row++) {
    for (let column = 0; column < n_columns; column++) {
      if (!is_in(column, row)) continue;
      const corner = row * across + column;
      if (!is_in(column, row - 1)) sides[corner] |= 1;
      if (!is_in(column + 1, row)) sides[corner + 1] |= 2;
      if (!is_in(column, row + 1)) sides[corner + across + 1] |= 4;
      if (!is_in(column - 1, row)) sides[corner + across] |= 8;
    }
  }
  for (const walk of walks(sides, across)) {
    if (area_of(walk) > 0) continue;
    const [column, row] = walk.reduce((a, b) => (b[1] > a[1] ? b : a));
    let corner = row * across + column;
    do {
      sides[corner] |= 2;
      corner += across;
      sides[corner] |= 8;
    } while (sides[corner] === 8);
  }
  return walks(sides, across);
}

// Follow sides with the piece on the left, until none is left.
function walks(sides, across) {
  const left = sides.slice();
  const found = [];
  for (let start = 0; start < left.length; start++) {
    while (left[start]) {
      const first = [0, 1, 2, 3].find((direction) => left[start] & (1 << direction));
      const corners = [];
      let [corner, direction, before] = [start, first, -1];
      do {
        if (direction !== before) corners.push([corner % across, Math.floor(corner / across)]);
        corner += STEPS[direction][0] + STEPS[direction][1] * across;
        before = direction;
        direction = TURNS.map((turn) => (before + turn) % 4).find((way) => left[corner] & (1 << way));
        left[corner] &= ~(1 << direction);
      } while (corner !== start || direction !== first);
      if (before === first) corners.shift();
      found.push(corners);
    }
  }
  return found;
}

const area_of = (corners) =>
  corners.reduce((sum, [x, y], i) => {
    const [next_x, next_y] = corners[(i + 1) % corners.length];
    return sum + (x * next_y - next_x * y) / 2;
  }, 0);
