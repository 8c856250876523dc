/* Tips for the terms of the glossary (book/_ext/glossary_tips.py).

A tip opens when its term is pointed at or has the focus; the pointer may move onto it; Escape,
leaving, or a touch elsewhere closes it. A first touch opens the tip, a second follows the link.
Without this script each term is a plain link. */
"use strict";

(() => {
  const EDGE = 8; // pixels that stay free beside a tip
  const WAIT = 150; // milliseconds: a pointer that only passes opens nothing
  let open = null; // the term whose tip is shown
  let timer = 0;

  function linkOf(term) {
    return term.querySelector("a");
  }

  function tipOf(term) {
    return term.querySelector("[role=tooltip]");
  }

  function hide() {
    clearTimeout(timer);
    if (open) tipOf(open).hidden = true;
    open = null;
  }

  function show(term) {
    clearTimeout(timer);
    if (open === term) return;
    hide();
    open = term;
    tipOf(term).hidden = false;
    place(term);
  }

  /* Below the first line of the term, or above it if there is more room; within the window. */
  function place(term) {
    const tip = tipOf(term);
    tip.style.left = tip.style.top = "0";
    const word = linkOf(term).getClientRects()[0];
    const size = tip.getBoundingClientRect(); // where left and top are 0
    const width = document.documentElement.clientWidth;
    const left = Math.max(EDGE, Math.min(word.left, width - size.width - EDGE));
    const fits = word.bottom + size.height <= innerHeight || word.top < size.height;
    const top = fits ? word.bottom : word.top - size.height;
    tip.style.left = `${left - size.left}px`;
    tip.style.top = `${top - size.top}px`;
  }

  function prepare(term, number) {
    const link = linkOf(term);
    if (!link) return;
    const tip = document.createElement("span");
    tip.id = `glossary-tip-${number}`;
    tip.setAttribute("role", "tooltip");
    tip.textContent = term.dataset.tip;
    tip.hidden = true;
    term.append(tip);
    link.setAttribute("aria-describedby", tip.id);
    let firstTouch = false;

    term.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "touch") timer = setTimeout(show, WAIT, term);
    });
    term.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "touch") return;
      clearTimeout(timer);
      if (open === term && document.activeElement !== link) hide();
    });
    term.addEventListener("pointerdown", (event) => {
      firstTouch = event.pointerType === "touch" && open !== term;
    });
    link.addEventListener("focus", () => show(term));
    link.addEventListener("blur", () => {
      if (open === term && !term.matches(":hover")) hide();
    });
    link.addEventListener("click", (event) => {
      if (!firstTouch) return;
      firstTouch = false;
      event.preventDefault();
      show(term);
    });
  }

  document.querySelectorAll(".glossary-tip").forEach(prepare);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (open && !open.contains(event.target)) hide();
  });
})();
