// Search, brushing and copying. The page is complete without this script.
"use strict";
(() => {
  for (const part of document.querySelectorAll(".script-only")) part.hidden = false;

  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();

  const search = document.getElementById("search");
  if (search) {
    const rows = [...document.querySelectorAll("#template-table tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, place) => { row.hidden = !words.every((word) => texts[place].includes(word)); });
    });
  }

  const picture = document.getElementById("timeline");
  const all = document.getElementById("show-all");
  if (picture && all) {
    const bars = Number(picture.dataset.bars);
    const incidents = [...document.querySelectorAll("#incident-list > .incident")];
    let start = null;
    let range = null;
    const place = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
      return Math.min(959.9, Math.max(0, point.x));
    };
    const draw = (from, to) => {
      if (!range) {
        range = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        range.setAttribute("class", "range");
        range.setAttribute("y", "0");
        range.setAttribute("height", String(Number(picture.dataset.top) + 100));
        picture.append(range);
      }
      range.setAttribute("x", String(Math.min(from, to)));
      range.setAttribute("width", String(Math.abs(to - from)));
    };
    const filter = (first, last) => {
      for (const incident of incidents) {
        incident.hidden = Number(incident.dataset.last) < first || Number(incident.dataset.first) > last;
      }
    };
    picture.addEventListener("pointerdown", (event) => { start = place(event); });
    picture.addEventListener("pointermove", (event) => {
      if (start !== null && Math.abs(place(event) - start) > 4) draw(start, place(event));
    });
    window.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const end = place(event);
      if (Math.abs(end - start) > 4) {
        const [first, last] = [Math.min(start, end), Math.max(start, end)].map((x) => Math.floor((x / 960) * bars));
        filter(first, last);
        all.hidden = false;
      }
      start = null;
    });
    all.addEventListener("click", () => {
      filter(-1, bars);
      all.hidden = true;
      if (range) range.remove();
      range = null;
    });
  }

  const plain = (part) => part.trim().replace(/\s+/g, " ").replace(/([\\`*_<>[\]])/g, "\\$1");
  function markdown(incident) {
    const texts = (selector) => [...incident.querySelectorAll(selector)].map((node) => plain(node.textContent));
    const list = (heading, items, sign) => (items.length ? ["", `**${heading}**`, "", ...items.map((item) => sign + item)] : []);
    const heading = (selector) => {
      const part = incident.querySelector(selector);
      return part ? plain(part.closest("ul,ol").parentElement.querySelector("h3")?.textContent ?? "") : "";
    };
    const ticket = incident.querySelector(".ticket");
    const lines = ticket ? ticket.textContent : "";
    const fence = "`".repeat(Math.max(3, ...(lines.match(/`+/g) || []).map((run) => run.length + 1)));
    const link = incident.querySelector(".permalink");
    return [
      `### ${plain(incident.dataset.severity)}: ${plain(incident.dataset.title)}`, "", texts(".happened").join(" "),
      ...list(heading(".symptoms"), texts(".symptoms li"), "- "), ...(lines ? ["", fence, lines, fence] : []),
      ...list("", texts(".says"), "- ").slice(3), ...(link && document.body.dataset.live ? ["", link.href] : []), "",
    ].join("\n");
  }
  function copies(within) {
    for (const button of within.querySelectorAll("button.copy")) {
      button.addEventListener("click", async () => {
        const label = button.textContent;
        await navigator.clipboard.writeText(markdown(button.closest(".body")));
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = label; }, 1500);
      });
    }
  }
  copies(document);
})();
