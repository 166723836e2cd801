// Returns all text of a page that a person reads or hears, one entry for each place: "<where>: <text>".
() => {
  const found = [`title: ${document.title}`];
  const silent = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "PRE", "CODE", "MP-NAME"]);
  const walk = (element) => {
    if (silent.has(element.tagName)) return;
    for (const name of ["aria-label", "title", "placeholder", "alt", "aria-valuetext", "aria-description"]) {
      const text = element.getAttribute(name);
      if (text) found.push(`${element.tagName.toLowerCase()} ${name}: ${text}`);
    }
    for (const node of element.childNodes) {
      if (node.nodeType === Node.ELEMENT_NODE) walk(node);
      const text = node.nodeType === Node.TEXT_NODE ? node.textContent.trim() : "";
      if (text) found.push(`${element.tagName.toLowerCase()}: ${text}`);
    }
  };
  walk(document.documentElement);
  return found;
}
