// SPDX-License-Identifier: BSD-3-Clause
// The plot of the spectra: medians and quartiles of clusters and of the selection.
"use strict";

const PLOT = { left: 72, right: 452, top: 66, bottom: 290 };
const LINE = 13; // between names of bands
const SHARES = [0.25, 0.5, 0.75];
const CENTERED = { "text-anchor": "middle" };

// Quartiles of each band over the pixels of each part, from how often each number occurs.
function quartiles_of(part_at, n_parts) {
  const n_codes = arrays.spectrum.length / facts.bands.length;
  const found = Array.from({ length: n_parts }, () => []);
  for (const band of facts.order) {
    const counts = new Uint32Array(n_parts * n_codes);
    for (let i = 0; i < n_pixels; i++) {
      const part = part_at(i);
      if (part >= 0) counts[part * n_codes + arrays.codes[band * n_pixels + i]] += 1;
    }
    const values = arrays.spectrum.subarray(band * n_codes);
    found.forEach((own, part) => {
      const of_part = counts.subarray(part * n_codes, (part + 1) * n_codes);
      own.push(SHARES.map((share) => percentile(of_part, values, share)));
    });
  }
  return found;
}

function percentile(counts, values, share) {
  const total = counts.subarray(1).reduce((sum, each) => sum + each, 0); // 0 is none
  if (total === 0) return NaN;
  const value_at = (place) => {
    let code = 0;
    for (let met = 0; met <= place; ) met += counts[++code];
    return values[code];
  };
  const place = share * (total - 1);
  const low = value_at(Math.floor(place));
  return low + (place % 1) * (value_at(Math.ceil(place)) - low);
}

function add_svg(parent, tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return parent.appendChild(element);
}

// spectra: {name, color, quartiles, width} of each.
function draw_spectra(plot, spectra) {
  plot.replaceChildren();
  const known = spectra.flatMap(({ quartiles }) => quartiles.flat()).filter(Number.isFinite);
  if (known.length === 0) return;
  const across = place_bands(plot);
  const down = place_values(plot, known, choice("log").checked);
  spectra.forEach(({ name, color, quartiles, width }, number) => {
    const group = add_svg(plot, "g", { stroke: color, "stroke-width": width, fill: "none" });
    add_svg(group, "title", {}, name);
    const shift = ((number + 0.5) / spectra.length - 0.5) * 6;
    const points = quartiles.map((each, n) => [across[n], ...each]).filter(([, y]) => Number.isFinite(y));
    for (const [x, low, , high] of points)
      add_svg(group, "path", { d: `M${x + shift} ${down(low)}V${down(high)}`, opacity: 0.5 });
    const line = points.map(([x, , y]) => `${x},${down(y)}`).join(" ");
    add_svg(group, "polyline", { points: line, class: "halo", "stroke-width": width + 1.2 });
    add_svg(group, "polyline", { points: line });
  });
}

// Draw the axis of the values; return where a value is. A logarithmic axis is linear
// around 0, up to the faintest tenth of the values.
function place_values(plot, known, is_log) {
  const sizes = known.map(Math.abs).sort((a, b) => a - b);
  const [linear, largest] = [sizes[Math.floor(sizes.length / 10)] || 1, sizes.at(-1) || 1];
  const curve = is_log ? (value) => Math.asinh((5 * value) / linear) : (value) => value;
  const [low, high] = [Math.min(...known), Math.max(...known)].map(curve);
  const room = (high - low || 1) / 20;
  const at = (value) =>
    PLOT.bottom - ((curve(value) - low + room) / (high - low + 2 * room)) * (PLOT.bottom - PLOT.top);
  const powers = Array.from({ length: 12 }, (_, n) => 10 ** (Math.ceil(Math.log10(largest)) - n));
  const decades = powers.filter((power) => power > linear / 3);
  const ticks = is_log ? [0, ...decades, ...decades.map((each) => -each)] : multiples(low, high);
  for (const tick of ticks.filter((each) => curve(each) >= low - room && curve(each) <= high + room)) {
    add_svg(plot, "path", { d: `M${PLOT.left} ${at(tick)}H${PLOT.right}`, class: "grid" });
    const style = { x: PLOT.left - 6, y: at(tick) + 4, "text-anchor": "end" };
    add_svg(plot, "text", style, String(Number(tick.toPrecision(3))));
  }
  facts.spectrum_name.forEach((text, line) => {
    const place = `translate(${12 + 14 * line} 178) rotate(-90)`;
    add_svg(plot, "text", { transform: place, ...CENTERED }, text);
  });
  return at;
}

function multiples(low, high) {
  const step = round_step((high - low || 1) / 6);
  const count = Math.floor(high / step) - Math.ceil(low / step) + 1;
  return Array.from({ length: count }, (_, n) => (Math.ceil(low / step) + n) * step);
}

// Name the bands; return where they are across the plot, by wavelength if it is known.
function place_bands(plot) {
  const { left, right, top, bottom } = PLOT;
  const shown = facts.places ?? facts.order.map((_, n) => n);
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const at = (place) => left + 18 + ((place - low) / (high - low || 1)) * (right - left - 36);
  for (const tick of facts.places ? multiples(low, high) : [])
    add_svg(plot, "text", { x: at(tick), y: bottom + 16, ...CENTERED }, String(Number(tick.toPrecision(4))));
  add_svg(plot, "text", { x: (left + right) / 2, y: bottom + 34, ...CENTERED }, facts.places_name);
  add_svg(plot, "path", { d: `M${left} ${top}V${bottom}H${right}`, class: "axis" });
  if (shown.length * LINE > right - left) return shown.map(at); // too many names
  let last = -Infinity;
  facts.order.forEach((band, n) => {
    last = Math.max(at(shown[n]), last + LINE);
    const x = Math.min(last, right - (shown.length - 1 - n) * LINE);
    add_svg(plot, "path", { d: `M${at(shown[n])} ${top}L${x} ${top - 6}`, class: "grid" });
    const { name } = facts.bands[band];
    const style = { transform: `translate(${x + 4} ${top - 9}) rotate(-90)` };
    add_svg(plot, "text", style, name.length > 9 ? `${name.slice(0, 3)}…${name.slice(-4)}` : name);
  });
  return shown.map(at);
}
