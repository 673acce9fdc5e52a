/** The colours of the charts, of the host's theme; the middle of each palette is seen on light and on dark. */
export const INK = {
  challenger: "var(--chakra-colors-blue-500)",
  opponent: "var(--chakra-colors-fg-subtle)",
  pass: "var(--chakra-colors-green-500)",
  fail: "var(--chakra-colors-red-500)",
  inconclusive: "var(--chakra-colors-orange-500)",
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
