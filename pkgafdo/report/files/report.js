"use strict";
(() => {
  const root = document.documentElement;
  const switcher = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const use = () => {
    const theme = chosen ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = theme;
    switcher.textContent = theme === "dark" ? "Light colours" : "Dark colours";
  };
  dark.addEventListener("change", use);
  switcher.hidden = false;
  switcher.addEventListener("click", () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    use();
  });
  use();

  let before = null;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => { root.dataset.theme = before; });

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const number = cell?.querySelector("data");
    return number ? Number(number.value) : (cell?.textContent ?? "").trim();
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const table = head.closest("table");
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => compare(valueOf(a, head.cellIndex), valueOf(b, head.cellIndex)));
      body.append(...(down ? rows.reverse() : rows));
    });
  }

  const tip = document.getElementById("tip");
  for (const mark of document.querySelectorAll("svg .mark")) {
    const title = mark.querySelector("title");
    mark.dataset.tip = title.textContent;
    mark.addEventListener("pointerenter", () => {
      title.textContent = "";
      tip.textContent = mark.dataset.tip;
      tip.hidden = false;
    });
    mark.addEventListener("pointermove", (event) => {
      const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
      const below = event.clientY + 18 + tip.offsetHeight < innerHeight;
      tip.style.left = `${Math.max(8, left)}px`;
      tip.style.top = `${below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10}px`;
    });
    mark.addEventListener("pointerleave", () => {
      title.textContent = mark.dataset.tip;
      tip.hidden = true;
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.nextElementSibling.textContent);
      button.textContent = "Copied";
    });
  }
})();
