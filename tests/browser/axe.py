"""Checks of a page by all rules of axe, in both themes; contrasts that axe cannot decide are measured."""

import base64
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

LEAST_CONTRAST = 4.5
_MOST_TRIES = 3
_UNSEEN = "contrast None"
_RESULTS = {"resultTypes": ["violations", "incomplete"]}
_CONTRAST = {**_RESULTS, "runOnly": ["color-contrast"]}
_OTHERS = {**_RESULTS, "rules": {"color-contrast": {"enabled": False}}}
_SWITCH = """theme => {
  const {dataset} = document.documentElement, before = dataset.theme ?? "";
  if (theme) dataset.theme = theme;
  else delete dataset.theme;
  for (const change of document.getAnimations()) if (change instanceof CSSTransition) change.finish();
  return before;
}"""
_IS_STILL = "() => !document.querySelector('.q-dialog[aria-modal=false], .q-dialog__inner--animating')"
_HIDE = """targets => targets.flatMap(target => [...document.querySelectorAll(target)]).forEach(element => {
  for (const name of ["color", "fill"]) element.style.setProperty(name, "transparent", "important");
})"""
_SHOW = """targets => targets.flatMap(target => [...document.querySelectorAll(target)]).forEach(element => {
  for (const name of ["color", "fill"]) element.style.removeProperty(name);
})"""
_BOXES = """targets => targets.map(target => {
  const element = document.querySelector(target), {left, top, width, height} = element.getBoundingClientRect();
  const style = getComputedStyle(element), colour = element instanceof SVGElement ? style.fill : style.color;
  return {colour, left: left + scrollX, top: top + scrollY, width, height};
})"""
_LEAST = """async ([shown, hidden, boxes]) => {
  const pixels = async png => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(png), letter => letter.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d", {willReadFrequently: true});
    canvas.drawImage(image, 0, 0);
    return canvas;
  };
  const dye = new OffscreenCanvas(1, 1).getContext("2d");
  const colourOf = name => {
    dye.fillStyle = name;
    dye.fillRect(0, 0, 1, 1);
    return dye.getImageData(0, 0, 1, 1).data;
  };
  const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const [one, other] = [await pixels(shown), await pixels(hidden)];
  return boxes.map(({colour, left, top, width, height}) => {
    const place = [Math.floor(left), Math.floor(top), Math.ceil(width) + 1, Math.ceil(height) + 1];
    const text = one.getImageData(...place).data, ground = other.getImageData(...place).data;
    const ink = light(colourOf(colour));
    let least = null;
    for (let at = 0; at < text.length; at += 4) {
      if (text[at] === ground[at] && text[at + 1] === ground[at + 1] && text[at + 2] === ground[at + 2]) continue;
      const below = light(ground.subarray(at, at + 3));
      const contrast = (Math.max(ink, below) + 0.05) / (Math.min(ink, below) + 0.05);
      least = least === null ? contrast : Math.min(least, contrast);
    }
    return least;
  });
}"""
"""Pixels that differ while the text is hidden belong to letters; there text and ground must have enough contrast."""


def violations(page: Page, within: str = "html") -> list[str]:
    """Return the violations, a line each; contrast is measured in the element `within`, such as a dialog."""
    page.wait_for_function(_IS_STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    before = page.evaluate(_SWITCH, "light")
    lines = _found(page, _OTHERS, "html")
    for theme in ("light", "dark"):
        page.evaluate(_SWITCH, theme)
        lines += [f"{theme}: {line}" for line in _found(page, _CONTRAST, within)]
    page.evaluate(_SWITCH, before)
    return lines


def _found(page: Page, options: dict[str, Any], place: str) -> list[str]:
    """Return what axe finds; again when a text was replaced while its contrast was measured."""
    lines: list[str] = []
    for _ in range(_MOST_TRIES):
        found = page.evaluate("([place, options]) => axe.run(place, options)", [place, options])
        faint = _too_faint(page, found)
        lines = [line for result in found["violations"] for line in _lines(result)] + faint
        if not any(line.startswith(_UNSEEN) for line in faint):
            break
    return lines


def _lines(result: dict[str, Any]) -> list[str]:
    return [f"{result['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for node in result["nodes"][:3]]


def _too_faint(page: Page, found: dict[str, Any]) -> list[str]:
    """Measure the texts with a contrast that axe cannot decide; return those with too little contrast or none."""
    results = [result for result in found["incomplete"] if result["id"] == "color-contrast"]
    targets = [node["target"][0] for result in results for node in result["nodes"]]
    if not targets:
        return []
    boxes = page.evaluate(_BOXES, targets)
    shown = page.screenshot(full_page=True, scale="css")
    page.evaluate(_HIDE, targets)
    hidden = page.screenshot(full_page=True, scale="css")
    page.evaluate(_SHOW, targets)
    pictures = [base64.b64encode(picture).decode() for picture in (shown, hidden)]
    least = page.evaluate(_LEAST, [*pictures, boxes])
    pairs = zip(targets, least, strict=True)
    return [f"contrast {ratio}: {target}" for target, ratio in pairs if ratio is None or ratio < LEAST_CONTRAST]
