// The browser's part of every page: the banner of a lost connection, the end of the desktop program, hidden tabs, roles, copying, focus and menus.
"use strict";
(() => {
  const el = (id) => document.getElementById(id);

  // A lost connection: the figures stay, with their age; socket.io connects again by itself.
  function showOffline(isOffline) {
    const banner = el("offline");
    if (!banner) return;
    const since = document.querySelector('[data-testid="updated-at"]')?.textContent.match(/\d\d:\d\d:\d\d/)?.[0];
    const { text, textSince } = banner.dataset;
    el("offline-text").textContent = since ? textSince.replace("{since}", since) : text;
    banner.hidden = !isOffline;
    document.documentElement.classList.toggle("is-offline", isOffline);
  }
  function watchConnection() {
    if (!window.socket) return setTimeout(watchConnection, 50);
    window.socket.on("connect", () => showOffline(false));
    window.socket.on("disconnect", () => setTimeout(() => showOffline(!window.socket.connected), 700));
    if (el("closed")) for (const event of ["disconnect", "connect_error"]) window.socket.on(event, coverIfEnded);
    document.addEventListener("click", (event) => {
      if (event.target.closest?.("#offline-retry")) window.socket.disconnect().connect();
    });
  }

  // The desktop program has ended when nobody answers at its port: the page says so, and stops trying.
  let isAsking = false;
  async function coverIfEnded() {
    if (isAsking) return;
    isAsking = true;
    if (await hasEnded()) cover();
    isAsking = false;
  }
  async function hasEnded() {
    for (let tries = 0; tries < 3; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (window.socket.connected || window.portalLeaves) return false;
      try {
        await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(2000) });
        return false;
      } catch (error) {
        if (error.name === "TimeoutError") return false; // it is there, and busy
      }
    }
    return true;
  }
  function cover() {
    window.socket.io.reconnection(false);
    window.socket.disconnect();
    const closed = el("closed");
    const beside = [...document.body.children, ...closed.parentElement.children];
    for (const other of beside) if (!other.contains(closed)) other.inert = true;
    closed.hidden = false;
    closed.focus();
    document.title = closed.querySelector("h2").textContent;
  }

  // A hidden tab requests nothing; it is refreshed when it is shown.
  document.addEventListener("visibilitychange", () => {
    if (window.socket?.connected) emitEvent("portal-visible", !document.hidden);
  });

  // Rows that are drawn as grids stay rows of a table for screen readers.
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

  // The first sign-in stores the browser's time zone; later the profile names it if it is another one.
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
      } catch {} // the browser refused it
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

  // The drawer of small windows behaves like a dialog: the focus moves into it, stays there, and returns.
  let isDrawerOpen = false;
  function watchDrawer() {
    const drawer = document.querySelector(".q-drawer");
    const isOpen = !!drawer?.matches(".q-drawer--mobile:not(.q-layout--prevent-focus)");
    if (isOpen === isDrawerOpen) return;
    isDrawerOpen = isOpen;
    for (const behind of document.querySelectorAll(".mp-topbar, .q-page-container, .mp-skip")) behind.inert = isOpen;
    const next = isOpen ? ".mp-nav__close" : ".mp-topbar .mp-icon";
    if (isOpen || drawer.contains(document.activeElement) || document.activeElement === document.body) {
      document.querySelector(next)?.focus();
    }
  }
  document.addEventListener("keydown", (event) => {
    const isInMenu = event.target.closest?.(".q-menu") || document.querySelector(".q-menu");
    if (event.key === "Escape" && isDrawerOpen && !isInMenu) document.querySelector(".q-drawer__backdrop")?.click();
  });

  // Menus: the first item has the focus, or the chosen one; arrow keys, Home and End move it.
  const ITEMS = '[role^="menuitem"]';
  document.addEventListener("focusin", ({ target }) => {
    if (!target.matches(".mp-menu")) return; // Quasar gives the focus to the menu as a whole
    (target.querySelector('[aria-checked="true"]') ?? target.querySelector(ITEMS))?.focus({ preventScroll: true });
  });
  document.addEventListener("keydown", (event) => {
    const items = [...(event.target.closest?.(".mp-menu")?.querySelectorAll(ITEMS) ?? [])];
    const at = items.indexOf(event.target.closest?.(ITEMS));
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[event.key];
    if (!items.length || to === undefined) return;
    event.preventDefault();
    items.at(to % items.length).focus();
  });

  document.addEventListener("DOMContentLoaded", () => {
    watchConnection();
    tellZone();
    keepRoles(document);
    new MutationObserver(() => keepRoles(document)).observe(document.body, { childList: true, subtree: true });
    new MutationObserver(watchDrawer).observe(document.body, { attributeFilter: ["class"], subtree: true });
  });
})();
