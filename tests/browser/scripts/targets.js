// Measures what a finger can hit of a control: how far around its middle the page still answers for it.
(() => {
  const LEAST = 44;
  const CONTROLS = "a[href], button, input, select, textarea, summary, [role=button], [role=switch], [role=option], [role^=menuitem]";

  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length > 0;

  // Whether a touch there reaches the control: it, something in it, or the label or frame that hands it on.
  function answers(hit, control) {
    if (!hit) return false;
    const frame = hit.closest("label, .q-field__control");
    return control.contains(hit) || frame?.control === control || (frame?.contains(control) ?? false);
  }

  function reach(control, x, y, stepX, stepY) {
    let far = 0;
    while (far < LEAST && answers(document.elementFromPoint(x + stepX * (far + 0.5), y + stepY * (far + 0.5)), control)) far += 1;
    return far;
  }

  function size(control) {
    if (control.getBoundingClientRect().bottom < 0) control.focus(); // the skip link comes with the focus
    control.scrollIntoView({ block: "center", inline: "center" });
    const rect = control.getClientRects()[0];
    const [x, y] = [(rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2];
    const measured = { x: reach(control, x, y, 1, 0) + reach(control, x, y, -1, 0), y: reach(control, x, y, 0, 1) + reach(control, x, y, 0, -1) };
    return control.matches(".mp-skip") ? (control.blur(), measured) : measured;
  }

  // The only exception of WCAG 2.5.8 that is made use of: a link whose line has other words beside it, since the height
  // of such a line is that of its text.
  function isInSentence(control) {
    for (let at = control; getComputedStyle(at).display === "inline"; at = at.parentElement) {
      const beside = [...at.parentNode.childNodes].filter((node) => node !== at && isInline(node));
      if (beside.some((node) => /[\p{L}\d]/u.test(node.textContent))) return true;
    }
    return false;
  }
  const isInline = (node) => node.nodeType === Node.TEXT_NODE || (node.nodeType === Node.ELEMENT_NODE && getComputedStyle(node).display === "inline");

  const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].filter((part) => !part.startsWith("q-")).join(".")} ${element.ariaLabel || element.innerText || element.id}`.slice(0, 100);

  // Every control that is too small, with its size; what a dialog or menu covers is left for later.
  window.small = () => {
    const above = [...document.querySelectorAll(".q-dialog, .q-menu")].findLast(isShown);
    return [...(above ?? document).querySelectorAll(CONTROLS)]
      .filter((control) => isShown(control) && !control.closest("[inert], [aria-hidden=true], .mp-sr"))
      .filter((control) => !isInSentence(control))
      .map((control) => ({ control, measured: size(control) }))
      .filter(({ measured }) => measured.x < LEAST || measured.y < LEAST)
      .map(({ control, measured }) => `${measured.x} x ${measured.y}: ${name(control)}`);
  };
})();
