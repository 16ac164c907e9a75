// SPDX-License-Identifier: BSD-3-Clause
// The units of the map: cells of a lattice, or nodes of a graph with their links.
"use strict";

const CIVIDIS = "00224e 1a386f 434e6c 61656f 7d7c78 9b9476 bcae6c dec958 fee838"
  .split(" ")
  .map((hex) => `#${hex}`);
let unit_colors = [];
let unit_alphas = [];

function make_units_view() {
  const [xs, ys] = [arrays.unit_x, arrays.unit_y].map((each) => [...each]);
  const [left, right, bottom, top] = [xs, ys].flatMap((each) => [Math.min(...each), Math.max(...each)]);
  const wide = Math.max(right - left, top - bottom, 1e-9);
  const margin = facts.cell ? 0.7 : 0.04 * wide;
  const bounds = [left - margin, right + margin, bottom - margin, top + margin];
  choice("scale").style.background = `linear-gradient(to right, ${CIVIDIS})`;
  return new View(choice("units"), bounds, wide / 40, {
    draw: draw_units,
    pad: () => [8, 8, 8, 8],
    hover: hover_unit,
    leave: () => {},
    pick: (x, y) => (unit_at(x, y) < 0 ? clear() : select_units([unit_at(x, y)])),
    choose: (xs_of, ys_of) => select_units(units_within(xs_of, ys_of)),
    clear,
  });
}

// The nearest unit, -1 if it is far.
function unit_at(x, y) {
  const reach = facts.cell ? 0.6 : 16 / units_view.scale;
  let [nearest, least] = [-1, reach];
  for (let unit = 0; unit < arrays.unit_x.length; unit++) {
    const distance = Math.hypot(arrays.unit_x[unit] - x, arrays.unit_y[unit] - y);
    if (distance < least) [nearest, least] = [unit, distance];
  }
  return nearest;
}

function units_within(xs, ys) {
  const path = new Path2D();
  xs.forEach((x, i) => path.lineTo(x, ys[i]));
  const context = choice("units").getContext("2d");
  context.save();
  context.resetTransform();
  const all = facts.unit_labels.map((_, unit) => unit);
  const found = all.filter((unit) =>
    context.isPointInPath(path, arrays.unit_x[unit], arrays.unit_y[unit]),
  );
  context.restore();
  return found;
}

function hover_unit(x, y) {
  const unit = unit_at(x, y);
  if (unit < 0) return;
  const pixels = count(1, (i) => (arrays.units[i] === unit ? 0 : -1))[0];
  const label = facts.unit_labels[unit];
  const cluster = label >= 0 ? cluster_text(label) : "no cluster";
  write("unit", `Unit ${unit}: ${cluster}, ${pixels.toLocaleString("en")} pixels`);
}

function show_units() {
  if (!units_view) return;
  const n_units = facts.unit_labels.length;
  const all = count(n_units, (i) => arrays.units[i]);
  const some = count(n_units, (i) => (is_chosen(i) ? arrays.units[i] : NO_UNIT));
  unit_alphas = all.map((n_pixels, unit) => {
    if (chosen === null) return 1;
    return some[unit] === 0 ? 0.12 : 0.35 + (0.65 * some[unit]) / n_pixels;
  });
  const value = choice("colored").selectedIndex;
  const has_scale = value < facts.unit_values.length;
  unit_colors = facts.unit_labels.map((label, unit) => {
    if (has_scale) return cividis(arrays.unit_values[value * n_units + unit]);
    return groups[group_of[label]]?.color ?? "#000000";
  });
  const ends = (facts.unit_ranges[value] ?? []).map((end) => Number(end.toPrecision(3)));
  choice("scale").hidden = !has_scale;
  write("low", ends[0] ?? "");
  write("high", ends[1] ?? "");
  units_view.redraw();
}

// The color of a number from 0 to 255.
function cividis(level) {
  const place = (level / 255) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  const [a, b] = [CIVIDIS[low], CIVIDIS[low + 1]].map((color) =>
    color.match(/\w\w/g).map((hex) => parseInt(hex, 16)),
  );
  return `rgb(${a.map((part, n) => Math.round(part + (place - low) * (b[n] - part)))})`;
}

function draw_units(context, view) {
  const text = getComputedStyle(view.canvas).color;
  const { links, unit_x, unit_y, unit_size } = arrays;
  context.strokeStyle = text;
  for (let i = 0; links && i < links.length; i += 5) {
    context.globalAlpha = links[i + 4];
    context.beginPath();
    context.moveTo(...view.to_screen(links[i], links[i + 1]));
    context.lineTo(...view.to_screen(links[i + 2], links[i + 3]));
    context.stroke();
  }
  context.lineWidth = 0.6;
  unit_colors.forEach((color, unit) => {
    context.globalAlpha = unit_alphas[unit];
    context.fillStyle = color;
    context.beginPath();
    const [x, y] = view.to_screen(unit_x[unit], unit_y[unit]);
    if (unit_size) context.arc(x, y, unit_size[unit] / 2, 0, 2 * Math.PI);
    for (const [across, up] of facts.cell ?? [])
      context.lineTo(x + across * view.scale, y - up * view.scale);
    context.closePath();
    context.fill();
    context.stroke();
  });
  context.globalAlpha = 1;
}
