// Search, brushing, copying; on live pages also answers and news. Every page can be read without this script.
"use strict";
(() => {
  const live = document.body.dataset.live;

  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  }

  function prepareSearch() {
    const search = document.getElementById("search");
    if (!search) return;
    const rows = [...document.querySelectorAll("#template-table tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, place) => { row.hidden = !words.every((word) => texts[place].includes(word)); });
    });
  }

  function prepareBrush() {
    const picture = document.getElementById("timeline");
    const all = document.getElementById("show-all");
    if (!picture || !all) return;
    const bars = Number(picture.dataset.bars);
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
      for (const incident of document.querySelectorAll("#incident-list > .incident")) {
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

  const escaped = (part) => part.trim().replace(/\s+/g, " ").replace(/([\\`*_<>[\]])/g, "\\$1");

  function markdown(incident) {
    const items = (selector) => [...incident.querySelectorAll(selector)].map((item) => `- ${escaped(item.textContent)}`);
    const ticket = incident.querySelector(".ticket");
    const lines = ticket ? ticket.textContent : "";
    const fence = "`".repeat(Math.max(3, ...(lines.match(/`+/g) || []).map((run) => run.length + 1)));
    const link = live ? [incident.querySelector(".permalink").href] : [];
    const happened = escaped(incident.querySelector(".happened > span").textContent);
    const parts = [
      [`### ${escaped(incident.dataset.severity)}: ${escaped(incident.dataset.title)}`], [happened],
      items(".symptoms li"), lines ? [fence, lines, fence] : [], [...new Set(items(".says"))], items(".spread li"), link,
    ];
    return `${parts.filter((part) => part.length).map((part) => part.join("\n")).join("\n\n")}\n`;
  }

  function prepareCopies() {
    for (const button of document.querySelectorAll("button.copy")) {
      button.addEventListener("click", async () => {
        const label = button.textContent;
        await navigator.clipboard.writeText(markdown(button.closest(".body")));
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = label; }, 1500);
      });
    }
  }

  async function refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || fresh.body.dataset.live !== live) return;
    const main = document.getElementById("main");
    const focused = document.activeElement?.getAttribute("href");
    main.replaceChildren(...fresh.getElementById("main").childNodes);
    prepare();
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  function say(text) {
    document.getElementById("news").textContent = text;
  }

  async function send(method, address, body) {
    try {
      const answer = await fetch(address, {
        method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body),
      });
      const said = await answer.json().catch(() => ({}));
      await refresh();
      say(answer.ok ? document.body.dataset.done : said.error || `${answer.status} ${answer.statusText}`);
    } catch (error) {
      say(String(error));
    }
  }

  function prepareActions() {
    for (const form of document.querySelectorAll("form[data-address]")) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const given = Object.fromEntries(new FormData(form, event.submitter));
        if (given.days !== undefined) {
          given.until = given.days ? new Date(Date.now() + Number(given.days) * 86_400_000).toISOString() : null;
          delete given.days;
        }
        send(form.dataset.method || "POST", form.dataset.address, form.dataset.method === "DELETE" ? null : given);
      });
    }
  }

  function listen() {
    const events = new EventSource("/api/v1/events");
    let waiting = null;
    const news = () => {
      waiting ??= setTimeout(async () => {
        waiting = null;
        if (document.getSelection().isCollapsed && !document.activeElement?.closest("form")) await refresh();
      }, 1000);
    };
    for (const name of ["firing", "repeated", "resolved", "silenced", "feedback", "model"]) events.addEventListener(name, news);
  }

  function prepare() {
    for (const part of document.querySelectorAll(".script-only")) part.hidden = false;
    prepareSearch();
    prepareBrush();
    prepareCopies();
    prepareActions();
  }

  prepare();
  window.addEventListener("hashchange", openTarget);
  openTarget();
  if (live === "overview" || live === "incident" || live === "models") listen();
})();
