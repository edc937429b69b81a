// numbers in -> the forward pass out, once more: each layer as in bpcli/backprop/layers.py.
// LAYERS and PROBABILITIES are the lines of bpcli/export/translation.py for the layers of MODEL.
"use strict";

function affine(x, W, b) {  // y = x W + b;  W (n, m) lies row by row
  const m = b.length, y = Float64Array.from(b);
  x.forEach((value, i) => {
    if (value !== 0) for (let j = 0; j < m; j++) y[j] += value * W[i * m + j];
  });
  return y;
}

function softmax(x) {
  const largest = Math.max(...x), e = x.map(value => Math.exp(value - largest));
  const total = e.reduce((sum, value) => sum + value);
  return e.map(value => value / total);
}

// Arrays come as base64 of little-endian float32.
function decode(text) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

class Network {
  constructor(description) {
    this.layers = description.layers.map(({ kind, params }) => {
      const arrays = Object.fromEntries(
        Object.entries(params).map(([name, text]) => [name, decode(text)]));
      return x => LAYERS[kind](x, arrays);
    });
  }
  // Returns the outputs of all layers, the logits last.
  forward(x) {
    return this.layers.reduce((flow, layer) => [...flow, layer(flow.at(-1))], [x]).slice(1);
  }
  probabilities(logits) { return PROBABILITIES(logits); }
}
