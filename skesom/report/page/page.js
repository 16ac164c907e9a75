// SPDX-License-Identifier: BSD-3-Clause
// One selection of pixels, and groups of clusters, shown in all parts of the page.
"use strict";

const NO_UNIT = 65535;
const [NOISE, SKY, MISSING] = [-1, -2, -3];
const OTHERS = { [SKY]: "sky, set aside", [MISSING]: "no data", [NOISE]: "noise" };
const DIMMED = 0.22; // contrast of what is not selected
const BLINK = 700; // milliseconds
const NEAR = 8; // pixels of the screen from the mouse to an object
const MARGINS = { wide: [104, 46, 18, 10], narrow: [76, 44, 8, 8] };

let facts, arrays, width, height, n_pixels, sky_view, units_view;
let groups = []; // clusters as they are shown: {name, labels, color, pixels, quartiles}
let group_of = []; // number of the group of each label
let shown = []; // pixels of each group in the picture, which may be thinned
let chosen = null; // 1 for each selected pixel, or null if all are equal
let marked = new Set(); // numbers of the groups that are ticked
let blinking = null; // the timer that blinks
let is_map_off = false; // while it blinks
const layers = {}; // canvases of the image and of the map

const choice = (name) => document.getElementById(name);
const write = (name, text) => (choice(name).textContent = text);
const notify = (text) => write("message", text);
const title_of = ({ name, labels }) =>
  name ?? labels.map((label) => `cluster ${label}`).join(" + ");
const group_at = (i) => (arrays.labels[i] >= 0 ? group_of[arrays.labels[i]] : -1);
const is_chosen = (i) => chosen !== null && chosen[i] === 1;
const cluster_text = (label) =>
  label >= 0 ? title_of(groups[group_of[label]]) : (OTHERS[label] ?? "no data");

// An element with some properties and contents; text stays text.
function make(tag, properties, ...contents) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...contents);
  return element;
}

// Arrays are deflated, with the first bytes of all numbers before the second ones.
async function read_array({ textContent, dataset }) {
  const packed = Uint8Array.from(atob(textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const Kind = globalThis[dataset.kind];
  const size = Kind.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(planes.length);
  const length = planes.length / size;
  for (let plane = 0; plane < size; plane++) {
    const first = plane * length;
    for (let i = 0; i < length; i++) bytes[i * size + plane] = planes[first + i];
  }
  return new Kind(bytes.buffer);
}

async function start() {
  facts = JSON.parse(choice("facts").textContent);
  const packed = [...document.querySelectorAll("script[data-kind]")];
  const read = await Promise.all(packed.map(read_array));
  arrays = Object.fromEntries(packed.map((each, i) => [each.dataset.name, read[i]]));
  [height, width] = facts.shape;
  n_pixels = height * width;
  groups = facts.clusters.map((group) => ({ ...group }));
  for (const name of ["image", "map"]) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    layers[name] = { canvas, context, picture, words: new Uint32Array(picture.data.buffer) };
  }
  const [rows, columns] = facts.full_shape;
  sky_view = new View(choice("sky"), [-0.5, columns - 0.5, -0.5, rows - 0.5], facts.step, {
    draw: draw_sky,
    pad: () => (choice("sky").clientWidth > 600 ? MARGINS.wide : MARGINS.narrow),
    hover,
    leave: () => {},
    pick,
    choose: (xs, ys) => select_where(pixels_within(xs, ys)),
    clear,
  });
  if (facts.unit_labels) units_view = make_units_view();
  listen();
  regroup();
  document.body.dataset.state = "ready";
}

function listen() {
  const on = (name, kind, act) => choice(name)?.addEventListener(kind, act);
  const redraw = () => [sky_view, units_view].forEach((view) => view?.redraw());
  const actions = { merge, split, clear, blink, export_groups, export_region, export_table };
  for (const [name, act] of Object.entries(actions)) on(name, "click", () => act());
  for (const name of ["opacity", "grid"]) on(name, "input", redraw);
  on("picture", "change", paint_image);
  on("log", "change", show_spectra);
  on("colored", "change", show_units);
  on("nearer", "click", () => sky_view.zoom(1.5));
  on("farther", "click", () => sky_view.zoom(1 / 1.5));
  on("whole", "click", () => sky_view.fit());
  on("theme", "change", ({ target }) => {
    document.documentElement.style.colorScheme = target.value;
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  on("full", "click", () =>
    document.fullscreenElement ? document.exitFullscreen() : choice("stage").requestFullscreen(),
  );
  document.addEventListener("fullscreenchange", () =>
    write("full", document.fullscreenElement ? "Leave full screen" : "Full screen"),
  );
  for (const each of document.querySelectorAll("[name=tool]"))
    each.addEventListener("change", () => {
      sky_view.tool = each.value;
      if (units_view) units_view.tool = each.value;
    });
  facts.objects.forEach((kind, number) => {
    const box = make("input", { type: "checkbox", id: `objects-${number}` });
    box.addEventListener("input", redraw);
    const symbol = make("span", { className: "symbol", ariaHidden: "true" }, kind.letter);
    symbol.style.color = kind.color;
    choice("objects").append(make("label", {}, box, symbol, `${kind.text} (${kind.x.length})`));
  });
}

function paint(name, color_of) {
  const { words, context, picture } = layers[name];
  for (let row = 0, i = 0; row < height; row++) {
    let place = (height - 1 - row) * width; // the first row is the lowest
    for (let column = 0; column < width; column++, i++, place++) {
      const color = color_of(i, column, row);
      const is_dimmed = chosen !== null && chosen[i] === 0;
      words[place] = (255 << 24) | (is_dimmed ? dimmed(color) : color);
    }
  }
  context.putImageData(picture, 0, 0);
  sky_view.redraw();
}

const pack_color = (red, green, blue) => red | (green << 8) | (blue << 16);
const fade = (level, gray) => gray + ((level & 255) - gray) * DIMMED;
const dimmed = (color) =>
  pack_color(fade(color, 60), fade(color >> 8, 62), fade(color >> 16, 68));
const unhex = (color) =>
  pack_color(...color.match(/\w\w/g).map((hex) => parseInt(hex, 16)));

// Color of what is missing, hatched.
function missing_at(column, row) {
  const is_line = (column + row) % 8 < 2;
  return unhex(is_line ? facts.hatch_color : facts.missing_color);
}

function paint_image() {
  const band = choice("picture").selectedIndex - 1; // after the colors
  if (band < 0) {
    const { rgb } = arrays;
    return paint("image", (i) => pack_color(rgb[i], rgb[i + n_pixels], rgb[i + 2 * n_pixels]));
  }
  const first = facts.order[band] * n_pixels;
  const { dark, bright } = facts.bands[facts.order[band]];
  paint("image", (i, column, row) => {
    const code = arrays.codes[first + i];
    if (code === 0) return missing_at(column, row);
    const level = Math.round(255 * clamp((code - dark) / (bright - dark), 0, 1));
    return pack_color(level, level, level);
  });
}

function paint_map() {
  const colors = group_of.map((group) => unhex(groups[group].color));
  colors[NOISE] = unhex(facts.noise_color);
  colors[SKY] = unhex(facts.sky_color);
  paint("map", (i, column, row) => colors[arrays.labels[i]] ?? missing_at(column, row));
}

function draw_sky(context, view) {
  const [left, right, bottom, top] = view.seen();
  const [x0, y0] = view.to_screen(left, top);
  const [x1, y1] = view.to_screen(right, bottom);
  context.save();
  context.beginPath();
  context.rect(x0, y0, x1 - x0, y1 - y0);
  context.clip();
  const { step } = facts;
  const corner = view.to_screen(-0.5, height * step - 0.5);
  const size = [width, height].map((side) => side * step * view.scale);
  context.imageSmoothingEnabled = view.scale * step * devicePixelRatio < 1;
  context.drawImage(layers.image.canvas, ...corner, ...size);
  context.globalAlpha = is_map_off ? 0 : choice("opacity").value / 100;
  if (context.globalAlpha > 0) context.drawImage(layers.map.canvas, ...corner, ...size);
  context.globalAlpha = 1;
  draw_objects(context, view);
  draw_compass(context, view);
  context.restore();
  draw_axes(context, view, choice("grid").checked);
}

const SYMBOLS = {
  circle: "M5 0A5 5 0 1 1 -5 0A5 5 0 1 1 5 0",
  box: "M-5 -5H5V5H-5Z",
  diamond: "M0 -6L6 0L0 6L-6 0Z",
  cross: "M-6 0H6M0 -6V6",
  x: "M-5 -5L5 5M5 -5L-5 5",
  arrow: "M-5 -5H5L0 5Z",
  boxcircle: "M-5 -5H5V5H-5ZM3 0A3 3 0 1 1 -3 0A3 3 0 1 1 3 0",
};

const seen_objects = () =>
  facts.objects.filter((_, number) => choice(`objects-${number}`).checked);

function draw_objects(context, view) {
  for (const { x, y, color, symbol } of seen_objects()) {
    const shape = new Path2D(SYMBOLS[symbol]);
    const all = new Path2D();
    x.forEach((column, i) => {
      const [e, f] = view.to_screen(column, y[i]);
      all.addPath(shape, { a: 1, d: 1, e, f });
    });
    for (const [strokeStyle, lineWidth] of [["#000a", 3.4], [color, 1.7]]) {
      Object.assign(context, { strokeStyle, lineWidth });
      context.stroke(all);
    }
  }
}

function objects_near(x, y) {
  const near = NEAR / sky_view.scale;
  return seen_objects().flatMap((kind) =>
    kind.name
      .filter((_, i) => Math.hypot(kind.x[i] - x, kind.y[i] - y) < near)
      .map((name) => `${name || "unnamed"} (${kind.text})`),
  );
}

function blink() {
  clearInterval(blinking);
  is_map_off = false;
  const turn = () => {
    is_map_off = !is_map_off;
    sky_view.redraw();
  };
  blinking = blinking === null ? setInterval(turn, BLINK) : null;
  choice("blink").ariaPressed = String(blinking !== null);
  if (blinking !== null) turn();
  sky_view.redraw();
}

// Number of pixels of each part; pixels of other numbers are in none.
function count(n_parts, part_at) {
  const counts = new Array(n_parts).fill(0);
  for (let i = 0; i < n_pixels; i++) {
    const part = part_at(i);
    if (part >= 0 && part < n_parts) counts[part] += 1;
  }
  return counts;
}

// Select the pixels that are 1; tick some groups.
function select_where(inside, numbers = []) {
  if (!inside.includes(1)) return clear();
  chosen = inside;
  marked = new Set(numbers);
  show_selection();
}

const select = (test, numbers) =>
  select_where(new Uint8Array(n_pixels).map((_, i) => test(i)), numbers);

function select_units(units) {
  const wanted = new Set(units);
  select((i) => wanted.has(arrays.units[i]));
}

function select_groups(numbers) {
  const wanted = new Set(numbers);
  select((i) => wanted.has(group_at(i)), numbers);
}

function toggle_group(number) {
  const wanted = new Set(marked);
  if (!wanted.delete(number)) wanted.add(number);
  select_groups([...wanted]);
}

function clear() {
  chosen = null;
  marked = new Set();
  show_selection();
}

function pixel_at(x, y) {
  const column = Math.floor((x + 0.5) / facts.step);
  const row = Math.floor((y + 0.5) / facts.step);
  const inside = column >= 0 && column < width && row >= 0 && row < height;
  return inside ? row * width + column : -1;
}

// Column and row in the whole image of a pixel of the picture.
function place_of(pixel) {
  const middle = Math.floor((facts.step - 1) / 2);
  const [rows, columns] = facts.full_shape;
  const [x, y] = [pixel % width, Math.floor(pixel / width)];
  return [Math.min(x * facts.step + middle, columns - 1), Math.min(y * facts.step + middle, rows - 1)];
}

function pick(x, y, event) {
  const pixel = pixel_at(x, y);
  if (pixel < 0) return clear();
  const kind = choice("click").value;
  const [label, unit] = [arrays.labels[pixel], arrays.units[pixel]];
  if (kind === "pixel") return select((i) => i === pixel);
  if (kind === "unit" && unit !== NO_UNIT) return select_units([unit]);
  if (label < 0) return clear();
  if (!event?.shiftKey) marked.clear();
  return toggle_group(group_of[label]);
}

// Mark the pixels whose middle is inside a polygon, row by row.
function pixels_within(xs, ys) {
  const inside = new Uint8Array(n_pixels);
  const middle = (facts.step - 1) / 2;
  for (let row = 0; row < height; row++) {
    const y = row * facts.step + middle;
    const passed = [];
    for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
      if (ys[i] > y !== ys[j] > y) {
        const x = xs[i] + ((y - ys[i]) / (ys[j] - ys[i])) * (xs[j] - xs[i]);
        passed.push((x - middle) / facts.step);
      }
    }
    passed.sort((a, b) => a - b);
    for (let k = 0; k + 1 < passed.length; k += 2) {
      const first = clamp(Math.ceil(passed[k]), 0, width);
      const end = clamp(Math.floor(passed[k + 1]) + 1, 0, width);
      inside.fill(1, row * width + first, row * width + end);
    }
  }
  return inside;
}

function show_selection() {
  paint_image();
  paint_map();
  show_units();
  show_spectra();
  show_shares();
  const sum = chosen === null ? 0 : count(1, (i) => (is_chosen(i) ? 0 : -1))[0];
  const share = ((100 * sum) / n_pixels).toPrecision(3);
  const text = `${sum.toLocaleString("en")} pixels, ${share} % of the picture`;
  write("selection", chosen === null ? "Nothing is selected." : `Selected: ${text}.`);
  document.body.dataset.selected = sum;
}

function show_spectra() {
  const spectra = groups
    .map((group, number) => ({ ...group, name: title_of(group), pixels: shown[number] }))
    .filter(({ pixels }) => pixels > 0);
  if (chosen !== null) {
    const [quartiles] = quartiles_of((i) => (is_chosen(i) ? 0 : -1), 1);
    const whole = marked.size === 1 ? groups[[...marked][0]].quartiles : quartiles;
    const style = { name: "selection", color: "currentColor", is_selection: true };
    spectra.push({ ...style, quartiles: whole });
  }
  draw_spectra(choice("spectra"), spectra);
}

function hover(x, y) {
  const pixel = pixel_at(x, y);
  if (pixel < 0) return;
  const unit = arrays.units[pixel];
  const cluster = cluster_text(arrays.labels[pixel]);
  const fluxes = facts.order.map((band) => {
    const { name, unit: of_flux } = facts.bands[band];
    return `${name} ${flux_of(band, pixel) ?? "–"}${of_flux ? " " + of_flux : ""}`;
  });
  const place = `x ${Math.round(x)}, y ${Math.round(y)}`;
  const where = cluster + (unit === NO_UNIT ? "" : `, unit ${unit}`);
  const parts = [place, sky_text(x, y), where, ...objects_near(x, y), ...fluxes];
  choice("readout").replaceChildren(...parts.map((part) => make("span", {}, part)));
}

// The flux of a pixel, null for none.
function flux_of(band, pixel) {
  const code = arrays.codes[band * n_pixels + pixel];
  if (code === 0) return null;
  const { level, softening, low, step } = facts.bands[band];
  return Number((level + softening * Math.sinh(low + (code - 1) * step)).toPrecision(4));
}

start();
