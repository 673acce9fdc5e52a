/** The colours of the charts: the host's semantic tokens, so that they follow its theme, light and dark. */
export const INK = {
  challenger: "var(--chakra-colors-info-solid)",
  opponent: "var(--chakra-colors-fg-subtle)",
  pass: "var(--chakra-colors-success-solid)",
  fail: "var(--chakra-colors-error-solid)",
  inconclusive: "var(--chakra-colors-warning-solid)",
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
