const onBoth = (palette: string): string =>
  `light-dark(var(--chakra-colors-${palette}-600), var(--chakra-colors-${palette}-400))`;

/** The colours of the charts, of the host's theme, each as it is seen best on light and on dark. */
export const INK = {
  challenger: onBoth("blue"),
  opponent: "var(--chakra-colors-fg-subtle)",
  pass: onBoth("green"),
  fail: onBoth("red"),
  inconclusive: onBoth("orange"),
  text: "var(--chakra-colors-fg-muted)",
  line: "var(--chakra-colors-border)",
  strong: "var(--chakra-colors-fg)",
  paper: "var(--chakra-colors-bg)",
} as const;

/** The writing in a chart; as a style, since the host's style sheet beats SVG's own attributes. */
export const TEXT = { fill: INK.text, fontSize: 11, fontFamily: "inherit" } as const;

/** How an outcome or a choice is drawn; the shape says the same as the colour. */
export const inkOf = (word: string): string =>
  ({ PROMOTE: INK.pass, pass: INK.pass, HOLD: INK.inconclusive, inconclusive: INK.inconclusive })[word] ?? INK.fail;
