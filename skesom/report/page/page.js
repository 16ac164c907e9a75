// SPDX-License-Identifier: BSD-3-Clause
// What links the views of the page: one selection of pixels, shown in all of them.
"use strict";

const skesom = (() => {
  const NO_UNIT = 65535;
  const [NOISE, SKY] = [-1, -2];
  const OTHERS = { [NOISE]: "noise", [SKY]: "sky, set aside" };
  const DIMMED = 0.22; // contrast of what is not selected
  const SAMPLED = 40000; // pixels that quartiles are taken from, at most

  let facts, arrays, width, height, n_pixels;
  let groups = []; // clusters as they are shown: {name, labels, color, pixels}
  let group_of = []; // number of the group of each label
  let shown = []; // pixels of each group in the picture, which may be thinned
  let chosen = null; // 1 for each selected pixel, or null if all are equal
  let busy = false; // while selections are set by the page itself

  const selected_groups = () => [...model("clusters-source").selected.indices];
  const model = (name) => Bokeh.documents[0].get_model_by_name(name);

  function start(given_arrays, given_facts) {
    arrays = given_arrays;
    facts = given_facts;
    [height, width] = facts.shape;
    n_pixels = height * width;
    groups = facts.clusters.map((group) => ({ ...group }));
    for (const name of ["image", "map"]) {
      const source = model(`${name}-source`);
      const Image = source.data.image[0].constructor;
      source.data = { image: [new Image(n_pixels, [height, width])] };
    }
    regroup();
    document.body.dataset.state = "ready";
  }

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function paint(name, color_of) {
    const source = model(`${name}-source`);
    const picture = source.data.image[0];
    for (let i = 0; i < n_pixels; i++) {
      const color = color_of(i);
      const is_dimmed = chosen !== null && chosen[i] === 0;
      picture[i] = (255 << 24) | (is_dimmed ? dimmed(color) : color);
    }
    source.change.emit();
  }

  const pack_color = (red, green, blue) => red | (green << 8) | (blue << 16);
  const fade = (level, gray) => gray + ((level & 255) - gray) * DIMMED;
  const dimmed = (color) =>
    pack_color(fade(color, 60), fade(color >> 8, 62), fade(color >> 16, 68));
  const unhex = (color) =>
    pack_color(...color.match(/\w\w/g).map((hex) => parseInt(hex, 16)));

  function paint_image() {
    const missing = unhex(facts.missing_color);
    const shown = model("image_choice").value;
    const band = facts.bands.findIndex((each) => each.name === shown);
    if (band < 0) {
      const { rgb } = arrays;
      const at = (i) => pack_color(rgb[i], rgb[i + 1], rgb[i + 2]);
      return paint("image", (i) => at(3 * i));
    }
    const { dark, bright } = facts.bands[band];
    paint("image", (i) => {
      const code = arrays.codes[band * n_pixels + i];
      if (code === 0) return missing;
      const level = Math.round(255 * clamp((code - dark) / (bright - dark), 0, 1));
      return pack_color(level, level, level);
    });
  }

  function paint_map() {
    const colors = group_of.map((group) => unhex(groups[group].color));
    colors[NOISE] = unhex(facts.noise_color);
    colors[SKY] = unhex(facts.sky_color);
    const missing = unhex(facts.missing_color);
    paint("map", (i) => colors[arrays.labels[i]] ?? missing);
  }

  // Select the pixels for which the test holds; mark rows of the table and units.
  function select(test, marked = {}) {
    chosen = new Uint8Array(n_pixels).map((_, i) => test(i));
    if (!chosen.includes(1)) return clear();
    show_selection(marked);
  }

  const is_chosen = (i) => chosen !== null && chosen[i] === 1;
  const n_chosen = () => count(1, (i) => (is_chosen(i) ? 0 : -1))[0];

  // Number of pixels of each part; pixels of other numbers are in none.
  function count(n_parts, part_at) {
    const counts = new Array(n_parts).fill(0);
    for (let i = 0; i < n_pixels; i++) {
      const part = part_at(i);
      if (part >= 0 && part < n_parts) counts[part] += 1;
    }
    return counts;
  }

  // Columns of a source of Bokeh, from objects with a value for each column.
  const columns = (names, rows) =>
    Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));

  function select_units(units) {
    const wanted = new Set(units);
    if (!busy) select((i) => wanted.has(arrays.units[i]), { units });
  }

  function select_groups(numbers) {
    const wanted = new Set(numbers);
    if (!busy) select((i) => wanted.has(group_at(i)), { groups: numbers });
  }

  function pixel_at(x, y) {
    const column = Math.floor((x + 0.5) / facts.step);
    const row = Math.floor((y + 0.5) / facts.step);
    const inside = column >= 0 && column < width && row >= 0 && row < height;
    return inside ? row * width + column : -1;
  }

  function tap(event) {
    const pixel = pixel_at(event.x, event.y);
    if (pixel < 0) return clear();
    const kind = model("tap_choice").value;
    const label = arrays.labels[pixel];
    if (kind === "pixel") return select((i) => i === pixel);
    if (kind === "unit" && arrays.units[pixel] !== NO_UNIT) {
      return select_units([arrays.units[pixel]]);
    }
    if (label < 0) return clear();
    const wanted = new Set(event.modifiers?.shift ? selected_groups() : []);
    if (!wanted.delete(group_of[label])) wanted.add(group_of[label]);
    return select_groups([...wanted]);
  }

  function geometry(event) {
    if (!event.final) return;
    const { x0, x1, y0, y1 } = event.geometry; // of a box; a lasso has x and y
    const { x = [x0, x1, x1, x0], y = [y0, y0, y1, y1] } = event.geometry;
    const inside = pixels_within(x, y);
    select((i) => inside[i]);
  }

  // Mark the pixels whose middle is inside a polygon, row by row.
  function pixels_within(xs, ys) {
    const inside = new Uint8Array(n_pixels);
    const middle = (facts.step - 1) / 2;
    for (let row = 0; row < height; row++) {
      const y = row * facts.step + middle;
      const crossings = [];
      for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
        if (ys[i] > y !== ys[j] > y) {
          const x = xs[i] + ((y - ys[i]) / (ys[j] - ys[i])) * (xs[j] - xs[i]);
          crossings.push((x - middle) / facts.step);
        }
      }
      crossings.sort((a, b) => a - b);
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        const first = clamp(Math.ceil(crossings[k]), 0, width);
        const end = clamp(Math.floor(crossings[k + 1]) + 1, 0, width);
        inside.fill(1, row * width + first, row * width + end);
      }
    }
    return inside;
  }

  function clear() {
    chosen = null;
    show_selection({});
  }

  function show_selection({ groups: numbers = [], units = [] }) {
    busy = true;
    paint_image();
    paint_map();
    show_units();
    if (model("units-source") !== null) model("units-source").selected.indices = units;
    show_spectra();
    show_table();
    model("clusters-source").selected.indices = numbers;
    const sum = n_chosen();
    const share = ((100 * sum) / n_pixels).toPrecision(3);
    const text = `${sum.toLocaleString("en")} pixels, ${share} % of the picture`;
    write("selection", chosen === null ? "Nothing is selected." : `Selected: ${text}.`);
    document.body.dataset.selected = sum;
    busy = false;
  }

  function write(place, text) {
    document.getElementById(place).textContent = text;
  }

  function show_table() {
    const source = model("clusters-source");
    const parts = count(groups.length, (i) => (is_chosen(i) ? group_at(i) : -1));
    const selected = parts.map((part, group) => {
      const is_known = chosen !== null && shown[group] > 0;
      return is_known ? `${Math.round((100 * part) / shown[group])} %` : "";
    });
    source.data = { ...source.data, selected };
    model("clusters_table").view.change.emit(); // tables draw new rows, not new values
  }

  function show_units() {
    const source = model("units-source");
    if (source === null) return;
    const n_units = facts.unit_labels.length;
    const all = count(n_units, (i) => arrays.units[i]);
    const some = count(n_units, (i) => (is_chosen(i) ? arrays.units[i] : NO_UNIT));
    const alpha = all.map((n_pixels, unit) => {
      if (chosen === null) return 1;
      return some[unit] === 0 ? 0.12 : 0.35 + (0.65 * some[unit]) / n_pixels;
    });
    source.data = { ...source.data, alpha, color: unit_colors() };
  }

  function unit_colors() {
    const shown = facts.unit_values.indexOf(model("units_choice").value);
    const first = shown * facts.unit_labels.length;
    return facts.unit_labels.map((label, unit) => {
      if (shown >= 0) return facts.color_map[arrays.unit_values[first + unit]];
      return groups[group_of[label]]?.color ?? "#000000";
    });
  }

  // At most SAMPLED pixels of each part, evenly taken from all of them.
  function sampled_pixels(part_at, counts) {
    const strides = counts.map((count) => Math.max(1, Math.floor(count / SAMPLED)));
    const met = counts.map(() => 0);
    const pixels = counts.map(() => []);
    for (let i = 0; i < n_pixels; i++) {
      const part = part_at(i);
      if (part >= 0 && met[part]++ % strides[part] === 0) pixels[part].push(i);
    }
    return pixels;
  }

  // Quartiles of each band over pixels.
  function quartiles(pixels) {
    return facts.order.map((band, x) => {
      const first = band * n_pixels;
      const codes = Uint16Array.from(pixels, (i) => arrays.codes[first + i])
        .filter((code) => code > 0)
        .sort();
      const at = (share) => {
        if (codes.length === 0) return NaN;
        const place = share * (codes.length - 1);
        const low = codes[Math.floor(place)];
        const high = codes[Math.ceil(place)];
        return scaled(band, low + (high - low) * (place % 1));
      };
      return { x, low: at(0.25), y: at(0.5), high: at(0.75) };
    });
  }

  function scaled(band, code) {
    const { low, step, mean, deviation } = facts.bands[band];
    return (low + (code - 1) * step - mean) / deviation;
  }

  function group_spectra() {
    const pixels = sampled_pixels(group_at, shown);
    const spectra = groups.map((group, number) => {
      const found = quartiles(pixels[number]);
      const shift = (number - (groups.length - 1) / 2) * (0.3 / groups.length);
      const { x: xs, y: ys } = columns(["x", "y"], found);
      const bars = found.map((each) => ({ ...group, ...each, x: each.x + shift }));
      return { ...group, xs, ys, bars };
    });
    const known = spectra.filter((_, number) => pixels[number].length > 0);
    const bars = known.flatMap((each) => each.bars);
    model("spectra-source").data = columns(["xs", "ys", "color", "name"], known);
    model("quartiles-source").data = columns(["x", "low", "high", "color"], bars);
  }

  function show_spectra() {
    const part_at = (i) => (is_chosen(i) ? 0 : -1);
    const found = chosen ? quartiles(sampled_pixels(part_at, [n_chosen()])[0]) : [];
    model("selected-source").data = columns(["x", "low", "y", "high"], found);
  }

  const group_at = (i) => (arrays.labels[i] >= 0 ? group_of[arrays.labels[i]] : -1);

  function regroup() {
    group_of = [];
    groups.forEach((group, number) => {
      for (const label of group.labels) group_of[label] = number;
    });
    shown = count(groups.length, group_at);
    const total = groups.reduce((sum, group) => sum + group.pixels, 0);
    busy = true;
    const rows = groups.map((group) => {
      const share = (100 * group.pixels) / Math.max(total, 1);
      return { ...group, labels: group.labels.join(", "), share, selected: "" };
    });
    const names = ["color", "name", "labels", "share", "selected"];
    model("clusters-source").data = columns(names, rows);
    busy = false;
    group_spectra();
    clear();
  }

  function renamed() {
    if (busy || groups.length === 0) return;
    const names = model("clusters-source").data.name;
    groups.forEach((group, number) => {
      group.name = String(names[number]).trim() || group.name;
    });
    group_spectra();
  }

  function merge() {
    const taken = selected_groups().sort((a, b) => a - b);
    if (taken.length < 2) return notify("Select two clusters in the table first.");
    const parts = taken.map((number) => groups[number]);
    const largest = parts.reduce((a, b) => (b.pixels > a.pixels ? b : a));
    const merged = {
      ...largest,
      name: parts.map((part) => part.name).join(" + "),
      labels: parts.flatMap((part) => part.labels).sort((a, b) => a - b),
      pixels: parts.reduce((sum, part) => sum + part.pixels, 0),
    };
    replace_groups(taken, [merged]);
    notify(`Merged into “${merged.name}”. Double-click a name to change it.`);
  }

  function split() {
    const merged = selected_groups().filter((one) => groups[one].labels.length > 1);
    if (merged.length === 0) return notify("Select a merged cluster first.");
    const labels = merged.flatMap((number) => groups[number].labels);
    replace_groups(merged, labels.map((label) => ({ ...facts.originals[label] })));
    notify("Split into the clusters that it was made of.");
  }

  function replace_groups(old, added) {
    groups = groups.filter((_, number) => !old.includes(number)).concat(added);
    groups.sort((a, b) => b.pixels - a.pixels || a.labels[0] - b.labels[0]);
    regroup();
  }

  function export_file() {
    const clusters = groups.map(({ name, labels }) => ({ name, labels }));
    const content = { format: facts.format, version: 1, clusters };
    const text = JSON.stringify(content, null, 2) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "clusters.json";
    link.click();
    notify("Saved as clusters.json, which skesom reads back.");
  }

  const notify = (text) => write("message", text);

  function hover(event) {
    const pixel = pixel_at(event.x, event.y);
    if (pixel < 0) return;
    const label = arrays.labels[pixel];
    const unit = arrays.units[pixel];
    const cluster =
      label >= 0 ? groups[group_of[label]].name : (OTHERS[label] ?? "no data");
    const fluxes = facts.order.map((band) => {
      const { name, unit: flux_unit } = facts.bands[band];
      return `${name} ${flux(band, pixel)}${flux_unit ? " " + flux_unit : ""}`;
    });
    const parts = [
      `x ${Math.round(event.x)}, y ${Math.round(event.y)}`,
      sky_position(event.x, event.y),
      cluster + (unit === NO_UNIT ? "" : `, unit ${unit}`),
      ...fluxes,
    ];
    write("readout", parts.join(" \u00a0 "));
  }

  function flux(band, pixel) {
    const code = arrays.codes[band * n_pixels + pixel];
    if (code === 0) return "–";
    const { level, softening, low, step } = facts.bands[band];
    const value = level + softening * Math.sinh(low + (code - 1) * step);
    return String(Number(value.toPrecision(4)));
  }

  function sky_position(x, y) {
    const nodes = arrays.sky;
    if (nodes.length === 0) return "no sky coordinates";
    const side = nodes.shape[0];
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
    const [a, b, c] = vector;
    if (!Number.isFinite(a)) return "beyond the sky";
    const hours = (((Math.atan2(b, a) * 180) / Math.PI + 360) % 360) / 15;
    const degrees = (Math.atan2(c, Math.hypot(a, b)) * 180) / Math.PI;
    return `${sexagesimal(hours, 3)} ${sexagesimal(degrees, 2, true)}`;
  }

  function sexagesimal(value, decimals, signed = false) {
    const scale = 10 ** decimals;
    const steps = Math.round(Math.abs(value) * 3600 * scale);
    const minutes = Math.floor(steps / (60 * scale));
    const seconds = ((steps % (60 * scale)) / scale).toFixed(decimals);
    const two = (number) => String(number).padStart(2, "0");
    const sign = signed ? (value < 0 ? "−" : "+") : "";
    const parts = [two(Math.floor(minutes / 60)), two(minutes % 60)];
    return `${sign}${parts.join(":")}:${seconds.padStart(decimals + 3, "0")}`;
  }

  return {
    ...{ start, tap, geometry, hover, clear, merge, split, renamed, paint_image },
    ...{ show_units, select_units, select_groups, export_file },
  };
})();
