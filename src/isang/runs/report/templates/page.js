// Reading values and zooming. The page is complete without this script; it only rewrites x coordinates in the SVG.
"use strict";
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const whole = (value) => Math.round(value).toLocaleString("en");
  const short = (value) => String(Number(value.toPrecision(4)));

  function element(name, parent, attributes) {
    const made = document.createElementNS(NS, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    parent.append(made);
    return made;
  }

  function niceTicks(first, last) {
    const rough = (last - first) / 6;
    const power = 10 ** Math.floor(Math.log10(rough));
    const unit = Math.max(1, [1, 2, 5, 10].find((m) => m * power >= rough) * power);
    const ticks = [];
    for (let at = Math.ceil(first / unit) * unit; at <= last; at += unit) ticks.push(at);
    return ticks;
  }

  class Plot {
    constructor(figure) {
      this.svg = figure.querySelector("svg.plot");
      const data = JSON.parse(figure.querySelector("script").textContent);
      [this.left, this.top, this.right, this.bottom] = data.box;
      this.full = data.range;
      this.range = data.range;
      this.unit = data.unit;
      this.series = data.series.map(([name, steps, values]) => {
        let at = 0;
        return { name, values, steps: steps.map((gap) => (at += gap)) };
      });
      if (!this.series.length) return;
      this.paths = [...this.svg.querySelectorAll("path[clip-path]")].map((path) => [path, path.getAttribute("d")]);
      this.dots = [...this.svg.querySelectorAll("g[clip-path] use")].map((use) => [use, Number(use.getAttribute("x"))]);
      this.cursor = element("line", this.svg, { class: "cursor", y1: this.top, y2: this.bottom, visibility: "hidden" });
      this.mark = element("rect", this.svg, { class: "range", y: this.top, height: this.bottom - this.top, visibility: "hidden" });
      this.readout = document.createElement("p");
      this.readout.className = "readout";
      this.svg.parentElement.after(this.readout);
      this.svg.setAttribute("tabindex", "0");
      this.listen();
    }

    // Data to picture and back, with the range that is shown now.
    toX(step) {
      return this.left + ((step - this.range[0]) / (this.range[1] - this.range[0])) * (this.right - this.left);
    }

    toStep(x) {
      return this.range[0] + ((x - this.left) / (this.right - this.left)) * (this.range[1] - this.range[0]);
    }

    pointer(event) {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
      return Math.min(this.right, Math.max(this.left, point.x));
    }

    listen() {
      let start = null;
      this.svg.addEventListener("pointerdown", (event) => {
        if (event.pointerType === "mouse" && event.button === 0) start = this.pointer(event);
      });
      this.svg.addEventListener("pointermove", (event) => {
        const x = this.pointer(event);
        this.read(this.toStep(x));
        if (start === null) return;
        this.mark.setAttribute("x", Math.min(start, x));
        this.mark.setAttribute("width", Math.abs(x - start));
        this.mark.setAttribute("visibility", "visible");
      });
      window.addEventListener("pointerup", (event) => {
        if (start === null) return;
        const ends = [start, this.pointer(event)].sort((a, b) => a - b);
        start = null;
        this.mark.setAttribute("visibility", "hidden");
        if (ends[1] - ends[0] > 4) this.zoom(this.toStep(ends[0]), this.toStep(ends[1]));
      });
      this.svg.addEventListener("dblclick", () => this.zoom(...this.full));
      this.svg.addEventListener("keydown", (event) => this.key(event));
    }

    key(event) {
      const middle = this.at ?? (this.range[0] + this.range[1]) / 2;
      const half = (this.range[1] - this.range[0]) / 2;
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") this.walk(event.key === "ArrowRight" ? 1 : -1);
      else if (event.key === "+" || event.key === "=") this.zoom(middle - half / 2, middle + half / 2);
      else if (event.key === "-") this.zoom(middle - half * 2, middle + half * 2);
      else if (event.key === "0" || event.key === "Escape") this.zoom(...this.full);
      else return;
      event.preventDefault();
    }

    walk(way) {
      const steps = this.series[0].steps;
      const now = this.at === undefined ? -1 : this.nearest(steps, this.at);
      this.read(steps[Math.min(steps.length - 1, Math.max(0, now + way))]);
    }

    nearest(steps, wanted) {
      let low = 0;
      let high = steps.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (steps[middle] < wanted) low = middle + 1;
        else high = middle;
      }
      return low > 0 && wanted - steps[low - 1] < steps[low] - wanted ? low - 1 : low;
    }

    read(wanted) {
      const lead = this.series[0];
      this.at = lead.steps[this.nearest(lead.steps, wanted)];
      const parts = this.series.map((series) => {
        const row = this.nearest(series.steps, this.at);
        const other = series.steps[row] === this.at ? "" : ` (${whole(series.steps[row])})`;
        return `${series.name} ${short(series.values[row])}${other}`;
      });
      this.readout.textContent = `${this.unit} ${whole(this.at)}: ${parts.join("; ")}`;
      this.place();
    }

    place() {
      const x = this.at === undefined ? -1 : this.toX(this.at);
      this.cursor.setAttribute("visibility", x < this.left || x > this.right ? "hidden" : "visible");
      this.cursor.setAttribute("x1", x);
      this.cursor.setAttribute("x2", x);
    }

    zoom(first, last) {
      if (last - first < 4) return;
      this.range = [this.full[0], this.full[1]];
      const from = Math.max(this.full[0], first);
      const to = Math.min(this.full[1], last);
      const x0 = this.toX(from);
      const scale = (this.right - this.left) / (this.toX(to) - x0);
      const moved = (x) => Math.round((this.left + (x - x0) * scale) * 100) / 100;
      this.range = [from, to];
      for (const [path, original] of this.paths) {
        path.setAttribute("d", original.replace(/([ML])(\S+) /g, (_, letter, x) => `${letter}${moved(Number(x))} `));
      }
      for (const [use, x] of this.dots) use.setAttribute("x", moved(x));
      this.svg.classList.toggle("zoomed", scale > 1.0001);
      this.ticks(scale > 1.0001);
      this.place();
    }

    ticks(zoomed) {
      this.svg.querySelector(".zoom-axis")?.remove();
      if (!zoomed) return;
      const group = element("g", this.svg, { class: "zoom-axis" });
      for (const at of niceTicks(...this.range)) {
        element("text", group, { x: this.toX(at), y: this.bottom + 14 }).textContent = whole(at);
      }
    }
  }

  // A click on a heading sorts the rows by its column, a second one the other way round; gaps stay at the end.
  function sortable(table) {
    const body = table.tBodies[0];
    const key = (row, column) => {
      const text = row.cells[column].textContent.trim();
      const value = parseFloat(text.replace(/,/g, ""));
      return text === "–" ? null : Number.isNaN(value) ? text : value;
    };
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [row, key(row, column)]);
        rows.sort(([, a], [, b]) => (a === null) - (b === null) || (down ? compare(b, a) : compare(a, b)));
        body.append(...rows.map(([row]) => row));
      });
    });
  }

  for (const table of document.querySelectorAll("table.sortable")) sortable(table);
  for (const hint of document.querySelectorAll(".script-only")) hint.hidden = false;
  for (const figure of document.querySelectorAll("figure")) new Plot(figure);
})();
