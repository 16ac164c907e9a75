// SPDX-License-Identifier: BSD-3-Clause
// The units of the map: cells of a lattice, or dots of a graph with their links.
"use strict";

const CIVIDIS = ["00224e", "1a386f", "434e6c", "61656f", "7d7c78", "9b9476", "bcae6c", "dec958", "fee838"]
  .map((hex) => hex.match(/\w\w/g).map((part) => parseInt(part, 16)));
let unit_colors = [];
let unit_alphas = [];

function make_units_view() {
  const ends = [arrays.unit_x, arrays.unit_y].flatMap((each) => [Math.min(...each), Math.max(...each)]);
  const wide = Math.max(ends[1] - ends[0], ends[3] - ends[2], 1);
  const margin = facts.cell ? 0.7 : 0.04 * wide;
  const bounds = ends.map((end, n) => end + (n % 2 ? margin : -margin));
  const colors = CIVIDIS.map((color) => `rgb(${color})`);
  choice("scale").style.background = `linear-gradient(to right, ${colors})`;
  return new View(choice("units"), bounds, [8, 8, 8, 8], wide / 40, {
    draw: draw_units,
    hover: hover_unit,
    read: read_unit,
    pick: (x, y) => select_units([unit_at(x, y)]),
    choose: (path, places = []) =>
      select_units([...units_within(path), ...places.map((place) => unit_at(...place))]),
    name_of: unit_name,
  });
}

// The nearest unit, -1 if it is far.
function unit_at(x, y) {
  const distances = facts.unit_labels.map((_, unit) =>
    Math.hypot(arrays.unit_x[unit] - x, arrays.unit_y[unit] - y),
  );
  const least = Math.min(...distances);
  return least < (facts.cell ? 0.6 : 16 / units_view.scale) ? distances.indexOf(least) : -1;
}

function units_within(corners) {
  const area = new Path2D(`M${corners.join("L")}Z`);
  const context = make("canvas", {}).getContext("2d");
  const all = facts.unit_labels.map((_, unit) => unit);
  const { unit_x, unit_y } = arrays;
  return all.filter((unit) => context.isPointInPath(area, unit_x[unit], unit_y[unit]));
}

function unit_name(x, y) {
  const unit = unit_at(x, y);
  return unit < 0 ? "no unit" : `unit ${unit}`;
}

// Say what is below the cross.
function read_unit(x, y, before) {
  const is_one = hover_unit(x, y);
  const text = is_one ? choice("unit").textContent : "no unit";
  speak([before, text].filter(Boolean).join(", "));
}

// Show what is known of a unit; return whether there is one.
function hover_unit(x, y) {
  const unit = unit_at(x, y);
  if (unit < 0) return false;
  const pixels = count(1, (i) => (arrays.units[i] === unit ? 0 : -1))[0].toLocaleString("en");
  const label = facts.unit_labels[unit];
  const cluster = label >= 0 ? cluster_text(label) : "no cluster";
  write("unit", `Unit ${unit}: ${cluster}, ${pixels} pixels`);
  return true;
}

function show_units() {
  if (!units_view) return;
  const n_units = facts.unit_labels.length;
  const all = count(n_units, (i) => arrays.units[i]);
  const some = count(n_units, (i) => (chosen?.[i] ? arrays.units[i] : NO_UNIT));
  unit_alphas = all.map((n_pixels, unit) => {
    if (chosen === null) return 1;
    return some[unit] === 0 ? 0.12 : 0.35 + (0.65 * some[unit]) / n_pixels;
  });
  const value = choice("colored").selectedIndex;
  const ends = facts.unit_ranges[value]; // none for the last choice, clusters
  unit_colors = facts.unit_labels.map((label, unit) => {
    if (ends) return cividis(arrays.unit_values[value * n_units + unit] / 255);
    return groups[group_of[label]]?.color ?? "#000000";
  });
  choice("scale").hidden = !ends;
  ["low", "high"].forEach((name, n) => write(name, ends?.[n]?.toPrecision(3) ?? ""));
  units_view.redraw();
}

// The color of a number from 0 to 1.
function cividis(level) {
  const place = level * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  const [a, b] = CIVIDIS.slice(low, low + 2);
  return `rgb(${a.map((part, n) => Math.round(part + (place - low) * (b[n] - part)))})`;
}

function draw_units(context, view) {
  const { links = [], unit_x, unit_y, unit_size } = arrays;
  context.strokeStyle = getComputedStyle(view.canvas).color;
  for (let i = 0; i < links.length; i += 5) {
    const ends = [view.to_screen(links[i], links[i + 1]), view.to_screen(links[i + 2], links[i + 3])];
    context.globalAlpha = links[i + 4] * (chosen === null ? 1 : 0.3);
    context.stroke(new Path2D(`M${ends.join("L")}`));
  }
  context.lineWidth = 0.6;
  unit_colors.forEach((color, unit) => {
    const [x, y] = view.to_screen(unit_x[unit], unit_y[unit]);
    Object.assign(context, { globalAlpha: unit_alphas[unit], fillStyle: color });
    context.beginPath();
    if (unit_size) context.arc(x, y, unit_size[unit] / 2, 0, 2 * Math.PI);
    for (const [right, up] of facts.cell ?? [])
      context.lineTo(x + right * view.scale, y - up * view.scale);
    context.closePath();
    context.fill();
    context.stroke();
  });
  context.globalAlpha = 1;
}
