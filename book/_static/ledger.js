// The source ledger: choose verdict and source; what does not fit is hidden, and the count told.
document.addEventListener("DOMContentLoaded", () => {
  const summary = document.querySelector(".ledger-summary");
  if (!summary) return;
  const blocks = [...document.querySelectorAll(".ledger-row")].map((row) => ({
    section: row.closest("section"),
    verdict: row.querySelector(".verdict").textContent.trim(),
    source: row.closest("section").parentElement.querySelector("h2").firstChild.textContent.trim(),
  }));
  const lines = [...summary.querySelectorAll("tbody tr")].map((line) => ({
    section: line,
    verdict: line.querySelector(".verdict").textContent.trim(),
    source: line.cells[0].textContent.trim(),
  }));

  const form = document.createElement("form");
  form.className = "ledger-filter";
  function choice(label, values) {
    const select = document.createElement("select");
    select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    const box = document.createElement("label");
    box.append(`${label} `, select);
    form.append(box);
    select.addEventListener("change", filter);
    return select;
  }
  const distinct = (name) => [...new Set(lines.map((line) => line[name]))];
  const verdict = choice("Verdict", distinct("verdict"));
  const from = choice("Source", distinct("source"));
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  form.append(told);
  summary.before(form);

  function filter() {
    const fits = (row) =>
      (!verdict.value || row.verdict === verdict.value) && (!from.value || row.source === from.value);
    for (const row of [...lines, ...blocks]) row.section.hidden = !fits(row);
    // Where lines are missing, each that is left shows its source.
    const left = lines.filter(fits);
    summary.classList.toggle("filtered", left.length < lines.length);
    // A source without a claim that fits shows no heading either.
    for (const group of new Set(blocks.map((block) => block.section.parentElement))) {
      group.hidden = blocks.every((b) => b.section.parentElement !== group || b.section.hidden);
    }
    told.textContent = `${left.length} of ${lines.length} claims`;
  }
  // A link to a claim that is hidden shows all again.
  addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      verdict.value = from.value = "";
      filter();
      target.scrollIntoView();
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
  // Who comes back finds the choice again: the browser fills the fields in late, and tells nobody.
  addEventListener("pageshow", () => setTimeout(filter, 0));
});
