// Names of any length: one that is wider than its place is drawn shortened in its middle, and shown whole when pressed.
"use strict";
(() => {
  const TAIL = 0.4; // share of the room that the end of a name gets
  const GAP = 6; // pixels between a name and the box with the whole of it, and around that
  const DRAWN = ["data-short", "title", "role", "tabindex", "aria-label", "aria-expanded"];

  // Both ends of a name as far as they have room, with an ellipsis between; "" if the whole name has room.
  function shortened(name) {
    const whole = name.firstElementChild, room = name.clientWidth;
    if (whole.offsetWidth <= room + 1) return "";
    const text = whole.textContent, range = document.createRange();
    const width = (from, to) => {
      range.setStart(whole.firstChild, from);
      range.setEnd(whole.firstChild, to);
      return range.getBoundingClientRect().width;
    };
    const free = room - parseFloat(getComputedStyle(name).fontSize); // an ellipsis is at most as wide as it is high
    const last = most(text.length, (count) => width(text.length - count, text.length) <= free * TAIL);
    const end = width(text.length - last, text.length);
    const first = most(text.length - last, (count) => width(0, count) <= free - end);
    const head = text.slice(0, first).replace(/[\uD800-\uDBFF]$/, "");
    const tail = text.slice(text.length - last).replace(/^[\uDC00-\uDFFF]/, "");
    return `${head.trimEnd()}…${tail.trimStart()}`;
  }
  // The largest count up to `limit` that fits, where every smaller one does too.
  function most(limit, fits) {
    let [low, high] = [0, limit];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // The stylesheet draws a shortened name from an attribute; its text stays whole, to be read, found and copied. It is a
  // button then, unless an element around it is a button or a link.
  function draw(name, short) {
    if (!short) {
      if (name === shown) hide();
      for (const attribute of DRAWN) name.removeAttribute(attribute);
      return;
    }
    const text = name.textContent;
    name.dataset.short = short;
    name.title = text;
    if (name.closest("a, button, .q-field")) return;
    name.role = "button";
    name.tabIndex = 0;
    name.ariaLabel = text;
    name.ariaExpanded = name === shown;
  }

  // Before anything is painted; what is drawn changes no size that is observed.
  const sizes = new ResizeObserver((entries) => {
    const names = new Set(entries.map(({ target }) => target.closest("mp-name")));
    const measured = [...names].map((name) => [name, shortened(name)]);
    for (const [name, short] of measured) draw(name, short);
  });
  customElements.define(
    "mp-name",
    class extends HTMLElement {
      connectedCallback() {
        for (const part of [this, this.firstElementChild]) sizes.observe(part);
      }
      disconnectedCallback() {
        for (const part of [this, this.firstElementChild]) sizes.unobserve(part);
        if (this === shown) hide();
      }
    },
  );

  // The box with the whole name is above everything, until Escape, a press elsewhere, or the focus moves on.
  let shown = null;
  const box = document.createElement("div");
  box.className = "mp-whole";
  box.popover = "manual";
  function show(name) {
    hide();
    shown = name;
    if (name.role) name.ariaExpanded = true;
    box.textContent = name.textContent;
    document.body.append(box);
    box.showPopover();
    place();
  }
  function hide() {
    if (shown?.role) shown.ariaExpanded = false;
    shown = null;
    box.remove();
  }
  function place() {
    if (!shown) return;
    const at = shown.getBoundingClientRect(), { width, height } = box.getBoundingClientRect();
    const top = at.bottom + GAP + height > innerHeight ? at.top - GAP - height : at.bottom + GAP;
    box.style.translate = `${Math.max(GAP, Math.min(at.left, innerWidth - GAP - width))}px ${top}px`;
  }
  addEventListener("scroll", place, { capture: true, passive: true });
  addEventListener("resize", place);

  const pressed = (event) => event.target.closest?.("mp-name[role=button]");
  document.addEventListener("click", (event) => {
    const name = pressed(event);
    if (name && name !== shown) show(name);
    else if (!box.contains(event.target)) hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (!["Enter", " "].includes(event.key) || !pressed(event)) return;
    event.preventDefault();
    event.target.click();
  });
  // In a link or a button, a name is shown whole for as long as that has the keyboard's focus.
  document.addEventListener("focusin", ({ target }) => {
    const name = target.matches("a:focus-visible, button:focus-visible") && target.querySelector("mp-name[data-short]");
    if (name) show(name);
    else if (shown && !shown.contains(target)) hide();
  });
  document.addEventListener("focusout", () => shown && !shown.role && hide());
})();
