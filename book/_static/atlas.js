// The version atlas: what a mark means opens as a card, on hover, on focus and by a touch.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector(".atlas");
  if (!table) return;
  const card = document.createElement("div");
  card.className = "atlas-card";
  card.id = "atlas-card";
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  document.body.append(card);

  // A title cannot be reached by keyboard or finger; its text goes into the card.
  for (const mark of table.querySelectorAll(".mark[title], th[title]")) {
    mark.dataset.told = mark.title;
    mark.removeAttribute("title");
    const row = mark.closest("tr").querySelector("th")?.textContent.trim();
    if (mark.classList.contains("mark")) mark.dataset.row = row || "";
  }

  function show(target) {
    const mark = target.matches?.("[data-told]") ? target : target.querySelector?.("[data-told]");
    if (!mark) return hide();
    card.replaceChildren();
    if (mark.dataset.row) {
      const name = document.createElement("strong");
      name.textContent = mark.dataset.row;
      card.append(name, document.createElement("br"));
    }
    card.append(mark.dataset.told);
    card.hidden = false;
    const box = mark.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left - 40), innerWidth - card.offsetWidth - 8);
    const below = box.bottom + 6 + card.offsetHeight < innerHeight;
    card.style.left = `${left}px`;
    card.style.top = `${below ? box.bottom + 6 : box.top - card.offsetHeight - 6}px`;
    (mark.closest("a") || mark).setAttribute("aria-describedby", card.id);
  }
  function hide() {
    card.hidden = true;
    table.querySelector("[aria-describedby=atlas-card]")?.removeAttribute("aria-describedby");
  }

  table.addEventListener("mouseover", (event) => show(event.target.closest("td, th") || table));
  table.addEventListener("mouseleave", hide);
  table.addEventListener("focusin", (event) => show(event.target));
  table.addEventListener("focusout", hide);
  table.addEventListener("scroll", hide);
  addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  // Where not all columns fit, the versions of today stand at the right: begin with them.
  if (!location.hash) table.scrollLeft = table.scrollWidth;
});
