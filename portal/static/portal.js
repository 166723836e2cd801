// What the browser itself must do for a page: say when the connection is lost, tell when nobody looks, keep tables tables.
"use strict";
(() => {
  const el = (id) => document.getElementById(id);

  // A lost connection: the figures stay readable and say how old they are; socket.io tries again by itself.
  function showOffline(isOffline) {
    const banner = el("offline");
    if (!banner) return;
    const since = document.querySelector('[data-testid="updated-at"]')?.textContent.match(/\d\d:\d\d:\d\d/)?.[0];
    el("offline-text").textContent =
      "No connection to the portal. " + (since ? `Figures are as of ${since}; trying again.` : "Trying again.");
    banner.hidden = !isOffline;
    document.documentElement.classList.toggle("is-offline", isOffline);
  }
  function watchConnection() {
    if (!window.socket) return setTimeout(watchConnection, 50);
    window.socket.on("connect", () => showOffline(false));
    window.socket.on("disconnect", () => setTimeout(() => showOffline(!window.socket.connected), 700));
    document.addEventListener("click", (event) => {
      if (event.target.closest?.("#offline-retry")) window.socket.disconnect().connect();
    });
  }

  // A hidden tab asks for nothing and catches up when it is shown.
  document.addEventListener("visibilitychange", () => {
    if (window.socket?.connected) emitEvent("portal-visible", !document.hidden);
  });

  // Rows laid out as grids are still rows of a table to a screen reader.
  const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row" };
  function keepRoles(root) {
    for (const node of root.querySelectorAll(".mp-table :is(table, thead, tbody, tr:not([role]))")) {
      if (!node.hasAttribute("role")) node.setAttribute("role", ROLES[node.tagName]);
    }
    // Quasar puts the options of a list into a box that can be focused, which hides them from screen readers.
    for (const box of root.querySelectorAll("[role=listbox] > .q-virtual-scroll__content[tabindex]")) {
      box.removeAttribute("tabindex");
      box.setAttribute("role", "presentation");
    }
    for (const frame of root.querySelectorAll(".mp-table[data-label]")) {
      frame.querySelector("table")?.setAttribute("aria-label", frame.dataset.label);
    }
  }

  // The first sign-in adopts the browser's time zone; later the profile names it where it is another.
  function tellZone() {
    const layout = document.querySelector(".nicegui-layout");
    if (!layout || !window.did_handshake) return setTimeout(tellZone, 100);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (layout.dataset.zone !== zone) emitEvent("portal-zone", zone);
  }

  // Copying works without HTTPS too, where browsers offer no clipboard: select the text and copy the selection.
  async function copy(source) {
    if (window.isSecureContext && navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(source.textContent);
        return true;
      } catch {} // not allowed after all
    }
    getSelection().selectAllChildren(source);
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    }
  }
  document.addEventListener("click", async (event) => {
    const source = el(event.target.closest?.("[data-copies]")?.dataset.copies);
    if (source) emitEvent("portal-copied", await copy(source));
  });

  document.addEventListener("DOMContentLoaded", () => {
    watchConnection();
    tellZone();
    keepRoles(document);
    new MutationObserver(() => keepRoles(document)).observe(document.body, { childList: true, subtree: true });
  });
})();
