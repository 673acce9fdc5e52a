import { INK, inkOf } from "./ink";

interface Props {
  /** A choice or an outcome; its shape says the same as its colour. */
  word: string;
  x: number;
  y: number;
  size?: number;
}

/** A filled triangle for yes, a hollow circle for wait, a cross for no. */
export const Mark = ({ word, x, y, size = 5 }: Props) => {
  const ink = inkOf(word);
  if (word === "PROMOTE" || word === "pass")
    return <path d={`M${x},${y - size} l${size},${size * 1.8} h${-2 * size} Z`} fill={ink} stroke={INK.paper} />;
  if (word === "HOLD" || word === "inconclusive")
    return <circle cx={x} cy={y} fill={INK.paper} r={size - 0.5} stroke={ink} strokeWidth={2} />;
  return (
    <path
      d={`M${x - size},${y - size} l${2 * size},${2 * size} m0,${-2 * size} l${-2 * size},${2 * size}`}
      fill="none"
      stroke={ink}
      strokeWidth={2.5}
    />
  );
};
