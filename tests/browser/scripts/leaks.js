// Returns all text of a page that a person reads or hears, one entry for each place: "<where>: <text>".
// A sentence with a part in an element of its own, as a link or a figure, is one place.
() => {
  const found = [`title: ${document.title}`];
  const silent = "script, style, noscript, template, pre, code, mp-name, .nicegui-error-popup"; // the last are NiceGUI’s own, never shown
  const part = "span, a, b, small, br";
  const add = (where, text) => text.trim() && found.push(`${where}: ${text.trim()}`);
  const isSentence = (element) => element.children.length > 1 && !element.querySelector(`:not(${part})`);
  const walk = (element, isRead) => {
    if (element.matches(silent)) return;
    const name = element.tagName.toLowerCase();
    for (const attribute of ["aria-label", "title", "placeholder", "alt", "aria-valuetext", "aria-description"]) {
      add(`${name} ${attribute}`, element.getAttribute(attribute) ?? "");
    }
    const isWhole = !isRead && isSentence(element);
    if (isWhole) add(name, element.textContent);
    for (const node of element.childNodes) {
      if (node.nodeType === Node.ELEMENT_NODE) walk(node, isRead || isWhole);
      else if (node.nodeType === Node.TEXT_NODE && !isRead && !isWhole) add(name, node.textContent);
    }
  };
  walk(document.documentElement, false);
  return found;
}
