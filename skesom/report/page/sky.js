// SPDX-License-Identifier: BSD-3-Clause
// Where pixels are on the sky: positions, axes, grid, compass and scale.
"use strict";

const SECONDS = [240, 3600]; // of time and of arc in a degree
const NAMES = ["Right ascension (ICRS)", "Declination (ICRS)"];
const SEXAGESIMAL = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600];
const SAMPLES = 48; // along an edge of what is seen

// Unit vector to the sky at a pixel, between exact ones at the nodes of a grid.
function sky_vector(x, y) {
  const nodes = arrays.sky;
  const side = Math.round(Math.sqrt(nodes.length / 3));
  const place = (value, length) =>
    length > 1 ? (value / (length - 1)) * (side - 1) : 0;
  const u = place(x, facts.full_shape[1]);
  const v = place(y, facts.full_shape[0]);
  const left = clamp(Math.floor(u), 0, side - 2);
  const lower = clamp(Math.floor(v), 0, side - 2);
  const vector = [0, 0, 0];
  for (const [row, part_v] of [[lower, lower + 1 - v], [lower + 1, v - lower]]) {
    for (const [column, part_u] of [[left, left + 1 - u], [left + 1, u - left]]) {
      for (let axis = 0; axis < 3; axis++)
        vector[axis] += part_u * part_v * nodes[3 * (row * side + column) + axis];
    }
  }
  const length = Math.hypot(...vector);
  return vector.map((part) => part / length);
}

// Right ascension and declination in degrees; null beyond the sky or without one.
function sky_at(x, y) {
  if (arrays.sky.length === 0) return null;
  const [a, b, c] = sky_vector(x, y);
  if (!Number.isFinite(a)) return null;
  const degree = 180 / Math.PI;
  return [(Math.atan2(b, a) * degree + 360) % 360, Math.asin(clamp(c, -1, 1)) * degree];
}

function sky_text(x, y) {
  const sky = sky_at(x, y);
  if (sky === null) return arrays.sky.length ? "beyond the sky" : "no sky coordinates";
  return `${sexagesimal(sky[0] / 15, 3)} ${sexagesimal(sky[1], 2, true)}`;
}

function sexagesimal(value, decimals, signed = false) {
  const scale = 10 ** decimals;
  const steps = Math.round(Math.abs(value) * 3600 * scale);
  const minutes = Math.floor(steps / (60 * scale));
  const seconds = ((steps % (60 * scale)) / scale).toFixed(decimals);
  const two = (number) => String(number).padStart(2, "0");
  const sign = signed ? (value < 0 ? "−" : "+") : "";
  const parts = [two(Math.floor(minutes / 60)), two(minutes % 60)];
  return `${sign}${parts.join(":")}:${seconds.padStart(decimals + (decimals ? 3 : 2), "0")}`;
}

// The smallest usual step above a length.
function round_step(least, is_sexagesimal) {
  if (is_sexagesimal && least > 1) {
    const found = SEXAGESIMAL.find((each) => each >= least);
    if (found) return found;
    return 3600 * round_step(least / 3600, false);
  }
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((each) => each * power >= least * (1 - 1e-9));
}

const decimals_of = (step) => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));

// What is measured along axes: the sky, else columns and rows. Coordinate 0 or 1 of a
// pixel in seconds of time or of arc; right ascensions go on at 24 h.
function measure(coordinate, x, y, origin) {
  if (arrays.sky.length === 0) return [x, y][coordinate];
  const sky = sky_at(x, y);
  if (sky === null) return NaN;
  if (coordinate === 1) return sky[1] * SECONDS[1];
  const from_origin = ((sky[0] - origin + 540) % 360) - 180;
  return (origin + from_origin) * SECONDS[0];
}

function tick_text(coordinate, value, step) {
  const decimals = decimals_of(step);
  if (arrays.sky.length === 0) return value.toFixed(decimals);
  const turn = 360 * SECONDS[0];
  if (coordinate === 1) return sexagesimal(value / 3600, decimals, true);
  return sexagesimal((((value % turn) + turn) % turn) / 3600, decimals);
}

// Draw the axes of what is seen, or a grid over it.
function draw_axes(context, view, with_grid) {
  const [left, right, bottom, top] = view.seen();
  if (right <= left || top <= bottom) return;
  const origin = sky_at((left + right) / 2, (bottom + top) / 2)?.[0] ?? 0;
  const along_x = (part) => [left + part * (right - left), bottom];
  const along_y = (part) => [left, bottom + part * (top - bottom)];
  const change = (coordinate, along) =>
    Math.abs(
      measure(coordinate, ...along(1), origin) - measure(coordinate, ...along(0), origin),
    );
  // Right ascension is along the edge that it changes most along, by arcs.
  const ratio = (along) => change(0, along) / (change(1, along) || 1e-9);
  const is_turned = arrays.sky.length > 0 && ratio(along_x) < ratio(along_y);
  const [x0, y0] = view.to_screen(left, bottom);
  const [x1, y1] = view.to_screen(right, top);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = getComputedStyle(view.canvas).color;
  context.lineWidth = 1;
  context.strokeRect(x0, y1, x1 - x0, y0 - y1);
  const lengths = [x1 - x0, y0 - y1];
  [along_x, along_y].forEach((along, edge) => {
    const coordinate = edge ^ Number(is_turned);
    const value = (part) => measure(coordinate, ...along(part), origin);
    const values = Array.from({ length: SAMPLES + 1 }, (_, i) => value(i / SAMPLES));
    const known = values.filter(Number.isFinite);
    const range = Math.max(...known) - Math.min(...known);
    if (!(range > 0)) return;
    const wanted = Math.max(lengths[edge] / (edge ? 60 : 110), 1.5);
    const step = round_step(range / wanted, arrays.sky.length > 0);
    for (const [part, level] of crossings(values, step)) {
      const [x, y] = view.to_screen(...along(part));
      const text = tick_text(coordinate, level * step, step);
      draw_tick(context, x, y, edge, text);
    }
    if (with_grid) draw_grid(context, view, (x, y) => measure(coordinate, x, y, origin), step);
    const name = arrays.sky.length ? NAMES[coordinate] : ["column", "row"][edge];
    const beside = x0 - view.actions.pad()[0] + 10;
    draw_name(context, edge ? [beside, (y0 + y1) / 2] : [(x0 + x1) / 2, y0 + 36], edge, name);
  });
}

// Parts of an edge at which values pass multiples of a step, and which multiples.
function crossings(values, step) {
  const found = [];
  for (let i = 0; i < SAMPLES; i++) {
    const [a, b] = [values[i] / step, values[i + 1] / step];
    if (!(Math.abs(a - b) < 1000)) continue; // at a pole, or beyond the sky
    for (let level = Math.ceil(Math.min(a, b)); level <= Math.max(a, b); level++)
      if (a !== b) found.push([(i + (level - a) / (b - a)) / SAMPLES, level]);
  }
  return found.filter(([, level], i) => i === 0 || level !== found[i - 1][1]);
}

function draw_tick(context, x, y, edge, text) {
  const is_left = edge === 1;
  context.stroke(new Path2D(`M${x} ${y}${is_left ? "h-5" : "v5"}`));
  context.textAlign = is_left ? "right" : "center";
  context.textBaseline = is_left ? "middle" : "top";
  context.fillText(text, ...(is_left ? [x - 8, y] : [x, y + 8]));
}

function draw_name(context, [x, y], edge, name) {
  context.save();
  context.translate(x, y);
  if (edge === 1) context.rotate(-Math.PI / 2);
  Object.assign(context, { textAlign: "center", textBaseline: "middle" });
  context.fillText(name, 0, 0);
  context.restore();
}

// Draw the lines on which a value is a multiple of a step, cell by cell.
function draw_grid(context, view, value_at, step) {
  const [left, right, bottom, top] = view.seen();
  const at = (i, j) => [
    left + (i / SAMPLES) * (right - left),
    bottom + (j / SAMPLES) * (top - bottom),
  ];
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const path = new Path2D();
  for (let cell = 0; cell < SAMPLES ** 2; cell++) {
    const [i, j] = [cell % SAMPLES, Math.floor(cell / SAMPLES)];
    const points = corners.map(([a, b]) => at(i + a, j + b));
    const values = points.map((point) => value_at(...point) / step);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (!(high - low < 1000)) continue;
    for (let level = Math.ceil(low); level <= high; level++) {
      const ends = [];
      for (let k = 0; k < 4; k++) {
        const [a, b] = [values[k] - level, values[(k + 1) % 4] - level];
        if (a < 0 === b < 0) continue;
        const [p, q] = [points[k], points[(k + 1) % 4]];
        const part = a / (a - b);
        ends.push(view.to_screen(...p.map((each, n) => each + part * (q[n] - each))));
      }
      if (ends.length < 2) continue;
      path.moveTo(...ends[0]);
      path.lineTo(...ends[1]);
    }
  }
  context.save();
  Object.assign(context, { strokeStyle: "#fff", globalAlpha: 0.6, lineWidth: 0.8 });
  context.stroke(path);
  context.restore();
}

// Directions of east and north in pixels at a place, and arcsec per pixel.
function directions_at(x, y) {
  const [ra, dec] = sky_at(x, y).map((angle) => (angle * Math.PI) / 180);
  const east = [-Math.sin(ra), Math.cos(ra), 0];
  const north = [-Math.sin(dec) * Math.cos(ra), -Math.sin(dec) * Math.sin(ra), Math.cos(dec)];
  const dot = (a, b) => a.reduce((sum, part, n) => sum + part * b[n], 0);
  const here = sky_vector(x, y);
  const [right, up] = [sky_vector(x + 1, y), sky_vector(x, y + 1)].map((vector) => {
    const moved = vector.map((part, n) => part - here[n]);
    return [dot(moved, east), dot(moved, north)];
  });
  const area = right[0] * up[1] - right[1] * up[0];
  const unit = (a, b) => [a / Math.hypot(a, b), b / Math.hypot(a, b)];
  const sign = Math.sign(area);
  return {
    east: unit(sign * up[1], -sign * right[1]),
    north: unit(-sign * up[0], sign * right[0]),
    arcsec: (Math.sqrt(Math.abs(area)) * 180 * 3600) / Math.PI,
  };
}

// Draw a compass and a scale in the upper right corner of what is seen.
function draw_compass(context, view) {
  const [left, right, bottom, top] = view.seen();
  const middle = [(left + right) / 2, (bottom + top) / 2];
  if (right <= left || top <= bottom || sky_at(...middle) === null) return;
  const { east, north, arcsec } = directions_at(...middle);
  if (!Number.isFinite(east[0] + north[0]) || !(arcsec > 0)) return;
  const per_pixel = arcsec / view.scale; // of the screen
  const long = round_step(40 * per_pixel, true);
  const bar = long / per_pixel;
  const width = Math.max(96, bar + 24);
  const [corner, upper] = view.to_screen(right, top);
  const [x, y] = [corner - 8 - width / 2, upper + 8 + 44];
  context.save();
  context.fillStyle = "#000a";
  context.beginPath();
  context.roundRect(x - width / 2, y - 44, width, 122, 6);
  context.fill();
  Object.assign(context, { strokeStyle: "#fff", fillStyle: "#fff", lineWidth: 1.5 });
  Object.assign(context, { textAlign: "center", textBaseline: "middle" });
  context.font = "12px system-ui, sans-serif";
  for (const [[across, up], name] of [[north, "N"], [east, "E"]]) {
    context.stroke(new Path2D(`M${x} ${y}l${24 * across} ${-24 * up}`));
    context.fillText(name, x + 34 * across, y - 34 * up);
  }
  context.stroke(new Path2D(`M${x - bar / 2} ${y + 50}v6h${bar}v-6`));
  const [amount, unit] =
    long >= 3600 ? [long / 3600, "°"] : long >= 60 ? [long / 60, "′"] : [long, "″"];
  context.fillText(`${Number(amount.toPrecision(3))}${unit}`, x, y + 68);
  context.restore();
}
