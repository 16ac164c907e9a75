// SPDX-License-Identifier: BSD-3-Clause
// A canvas that is moved and zoomed, and on which points and areas are chosen.
"use strict";

const CLICK = 4; // pixels of the screen that a click may move
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const CROSS = [["#000", 4], ["#fff", 1.5]]; // colors and widths, one on the other
const TOOL_KEYS = { m: "move", b: "box", l: "lasso" };
const FAR = 10; // steps of an arrow key with Shift
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class View {
  // bounds: left, right, bottom, top of what is shown, with y upwards; pad: margins in the
  // same order; step: of the keyboard; actions: draw, hover, pick and choose, and for
  // the keyboard read (what is below the cross) and name_of (a place).
  constructor(canvas, bounds, pad, step, actions) {
    Object.assign(this, { canvas, bounds, pad, step, actions, tool: "move", is_whole: true });
    this.corners = []; // of the box or lasso that is drawn by keys
    const [left, right, low, high] = bounds; // a width leaves it this height
    canvas.style.setProperty("--high", `calc((100cqw - ${pad[0] + pad[1]}px) *
      ${(high - low) / (right - left)} + ${pad[2] + pad[3]}px)`);
    const on = (kind, act) => canvas.addEventListener(kind, act.bind(this));
    for (const kind of ["focus", "blur"]) on(kind, this.redraw);
    for (const kind of ["pointerup", "pointercancel"]) on(kind, this.release);
    on("pointerdown", this.press);
    on("pointermove", this.drag);
    on("wheel", this.wheel);
    on("keydown", this.key);
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.measure(); // at once, as the observer answers later than keys may come
  }

  measure() {
    const [wide, high] = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.canvas.width = wide * devicePixelRatio;
    this.canvas.height = high * devicePixelRatio;
    const [left, right, bottom, top] = this.pad;
    this.size = [wide - left - right, high - bottom - top].map((side) => Math.max(side, 1));
    this.middle = [left + this.size[0] / 2, top + this.size[1] / 2];
    if (this.is_whole) this.fit();
  }

  resize() {
    this.measure();
    this.draw(); // at once, as the new size has emptied it
  }

  fit() {
    const [left, right, bottom, top] = this.bounds;
    this.scale = Math.min(this.size[0] / (right - left), this.size[1] / (top - bottom));
    this.whole = this.scale;
    this.move_to((left + right) / 2, (bottom + top) / 2);
    this.is_whole = true;
  }

  to_screen(x, y) {
    const [across, up] = [x - this.center[0], y - this.center[1]];
    return [this.middle[0] + across * this.scale, this.middle[1] - up * this.scale];
  }

  to_data(across, down) {
    const [right, up] = [across - this.middle[0], this.middle[1] - down];
    return [this.center[0] + right / this.scale, this.center[1] + up / this.scale];
  }

  // Left, right, bottom and top of the part that is seen.
  seen() {
    const [left, right, bottom, top] = this.bounds;
    const [half_x, half_y] = this.size.map((side) => side / 2 / this.scale);
    const [x, y] = this.center;
    const across = [Math.max(left, x - half_x), Math.min(right, x + half_x)];
    return [...across, Math.max(bottom, y - half_y), Math.min(top, y + half_y)];
  }

  move_to(x, y) {
    const [left, right, bottom, top] = this.bounds;
    this.center = [clamp(x, left, right), clamp(y, bottom, top)];
    this.is_whole = false;
    this.redraw();
  }

  zoom(factor, at = this.middle) {
    const [x, y] = this.to_data(...at);
    const moved = clamp(this.scale * factor, this.whole / 2, 60 / this.step) / this.scale;
    this.scale *= moved;
    const [x0, y0] = this.center;
    this.move_to(x + (x0 - x) / moved, y + (y0 - y) / moved);
  }

  redraw() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = undefined;
      this.draw();
    });
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    this.actions.draw(context, this);
    const path = this.path ?? this.path_of_keys();
    const area = new Path2D(path && `M${path.map((each) => this.to_screen(...each)).join("L")}Z`);
    context.fillStyle = "#8888";
    context.fill(area);
    if (this.canvas.matches(":focus-visible")) // the keyboard acts in the middle
      area.addPath(new Path2D(`M${this.middle}m-14 0h10m8 0h10m-14-14v10m0 8v10`));
    for (const [strokeStyle, lineWidth] of CROSS)
      Object.assign(context, { strokeStyle, lineWidth }).stroke(area);
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = this.last = [event.offsetX, event.offsetY];
    this.is_moved = false;
  }

  drag(event) {
    const now = [event.offsetX, event.offsetY];
    if (this.start) {
      this.is_moved ||= Math.hypot(now[0] - this.start[0], now[1] - this.start[1]) > CLICK;
      if (this.is_moved) this.pull(now);
    }
    this.actions.hover(...this.to_data(...now));
  }

  pull(now) {
    const [from, to] = [this.to_data(...this.start), this.to_data(...now)];
    if (this.tool === "box") this.path = [from, [to[0], from[1]], to, [from[0], to[1]]];
    else if (this.tool === "lasso") this.path = [...(this.path ?? [from]), to];
    else {
      const last = this.to_data(...this.last);
      this.move_to(...this.center.map((place, axis) => place + last[axis] - to[axis]));
    }
    this.last = now;
    this.redraw();
  }

  release(event) {
    const { path, start } = this;
    this.path = this.start = undefined;
    this.redraw();
    if (!start || event.type === "pointercancel") return;
    if (path) this.actions.choose(path);
    else if (!this.is_moved) this.actions.pick(...this.to_data(...start), event.shiftKey);
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-clamp(event.deltaY, -100, 100) / 400), [event.offsetX, event.offsetY]);
  }

  key(event) {
    const { key, shiftKey } = event;
    const is_drawing = this.corners.length > 0;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (key in ARROWS) this.walk(ARROWS[key], shiftKey ? FAR : 1);
    else if (key === "+" || key === "-") this.zoom_and_tell(key === "+" ? 1.5 : 1 / 1.5);
    else if (key === "0") this.fit_and_tell();
    else if (key.toLowerCase() in TOOL_KEYS) take_tool(TOOL_KEYS[key.toLowerCase()]);
    else if (key === " ") this.mark_corner();
    else if (key === "Backspace" && is_drawing) this.take_corner_back();
    else if (key === "Escape" && is_drawing) this.drop_corners();
    else if (key === "Enter" && is_drawing) this.close_path();
    else if (key === "Enter") this.actions.pick(...this.center, shiftKey);
    else return;
    event.preventDefault();
  }

  zoom_and_tell(factor) {
    this.zoom(factor);
    speak(`Zoom: ${(this.scale / this.whole).toFixed(1)} times the whole.`);
  }

  fit_and_tell() {
    this.fit();
    speak("The whole is seen.");
  }

  // The middle of the cell below the cross, or some steps from it: a cell of the image is a
  // pixel.
  cell_at_cross(steps = [0, 0]) {
    const [left, right, bottom, top] = this.bounds;
    return [[left, right], [bottom, top]].map(([low, high], axis) => {
      const last = Math.ceil((high - low) / this.step) - 1;
      const now = clamp(Math.floor((this.center[axis] - low) / this.step), 0, last);
      const cell = clamp(now + steps[axis], 0, last);
      return Math.min(low + (cell + 0.5) * this.step, high);
    });
  }

  walk(direction, n_steps) {
    const before = this.center;
    this.move_to(...this.cell_at_cross(direction.map((part) => part * n_steps)));
    const is_at_edge = this.center.every((place, axis) => place === before[axis]);
    this.actions.read(...this.center, is_at_edge ? "At the edge" : "");
  }

  // What a box or a lasso would select now, with the cross as its last corner.
  path_of_keys() {
    if (this.corners.length === 0) return undefined;
    const [first] = this.corners;
    const last = this.cell_at_cross();
    if (this.tool === "box") return [first, [last[0], first[1]], last, [first[0], last[1]]];
    return [...this.corners, last];
  }

  mark_corner() {
    if (this.tool === "move")
      return notify("Press B for a box or L for a lasso first, then the space bar at each corner.");
    if (this.tool === "box" && this.corners.length > 0) return this.close_path();
    const corner = this.cell_at_cross();
    this.corners.push(corner);
    const next = this.tool === "box"
      ? "Move to the opposite corner and press Enter."
      : "Move to the next corner and press the space bar, or Enter at the last one.";
    const name = this.actions.name_of(...corner);
    notify(`Corner ${this.corners.length} of the ${this.tool}: ${name}. ${next}`);
    this.redraw();
  }

  take_corner_back() {
    this.corners.pop();
    notify(`The last corner is taken back; ${this.corners.length} left.`);
    this.redraw();
  }

  drop_corners() {
    if (this.corners.length === 0) return;
    this.corners = [];
    notify(`The ${this.tool} is dropped.`);
    this.redraw();
  }

  // Select what is inside, and what the outline passes: who marks a pixel means it.
  close_path() {
    const is_marked = String(this.corners.at(-1)) === String(this.cell_at_cross());
    const n_corners = this.corners.length + (is_marked ? 0 : 1);
    if (this.tool === "lasso" && n_corners < 3)
      return notify(`A lasso needs three corners; ${n_corners === 1 ? "one is" : "two are"} marked.`);
    const path = this.path_of_keys();
    this.corners = [];
    this.actions.choose(path, this.places_along(path));
    this.redraw();
  }

  // Places on an outline, half a step from each other.
  places_along(path) {
    return path.flatMap(([x1, y1], i) => {
      const [x0, y0] = path.at(i - 1);
      const n_parts = Math.max(Math.ceil((2 * Math.hypot(x1 - x0, y1 - y0)) / this.step), 1);
      return Array.from({ length: n_parts }, (_, n) => {
        const part = (n + 1) / n_parts;
        return [x0 + part * (x1 - x0), y0 + part * (y1 - y0)];
      });
    });
  }
}
