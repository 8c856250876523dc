// The search of the course: sections that answer, from search-sections.js, by MiniSearch.
// tests/test_site_search.py asks it what readers ask.
"use strict";

const SiteSearch = (() => {
  const WORD = /\d+(?:[.,]\d+)*(?:e[+-]?\d+)?|[\p{L}_][\p{L}\p{N}_]*/giu;
  const PARTS = /[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g;
  const STOP = new Set(("a an and are as at be but by can do does did for from has have how i in into is it its me my no not of on or " +
    "so that the their then there they this to was we what when where which who why will with you your " +
    "best better could good need should use used using vs want would").split(" "));
  // Another spelling or another word for the same thing, after stemming.
  const SAME = new Map(Object.entries({ grey: "gray", colour: "color", centre: "center", neighbour: "neighbor", kullback: "kl",
    leibler: "kl", homework: "exercis", gpus: "gpu" }));
  // What else a question may be about: [question, words of the answer].
  const ALSO = [[/posterior[- ]collapse|vanishing kl|kl (vanish|goes? to (0|zero))/i, "collapse"], [/blur\w* (image|picture|reconstruction)/i, "blurry"],
    [/(which|what|best|good|right|how (big|large)).*\b(beta|(kl )?weight)\b/i, "choose beta"], [/\bmulti(ple)?[- ]?(gpu|device)/i, "train on several devices"],
    [/\b(gr[ae]y|same|identical|alike)\b.*\b(image|output|picture|reconstruction|sample)|\b(image|output|picture|reconstruction|sample)s?\b.*\b(gr[ae]y|the same|identical|alike)\b/i, "reconstructions look alike"],
    [/\b(ae|autoencoder)\b.*\bvae\b|\bvae\b.*\b(ae|autoencoder)\b/i, "AE against VAE"]];
  const LESS = 0.4; // what is left for each word that a section does not have
  // Chapters teach; lists, records and the ends of a chapter only name.
  const WEIGHTS = [[/#ex-/, 1], [/#(imports|sources|summary)$/, 0.6], [/^chapters\//, 1.25], [/^book\/(exercises|teaching|source-ledger|references|names-in-history|api)/, 0.6]];

  // blurry, blurred and blurring are blur; reparametrisation is reparameterization.
  function stem(word) {
    word = word.replace(/reparametri/, "reparameteri").replace(/is(e|ed|es|ing|ation|ations)$/, "iz$1");
    if (word.length > 4) word = word.replace(/ies$/, "y").replace(/(?<=[aeiouy].*)(?:ations?|ing|ed)$/, "");
    if (word.length > 3) word = word.replace(/(?<!s|u|i)s$/, "").replace(/(?<=.{3})e$/, "");
    word = word.replace(/([bdgmnprt])\1(?:y|ier|iness)?$/, "$1");
    return SAME.get(word) || word;
  }

  // The terms under which a word is found: itself, and the parts of a name in code.
  const termsOf = new Map();
  function terms(word) {
    if (!termsOf.has(word)) termsOf.set(word, makeTerms(word));
    return termsOf.get(word);
  }

  function makeTerms(word) {
    if (/^\d/.test(word)) return [word.replace(/,(?=\d{3})/g, "").toLowerCase()];
    const whole = word.toLowerCase();
    if (STOP.has(whole)) return [];
    const parts = word.split("_").flatMap((piece) => piece.match(PARTS) || []).map((part) => stem(part.toLowerCase()));
    const long = parts.filter((part) => part.length > 1);
    const name = /_/.test(word) || (long.length > 1 && /[a-z][A-Z]/.test(word));
    return name ? [...new Set([whole, ...long])] : [stem(whole)];
  }

  const words = (text) => (text || "").normalize("NFKC").match(WORD) || [];
  const weightOf = ({ address, anchor }) => (WEIGHTS.find(([pattern]) => pattern.test(`${address}#${anchor}`)) || [0, 1])[1];
  const asPhrase = (text) => ` ${words(text).flatMap((word) => terms(word)[0] || []).join(" ")} `;

  // pages: [address, title, [[anchor, title, text, names in code], ...]], as book/_ext/site_search.py
  // writes them. The result answers a query with the sections that fit, the best first.
  function build(pages) {
    const sections = pages.flatMap(([address, page, inside]) =>
      inside.map(([anchor, title, text, code]) => ({ address, page, anchor, title, text, code })));
    sections.forEach((section, id) => { section.id = id; });
    const index = new MiniSearch({
      fields: ["title", "page", "text", "code"],
      tokenize: words,
      processTerm: terms,
      searchOptions: {
        boost: { title: 4, page: 1.5, text: 1, code: 0.3 },
        boostDocument: (id) => weightOf(sections[id]),
        weights: { fuzzy: 0.15, prefix: 0.4 },
        prefix: (term) => term.length > 2,
        fuzzy: (term) => (term.length > 4 && !/^\d/.test(term) ? 0.2 : false),
      },
    });
    index.addAll(sections);

    return (query) => {
      const asked = words(query).flatMap(terms);
      if (!asked.length) return [];
      const found = index.search(query, { combineWith: "AND" });
      // Sections with most of the words count, too, the less the more are missing.
      if (asked.length > 1) {
        const known = new Set(found.map((item) => item.id));
        const most = (item) => !known.has(item.id) && item.queryTerms.length > asked.length / 2;
        const rest = index.search(query, { combineWith: "OR", prefix: false }).filter(most);
        found.push(...rest.map((item) => ({ ...item, score: item.score * LESS ** (asked.length - item.queryTerms.length) })));
      }
      // The words side by side, as they were asked for, count for more.
      const phrase = asPhrase(query);
      for (const item of asked.length > 1 ? found.slice(0, 100) : []) {
        const { title, text } = sections[item.id];
        if (asPhrase(title).includes(phrase)) item.score *= 2;
        else if (asPhrase(text).includes(phrase)) item.score *= 1.6;
      }
      const best = () => found.sort((a, b) => b.score - a.score || a.id - b.id);
      best();
      for (const [, words] of ALSO.filter(([question]) => question.test(query))) {
        const more = index.search(words);
        const scale = found.length && more.length ? (1.05 * found[0].score) / more[0].score : 1;
        const scores = new Map(found.map((item) => [item.id, item]));
        for (const item of more.slice(0, 8)) {
          const old = scores.get(item.id);
          if (old) old.score = Math.max(old.score, scale * item.score);
          else found.push({ ...item, score: scale * item.score });
        }
        best();
      }
      return found.map((item) => ({ ...sections[item.id], score: item.score, matched: matched(query, item.terms) }));
    };
  }

  // The terms to mark: of each word asked its own; where one is not there, whatever is near.
  function matched(query, found) {
    const own = words(query).map(terms).filter((asked) => asked.length)
      .map(([whole, ...parts]) => (found.includes(whole) ? [whole] : parts.filter((part) => found.includes(part))));
    return own.every((each) => each.length) ? own.flat() : found;
  }

  // Where a text has words that matched: [start, end] of each.
  function hits(text, matched) {
    const wanted = new Set(matched);
    return [...text.matchAll(WORD)].filter(([word]) => terms(word).some((term) => wanted.has(term)))
      .map((found) => [found.index, found.index + found[0].length]);
  }

  // About `length` characters of a text around the place with most different hits, in pieces:
  // [{ text, marked }].
  function excerpt(text, matched, length = 240) {
    const places = hits(text, matched);
    const worth = (start) => new Set(places.filter(([a, b]) => a >= start && b <= start + length).map(([a, b]) => text.slice(a, b).toLowerCase())).size;
    let best = 0;
    for (const [start] of places) if (worth(start) > worth(best)) best = start;
    let from = Math.max(0, best - 50);
    if (from > 0) from = text.indexOf(" ", from) + 1;
    let to = Math.min(text.length, from + length);
    if (to < text.length) to = Math.max(text.lastIndexOf(" ", to), from + 1);
    const pieces = from > 0 ? [{ text: "\u2026 " }] : [];
    let at = from;
    for (const [start, end] of places) {
      if (start < at || end > to) continue;
      pieces.push({ text: text.slice(at, start) }, { text: text.slice(start, end), marked: true });
      at = end;
    }
    pieces.push({ text: text.slice(at, to) + (to < text.length ? " \u2026" : "") });
    return pieces.filter((piece) => piece.text);
  }

  // The words that the page of a section should mark: as they stand there.
  const marks = (section) => {
    const text = `${section.title} ${section.text} ${section.code}`;
    const found = hits(text, section.matched).map(([start, end]) => text.slice(start, end).toLowerCase());
    return [...new Set(found)].filter((word) => word.length > 1).slice(0, 8);
  };

  return { build, excerpt, marks, terms };
})();

// The page ---------------------------------------------------------------------------------------

if (typeof document !== "undefined") document.addEventListener("DOMContentLoaded", () => {
  const FEW = 12, MOST = 60;
  const query = document.getElementById("site-query");
  const count = document.getElementById("site-found");
  const errors = document.getElementById("site-errors");
  const list = document.getElementById("site-hits");
  const ask = SiteSearch.build(window.searchPages);
  let explain = null; // the matcher of the error index, once it is loaded

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  function one(section) {
    const words = SiteSearch.marks(section);
    const asked = words.length ? `?highlight=${encodeURIComponent(words.join(" "))}` : "";
    const link = element("a", { href: section.address + asked + (section.anchor ? `#${section.anchor}` : "") }, section.title);
    const pieces = SiteSearch.excerpt(section.text, section.matched).map((piece) =>
      piece.marked ? element("mark", {}, piece.text) : piece.text);
    const names = section.code.split(" ").filter((name) => SiteSearch.terms(name).some((term) => section.matched.includes(term)));
    const inCode = names.length && !pieces.some((piece) => piece instanceof Element)
      ? [element("p", { class: "hit-code" }, "In the code: ", element("code", {}, names.slice(0, 4).join(", ")))] : [];
    const page = section.anchor ? [element("p", { class: "hit-page" }, section.page)] : [];
    return element("li", {}, element("p", { class: "hit-title" }, link), ...page, element("p", { class: "hit-text" }, ...pieces), ...inCode);
  }

  function show() {
    const text = query.value.trim();
    const found = text ? ask(text.length > 200 ? text.slice(-100) : text) : []; // of a traceback, its end
    const shown = found.slice(0, FEW).map(one);
    list.replaceChildren(...shown);
    document.getElementById("site-more")?.remove();
    if (!text) count.textContent = "";
    else if (!found.length) count.textContent = "No section has these words. Try fewer, or another spelling.";
    else count.textContent = found.length === 1 ? "One section." : `${found.length} sections, the best first.`;
    if (found.length > FEW) {
      const more = element("button", { type: "button", id: "site-more" }, `Show ${Math.min(found.length, MOST) - FEW} more`);
      more.addEventListener("click", () => {
        list.append(...found.slice(FEW, MOST).map(one));
        more.remove();
        list.children[FEW].querySelector("a").focus();
      });
      list.after(more);
    }
    askErrors(text);
  }

  // At the head: the error index, and its answer where it is sure of one.
  function askErrors(text) {
    errors.replaceChildren();
    if (!text) return;
    const link = element("a", { href: `book/error-index.html#q=${encodeURIComponent(text)}` }, "Ask the error index");
    errors.append(element("p", {}, "Is it an error message? ", link, "."));
    if (!explain) return;
    const { found, sure } = explain(text);
    const entry = sure && window.errorIndex.entries.find((one) => one.slug === found[0].slug);
    if (entry) {
      const answer = element("a", { href: `book/${entry.page}` }, entry.title);
      errors.append(element("p", {}, "Its answer: ", answer, "."));
    }
  }

  // 1.3 MB that only the answers of the error index need, so they come after the first results.
  function loadErrors() {
    const [matcher, data] = ["matcher.js", "error-data.js"].map((name) => element("script", { src: `_static/${name}` }));
    matcher.onload = () => document.head.append(data);
    data.onload = () => {
      explain = Matcher.build(window.errorIndex);
      askErrors(query.value.trim());
    };
    document.head.append(matcher);
  }

  const answer = keepQuestion(query, show, 150);
  query.form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer();
  });
  show();
  if (!query.value) query.focus();
  setTimeout(loadErrors, 200);
});
