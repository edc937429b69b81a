// numbers in -> the forward pass out, once more: each layer as in bpcli/backprop/layers.py.
"use strict";

class Affine {  // y = x W + b;  W (n, m) lies row by row
  constructor(W, b) { this.W = W; this.b = b; }
  forward(x) {
    const m = this.b.length, y = Float64Array.from(this.b);
    x.forEach((value, i) => {
      if (value !== 0) for (let j = 0; j < m; j++) y[j] += value * this.W[i * m + j];
    });
    return y;
  }
}

class ReLU { forward(x) { return x.map(value => Math.max(value, 0)); } }
class Sigmoid { forward(x) { return x.map(value => 1 / (1 + Math.exp(-value))); } }
class Tanh { forward(x) { return x.map(Math.tanh); } }

const LAYERS = { Affine, ReLU, Sigmoid, Tanh };

class Network {
  constructor(layers, loss) { this.layers = layers; this.loss = loss; }
  // Returns the outputs of all layers, the logits last.
  forward(x) {
    return this.layers.reduce((flow, layer) => [...flow, layer.forward(flow.at(-1))], [x]).slice(1);
  }
  probabilities(logits) {
    const largest = Math.max(...logits);
    const y = this.loss === "SquaredError" ? new Sigmoid().forward(logits)
      : logits.map(value => Math.exp(value - largest));
    const total = y.reduce((sum, value) => sum + value);
    return y.map(value => value / total);
  }
}

// Arrays come as base64 of little-endian float32.
function decode(text) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

function build(description) {
  const layers = description.layers.map(({ kind, W, b }) =>
    kind === "Affine" ? new Affine(decode(W), decode(b)) : new LAYERS[kind]());
  return new Network(layers, description.loss);
}
