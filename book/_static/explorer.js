// The latent explorer: codes and decoders of the sweep beside those of the plain autoencoder. Its
// data, 0.7 MB, are loaded when the reader comes near. book/_ext/explorer.py writes the places.
"use strict";

(() => {
  const { COLORS } = LatentPlane;
  const WINDOWS = [4, 8, 14], EDGE = WINDOWS.at(-1), MILLISECONDS = 400;
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], Home: null };
  const folder = document.currentScript.src;
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  let loading = null; // once for a page

  function load() {
    loading = loading || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("explorer-data.js", folder);
      script.onload = () => resolve(LatentDecoder.prepare(window.explorerData));
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  // A draw from N(0, I), by Box and Muller.
  function drawn() {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random())), angle = 2 * Math.PI * Math.random();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  class Explorer {
    constructor(root) {
      const { betas, start, point, compact } = JSON.parse(root.dataset.explorer);
      Object.assign(this, { root, betas, beta: start, point, compact });
      Object.assign(this, { only: "0123456789", shows: "codes", window: 0, tried: null, turn: 0 });
      const live = document.createElement("div");
      live.className = "explorer-live";
      live.innerHTML = LatentWords.markup({ betas, compact, colors: COLORS, windows: WINDOWS });
      root.prepend(live);
      root.classList.add("explorer-runs");
      this.sides = this.all(".explorer-side").map((box) => ({
        plane: box.querySelector(".explorer-plane"), base: document.createElement("canvas"),
        title: box.querySelector(".explorer-title"),
        digit: box.querySelector(".explorer-decoded canvas"), text: box.querySelector(".explorer-decoded p"),
      }));
      this.listen();
    }

    find(selector) { return this.root.querySelector(selector); }
    all(selector) { return [...this.root.querySelectorAll(selector)]; }
    on(selector, event, action) {
      this.all(selector).forEach((element, at) => element.addEventListener(event, (e) => action(element, at, e)));
    }

    get vae() { return this.data.sweep[this.betas.indexOf(this.beta)]; }
    get models() { return [this.data.plain, this.vae]; }

    // Half the width of the window: as chosen, or the smallest that holds the boxes of both models.
    get wanted() {
      const reach = Math.max(...this.models.flatMap((model) => model.box.map(Math.abs)));
      return this.window || WINDOWS.find((half) => half >= reach) || EDGE;
    }

    // Whether the data are there; without them the picture comes back.
    async start() {
      try {
        const data = await load();
        if (this.data) return true;
        this.data = data;
      } catch (error) {
        this.root.classList.remove("explorer-runs");
        return false;
      }
      Object.assign(this, { codes: this.vae.codes, half: this.wanted });
      new ResizeObserver(() => this.draw()).observe(this.sides[0].plane);
      this.write();
      this.draw();
      this.root.dataset.ready = "";
      return true;
    }

    listen() {
      this.on(".explorer-slider", "input", ({ value }) => this.set({ beta: this.betas[value] }));
      this.on(".explorer-shows", "change", ({ value }) => this.set({ shows: value }));
      this.on(".explorer-window", "change", ({ value }) => this.set({ window: Number(value) }));
      this.on(".explorer-z", "change", ({ value }, axis) =>
        this.set({ point: this.point.map((z, at) => (at === axis ? Number(value) : z)) }));
      this.on(".explorer-draw button", "click", () => this.set({ point: drawn() }));
      this.on("[data-only]", "click", ({ dataset }) => this.set({ only: dataset.only }));
      this.on("[data-digit]", "click", ({ dataset: { digit } }) =>
        this.set({ only: this.only.includes(digit) ? this.only.replace(digit, "") : this.only + digit }));
      for (const event of ["pointerdown", "pointermove"]) {
        this.on(".explorer-plane", event, (plane, _, at) => this.data && this.follow(at, this.under(plane, at)));
      }
      this.on(".explorer-plane", "pointerleave", () => this.try(null));
      this.on(".explorer-plane", "keydown", (_, __, event) => this.key(event));
      this.root.addEventListener("focusin", () => this.start());
    }

    // The point of the plane under the pointer.
    under(plane, { clientX, clientY }) {
      const { left, top, width } = plane.getBoundingClientRect(), unit = (2 * this.half) / width;
      return [(clientX - left) * unit - this.half, this.half - (clientY - top) * unit];
    }

    // A mouse tries points, and a click keeps one; a finger moves it.
    follow({ buttons }, point) {
      if (buttons) this.set({ point });
      else this.try(point);
    }

    key(event) {
      if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const step = KEYS[event.key], length = event.shiftKey ? 0.5 : 0.1;
      this.set({ point: step ? this.point.map((z, axis) => z + length * step[axis]) : [0, 0] });
    }

    try(point) {
      this.tried = point;
      if (this.data) this.decode();
    }

    // Any of beta, point, only (the digits shown), shows (codes, clouds or sheet) and window.
    async set(changes) {
      if (!(await this.start())) return;
      Object.assign(this, changes);
      if (changes.point) {
        this.tried = null;
        this.point = changes.point.map((z) => Math.min(EDGE, Math.max(-EDGE, z)));
        this.decode();
      }
      if (Object.keys(changes).some((name) => name !== "point")) {
        this.write();
        this.move();
      }
      clearTimeout(this.saying);
      this.saying = setTimeout(() => this.say("beta" in changes), 500);
    }

    // Codes and window go where they belong: at once if the reader wants no motion.
    move() {
      const from = this.codes, half = this.half, began = performance.now(), turn = ++this.turn;
      const here = from === this.vae.codes && half === this.wanted;
      const frame = (now) => {
        if (turn !== this.turn) return;
        const time = Math.min(1, Math.max(0, (now - began) / MILLISECONDS));
        const part = here || still() || this.shows === "sheet" ? 1 : time * time * (3 - 2 * time);
        const to = this.vae.codes;
        this.codes = part < 1 ? to.map((z, at) => from[at] + part * (z - from[at])) : to;
        this.half = half + part * (this.wanted - half);
        this.draw();
        if (part < 1) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    }

    // The planes, and on them the point. That of the autoencoder stays as long as it can.
    draw() {
      const { labels, circle } = this.data, { only, half, shows } = this;
      const drawn = [only, half, shows, this.sides[0].plane.clientWidth, devicePixelRatio].join();
      this.models.forEach(({ codes, stride, box, decode }, at) => {
        if (at === 0 && this.drawn === drawn) return;
        const view = { labels, circle, only, half, shows, stride, box, decode };
        LatentPlane.drawBase(this.sides[at], { ...view, codes: at ? this.codes : codes });
      });
      this.drawn = drawn;
      this.decode();
    }

    // All that follows the point: two crosses, two digits, two sentences.
    decode() {
      const point = this.tried || this.point;
      this.models.forEach((model, at) => {
        const { plane, base, digit, text } = this.sides[at];
        LatentPlane.drawPoint(plane, base, this.half, point);
        LatentPlane.drawDigit(digit, model.decode(...point));
        text.textContent = LatentWords.near(LatentDecoder.nearest(model, this.data.labels, this.only, point));
      });
      this.all(".explorer-z").forEach((input, axis) => {
        if (input !== document.activeElement) input.value = point[axis].toFixed(2);
      });
    }

    // All that follows the weight and the choices.
    write() {
      const slider = this.find(".explorer-slider");
      slider.value = this.betas.indexOf(this.beta);
      slider.setAttribute("aria-valuetext", `beta ${this.beta}, ${LatentWords.nats(this.vae)}`);
      this.find(".explorer-beta").textContent = `beta ${this.beta}`;
      this.models.forEach((model, at) => {
        this.sides[at].title.innerHTML = `<b>${LatentWords.named(model)}</b> ${LatentWords.nats(model)}`;
      });
      this.find(".explorer-story").textContent = LatentWords.story(...this.models);
      if (this.compact) return;
      this.find("tbody").innerHTML = LatentWords.table(...this.models);
      const chart = this.find("svg");
      chart.innerHTML = LatentPlane.chart(this.data.sweep, this.vae, this.data.plain.distortion);
      chart.setAttribute("aria-label",
        `Distortion over rate; ${LatentWords.named(this.vae)}: ${LatentWords.nats(this.vae)}.`);
      this.all("[data-digit]").forEach((button) =>
        button.setAttribute("aria-pressed", this.only.includes(button.dataset.digit)));
      this.find(".explorer-shows").value = this.shows;
      this.find(".explorer-window").value = this.window;
    }

    // For those who listen, when the hand has come to rest.
    say(weight) {
      const [plain, vae] = this.sides.map(({ text }) => text.textContent);
      this.find(".explorer-said").textContent =
        `${weight ? `${LatentWords.named(this.vae)}: ${LatentWords.nats(this.vae)} nats. ` : ""}` +
        `${LatentWords.point(this.point)}. Autoencoder, ${plain}. VAE, ${vae}.`;
    }
  }

  // A sentence that sets the picture: everything but the point is as at the beginning.
  function button(span, explorer) {
    const made = Object.assign(document.createElement("button"), { type: "button", className: span.className });
    made.textContent = span.textContent;
    made.addEventListener("click", () => {
      explorer.set({ only: "0123456789", shows: "codes", window: 0, ...JSON.parse(span.dataset.show) });
      explorer.find(".explorer-pair").scrollIntoView({ block: "nearest", behavior: still() ? "auto" : "smooth" });
      const back = explorer.find(".explorer-back");
      back.hidden = false;
      back.onclick = () => {
        back.hidden = true;
        made.scrollIntoView({ block: "center", behavior: still() ? "auto" : "smooth" });
        made.focus({ preventScroll: true });
      };
    });
    span.replaceWith(made);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const explorers = [...document.querySelectorAll("[data-explorer]")].map((root) => new Explorer(root));
    if (!explorers.length) return;
    const watch = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
      if (isIntersecting) explorers.find(({ root }) => root === target).start();
    }), { rootMargin: "0px" });
    explorers.forEach(({ root }) => watch.observe(root));
    document.querySelectorAll("span[data-show]").forEach((span) => button(span, explorers[0]));
  });
})();
