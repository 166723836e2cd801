// Notes each element that gets the focus, and what is wrong with its ring, in both themes.
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const visited = new WeakSet();
  const TABBABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const LEAST_WIDTH = 2, LEAST_CONTRAST = 3;
  window.complaints = [];

  function rgba(colour) {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      known.set(colour, [...canvas.getImageData(0, 0, 1, 1).data].map((part, at) => (at < 3 ? part : part / 255)));
    }
    return known.get(colour);
  }
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  function behind(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      layers.unshift(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  }
  function luminance(colour) {
    const [r, g, b] = colour.map((part) => (part / 255 <= 0.04045 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  // A text field shows its ring at its frame.
  const ringed = (element) => (element.matches("input, textarea") && element.closest(".q-field__control, .mp-field")) || element;

  function faults(element) {
    const place = ringed(element), style = getComputedStyle(place), width = parseFloat(style.outlineWidth);
    if (style.outlineStyle !== "solid" || width < LEAST_WIDTH) return [`outline ${style.outlineStyle} ${width}px`];
    const offset = parseFloat(style.outlineOffset), colour = rgba(style.outlineColor).slice(0, 3);
    const grounds = [behind(place.parentElement)];
    if (offset < 0) grounds.push(behind(place));
    const low = Math.min(...grounds.map((ground) => contrast(colour, ground)));
    return [...(low < LEAST_CONTRAST ? [`contrast ${low.toFixed(2)}`] : []), ...cut(place, offset + width), ...crossed(place, -offset), ...covered(place)];
  }

  // A ring that lies inside leaves the letters free.
  function crossed(element, depth) {
    if (depth <= 0 || element.scrollWidth > element.clientWidth + 1) return [];
    const box = element.getBoundingClientRect(), texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (texts.nextNode()) {
      range.selectNodeContents(texts.currentNode);
      for (const { left, right, width } of range.getClientRects()) {
        if (width > 1 && (left < box.left + depth || right > box.right - depth)) return [`the ring crosses ${texts.currentNode.data}`];
      }
    }
    return [];
  }

  function covered(element) {
    const rect = element.getBoundingClientRect();
    const hit = document.elementFromPoint((rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2);
    return !hit || hit.contains(element) || element.contains(hit) ? [] : [`covered by ${name(hit)}`];
  }

  // What cuts the ring off: a box that hides what overflows it, or the edge of the window.
  function cut(element, reach) {
    const rect = element.getBoundingClientRect();
    const [left, top, right, bottom] = [rect.left - reach, rect.top - reach, rect.right + reach, rect.bottom + reach];
    if (!rect.width || !rect.height) return ["it has no size"];
    const isCut = (box) => left < box.left - 0.5 || top < box.top - 0.5 || right > box.right + 0.5 || bottom > box.bottom + 0.5;
    if (isCut({ left: 0, top: 0, right: innerWidth, bottom: innerHeight })) return [`cut by the window: ${[left, top, right, bottom].map(Math.round)}`];
    let isFixed = getComputedStyle(element).position === "fixed";
    for (let at = element.parentElement; at && at !== document.body && !isFixed; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflow !== "visible" && isCut(at.getBoundingClientRect())) return [`cut by ${at.tagName}.${at.className}`];
      isFixed = style.position === "fixed";
    }
    return [];
  }

  const name = (element) => `<${element.tagName.toLowerCase()} class="${element.className}"> ${element.ariaLabel || element.innerText || element.id}`.slice(0, 120);

  let isTab = false; // focus that a script gives comes before its element is in place, and Tab comes there once more
  document.addEventListener("keydown", (event) => (isTab = event.key === "Tab"), true);
  document.addEventListener("focusin", ({ target }) => {
    const modal = [...document.querySelectorAll(".q-dialog, .q-menu")].at(-1);
    if (modal && !modal.contains(target)) return; // Quasar moves it back into what is open
    if (!isTab || visited.has(target) || target.tabIndex < 0) return;
    visited.add(target);
    const root = document.documentElement, before = root.dataset.theme;
    for (const theme of ["light", "dark"]) {
      root.dataset.theme = theme;
      for (const fault of faults(target)) window.complaints.push(`${theme}: ${name(target)}: ${fault}`);
    }
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
  });

  // What the Tab key should reach, and has not yet.
  window.unreached = (place) =>
    [...(place ?? document).querySelectorAll(TABBABLE)]
      .filter((element) => element.tabIndex >= 0 && !element.disabled && !element.closest("[inert], [hidden], [aria-hidden=true]"))
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !visited.has(element))
      .map(name);
})();
