// SPDX-License-Identifier: BSD-3-Clause
// One selection of pixels, and groups of clusters, shown in all parts of the page.
"use strict";

const NO_UNIT = 65535;
const NO_STEP = 128; // from one pixel to the next, in arrays that hold such steps
const [NOISE, SKY, MISSING] = [-1, -2, -3];
const OTHERS = { [SKY]: "sky, set aside", [NOISE]: "noise", [MISSING]: "no data" };
const DIMMED = 0.22; // contrast of what is not selected
const BLINK = 700; // milliseconds
const NEAR = 8; // pixels of the screen from the mouse to an object

let facts, arrays, width, height, n_pixels, sky_view, units_view;
let groups = []; // clusters as they are shown: {name, labels, color, pixels, quartiles}
let group_of = []; // number of the group of each label
let shown = []; // pixels of each group in the picture, which may be thinned
let chosen = null; // 1 for each selected pixel, or null if all are equal
let ticked = new Set(); // numbers of the groups that are selected
let blinking; // the timer that blinks
let is_map_off = false; // while it blinks
const layers = {}; // canvases of the image and of the map

const choice = (name) => document.getElementById(name);
const write = (name, text) => (choice(name).textContent = text);
const notify = (text) => tell("message", text);
const speak = (text) => tell("spoken", text); // what is seen elsewhere, for screen readers
const title_of = ({ name, labels }) =>
  name ?? titles_of(labels).map((title) => `cluster ${title}`).join(" + ");
const group_at = (i) => group_of[arrays.labels[i]] ?? -1;
const cluster_text = (label, text_of = told) =>
  label >= 0 ? text_of(groups[group_of[label]]) : (OTHERS[label] ?? "no data");
const told = (group) => // with the suggestion, which a name replaces
  title_of(group) + (group.suggestion && !group.name ? `, ${group.suggestion} (?)` : "");
const redraw = () => [sky_view, units_view].forEach((view) => view?.redraw());

// A share in per cent; what would be written as 0.0 % is below 0.1 %.
const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);

// Write into a live region. The same text again would not be read: a space makes it new.
const last_told = {};
function tell(name, text) {
  const written = text !== "" && last_told[name] === text ? `${text}\u00a0` : text;
  if (text !== "") last_told[name] = written;
  write(name, written);
}

const sum_of = (items, of) => items.reduce((sum, each) => sum + of(each), 0);

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
  const array = new Kind(planes.length / Kind.BYTES_PER_ELEMENT);
  const bytes = new Uint8Array(array.buffer);
  for (let i = 0; i < bytes.length; i++)
    bytes[(i % array.length) * Kind.BYTES_PER_ELEMENT + Math.floor(i / array.length)] = planes[i];
  return array;
}

async function start() {
  facts = JSON.parse(choice("facts").textContent);
  const packed = [...document.querySelectorAll("script[data-kind]")];
  const read = await Promise.all(packed.map(read_array));
  arrays = Object.fromEntries(packed.map((each, i) => [each.dataset.name, read[i]]));
  for (const steps of [arrays.codes, arrays.rgb])
    for (let i = 0; i < steps.length; i++) steps[i] += (steps[i - 1] ?? 0) - NO_STEP;
  [height, width] = facts.shape;
  n_pixels = height * width;
  if (facts.tree) {
    grow_tree(facts.tree);
    show_number(facts.tree.n_clusters);
  }
  groups = kept_groups() ?? clusters_of_folder();
  for (const name of ["image", "map"]) {
    const canvas = make("canvas", { width, height });
    layers[name] = { canvas, picture: new ImageData(width, height) };
  }
  const bounds = facts.full_shape.flatMap((_, axis, sides) => [-0.5, sides[1 - axis] - 0.5]);
  const actions = { draw: draw_sky, hover, pick, read: read_pixel, choose: choose_pixels, name_of: pixel_name };
  sky_view = new View(choice("sky"), bounds, [94, 12, 46, 8], facts.step, actions);
  if (facts.unit_labels) units_view = make_units_view();
  choice("log").checked = facts.is_log;
  listen();
  regroup();
  document.body.dataset.state = "ready";
}

function listen() {
  const buttons = { merge, split, undo, redo, offer, say, clear, discard, blink, full, export_groups };
  Object.assign(buttons, { export_region, export_table });
  buttons.nearer = () => sky_view.zoom_and_tell(1.5);
  buttons.farther = () => sky_view.zoom_and_tell(1 / 1.5);
  buttons.whole = () => sky_view.fit_and_tell();
  for (const [name, act] of Object.entries(buttons)) choice(name).onclick = () => act();
  for (const kind of ["click", "change"]) // an older message is of an older action
    document.addEventListener(kind, () => notify(""), true);
  for (const name of ["opacity", "theme"]) keep_choice(choice(name));
  choice("opacity").oninput = redraw;
  choice("picture").onchange = paint_image;
  choice("slice").onchange = show_slice;
  choice("layer").onchange = () => {
    paint_map();
    show_legend();
  };
  choice("log").onchange = show_spectra;
  choice("colored").onchange = show_units;
  choice("theme").onchange = paint_page;
  paint_page();
  matchMedia("(prefers-color-scheme: dark)").onchange = redraw;
  window.onpagehide = () => document.activeElement.blur(); // takes a name that is being typed
  document.onkeydown = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) clear();
    time_key(event);
  };
  choice("number").oninput = slide;
  choice("number").onchange = end_slide;
  choice("word").onkeydown = ({ key, target }) => {
    if (key !== "Enter") return;
    if (clean(target.value)) say();
    else offer(); // so that a name and Enter, and again Enter, go from place to place
  };
  document.onfullscreenchange = () => {
    const is_full = Boolean(document.fullscreenElement);
    write("full", is_full ? "Leave full screen" : "Full screen");
    speak(is_full ? "Full screen." : "No longer full screen.");
  };
  for (const tool of document.querySelectorAll("[name=tool]"))
    tool.onchange = () => take_tool(tool.value);
  facts.objects.forEach(({ letter, color, text, x }, number) => {
    const box = make("input", { type: "checkbox", id: `objects-${number}`, oninput: redraw });
    const symbol = make("span", { className: "symbol", ariaHidden: "true" }, letter);
    symbol.style.color = color;
    choice("objects").append(make("label", {}, box, symbol, `${text} (${x.length})`));
  });
}

// Choose what dragging, and the space bar in a picture, do.
function take_tool(name) {
  document.querySelector(`[name=tool][value=${name}]`).checked = true;
  for (const view of [sky_view, units_view].filter(Boolean)) {
    view.drop_corners();
    view.tool = name;
  }
  speak(`Tool: ${name}.${name === "move" ? "" : " The space bar marks its corners in a picture."}`);
}

function paint_page() {
  document.documentElement.style.colorScheme = choice("theme").value;
  redraw();
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else choice("stage").requestFullscreen();
}

function paint(name, color_of) {
  const { canvas, picture } = layers[name];
  const words = new Uint32Array(picture.data.buffer);
  for (let i = 0; i < n_pixels; i++) {
    const [column, row] = [i % width, Math.floor(i / width)];
    const color = color_of(i) ?? missing_at(column, row);
    const place = (height - 1 - row) * width + column; // the first row is the lowest
    words[place] = (255 << 24) | (chosen !== null && chosen[i] === 0 ? dimmed(color) : color);
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
  sky_view.redraw();
}

const pack_color = (red, green, blue) => red | (green << 8) | (blue << 16);
const fade = (level, gray) => gray + ((level & 255) - gray) * DIMMED;
const dimmed = (color) =>
  pack_color(fade(color, 60), fade(color >> 8, 62), fade(color >> 16, 68));
const unhex = (color) => pack_color(...color.match(/\w\w/g).map((hex) => parseInt(hex, 16)));

// What is missing is hatched.
const missing_at = (column, row) =>
  unhex((column + row) % 8 < 2 ? facts.hatch_color : facts.missing_color);

function paint_image() {
  const band = facts.order[choice("picture").selectedIndex - 1]; // after the colors
  if (band === undefined) {
    const { rgb } = arrays;
    return paint("image", (i) => pack_color(rgb[i], rgb[i + n_pixels], rgb[i + 2 * n_pixels]));
  }
  const { dark, bright } = facts.bands[band];
  paint("image", (i) => {
    const code = arrays.codes[band * n_pixels + i];
    const level = Math.round(255 * clamp((code - dark) / (bright - dark), 0, 1));
    return code === 0 ? undefined : pack_color(level, level, level);
  });
}

function show_slice() {
  const first = choice("slice").selectedIndex * n_pixels;
  arrays.labels = arrays.slices.subarray(first, first + n_pixels);
  regroup();
  speak(`Slice ${choice("slice").value} is shown. Nothing is selected.`);
}

const are_populations_shown = () => choice("layer").value === "populations";
const population_at = (i) => arrays.populations?.[i] ?? -1;

function paint_map() {
  const is_of_clusters = !are_populations_shown();
  const shades = is_of_clusters ? group_of.map((group) => groups[group]) : facts.populations;
  const colors = shades.map(({ color }) => unhex(color));
  colors[NOISE] = unhex(facts.noise_color);
  colors[SKY] = unhex(facts.sky_color);
  const labels = is_of_clusters ? arrays.labels : arrays.populations;
  paint("map", (i) => colors[labels[i]]);
}

function draw_sky(context, view) {
  const [left, right, bottom, top] = view.seen();
  const [[x0, y0], [x1, y1]] = [view.to_screen(left, top), view.to_screen(right, bottom)];
  context.save();
  context.beginPath();
  context.rect(x0, y0, x1 - x0, y1 - y0);
  context.clip();
  const place = view.to_screen(-0.5, height * facts.step - 0.5);
  place.push(...[width, height].map((side) => side * facts.step * view.scale));
  context.imageSmoothingEnabled = view.scale * facts.step * devicePixelRatio < 1;
  context.drawImage(layers.image.canvas, ...place);
  context.globalAlpha = is_map_off ? 0 : choice("opacity").value / 100;
  context.drawImage(layers.map.canvas, ...place);
  context.globalAlpha = 1;
  draw_objects(context, view);
  draw_place(context, view);
  draw_compass(context, view);
  context.restore();
  draw_axes(context, view);
}

const seen_objects = () =>
  facts.objects.filter((_, number) => choice(`objects-${number}`).checked);

function draw_objects(context, view) {
  Object.assign(context, { font: "bold 17px sans-serif", textAlign: "center" });
  Object.assign(context, { textBaseline: "middle", strokeStyle: "#0008", lineWidth: 3 });
  for (const { x, y, color, letter } of seen_objects()) {
    context.fillStyle = color;
    for (const write_at of [context.strokeText, context.fillText])
      x.forEach((column, i) => write_at.call(context, letter, ...view.to_screen(column, y[i])));
  }
}

function objects_near(x, y) {
  const is_near = ({ x: xs, y: ys }) => (_, i) =>
    Math.hypot(xs[i] - x, ys[i] - y) * sky_view.scale < NEAR;
  return seen_objects().flatMap((kind) =>
    kind.name.filter(is_near(kind)).map((name) => `${name || "unnamed"} (${kind.text})`),
  );
}

// Show the picture with the map and without it in turns: by itself, or where the system asks
// for less motion, by one press for each turn.
function blink() {
  const is_still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const is_on = is_still ? !is_map_off : blinking === undefined;
  clearInterval(blinking);
  blinking = is_on && !is_still ? setInterval(() => turn_map(!is_map_off), BLINK) : undefined;
  choice("blink").ariaPressed = String(is_on);
  turn_map(is_on);
  if (is_still) speak(is_on ? "The map is hidden." : "The map is seen.");
  else speak(is_on ? "The map blinks." : "The map is seen.");
}

function turn_map(is_off) {
  is_map_off = is_off;
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

// Select the pixels that are 1, without a word; tick some groups.
function mark_selection(inside, numbers = []) {
  const is_some = inside.includes(1);
  chosen = is_some ? inside : null;
  ticked = new Set(is_some ? numbers : []);
  notify("");
  show_selection();
}

function select_where(inside, numbers) {
  mark_selection(inside, numbers);
  speak(choice("selection").textContent);
}

const clear = () => select_where([]);

function pixels_of(wanted, part_at) {
  const all = new Set(wanted);
  return new Uint8Array(n_pixels).map((_, i) => all.has(part_at(i)));
}

const select = (wanted, part_at, numbers) => select_where(pixels_of(wanted, part_at), numbers);

const select_units = (units) => select(units, (i) => arrays.units[i]);
const select_groups = (numbers) => select(numbers, group_at, numbers);

function toggle_group(number) {
  const wanted = new Set(ticked);
  if (!wanted.delete(number)) wanted.add(number);
  select_groups([...wanted]);
}

function pixel_at(x, y) {
  const [column, row] = [x, y].map((place) => Math.floor((place + 0.5) / facts.step));
  const is_inside = column >= 0 && column < width && row >= 0 && row < height;
  return is_inside ? row * width + column : -1;
}

// Column and row in the whole image of a pixel of the picture.
function place_of(pixel) {
  const middle = Math.floor((facts.step - 1) / 2);
  return [pixel % width, Math.floor(pixel / width)].map((place, axis) =>
    Math.min(place * facts.step + middle, facts.full_shape[1 - axis] - 1),
  );
}

function pick(x, y, is_added = false) {
  const pixel = pixel_at(x, y);
  set_place(pixel);
  select_at(pixel, is_added);
  if (tree !== null) speak(`${choice("selection").textContent} ${choice("place").textContent}`);
}

function select_at(pixel, is_added) {
  const [kind, label, unit] = [choice("click").value, arrays.labels[pixel], arrays.units[pixel]];
  if (kind === "pixel") return select([pixel], (i) => i);
  if (kind === "unit" && unit !== NO_UNIT) return select_units([unit]);
  if (kind === "population" && population_at(pixel) >= 0)
    return select([population_at(pixel)], population_at);
  if (!(label >= 0)) return clear();
  if (is_added) return toggle_group(group_of[label]);
  select_groups(ticked.has(group_of[label]) ? [] : [group_of[label]]);
}

// Select the pixels in a polygon, and those at some places on its outline.
function choose_pixels(path, places = []) {
  const inside = pixels_within(path);
  for (const place of places) {
    const pixel = pixel_at(...place);
    if (pixel >= 0) inside[pixel] = 1;
  }
  select_where(inside);
}

// Mark the pixels whose middle is inside a polygon, row by row.
function pixels_within(corners) {
  const inside = new Uint8Array(n_pixels);
  const middle = (facts.step - 1) / 2;
  for (let row = 0; row < height; row++) {
    const y = row * facts.step + middle;
    const passed = corners.flatMap(([x1, y1], i) => {
      const [x0, y0] = corners.at(i - 1);
      if (y0 > y === y1 > y) return [];
      return [(x1 + ((y - y1) / (y0 - y1)) * (x0 - x1) - middle) / facts.step];
    });
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
  const sum = chosen === null ? 0 : count(2, (i) => chosen[i])[1];
  const share = ((100 * sum) / n_pixels).toPrecision(3);
  const titles = [...ticked].sort(by_number).map((number) => told(groups[number]));
  const what = titles.length > 0 ? `${titles.join(" and ")}: ` : "";
  const text = `Selected: ${what}${sum.toLocaleString("en")} pixels, ${share} % of the picture.`;
  write("selection", chosen === null ? "Nothing is selected." : text);
  document.body.dataset.selected = sum;
}

function show_spectra() {
  const known = groups.filter((_, number) => shown[number] > 0);
  const spectra = known.map((group) => ({ ...group, name: title_of(group), width: 2 }));
  if (chosen !== null) {
    const [one] = ticked.size === 1 ? ticked : [];
    const quartiles = groups[one]?.quartiles ?? quartiles_of((i) => chosen[i] - 1, 1)[0];
    spectra.push({ name: "selection", color: "currentColor", width: 3.5, quartiles });
  }
  draw_spectra(choice("spectra"), spectra);
}

const pixel_name = (x, y) => `x ${Math.round(x)}, y ${Math.round(y)}`;

// Show what is at a place; return it as texts, none outside of the image.
function hover(x, y) {
  const pixel = pixel_at(x, y);
  if (pixel < 0) return [];
  const unit = arrays.units[pixel];
  const fluxes = facts.order.map((band) => {
    const { name, unit: of_flux } = facts.bands[band];
    return `${name} ${flux_of(band, pixel) ?? "–"} ${of_flux}`;
  });
  const cluster = cluster_text(arrays.labels[pixel]) + (unit === NO_UNIT ? "" : `, unit ${unit}`);
  const population = facts.populations[population_at(pixel)]?.title;
  const parts = [pixel_name(x, y), sky_text(x, y), cluster, population, ...objects_near(x, y), ...fluxes];
  const texts = parts.filter(Boolean);
  choice("readout").replaceChildren(...texts.map((text) => make("span", {}, text)));
  return texts;
}

// Say what is below the cross: which cluster first, the long position on the sky last.
function read_pixel(x, y, before) {
  const [name, sky, ...others] = hover(x, y);
  speak([before, name, ...others, sky].filter(Boolean).join(", "));
}

// The flux of a pixel, null for none.
function flux_of(band, pixel) {
  const code = arrays.codes[band * n_pixels + pixel];
  const { level, softening, low, step } = facts.bands[band];
  const flux = level + softening * Math.sinh(low + (code - 1) * step);
  return code === 0 ? null : Number(flux.toPrecision(4));
}

start();
