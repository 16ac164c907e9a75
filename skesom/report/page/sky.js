// SPDX-License-Identifier: BSD-3-Clause
// Where pixels are on the sky: positions, axes and compass.
"use strict";

const RADIAN = 180 / Math.PI; // degrees
const AXES = ["Right ascension (ICRS)", "Declination (ICRS)"];
const ROUND = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600]; // seconds
const SAMPLES = 48; // along an edge of what is seen

// Unit vector to the sky at a pixel, between exact ones on a grid.
function sky_vector(x, y) {
  const side = Math.round(Math.sqrt(arrays.sky.length / 3));
  const [v, u] = facts.full_shape.map((n, axis) => ([y, x][axis] / Math.max(n - 1, 1)) * (side - 1));
  const [left, lower] = [u, v].map((place) => clamp(Math.floor(place), 0, side - 2));
  const vector = [0, 0, 0];
  for (const [row, part_v] of [[lower, lower + 1 - v], [lower + 1, v - lower]]) {
    for (const [column, part_u] of [[left, left + 1 - u], [left + 1, u - left]]) {
      const first = 3 * (row * side + column);
      for (const axis of [0, 1, 2]) vector[axis] += part_u * part_v * arrays.sky[first + axis];
    }
  }
  return vector.map((part) => part / Math.hypot(...vector));
}

// Right ascension and declination in degrees; null beyond the sky or without one.
function sky_at(x, y) {
  const [a, b, c] = arrays.sky.length ? sky_vector(x, y) : [NaN];
  if (!Number.isFinite(a)) return null;
  return [(Math.atan2(b, a) * RADIAN + 360) % 360, Math.asin(clamp(c, -1, 1)) * RADIAN];
}

function sky_text(x, y) {
  const sky = sky_at(x, y);
  if (sky === null) return arrays.sky.length ? "beyond the sky" : "no sky coordinates";
  return `${sexagesimal(sky[0] / 15, 3)} ${sexagesimal(sky[1], 2, true)}`;
}

function sexagesimal(value, decimals, signed = false) {
  const scale = 10 ** decimals;
  const steps = Math.round(Math.abs(value) * 3600 * scale);
  const seconds = ((steps % (60 * scale)) / scale).toFixed(decimals);
  const minutes = Math.floor(steps / (60 * scale));
  const parts = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0"));
  parts.push(seconds.padStart(decimals ? decimals + 3 : 2, "0"));
  return (signed ? (value < 0 ? "−" : "+") : "") + parts.join(":");
}

// The smallest round step that is not below a length, of seconds if it is sexagesimal.
function round_step(least, is_sexagesimal = false) {
  if (is_sexagesimal && least > 3600) return 3600 * round_step(least / 3600);
  if (is_sexagesimal && least > 1) return ROUND.find((each) => each >= least);
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((each) => each * power >= least * (1 - 1e-9));
}

// What an axis measures: seconds of time or of arc, which go on at 24 h, or pixels.
function measure(coordinate, x, y) {
  if (arrays.sky.length === 0) return [x, y][coordinate];
  const sky = sky_at(x, y);
  if (sky === null) return NaN;
  if (coordinate === 1) return sky[1] * 3600;
  const origin = sky_at(...facts.full_shape.map((side) => side / 2).reverse())?.[0] ?? 0;
  return (origin + ((sky[0] - origin + 540) % 360) - 180) * 240;
}

function tick_text(coordinate, value, step) {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (arrays.sky.length === 0) return value.toFixed(decimals);
  if (coordinate === 1) return sexagesimal(value / 3600, decimals, true);
  return sexagesimal((((value % 86400) + 86400) % 86400) / 3600, decimals);
}

function draw_axes(context, view) {
  const [left, right, bottom, top] = view.seen();
  const [[x0, y0], [x1, y1]] = [view.to_screen(left, bottom), view.to_screen(right, top)];
  const north = directions_at(...view.center)?.north ?? [0, 1];
  const is_turned = Math.abs(north[0]) > Math.abs(north[1]);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = getComputedStyle(view.canvas).color;
  context.lineWidth = 1;
  context.strokeRect(x0, y1, x1 - x0, y0 - y1);
  for (const edge of [0, 1]) {
    const coordinate = edge ^ Number(is_turned);
    const along = (part) =>
      edge ? [left, bottom + part * (top - bottom)] : [left + part * (right - left), bottom];
    const values = Array.from({ length: SAMPLES + 1 }, (_, i) =>
      measure(coordinate, ...along(i / SAMPLES)),
    );
    const known = values.filter(Number.isFinite);
    const wanted = Math.max((edge ? y0 - y1 : x1 - x0) / (edge ? 60 : 110), 1.5);
    const range = Math.max(...known) - Math.min(...known);
    if (!(range > 0)) continue;
    const step = round_step(range / wanted, arrays.sky.length > 0);
    context.textAlign = edge ? "right" : "center";
    context.textBaseline = edge ? "middle" : "top";
    for (const [part, level] of crossings(values, step)) {
      const [x, y] = view.to_screen(...along(part));
      context.stroke(new Path2D(`M${x} ${y}${edge ? "h-5" : "v5"}`));
      const text = tick_text(coordinate, level * step, step);
      context.fillText(text, edge ? x - 8 : x, edge ? y : y + 8);
    }
    context.save();
    context.translate(...(edge ? [x0 - view.pad[0] + 8, (y0 + y1) / 2] : [(x0 + x1) / 2, y0 + 36]));
    if (edge) context.rotate(-Math.PI / 2);
    Object.assign(context, { textAlign: "center", textBaseline: "middle" });
    context.fillText(arrays.sky.length ? AXES[coordinate] : ["column", "row"][edge], 0, 0);
    context.restore();
  }
}

// Parts of an edge at which values pass multiples of a step, and which multiples.
function crossings(values, step) {
  const found = [];
  for (let i = 0; i < SAMPLES; i++) {
    const [a, b] = [values[i] / step, values[i + 1] / step];
    if (a === b || !(Math.abs(a - b) < SAMPLES)) continue; // at a pole, or beyond the sky
    for (let level = Math.ceil(Math.min(a, b)); level <= Math.max(a, b); level++)
      found.push([(i + (level - a) / (b - a)) / SAMPLES, level]);
  }
  return found;
}

// Directions of east and north in pixels at a place; null beyond the sky.
function directions_at(x, y) {
  const sky = sky_at(x, y)?.map((angle) => angle / RADIAN);
  if (!sky) return null;
  const [[sin_ra, sin_dec], [cos_ra, cos_dec]] = [sky.map(Math.sin), sky.map(Math.cos)];
  const axes = [[-sin_ra, cos_ra, 0], [-sin_dec * cos_ra, -sin_dec * sin_ra, cos_dec]];
  const here = sky_vector(x, y);
  const [right, up] = [sky_vector(x + 1, y), sky_vector(x, y + 1)].map((vector) =>
    axes.map((axis) => axis.reduce((sum, part, n) => sum + part * (vector[n] - here[n]), 0)),
  );
  const sign = Math.sign(right[0] * up[1] - right[1] * up[0]);
  const unit = (a, b) => [a, b].map((part) => (sign * part) / Math.hypot(a, b));
  return { east: unit(up[1], -right[1]), north: unit(-up[0], right[0]) };
}

// Draw north and east into the upper right corner of what is seen, and stay there.
function draw_compass(context, view) {
  const directions = directions_at(...view.center);
  if (directions === null) return;
  const [, right, , top] = view.seen();
  const size = clamp(Math.min(...view.size) / 400, 0.5, 1); // by what it may hide
  context.translate(...view.to_screen(right, top));
  context.scale(size, size);
  const [x, y] = [-50, 50];
  context.fillStyle = "#000a";
  context.fill(new Path2D(`M${x} ${y}m-44 0a44 44 0 1 0 88 0a44 44 0 1 0 -88 0`));
  Object.assign(context, { strokeStyle: "#fff", fillStyle: "#fff", lineWidth: 1.5 });
  Object.assign(context, { textAlign: "center", textBaseline: "middle" });
  context.font = "12px system-ui, sans-serif";
  for (const [name, [across, up]] of Object.entries(directions)) {
    context.stroke(new Path2D(`M${x} ${y}l${24 * across} ${-24 * up}`));
    context.fillText(name[0].toUpperCase(), x + 34 * across, y - 34 * up);
  }
}
