import { scaleLinear } from "@visx/scale";
import { LinePath } from "@visx/shape";
import { metric, NOTHING } from "@/format";
import { INK } from "./ink";

interface Props {
  values: readonly number[];
  /** Which metric, for a reader who does not see the line. */
  name: string;
}

const WIDTH = 96;
const HEIGHT = 22;

/** The last values of a metric as a small line. */
export const Sparkline = ({ values, name }: Props) => {
  const last = values.at(-1);
  if (last === undefined) return <>{NOTHING}</>;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const x = scaleLinear({ domain: [0, Math.max(1, values.length - 1)], range: [3, WIDTH - 4] });
  const y = scaleLinear({ domain: low === high ? [low - 1, high + 1] : [low, high], range: [HEIGHT - 4, 4] });
  const words = `${name}, ${values.length} decisions: from ${metric(values[0])} to ${metric(last)}, lowest ${metric(low)}, highest ${metric(high)}`;
  return (
    <svg aria-label={words} height={HEIGHT} role="img" style={{ display: "block" }} width={WIDTH}>
      <title>{words}</title>
      <LinePath
        data={[...values]}
        stroke={INK.challenger}
        strokeWidth={1.5}
        x={(_, i) => x(i)}
        y={(value) => y(value)}
      />
      <circle cx={x(values.length - 1)} cy={y(last)} fill={INK.challenger} r={2.5} />
    </svg>
  );
};
