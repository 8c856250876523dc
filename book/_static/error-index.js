// The search field of the error index: what vaelib.explain answers, in the page.
document.addEventListener("DOMContentLoaded", () => {
  const query = document.getElementById("error-query");
  const count = document.getElementById("error-found");
  const answers = document.getElementById("error-answers");
  const data = window.errorIndex;
  const entries = new Map(data.entries.map((entry) => [entry.slug, entry]));
  let answer = null; // built as soon as the page stands, in a tenth of a second

  const element = (name, text, ...children) => {
    const made = document.createElement(name);
    made.textContent = text || "";
    made.append(...children);
    return made;
  };
  const link = (entry) => {
    const made = element("a", entry.title);
    made.href = entry.page;
    return made;
  };
  // Names between backticks are code.
  const prose = (text) => text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? element("code", part) : part));
  const paragraph = (start, ...rest) => element("p", "", start ? element("strong", start) : "", ...rest);

  function certain(entry, others) {
    const told = [
      ...(entry.change ? [paragraph("", data.texts.change)] : []),
      paragraph("", element("strong", "", link(entry))),
      paragraph("", ...prose(entry.cause)),
      paragraph("Repair. ", ...prose(entry.repair)),
    ];
    const more = others.flatMap((other, number) => [number ? "; " : "", link(other)]);
    return [...told, ...(more.length ? [paragraph("", "It may also be: ", ...more, ".")] : [])];
  }

  function uncertain(found) {
    const items = found.map((entry) =>
      element("li", "", link(entry), ". ", ...prose(`${entry.recognize} For ${entry.versions}.`)));
    return [paragraph("", data.texts.notSure), element("ol", "", ...items)];
  }

  function nothing() {
    const leads = data.leads.flatMap(({ title, page }, number) => {
      const made = element("a", title);
      made.href = page;
      return [number ? "; " : "", made];
    });
    return [paragraph("", data.texts.nothing + " To go on: ", ...leads, ".")];
  }

  function show() {
    const text = query.value.trim();
    if (!text) {
      answers.replaceChildren();
      count.textContent = "";
      return;
    }
    answer = answer || Matcher.build(data);
    const { found, sure } = answer(text);
    const shown = found.map(({ slug }) => entries.get(slug));
    count.textContent = !found.length ? "Nothing fits." : sure ? "One answer." : `${found.length} candidates.`;
    if (!found.length) answers.replaceChildren(...nothing());
    else if (sure) answers.replaceChildren(...certain(shown[0], shown.slice(1)));
    else answers.replaceChildren(...uncertain(shown));
    answers.dataset.found = found.map(({ slug }) => slug).join(" ");
    answers.dataset.sure = sure;
  }

  keepQuestion(query, show, 120);
  setTimeout(() => { answer = answer || Matcher.build(data); show(); }, 0);
});
