// Show the entries that share most words with what the reader pasted.
document.addEventListener("DOMContentLoaded", () => {
  const query = document.getElementById("error-query");
  const found = document.getElementById("error-found");
  const words = (text) => new Set(text.toLowerCase().match(/[a-z_]{3,}/g) || []);
  const entries = [...document.querySelectorAll("section section")]
    .filter((section) => section.querySelector(":scope > h3"))
    .map((section) => ({ section, words: words(section.textContent) }));
  const rarity = (word) => Math.log(1 + entries.length / (1 + entries.filter((e) => e.words.has(word)).length));
  query.addEventListener("input", () => {
    const asked = [...words(query.value)];
    entries.forEach((entry) => {
      entry.score = asked.filter((word) => entry.words.has(word)).reduce((sum, word) => sum + rarity(word), 0);
    });
    const best = Math.max(0, ...entries.map((entry) => entry.score));
    const shown = entries.filter((entry) => !asked.length || (best > 0 && entry.score >= 0.6 * best));
    entries.forEach((entry) => { entry.section.hidden = !shown.includes(entry); });
    // While something is asked, only the form and the groups with an answer stay.
    [...query.closest("section").children].forEach((part) => {
      const answers = part.querySelector("section > h3");
      const stays = part.contains(query) || part.tagName === "H1";
      if (!stays) part.hidden = answers ? !part.querySelector("section:not([hidden])") : asked.length > 0;
    });
    found.textContent = asked.length ? `${shown.length} of ${entries.length} entries fit best.` : "";
  });
});
