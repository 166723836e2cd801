// Drafts: this tab keeps the typed text of forms that are not saved yet, so that it survives a restart of the server.
// It keeps the fields that the server marks, never a secret, and only for the session in which they were typed.
"use strict";
(() => {
  const PREFIX = "portal-draft "; // login.js knows it too
  const session = () => document.querySelector(".nicegui-layout")?.dataset.session ?? "";
  const keyOf = (name) => `${PREFIX}${location.pathname} ${name}`;
  const openForms = () => [...document.querySelectorAll("form[data-was]")];

  function valuesOf(form) {
    const fields = [...form.querySelectorAll("[data-field]")];
    return Object.fromEntries(fields.map((field) => [field.dataset.field, field.dataset.value ?? field.value]));
  }
  function differs(form) {
    const was = JSON.parse(form.dataset.was);
    return Object.entries(valuesOf(form)).some(([name, value]) => value !== was[name]);
  }
  const hasSecret = (form) => [...form.querySelectorAll("input[type=password]")].some((field) => field.value);
  function keep(form) {
    const { draft: name, subject = "", was } = form.dataset;
    const draft = { session: session(), name, subject, was: JSON.parse(was), values: valuesOf(form) };
    if (differs(form)) sessionStorage.setItem(keyOf(name), JSON.stringify(draft));
    else forget(name);
  }
  const forget = (name) => sessionStorage.removeItem(keyOf(name));

  // Send this page's drafts, or the one with a name, to the server, which knows the stored values; delete those of
  // other sessions.
  function restore(name) {
    if (!window.did_handshake) return setTimeout(restore, 50, name);
    for (const key of Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX))) {
      const { session: from, ...draft } = JSON.parse(sessionStorage[key]);
      if (from !== session()) sessionStorage.removeItem(key);
      else if (key === keyOf(name ?? draft.name)) emitEvent("portal-draft", draft);
    }
  }

  window.portalDrafts = { forget, restore };
  document.addEventListener("input", ({ target }) => {
    hasAsked = false; // the visitor has stayed on the page
    const form = target.closest?.("form[data-was]");
    if (form) keep(form);
  });

  // Ask before the visitor leaves the page. A page that leaves by itself asks nothing: the tab keeps the draft then.
  let hasAsked = false;
  addEventListener("beforeunload", (event) => {
    if (!window.socket?.connected || window.portalLeaves || navigator.userActivation?.hasBeenActive === false) return;
    hasAsked = openForms().some((form) => differs(form) || hasSecret(form));
    if (hasAsked) event.preventDefault();
  });
  addEventListener("pagehide", () => openForms().forEach((form) => (hasAsked ? forget(form.dataset.draft) : keep(form))));
  document.addEventListener("DOMContentLoaded", () => restore());
})();
