// What the latent explorer draws: a plane of codes, one decoded digit, distortion over rate.
"use strict";

const LatentPlane = (() => {
  // CLASS_COLORS of vaelib.plots, on a white ground in light and dark.
  const COLORS = ["#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777"];
  const SIDE = 28, CELLS = 13;
  const tile = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });

  // White ink on black, as the digits of MNIST.
  function drawDigit(canvas, pixels) {
    const image = new ImageData(SIDE, SIDE);
    pixels.forEach((value, at) => image.data.fill(Math.round(255 * value), 4 * at, 4 * at + 3));
    pixels.forEach((_, at) => (image.data[4 * at + 3] = 255));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // As many pixels as the screen has there.
  function fit(canvas) {
    const pixels = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)) || 300;
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  }

  // Functions from codes to pixels of a canvas whose window is [-half, half].
  function place(canvas, half) {
    const unit = canvas.width / (2 * half);
    return { unit, x: (z1) => (z1 + half) * unit, y: (z2) => (half - z2) * unit };
  }

  function drawCodes(context, { x, y, unit }, { codes, stride, labels, only, shows }) {
    const dot = Math.max(2, context.canvas.width / 170), clouds = shows === "clouds" && stride === 4;
    for (let at = 0; at < labels.length; at++) {
      if (!only.includes(labels[at])) continue;
      const [z1, z2, ...sigma] = codes.subarray(at * stride, at * stride + stride);
      context.fillStyle = COLORS[labels[at]];
      if (clouds) {
        const radii = sigma.map((width) => Math.max(width * unit, 0.7));
        context.globalAlpha = Math.min(0.6, 2 / Math.max(...radii)); // the wider, the paler
        context.beginPath();
        context.ellipse(x(z1), y(z2), ...radii, 0, 0, 2 * Math.PI);
        context.fill();
      } else {
        context.globalAlpha = 0.7;
        context.fillRect(x(z1) - dot / 2, y(z2) - dot / 2, dot, dot);
      }
    }
    context.globalAlpha = 1;
  }

  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

  // Names that would cover each other are pushed apart.
  function spread(names, least) {
    for (let round = 0; round < 20; round++) {
      for (const [at, one] of names.entries()) {
        for (const other of names.slice(at + 1)) {
          const [across, down] = [other.x - one.x, other.y - one.y], far = Math.hypot(across, down) || 1;
          const push = Math.max(0, least - far) / (2 * far);
          Object.assign(one, { x: one.x - push * across, y: one.y - push * down });
          Object.assign(other, { x: other.x + push * across, y: other.y + push * down });
        }
      }
    }
  }

  // The digit of every class in the middle of its codes: colour is not all.
  function drawNames(context, { x, y }, { codes, stride, labels, only }) {
    const letter = Math.max(10 * devicePixelRatio, context.canvas.width / 22), names = [];
    for (const label of Array(10).keys()) {
      if (!only.includes(label)) continue;
      const members = [...labels.keys()].filter((at) => labels[at] === label);
      const [z1, z2] = [0, 1].map((axis) => median(members.map((at) => codes[at * stride + axis])));
      names.push({ label, x: x(z1), y: y(z2) });
    }
    spread(names, letter);
    context.font = `bold ${letter}px sans-serif`;
    Object.assign(context, { textAlign: "center", textBaseline: "middle", lineJoin: "round" });
    Object.assign(context, { strokeStyle: "#fff", fillStyle: "#000", lineWidth: letter / 4 });
    names.forEach((name) => context.strokeText(name.label, name.x, name.y));
    names.forEach((name) => context.fillText(name.label, name.x, name.y));
  }

  // What the decoder makes of the whole window.
  function drawSheet(context, half, decode) {
    const size = context.canvas.width / CELLS;
    for (let cell = 0; cell < CELLS * CELLS; cell++) {
      const [row, column] = [Math.floor(cell / CELLS), cell % CELLS];
      drawDigit(tile, decode(half * ((2 * column + 1) / CELLS - 1), half * (1 - (2 * row + 1) / CELLS)));
      context.drawImage(tile, column * size, row * size, size, size);
    }
  }

  function drawFrame(context, { x, y, unit }, { half, box, circle, shows }) {
    const { width } = context.canvas;
    context.lineWidth = Math.max(1, width / 250);
    context.strokeStyle = shows === "sheet" ? "#f0e442" : "#000";
    context.beginPath();
    context.arc(x(0), y(0), circle * unit, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([width / 50, width / 70]);
    context.strokeRect(x(box[0]), y(box[3]), (box[2] - box[0]) * unit, (box[3] - box[1]) * unit);
    context.setLineDash([]);
    if (shows === "sheet") return;
    context.font = `${Math.max(10, width / 32)}px sans-serif`;
    Object.assign(context, { fillStyle: "#555", textAlign: "left", textBaseline: "bottom" });
    context.fillText(`\u2212${half}`, width / 90, width - width / 90);
    context.textAlign = "right";
    context.fillText(half, width - width / 90, width - width / 90);
  }

  // All but the point, on a canvas of its own: the point moves often, the rest does not.
  function drawBase({ plane, base }, view) {
    fit(plane);
    base.width = base.height = plane.width;
    const context = base.getContext("2d"), at = place(base, view.half);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, base.width, base.height);
    if (view.shows === "sheet") drawSheet(context, view.half, view.decode);
    else {
      context.fillStyle = "#ddd";
      context.fillRect(at.x(0), 0, 1, base.height);
      context.fillRect(0, at.y(0), base.width, 1);
      drawCodes(context, at, view);
      drawNames(context, at, view);
    }
    drawFrame(context, at, view);
  }

  // The base, and on it the point: a cross with a white rim, open in the middle, where a name may be.
  function drawPoint(canvas, base, half, [z1, z2]) {
    const context = canvas.getContext("2d"), { x, y } = place(canvas, half), arm = canvas.width / 22;
    context.drawImage(base, 0, 0);
    for (const [color, wide] of [["#fff", canvas.width / 55], ["#b34d00", canvas.width / 110]]) {
      Object.assign(context, { strokeStyle: color, lineWidth: wide, lineCap: "round" });
      context.beginPath();
      for (const [across, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x(z1) + 0.5 * arm * across, y(z2) + 0.5 * arm * down);
        context.lineTo(x(z1) + arm * across, y(z2) + arm * down);
      }
      context.stroke();
    }
  }

  // Distortion over rate: a line through the models, the chosen one, the level of the autoencoder.
  function chart(models, chosen, level) {
    const x = (rate) => 38 + rate * 8.6, y = (distortion) => 128 - (distortion - 135) * 2.4;
    const dots = models.map((model) => [x(model.rate).toFixed(1), y(model.distortion).toFixed(1), model]);
    return `
      <line x1="38" x2="246" y1="128" y2="128"/><line x1="38" x2="38" y1="8" y2="128"/>
      <line class="plain" x1="38" x2="246" y1="${y(level)}" y2="${y(level)}"/>
      <polyline points="${dots.map(([left, top]) => `${left},${top}`).join(" ")}"/>
      ${dots.map(([left, top, model]) => `<circle cx="${left}" cy="${top}" r="${model === chosen ? 6 : 2.5}"
        class="${model === chosen ? "chosen" : ""}"/>`).join("")}
      ${[140, 160, 180].map((d) => `<text x="34" y="${y(d) + 4}" text-anchor="end">${d}</text>`).join("")}
      ${[0, 10, 20].map((r) => `<text x="${x(r)}" y="142" text-anchor="middle">${r}</text>`).join("")}
      <text x="246" y="142" text-anchor="end">rate</text><text x="44" y="16">distortion</text>
      <text x="246" y="${y(level) - 6}" text-anchor="end">autoencoder</text>`;
  }

  return { COLORS, drawDigit, drawBase, drawPoint, chart };
})();
