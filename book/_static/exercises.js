// Exercises that are answered in the page: vaelib.exercises._verdict, sentence by sentence, and the
// form that asks. tests/test_exercise_forms.py holds the two to the same sentences.
"use strict";

const Exercises = (() => {
  const NUMBER = /^(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d*)?|(?:\d+(?:_\d+)*\.?\d*|\.\d+))(?:e[+-]?\d+)?/i;
  const NAME = /^(?:np\.|math\.)?([a-z]+\d*)/i;
  const FUNCTIONS = {
    exp: Math.exp, ln: Math.log, log: Math.log, log2: Math.log2, log10: Math.log10, sqrt: Math.sqrt, abs: Math.abs,
  };
  const CONSTANTS = { pi: Math.PI, e: Math.E, nan: NaN, inf: Infinity };

  // The value of what was typed: a number (0.5, 1e-3, 665,602) or a calculation (1/2, 8 * ln(2)).
  // A comma separates thousands, as in the text of the course. null where nothing was typed,
  // undefined where it is no number.
  function read(typed) {
    let rest = typed.replace(/[\u2212\u2013]/g, "-").replace(/[\u00d7\u00b7]/g, "*").trim();
    if (!rest) return null;
    const take = (pattern) => {
      const found = rest.match(pattern);
      if (found) rest = rest.slice(found[0].length).trimStart();
      return found;
    };
    const wrong = () => { throw new SyntaxError(rest); };

    function atom() {
      let found = take(/^\(/);
      if (found) return inBrackets();
      if ((found = take(NUMBER))) return Number(found[0].replace(/[,_]/g, ""));
      found = take(NAME) || wrong();
      const name = found[1].toLowerCase();
      if (Object.hasOwn(CONSTANTS, name)) return CONSTANTS[name];
      if (!Object.hasOwn(FUNCTIONS, name) || !take(/^\(/)) wrong();
      return FUNCTIONS[name](inBrackets());
    }
    function inBrackets() {
      const value = sum();
      if (!take(/^\)/)) wrong();
      return value;
    }
    function power() {
      const base = atom();
      if (take(/^%/)) return base / 100;
      return take(/^(?:\*\*|\^)/) ? base ** signed() : base;
    }
    function signed() {
      const sign = take(/^[+-]/);
      return sign ? (sign[0] === "-" ? -signed() : signed()) : power();
    }
    function product() {
      let value = signed();
      for (let sign; (sign = take(/^(?:\*|\/)/)); ) value = sign[0] === "*" ? value * signed() : value / signed();
      return value;
    }
    function sum() {
      let value = product();
      for (let sign; (sign = take(/^[+-]/)); ) value = sign[0] === "+" ? value + product() : value - product();
      return value;
    }

    try {
      const value = sum();
      return rest ? undefined : value;
    } catch (error) {
      return undefined;
    }
  }

  // numpy.isclose with the absolute tolerance of the check.
  const close = (a, b, rtol) => a === b || (Number.isFinite(b) && Math.abs(a - b) <= 1e-9 + rtol * Math.abs(b));
  const shape = (value) => (Array.isArray(value) ? `(${value.length},)` : "()");
  const all = (answer, other, rtol) =>
    shape(answer) === shape(other) && [answer].flat().every((value, i) => close(value, [other].flat()[i], rtol));

  // Whether a number is the correct one, rounded to the digits that it has, two at least.
  function rounded(answer, correct) {
    if (!Number.isFinite(correct) || answer === 0 || Math.abs(answer) >= 1e15) return false;
    const [, whole, decimals = "", exponent = "0"] = String(Math.abs(answer)).match(/^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/);
    const half = 0.5 * 10 ** (Number(exponent) - decimals.length);
    return (whole + decimals).replace(/^0+/, "").length >= 2 && Math.abs(answer - correct) <= half * (1 + 1e-9);
  }

  // The sentence about an answer: a number, or a list of numbers. null is "not answered yet", a
  // text is no number.
  function verdict(answer, { correct, slips, rtol }) {
    if (answer === null) return "No answer yet: put your result into every field, then press Check.";
    if (typeof answer === "string") return "Not yet: a number is wanted, but the answer is a str.";
    if (shape(answer) !== shape(correct)) {
      return `Not yet: shape ${shape(correct)} is wanted, but the answer has ${shape(answer)}.`;
    }
    if ([answer].flat().some(Number.isNaN)) {
      return "Not yet: the answer holds NaN, from an unfinished step or a division by zero.";
    }
    if (all(answer, correct, rtol)) return "Correct.";
    for (const [phrase, wrong] of Object.entries(slips)) {
      if (all(answer, wrong, rtol)) return `Not yet: it looks as if ${phrase}.`;
    }
    const right = [correct].flat();
    if ([answer].flat().every((value, i) => close(value, right[i], rtol) || rounded(value, right[i]))) return "Correct.";
    return "Not yet, and it is none of the usual slips: go back to the formula, one term at a time.";
  }

  // What is typed into the fields, as verdict takes it.
  function answerOf(typed) {
    const values = typed.map(read);
    if (values.includes(null)) return null;
    const odd = values.indexOf(undefined);
    return odd >= 0 ? typed[odd] : values.length === 1 ? values[0] : values;
  }

  // How a calculation was read, so that nobody has to guess.
  function reading(typed) {
    const values = typed.map(read);
    if (typed.some((text, i) => values[i] === undefined && /\d,\d/.test(text))) {
      return "A comma separates thousands here: write 0.5, not 0,5.";
    }
    const plain = typed.every((text, i) => values[i] == null || String(values[i]) === text.trim() || Number(text) === values[i]);
    return plain || values.some((value) => value == null) ? "" : `Read as ${values.map((value) => Number(value.toPrecision(7))).join(", ")}.`;
  }

  return { read, verdict, answerOf, reading };
})();

// The page ---------------------------------------------------------------------------------------

if (typeof document !== "undefined") document.addEventListener("DOMContentLoaded", () => {
  const KEY = "course-exercises";

  // What was typed and solved: { label: { typed: [...], solved: true } }. A browser may refuse to
  // store anything for a file; then it is forgotten with the page.
  function remembered() {
    try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch (error) { return {}; }
  }
  function remember(label, entry) {
    const entries = { ...remembered(), [label]: entry };
    if (!entry) delete entries[label];
    try { localStorage.setItem(KEY, JSON.stringify(entries)); } catch (error) { /* forgotten */ }
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A word behind the title of a solved exercise, or behind a link to it.
  function mark(place, solved) {
    place.querySelector(".exercise-done")?.remove();
    if (solved) place.append(element("span", { class: "exercise-done" }, " \u2713 solved"));
  }

  // The notebook's own line "No answer yet" has nothing to say where the form does.
  function hideCheckOfNotebook(exercise) {
    for (let cell = exercise.nextElementSibling; cell && !cell.matches(".solution"); cell = cell.nextElementSibling) {
      const output = cell.querySelector(".cell_output");
      if (output?.textContent.trim().startsWith("No answer yet")) output.hidden = true;
    }
  }

  function build(place) {
    const label = place.dataset.exercise;
    const exercise = place.closest(".exercise");
    const title = exercise.querySelector(".admonition-title");
    const asks = JSON.parse(place.dataset.asks);
    const check = JSON.parse(atob(place.dataset.check));
    const hint = element("p", { class: "exercise-hint", id: `${label}-hint` }, "A number or a calculation, such as 0.5, 1/2, 1e-3 or 8 * ln(2).");
    const fields = asks.map((ask, i) => element("input", {
      id: `${label}-answer-${i + 1}`, "aria-describedby": hint.id, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    }));
    const rows = asks.map((ask, i) => element("div", { class: "exercise-field" }, element("label", { for: fields[i].id }, ask), fields[i]));
    const said = element("p", { class: "exercise-verdict", role: "status" });
    const button = element("button", { type: "submit" }, "Check");
    const form = element("form", { "aria-label": `Answer to ${title.textContent.trim()}`, novalidate: "" },
      element("div", { class: "exercise-fields" }, ...rows, button), hint, said);

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = fields.map((field) => field.value);
      const sentence = Exercises.verdict(Exercises.answerOf(typed), check);
      const right = sentence === "Correct.";
      said.textContent = [sentence, Exercises.reading(typed)].filter(Boolean).join(" ");
      said.dataset.verdict = right ? "right" : "not-yet";
      // All fields emptied: begin again.
      const solved = typed.some((text) => text.trim()) && (right || Boolean(remembered()[label]?.solved));
      remember(label, typed.some((text) => text.trim()) ? { typed, solved } : undefined);
      mark(title, solved);
    });

    const before = remembered()[label];
    fields.forEach((field, i) => { field.value = before?.typed?.[i] || ""; });
    mark(title, before?.solved);
    place.append(form);
    hideCheckOfNotebook(exercise);
  }

  document.querySelectorAll(".exercise-form").forEach(build);
  // The page that lists all exercises.
  if (document.querySelector(".exercise-answers-here")) {
    const entries = remembered();
    for (const link of document.querySelectorAll("article td:first-child a[href*='#ex-']")) {
      mark(link.parentElement, entries[link.hash.slice(1)]?.solved);
    }
  }
});
