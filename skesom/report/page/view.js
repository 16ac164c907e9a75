// SPDX-License-Identifier: BSD-3-Clause
// A canvas that is moved and zoomed, and on which points and areas are chosen.
"use strict";

const CLICK = 4; // pixels of the screen that a click may move
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class View {
  // bounds: left, right, bottom and top of what is shown, with y upwards.
  // actions: draw(context, view), hover(x, y), leave(), pick(x, y, event),
  // choose(xs, ys), clear(), and pad() for the margins [left, bottom, right, top].
  constructor(canvas, bounds, step, actions) {
    Object.assign(this, { canvas, bounds, step, actions });
    this.tool = "move";
    this.path = null; // of a box or lasso, in the coordinates of what is shown
    this.corner = null; // of a box drawn by the keyboard
    this.cursor = null; // of the keyboard
    this.is_whole = true;
    const on = (kind, act) => canvas.addEventListener(kind, act.bind(this));
    on("pointerdown", this.press);
    on("pointermove", this.drag);
    on("pointerup", this.release);
    on("pointercancel", this.release);
    on("pointerleave", actions.leave);
    on("wheel", this.wheel);
    on("keydown", this.key);
    on("focus", this.focus);
    on("blur", () => this.redraw());
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = clientWidth * devicePixelRatio;
    this.canvas.height = clientHeight * devicePixelRatio;
    if (this.is_whole) this.fit();
    this.redraw();
  }

  frame() {
    const [left, bottom, right, top] = this.actions.pad();
    const { clientWidth, clientHeight } = this.canvas;
    const width = Math.max(clientWidth - left - right, 1);
    return { left, top, width, height: Math.max(clientHeight - bottom - top, 1) };
  }

  fit() {
    const [left, right, bottom, top] = this.bounds;
    const { width, height } = this.frame();
    this.scale = this.whole = Math.min(width / (right - left), height / (top - bottom));
    this.center = [(left + right) / 2, (bottom + top) / 2];
    this.is_whole = true;
    this.redraw();
  }

  to_screen(x, y) {
    const { left, top, width, height } = this.frame();
    const [x0, y0] = this.center;
    return [
      left + width / 2 + (x - x0) * this.scale,
      top + height / 2 - (y - y0) * this.scale,
    ];
  }

  to_data(across, down) {
    const { left, top, width, height } = this.frame();
    const [x0, y0] = this.center;
    return [
      x0 + (across - left - width / 2) / this.scale,
      y0 - (down - top - height / 2) / this.scale,
    ];
  }

  // The part that is seen: left, right, bottom, top, as the bounds.
  seen() {
    const { left, top, width, height } = this.frame();
    const [x0, y0] = this.to_data(left, top + height);
    const [x1, y1] = this.to_data(left + width, top);
    const [a, b, c, d] = this.bounds;
    return [Math.max(x0, a), Math.min(x1, b), Math.max(y0, c), Math.min(y1, d)];
  }

  move_to(x, y) {
    const [left, right, bottom, top] = this.bounds;
    this.center = [clamp(x, left, right), clamp(y, bottom, top)];
    this.is_whole = false;
    this.redraw();
  }

  zoom(factor, at = this.to_screen(...this.center)) {
    const [x, y] = this.to_data(...at);
    const [x0, y0] = this.center;
    const scale = clamp(this.scale * factor, this.whole / 2, 60 / this.step);
    const moved = this.scale / scale;
    this.scale = scale;
    this.move_to(x + (x0 - x) * moved, y + (y0 - y) * moved);
  }

  redraw() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = undefined;
      if (this.canvas.width > 0 && this.center) this.draw();
    });
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    this.actions.draw(context, this);
    if (this.path) this.outline(context, this.path);
    if (this.cursor === null || document.activeElement !== this.canvas) return;
    if (this.corner) this.outline(context, box(this.corner, this.cursor));
    const [x, y] = this.to_screen(...this.cursor);
    for (const [color, width] of [["#000", 4], ["#fff", 1.5]]) {
      Object.assign(context, { strokeStyle: color, lineWidth: width });
      context.stroke(new Path2D(`M${x - 14} ${y}h10m8 0h10M${x} ${y - 14}v10m0 8v10`));
    }
  }

  outline(context, points) {
    context.beginPath();
    for (const point of points) context.lineTo(...this.to_screen(...point));
    context.closePath();
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 1.5 });
    context.fillStyle = "#8888";
    context.fill();
    context.stroke();
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = [event.offsetX, event.offsetY];
    this.last = this.start;
    this.is_moved = false;
  }

  drag(event) {
    const now = [event.offsetX, event.offsetY];
    if (this.start) {
      const far = Math.hypot(now[0] - this.start[0], now[1] - this.start[1]);
      this.is_moved ||= far > CLICK;
      if (this.is_moved) this.pull(now);
    }
    this.actions.hover(...this.to_data(...now));
  }

  pull(now) {
    if (this.tool === "move") {
      const [x, y] = this.center;
      const [across, down] = [now[0] - this.last[0], now[1] - this.last[1]];
      this.move_to(x - across / this.scale, y + down / this.scale);
    } else if (this.tool === "box") {
      this.path = box(this.to_data(...this.start), this.to_data(...now));
    } else {
      this.path ??= [this.to_data(...this.start)];
      this.path.push(this.to_data(...now));
    }
    this.last = now;
    this.redraw();
  }

  release(event) {
    const { path, start } = this;
    this.path = this.start = null;
    if (!start || event.type === "pointercancel") return this.redraw();
    if (path) return this.actions.choose(...columns_of(path));
    if (!this.is_moved) this.actions.pick(...this.to_data(...start), event);
  }

  wheel(event) {
    event.preventDefault();
    const factor = Math.exp(-clamp(event.deltaY, -100, 100) / 400);
    this.zoom(factor, [event.offsetX, event.offsetY]);
  }

  focus() {
    this.cursor ??= this.center.map(Math.round);
    if (this.canvas.matches(":focus-visible")) this.actions.hover(...this.cursor);
    this.redraw();
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { key } = event;
    if (key in KEYS) this.step_to(KEYS[key], event.shiftKey ? 10 : 1);
    else if (key === "+" || key === "=") this.zoom(1.5);
    else if (key === "-") this.zoom(1 / 1.5);
    else if (key === "0") this.fit();
    else if (key === "Enter" || key === " ") this.actions.pick(...this.cursor, event);
    else if (key === "b") this.mark();
    else if (key === "Escape") this.clear();
    else return;
    event.preventDefault();
  }

  step_to([across, up], times) {
    const [left, right, bottom, top] = this.bounds;
    const [x, y] = this.cursor;
    const moved = this.step * times;
    this.cursor = [
      clamp(x + across * moved, left, right),
      clamp(y + up * moved, bottom, top),
    ];
    const [x0, x1, y0, y1] = this.seen();
    const [now_x, now_y] = this.cursor;
    if (now_x < x0 || now_x > x1 || now_y < y0 || now_y > y1) this.move_to(now_x, now_y);
    this.actions.hover(now_x, now_y);
    this.redraw();
  }

  // Set one corner of a box, or choose what is between it and the other.
  mark() {
    const { corner } = this;
    this.corner = corner ? null : this.cursor;
    if (corner) this.actions.choose(...columns_of(box(corner, this.cursor)));
    this.redraw();
  }

  clear() {
    this.corner = null;
    this.actions.clear();
    this.redraw();
  }
}

const box = ([x0, y0], [x1, y1]) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
const columns_of = (points) => [points.map(([x]) => x), points.map(([, y]) => y)];
