"""runs, answers, layers and trials in -> charts of them, as SVG or to be painted, out."""
