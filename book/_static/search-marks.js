// Words that the search found are marked on arrival (?highlight=...); Escape takes the marks away.
(() => {
  "use strict";
  const SKIPPED = "script, style, button, input, textarea, select, label, mark, .katex, .math, .headerlink, .exercise-form";

  // Marks whole words, so that "beta" is not marked in "alphabetical".
  function markWords(root, words) {
    const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${escaped.join("|")})(?![\\p{L}\\p{N}_])`, "giu");
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
      node.parentElement.closest(SKIPPED) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const node of texts) {
      const found = [...node.data.matchAll(pattern)];
      for (const each of found.reverse()) {
        const rest = node.splitText(each.index);
        rest.splitText(each[0].length);
        const mark = document.createElement("mark");
        mark.className = "search-mark";
        rest.replaceWith(mark);
        mark.append(rest);
      }
    }
  }

  function unmark() {
    for (const mark of document.querySelectorAll("mark.search-mark")) {
      const parent = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      parent.normalize();
    }
    document.getElementById("search-unmark")?.remove();
  }

  function button(words) {
    const made = document.createElement("button");
    made.type = "button";
    made.id = "search-unmark";
    made.textContent = `Remove the marks of “${words.join(", ")}” (Escape)`;
    made.addEventListener("click", unmark);
    return made;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const address = new URL(location.href);
    const words = (address.searchParams.get("highlight") || "").split(/\s+/).filter(Boolean);
    const article = document.querySelector("article.bd-article");
    if (!words.length || !article) return;
    markWords(article, words);
    if (!document.querySelector("mark.search-mark")) return;
    const style = document.createElement("style");
    style.textContent =
      "mark.search-mark { background: #f0e442; color: #000; padding: 0; }" +
      "#search-unmark { position: fixed; right: 1rem; bottom: 1rem; z-index: 10; max-width: calc(100vw - 2rem); padding: .4rem .8rem;" +
      " border: 1px solid #000; border-radius: 4px; background: #f0e442; color: #000; font-size: .85rem; }" +
      "@media print { mark.search-mark { background: none; } #search-unmark { display: none; } }";
    document.head.append(style);
    document.body.append(button(words));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") unmark(); });
    address.searchParams.delete("highlight");
    try {
      history.replaceState(null, "", address);
    } catch (error) {
      // a browser that does not allow it for files: the marks come again on a reload
    }
  });
})();
