// SPDX-License-Identifier: BSD-3-Clause
// A canvas that is moved and zoomed, and on which points and areas are chosen.
"use strict";

const CLICK = 4; // pixels of the screen that a click may move
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const CROSS = [["#000", 4], ["#fff", 1.5]]; // colors and widths, one on the other
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class View {
  // bounds: left, right, bottom, top of what is shown, with y upwards; pad: margins in the
  // same order; step: of the keyboard; actions: draw, hover, pick and choose.
  constructor(canvas, bounds, pad, step, actions) {
    Object.assign(this, { canvas, bounds, pad, step, actions, tool: "move", is_whole: true });
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
    const area = new Path2D(this.path && `M${this.path.map((each) => this.to_screen(...each)).join("L")}Z`);
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
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (key in ARROWS) {
      const moved = this.step * (shiftKey ? 10 : 1);
      this.move_to(...this.center.map((place, axis) => place + moved * ARROWS[key][axis]));
      this.actions.hover(...this.center);
    } else if (key === "+" || key === "-") this.zoom(key === "+" ? 1.5 : 1 / 1.5);
    else if (key === "0") this.fit();
    else if (key === "Enter") this.actions.pick(...this.center, shiftKey);
    else return;
    event.preventDefault();
  }
}
