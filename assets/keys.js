/* Keys of one letter can be switched off, for those who speak to their machine or hit keys unmeant; where the focus is in a tree, the
   suggestions or the matches, their own keys stay. */
(function () {
  "use strict";

  const KEPT = "topoviz-letters", OFF = "off";
  const OWN = "[role=tree], [role=grid], .suggestions, input, textarea, select, [contenteditable]";
  let off = false;
  try { off = window.localStorage.getItem(KEPT) === OFF; } catch { /* A browser may forbid it. */ }

  function show() {
    const button = document.getElementById("letter-keys");
    if (button) button.setAttribute("aria-checked", String(!off));
  }

  document.addEventListener("keydown", (event) => {
    const letter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (off && letter && !(event.target.closest && event.target.closest(OWN))) event.stopImmediatePropagation();
  }, true);

  // The dialog comes into the page with the focus.
  document.addEventListener("focusin", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest || !event.target.closest("#letter-keys")) return;
    off = !off;
    try { window.localStorage.setItem(KEPT, off ? OFF : "on"); } catch { /* It holds for this visit. */ }
    show();
  });
})();
