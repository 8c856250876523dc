// Around the text: minutes and done-marks in the contents, and the button that sets them.
// What has been read is remembered in this browser alone, under the key "course-read".
(() => {
  const KEY = "course-read";
  const minutes = (window.course || {}).minutes || {};

  function read() {
    try {
      return new Set(JSON.parse(localStorage.getItem(KEY) || "[]"));
    } catch (error) {
      return new Set(); // a browser that remembers nothing for files
    }
  }

  function remember(pages) {
    try {
      localStorage.setItem(KEY, JSON.stringify([...pages]));
    } catch (error) {
      // then the marks last as long as the page
    }
  }

  // The last two parts of an address, chapters/NN-slug.html, from any form of that page.
  const nameOf = (address) => new URL(address, location.href).pathname.split("/").slice(-2).join("/");
  const here = nameOf(location.href);

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function markContents(pages) {
    for (const link of document.querySelectorAll("nav.bd-links a")) {
      const name = nameOf(link.getAttribute("href") === "#" ? location.href : link.href);
      if (!(name in minutes)) continue;
      link.querySelector(".contents-time")?.remove();
      const mark = element("span", "contents-time", `${minutes[name]} min`);
      if (pages.has(name)) {
        mark.classList.add("read");
        mark.append(element("span", "visually-hidden", ", read"));
      }
      link.append(" ", mark);
    }
  }

  function addButton(pages) {
    const place = document.querySelector("nav.routes");
    if (!place || !(here in minutes)) return;
    const button = element("button", "mark-read", "");
    button.type = "button";
    const show = () => {
      const done = pages.has(here);
      button.setAttribute("aria-pressed", done);
      button.textContent = done ? "✓ Read" : "Mark this chapter as read";
    };
    button.addEventListener("click", () => {
      if (!pages.delete(here)) pages.add(here);
      remember(pages);
      show();
      markContents(pages);
    });
    show();
    place.before(button);
  }

  // The theme takes the focus away from its own switches, so that they cannot be pressed twice.
  function keepFocus() {
    for (const button of document.querySelectorAll(".theme-switch-button, .primary-toggle, .secondary-toggle")) {
      button.addEventListener("click", () => setTimeout(() => button.focus({ preventScroll: true }), 0));
    }
  }

  // What scrolls sideways has to be reached by the keyboard.
  function reachWide() {
    for (const box of document.querySelectorAll(".katex-display, nav.routes, .pst-scrollable-table-container, .cell_output .text_html")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  // The field for an error on the front page hands over what was pasted as question.js reads it.
  function handOver() {
    const form = document.querySelector("form.ask-error");
    const field = form?.querySelector("textarea");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      location.href = `${form.action}#q=${encodeURIComponent(field.value)}`;
    });
    field?.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    handOver();
    const pages = read();
    markContents(pages);
    addButton(pages);
    keepFocus();
    reachWide();
    addEventListener("load", reachWide);
    addEventListener("resize", reachWide);
  });
})();
