import { scaleLinear } from "@visx/scale";
import type { VerdictView } from "@/api/schema";
import { interval, metric, NOTHING } from "@/format";
import { INK } from "./ink";
import { Mark } from "./Mark";

const WIDTH = 200;
const HEIGHT = 30;

/** What a gate judged against its bound, on one line: the number, its interval, and the bound as a dashed line. */
export const VerdictPlot = ({ verdict: { name, outcome, value, bound, interval: ends } }: { verdict: VerdictView }) => {
  if (value === null || bound === null) return <>{NOTHING}</>;
  const numbers = [value, bound, ends?.low, ends?.high].filter((number) => number != null);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const room = (high - low || Math.abs(high) || 1) * 0.15;
  const x = scaleLinear<number>({ domain: [low - room, high + room], range: [6, WIDTH - 6] });
  const middle = HEIGHT / 2;
  const words = `${name}: ${metric(value)}${ends ? ` ${interval(ends.low, ends.high)}` : ""} against the bound ${metric(bound)}`;
  return (
    <svg aria-label={words} height={HEIGHT} role="img" style={{ display: "block" }} width={WIDTH}>
      <title>{words}</title>
      <line stroke={INK.line} x1={0} x2={WIDTH} y1={middle} y2={middle} />
      <line stroke={INK.strong} strokeDasharray="3 2" x1={x(bound)} x2={x(bound)} y1={2} y2={HEIGHT - 2} />
      {ends?.low != null && ends.high != null ? (
        <path
          d={`M${x(ends.low)},${middle} H${x(ends.high)} M${x(ends.low)},${middle - 4} v8 M${x(ends.high)},${middle - 4} v8`}
          fill="none"
          stroke={INK.text}
          strokeWidth={1.5}
        />
      ) : null}
      <Mark word={outcome} x={x(value)} y={middle} />
    </svg>
  );
};
