// The matcher of vaelib.explain, for the search field of the page: vaelib/errors/{logs,words,
// matcher}.py, function by function. tests/test_matcher.py holds the two to the same answers.
"use strict";

const Matcher = (() => {
  const LONGEST = 20000, MOST = 1000000;
  const TRACEBACK = "Traceback (most recent call last)";
  const CHAINED = /\n\s*(?:During handling of the above exception|The above exception was the direct cause of the following)/;
  const ERROR_LINE = /^(?:[A-Za-z_][\w.]*\.)?_?[A-Z]\w*(?:Error|Exception|Interrupt)(?::.*)?$/gm;
  const FOLLOWS = /^(?:CalledProcessError|ChildProcessError|NameError|KeyboardInterrupt)\b/;
  const WRAPPERS = new RegExp(
    "^(?:in user code:\\n.*?\\n\\s*\\w*(?:Error|Exception): " +
    "|Exception encountered when calling [^\\n]*\\n" +
    "|Could not automatically infer [^\\n]* Error encountered:\\n)\\s*", "s");
  const APPENDIX = /\n\s*(?:Call arguments|Arguments) received by .*/s;
  const NUMBERS = /\b0x[0-9a-fA-F]+\b|_[0-9]+\b|\b[0-9][0-9.]*\b/g;
  const NAME = /[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*/g;
  const TYPE = /^\w+(?:Error|Exception|Warning)$/;
  const PART = /[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g;
  const TENSORFLOW = /\b(?:tf|tensorflow)(?:[-_](?:gpu|cpu|macos|intel))?\s*(?:version|v|==|>=|~=|=|:)?\s*v?([012])(?:\.(\d+))?(?![\w-])/gi;
  const KERAS = /(?<![\w.])keras\s*(?:version|v|==|>=|~=|=|:)?\s*v?([0123])(?:\.(\d+))?(?![\w-])/gi;
  const NUMBER = "(?:_loss)?['\"]?\\s?[:=]\\s?(\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?)";
  const FIGURES = ["(?:total_)?loss", "r(?:ec(?:on(?:struction)?)?)?", "kld?"]
    .map((name) => new RegExp("(?<!\\w)" + name + NUMBER, "gi"));
  const LITTLE = "by its log the KL weight is too small, the VAE behaves like an autoencoder";
  const ENTITIES = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: " " };
  const MARKS = { "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\ufeff": " " };

  // logs.py and texts.py
  function clean(text) {
    if (text.length > MOST) text = text.slice(0, MOST / 5) + "\n" + text.slice(-4 * MOST / 5);
    return text
      .replace(/\x1b\[[0-9;]*m/g, "")
      .replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(lt|gt|amp|quot|apos|nbsp));/g, (_, decimal, hex, name) =>
        name ? ENTITIES[name] : String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16)))
      .replace(/[\u2018\u2019\u201c\u201d\u00a0\ufeff]/g, (mark) => MARKS[mark])
      .replace(/\r\n/g, "\n").replace(/Error in py_call_impl\([^\n]*\)\s*:/g, "").trim();
  }

  const shorten = (text) => text.length <= LONGEST
    ? text : text.slice(0, LONGEST / 4) + "\n" + text.slice(-3 * LONGEST / 4);
  const errorLines = (text) => [...text.matchAll(ERROR_LINE)];

  function essence(error) {
    let text = null;
    let inner = shorten(error).split("\n").map((line) => line.trim()).filter(Boolean).join("\n").replace(APPENDIX, "");
    while (inner !== text) { text = inner; inner = inner.replace(WRAPPERS, ""); }
    return text.split(/\s+/).filter(Boolean).join(" ");
  }

  function messageOf(text) {
    const found = errorLines(text);
    if (found.length && (text.includes(TRACEBACK) || text.includes("---->") || text.length > LONGEST / 8)) {
      text = text.slice(found[found.length - 1].index);
    }
    const kind = text.match(/^(?:[\w.]*\.)?(\w+(?:Error|Exception)): /);
    return kind ? `${kind[1]}: ${essence(text.slice(kind[0].length))}` : essence(text);
  }

  // Loss, reconstruction and KL of the last line that has all three; null if they tell no beta.
  function figuresOf(text) {
    if (errorLines(text).length || /warning/i.test(text)) return null; // they matter more
    for (const line of text.split("\n").reverse()) {
      const told = FIGURES.map((figure) => [...line.matchAll(figure)].map((found) => Number(found[1])));
      if (told.every((numbers) => numbers.length)) {
        const figures = told.map((numbers) => numbers[numbers.length - 1]);
        return figures[2] > 1 ? figures : null;
      }
    }
    return null;
  }

  function weighsLittle([loss, error, kl]) {
    const weighed = (loss - error) * (error < 1 ? 784 : 1);
    return weighed > 0 && weighed < 0.1 * kl;
  }

  const addsUp = ([loss, error, kl]) => Math.abs(loss - error - kl) < 0.01 * loss;

  function aroundTheLastError(text) {
    const errors = text.length > LONGEST ? errorLines(text) : [];
    if (!errors.length) return shorten(text);
    const middle = errors[errors.length - 1].index;
    return text.slice(Math.max(0, middle - LONGEST / 4), middle + LONGEST / 4);
  }

  function cutBehind(block) {
    const errors = errorLines(block);
    if (!errors.length) return block;
    const last = errors[errors.length - 1];
    return block.slice(0, last.index + last[0].length + LONGEST / 4);
  }

  function groups(text) {
    const starts = [];
    for (let at = text.indexOf(TRACEBACK); at >= 0; at = text.indexOf(TRACEBACK, at + 1)) starts.push(at);
    if (!starts.length) {
      const part = aroundTheLastError(text);
      const figures = figuresOf(part);
      if (figures && weighsLittle(figures)) return [[""], [`${part}\n${LITTLE}`, LITTLE]];
      return figures && addsUp(figures) ? [[""], [part]] : [[part]];
    }
    const chains = [];
    let leadsOn = false;
    starts.forEach((start, number) => {
      const part = text.slice(start, starts[number + 1] ?? text.length);
      const link = part.search(CHAINED);
      const block = cutBehind(link < 0 ? part : part.slice(0, link));
      if (leadsOn) chains[chains.length - 1].push(block);
      else chains.push([block]);
      leadsOn = link >= 0;
    });
    const later = chains.map((blocks) => FOLLOWS.test(messageOf(blocks[blocks.length - 1])));
    const ordered = [
      ...chains.filter((_, i) => !later[i]).reverse(), ...chains.filter((_, i) => later[i]).reverse()];
    const whole = ordered.map((blocks) => (blocks.length === 1 ? blocks : [...blocks, blocks.join("\n")]));
    const before = text.slice(0, starts[0]);
    const head = before.includes("Warning") ? before.trim() : "";
    return [...whole, ...(head ? [[head]] : [])].map((parts) => parts.map(shorten));
  }

  function eras(text) {
    const found = new Set();
    for (const [, major, minor] of text.matchAll(TENSORFLOW)) {
      if (major !== "2") found.add("tf-1");
      else if (minor !== undefined) found.add(Number(minor) < 16 ? "tf-2" : "keras-3");
    }
    for (const [, major, minor] of text.matchAll(KERAS)) {
      if (major !== "2") found.add(major === "3" ? "keras-3" : "keras-1");
      else if (minor === undefined) found.add("tf-1").add("tf-2");
      else found.add(Number(minor) < 4 ? "tf-1" : "tf-2");
    }
    if (/\btf_keras\b|TF_USE_LEGACY_KERAS/.test(text)) found.add("tf-2");
    return found;
  }

  // words.py
  function stem(word) {
    if (word.length > 4 && word.endsWith("ies")) return word.slice(0, -3) + "y";
    if (word.length > 5 && word.endsWith("ing")) word = word.slice(0, -3);
    else if (word.length > 4 && word.endsWith("ed")) word = word.slice(0, -2);
    else if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss")) word = word.slice(0, -1);
    return word.length > 3 && word.endsWith("e") ? word.slice(0, -1) : word;
  }

  function features(text) {
    const counts = new Map();
    const count = (feature) => counts.set(feature, (counts.get(feature) || 0) + 1);
    let before = null;
    for (const name of text.replace(NUMBERS, " ").match(NAME) || []) {
      const pieces = TYPE.test(name) ? [name.toLowerCase()] : name.split("_");
      const parts = pieces.flatMap((piece) => piece.match(PART) || []).map((part) => stem(part.toLowerCase()));
      if (parts.length > 1) count(name.toLowerCase());
      for (const part of parts) {
        count(part);
        if (before) count(`${before} ${part}`);
        before = part;
      }
    }
    return counts;
  }

  class Nearest {
    constructor(pairs) {
      const bags = pairs.map(([text]) => features(text));
      const number = new Map();
      for (const bag of bags) for (const feature of bag.keys()) number.set(feature, (number.get(feature) || 0) + 1);
      this.rarity = new Map([...number].map(([feature, n]) => [feature, Math.log((1 + bags.length) / (1 + n)) + 1]));
      this.unknown = Math.log(1 + bags.length) + 1;
      this.labels = pairs.map(([, label]) => label);
      this.where = new Map();
      bags.forEach((bag, place) => {
        for (const [feature, weight] of this.weights(bag)) {
          if (!this.where.has(feature)) this.where.set(feature, []);
          this.where.get(feature).push([place, weight]);
        }
      });
    }

    weights(bag) {
      const weights = [...bag].map(([f, n]) => [f, (1 + Math.log(n)) * (this.rarity.get(f) ?? this.unknown)]);
      const length = Math.sqrt(weights.reduce((sum, [, w]) => sum + w * w, 0)) || 1;
      return weights.map(([feature, weight]) => [feature, weight / length]);
    }

    near(text) {
      const closeness = new Map(), byLabel = new Map();
      for (const [feature, weight] of this.weights(features(text))) {
        for (const [place, other] of this.where.get(feature) || []) {
          closeness.set(place, (closeness.get(place) || 0) + weight * other);
        }
      }
      for (const [place, value] of closeness) {
        const label = this.labels[place];
        if (!byLabel.has(label)) byLabel.set(label, []);
        byLabel.get(label).push(value);
      }
      return new Map([...byLabel].map(([label, values]) => {
        const [first, second, third] = [...values.sort((a, b) => b - a), 0, 0];
        return [label, first + 0.3 * second + 0.15 * third];
      }));
    }
  }

  // matcher.py
  const plain = (text) => text
    .replace(/^\s*(?:\(or\)\s*)?(?:[\w.]*\.)?\w+(?:Error|Exception|Warning): /, "")
    .toLowerCase().replace(/[^a-z]+/g, " ").trim();

  // The data that the build of the book writes: documents, settings and, of each entry, slug,
  // patterns, known messages and eras.
  function build({ documents, settings, entries }) {
    const nearest = new Nearest(documents);
    const compiled = entries.map((entry) => ({
      ...entry,
      patterns: entry.patterns.map((p) => new RegExp(p.replace(/\\A/g, "^").replace(/\\Z/g, "$"), "is")),
      eras: new Set(entry.eras),
    }));

    function evidence(text) {
      const said = ` ${plain(messageOf(text))} `, found = new Map();
      for (const { slug, patterns, known } of compiled) {
        if (patterns.some((pattern) => pattern.test(text))) found.set(slug, 2);
        else if (known.some((part) => said.includes(` ${part} `) || (said.length > settings.known && part.includes(said.trim())))) {
          found.set(slug, 1);
        }
      }
      return found;
    }

    function judge(group, named) {
      const proved = new Map();
      for (const part of group) { // what speaks for an entry later in a chain is worth less
        const less = proved.size ? 0.5 : 0;
        for (const [slug, worth] of evidence(part)) if (!proved.has(slug)) proved.set(slug, worth - less);
      }
      const said = messageOf(group[group.length - 1]);
      const closeness = nearest.near(said);
      const unrelated = closeness.get(null) || 0;
      const few = [...features(said).keys()].filter((feature) => !feature.includes(" ")).length < 2;
      const ranked = compiled.map(({ slug, eras: of }) => {
        const near = closeness.get(slug) || 0;
        const other = named.size > 0 && ![...named].some((era) => of.has(era));
        const score = (proved.get(slug) || 0) + (other ? 0.6 * near : near) - (other && proved.has(slug) ? 1.5 : 0);
        return { score, slug, other };
      });
      ranked.sort((a, b) => b.score - a.score || (a.slug < b.slug ? -1 : 1));
      const [best, second] = ranked;
      if (!proved.size && (few || best.score < settings.near || best.score < unrelated + settings.unrelated)) {
        return { found: [], sure: false };
      }
      const ahead = best.score - second.score >= settings.ahead;
      const sure = !best.other && ahead && (proved.has(best.slug) || best.score >= settings.sure);
      return { found: ranked.slice(0, 3).filter((item) => item.score >= settings.also * best.score), sure };
    }

    return (text) => {
      text = clean(text);
      const named = eras(text);
      for (const [number, group] of groups(text).entries()) {
        const { found, sure } = judge(group, named);
        if (found.length) return { found, sure: sure && number === 0 };
      }
      return { found: [], sure: false };
    };
  }

  return { build };
})();
