// Shows a typed password on demand, and sends the time zone. The forms work without this script too.
"use strict";
const zone = document.getElementById("time-zone");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
const budgetZone = document.getElementById("budget_timezone");
if (budgetZone && "guess" in budgetZone.dataset) budgetZone.value = zone.value || budgetZone.value;
for (const button of document.querySelectorAll("[data-reveals]")) {
  const fields = button.dataset.reveals.split(" ").map((id) => document.getElementById(id));
  const names = { false: button.ariaLabel, true: button.dataset.hides };
  const show = (isShown) => {
    for (const field of fields) field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
    button.setAttribute("aria-label", names[isShown]);
  };
  button.hidden = false;
  button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
  button.form.addEventListener("submit", () => show(false)); // so that password managers know what they see
}
// A visitor who sees this form is signed out. Delete the drafts, so that the next person does not get them.
for (const key of Object.keys(sessionStorage)) if (key.startsWith("portal-draft ")) sessionStorage.removeItem(key);
