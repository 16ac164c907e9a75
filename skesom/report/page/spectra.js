// SPDX-License-Identifier: BSD-3-Clause
// The plot of the spectra: medians and quartiles of clusters and of the selection.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const [PLOT_WIDTH, PLOT_HEIGHT] = [460, 330];
const PLOT = { left: 62, right: 452, top: 66, bottom: 290 };
const NARROW = 13; // between names of bands

// Quartiles of each band over pixels, from how often each number occurs.
function quartiles_of(part_at, n_parts) {
  const n_codes = arrays.spectrum.length / facts.bands.length;
  const found = Array.from({ length: n_parts }, () => []);
  for (const band of facts.order) {
    const counts = new Uint32Array(n_parts * n_codes);
    for (let i = 0; i < n_pixels; i++) {
      const part = part_at(i);
      if (part >= 0) counts[part * n_codes + arrays.codes[band * n_pixels + i]] += 1;
    }
    for (let part = 0; part < n_parts; part++) {
      const own = counts.subarray(part * n_codes, (part + 1) * n_codes);
      const shares = [0.25, 0.5, 0.75];
      found[part].push(shares.map((share) => percentile(own, share, band * n_codes)));
    }
  }
  return found;
}

function percentile(counts, share, first) {
  let total = 0;
  for (let code = 1; code < counts.length; code++) total += counts[code];
  if (total === 0) return NaN;
  const place = share * (total - 1);
  const value_at = (wanted) => {
    let code = 0;
    for (let met = 0; met <= wanted; ) met += counts[++code];
    return arrays.spectrum[first + code];
  };
  const low = value_at(Math.floor(place));
  return low + (place % 1) * (value_at(Math.ceil(place)) - low);
}

function add_svg(parent, tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return parent.appendChild(node);
}

// spectra: {name, color, quartiles, is_selection} of each; null where none is known.
function draw_spectra(plot, spectra) {
  plot.replaceChildren();
  plot.setAttribute("viewBox", `0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}`);
  add_svg(plot, "title", {}, "Spectra of the clusters");
  const numbers = spectra.flatMap(({ quartiles }) => quartiles.flat());
  const known = numbers.filter(Number.isFinite);
  if (known.length === 0) return;
  const across = places_of_bands();
  const down = values_axis(plot, known, choice("log").checked);
  name_bands(plot, across);
  spectra.forEach((spectrum, number) => {
    const shift = ((number + 0.5) / spectra.length - 0.5) * 6;
    draw_spectrum(plot, spectrum, across, down, shift);
  });
}

function draw_spectrum(plot, spectrum, across, down, shift) {
  const { color, quartiles, is_selection } = spectrum;
  const style = { stroke: color, "stroke-width": is_selection ? 3.5 : 2 };
  const group = add_svg(plot, "g", style);
  add_svg(group, "title", {}, spectrum.name);
  const points = quartiles.map((each, n) => [across[n], ...each.map(down)]);
  const drawn = points.filter((point) => point.every(Number.isFinite));
  for (const [x, low, , high] of drawn)
    add_svg(group, "path", { d: `M${x + shift} ${low}V${high}`, opacity: 0.5 });
  const line = drawn.map(([x, , middle]) => `${x},${middle}`).join(" ");
  const halo = { points: line, fill: "none", class: "halo", "stroke-width": 3.2 };
  if (!is_selection) add_svg(group, "polyline", halo);
  add_svg(group, "polyline", { points: line, fill: "none" });
  for (const [x, , middle] of drawn)
    add_svg(group, "circle", { cx: x, cy: middle, r: is_selection ? 4 : 2.6, fill: color });
}

// Draw the axis of the values; return where a value is. A logarithmic axis is linear
// around 0, up to where the faintest values are.
function values_axis(plot, known, is_log) {
  const sizes = known.map(Math.abs).filter((size) => size > 0).sort((a, b) => a - b);
  const linear = sizes[Math.floor(sizes.length / 10)] ?? 1;
  const curve = is_log ? (value) => Math.asinh((5 * value) / linear) : (value) => value;
  let [low, high] = [curve(Math.min(...known)), curve(Math.max(...known))];
  if (!(high > low)) [low, high] = [low - 1, high + 1];
  const margin = (high - low) / 20;
  [low, high] = [low - margin, high + margin];
  const { left, right, top, bottom } = PLOT;
  const at = (value) => bottom - ((curve(value) - low) / (high - low)) * (bottom - top);
  const ticks = is_log ? powers_of_ten(linear, sizes.at(-1)) : multiples(low, high);
  for (const tick of ticks) {
    if (curve(tick) < low || curve(tick) > high) continue;
    const text = String(Number(tick.toPrecision(3)));
    add_svg(plot, "path", { d: `M${left} ${at(tick)}H${right}`, class: "grid" });
    add_svg(plot, "text", { x: left - 6, y: at(tick) + 4, "text-anchor": "end" }, text);
  }
  const place = `translate(12 ${(top + bottom) / 2}) rotate(-90)`;
  add_svg(plot, "text", { transform: place, "text-anchor": "middle" }, facts.spectrum_name);
  add_svg(plot, "path", { d: `M${left} ${top}V${bottom}H${right}`, class: "axis" });
  return at;
}

function multiples(low, high) {
  const step = round_step((high - low) / 6);
  const first = Math.ceil(low / step);
  return Array.from({ length: 8 }, (_, n) => (first + n) * step);
}

function powers_of_ten(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const powers = [];
  for (let power = first; power <= last; power++) powers.push(10 ** power);
  if (last - first < 3) powers.push(...powers.flatMap((each) => [2 * each, 5 * each]));
  return [0, ...powers.slice(last - first > 4 ? 1 : 0), ...powers.map((each) => -each)];
}

// Where the bands are across the plot: at their wavelengths, if those are known.
function places_of_bands() {
  const places = facts.places ?? facts.order.map((_, n) => n);
  const is_wide = facts.places !== null && Math.min(...places) > 0 &&
    Math.max(...places) > 8 * Math.min(...places);
  const curved = is_wide ? places.map(Math.log) : places;
  const [low, high] = [Math.min(...curved), Math.max(...curved)];
  const { left, right } = PLOT;
  const room = right - left - 36;
  return curved.map((place) =>
    high > low ? left + 18 + ((place - low) / (high - low)) * room : (left + right) / 2,
  );
}

function name_bands(plot, across) {
  const { left, right, top, bottom } = PLOT;
  if (facts.places !== null) {
    const shown = facts.places.map((place) => String(Number(place.toPrecision(4))));
    spaced(across, 34).forEach((x, n) => {
      if (x !== null)
        add_svg(plot, "text", { x, y: bottom + 16, "text-anchor": "middle" }, shown[n]);
    });
    const middle = { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" };
    add_svg(plot, "text", middle, facts.places_name);
  }
  if (across.length * NARROW > right - left) return; // too many names
  let last = -Infinity;
  facts.order.forEach((band, n) => {
    last = Math.max(across[n], last + NARROW);
    const x = Math.min(last, right + 4 - (across.length - 1 - n) * NARROW);
    add_svg(plot, "path", { d: `M${across[n]} ${top}L${x} ${top - 6}`, class: "grid" });
    const name = facts.bands[band].name;
    const text = name.length > 12 ? `${name.slice(0, 11)}…` : name;
    const node = add_svg(plot, "text", { transform: `translate(${x + 4} ${top - 9}) rotate(-90)` }, text);
    add_svg(node, "title", {}, name);
  });
}

// Places of which each is far enough from the one before; null for the others.
function spaced(places, apart) {
  let last = -Infinity;
  return places.map((place) => {
    if (place - last < apart) return null;
    last = place;
    return place;
  });
}
