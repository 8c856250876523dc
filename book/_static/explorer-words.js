// What the latent explorer says: its controls, and the numbers in words.
"use strict";

const LatentWords = (() => {
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const size = ([left, low, right, high]) => `${fixed(right - left, 1)} \u00d7 ${fixed(high - low, 1)}`;
  const named = (model) => (model.beta === null ? "autoencoder" : `VAE, beta ${model.beta}`);

  const plane = (side, name) => `
    <div class="explorer-side" data-side="${side}">
      <p class="explorer-title"></p>
      <canvas class="explorer-plane" tabindex="0" role="application" aria-roledescription="plane"
        aria-label="Codes of the ${name}. Arrow keys move the point, with shift in larger steps;
        Home leads to the middle."></canvas>
      <div class="explorer-decoded">
        <canvas width="28" height="28" role="img" aria-label="decoded digit"></canvas><p></p></div>
    </div>`;

  const weight = (betas) => `
    <div class="explorer-weight"><label>KL weight <b class="explorer-beta"></b>
      <input type="range" class="explorer-slider" min="0" max="${betas.length - 1}" step="1"></label>
      <div class="explorer-ticks" aria-hidden="true">
        ${betas.map((beta) => `<span>${beta}</span>`).join("")}</div>
      <button type="button" class="explorer-back" hidden>Back to the text</button></div>`;

  const classes = (colors) => `
    <div class="explorer-classes" role="group" aria-label="codes shown"><span>Codes of</span>
      ${colors.map((color, digit) => `<button type="button" aria-pressed="true" data-digit="${digit}"
        aria-label="codes of ${digit}"><i style="background:${color}"></i>${digit}</button>`).join("")}
      <button type="button" data-only="0123456789">all</button>
      <button type="button" data-only="">none</button></div>`;

  const settings = (windows) => `
    <div class="explorer-settings">
      <label>Planes show <select class="explorer-shows"><option value="codes">codes (mu)</option>
        <option value="clouds">clouds (mu, sigma)</option><option value="sheet">decoded digits</option></select></label>
      <label>Window <select class="explorer-window"><option value="0">for both</option>
        ${windows.map((half) => `<option value="${half}">\u00b1${half}</option>`).join("")}</select></label>
      <label>z<sub>1</sub> <input type="number" class="explorer-z" step="0.1" min="-14" max="14"></label>
      <label>z<sub>2</sub> <input type="number" class="explorer-z" step="0.1" min="-14" max="14"></label></div>`;

  const numbers = () => `
    <div class="explorer-numbers"><table><caption>10,000 test images; nats per image</caption>
      <thead><tr><th scope="col">measured</th><th scope="col">autoencoder</th>
      <th scope="col">VAE</th></tr></thead><tbody></tbody></table>
      <svg viewBox="0 0 250 148" role="img" aria-label="Distortion over rate"></svg></div>`;

  // All of it; a compact one has the planes, the weight and the story.
  const markup = ({ betas, colors, windows, compact }) => `
    ${weight(betas)}
    <div class="explorer-pair">${plane("plain", "plain autoencoder")}${plane("vae", "VAE")}</div>
    <p class="explorer-story"></p>
    <p class="explorer-draw"><button type="button">Draw a point from N(0, I)</button></p>
    ${compact ? "" : numbers() + classes(colors) + settings(windows)}
    <p class="explorer-said" aria-live="polite"></p>`;

  const story = (plain, vae) =>
    `Circle: where 95\u00a0% of the draws from N(0, I) fall. In it lie ${percent(plain.inside)} of the ` +
    `autoencoder\u2019s codes and ${percent(vae.inside)} of the VAE\u2019s. Dashed: the box of 98\u00a0% of the codes.`;

  // Rate and distortion of one model.
  const nats = ({ rate, distortion }) =>
    `${rate === null ? "no rate" : `rate ${fixed(rate, 1)}`}, distortion ${fixed(distortion, 1)}`;

  // Name, autoencoder, VAE.
  const rows = (plain, vae) => [
    ["rate R", "none", fixed(vae.rate, 1)],
    ["distortion D", fixed(plain.distortion, 1), fixed(vae.distortion, 1)],
    ["D + R", "none", fixed(vae.distortion + vae.rate, 1)],
    ["box of 98 % of the codes", size(plain.box), size(vae.box)],
    ["codes in the circle", percent(plain.inside), percent(vae.inside)],
    ["median width of a cloud", "none", vae.width.toPrecision(2)],
  ];

  const table = (plain, vae) => rows(plain, vae).map(([name, ...cells]) =>
    `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");

  const near = ({ label, distance, count, total }) => total === 0 ? "no codes shown"
    : `nearest code: ${label === 8 ? "an" : "a"} ${label}, ${fixed(distance, 2)} away; ` +
      `${count} of ${total.toLocaleString("en")} codes within 0.5`;

  const point = ([z1, z2]) => `z1 ${fixed(z1, 2)}, z2 ${fixed(z2, 2)}`;

  return { markup, story, nats, rows, table, near, point, named };
})();
