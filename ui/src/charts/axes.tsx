import { AxisBottom, AxisLeft } from "@visx/axis";
import type { scaleLinear, scaleUtc } from "@visx/scale";
import type { Plot } from "./Frame";
import { INK, TEXT } from "./ink";

type Linear = ReturnType<typeof scaleLinear<number>>;
type Utc = ReturnType<typeof scaleUtc<number>>;

/** The vertical axis with its name above it and a hairline at each tick. */
export const ValueAxis = ({
  plot,
  scale,
  name,
  format,
}: {
  plot: Plot;
  scale: Linear;
  name: string;
  format: (value: number) => string;
}) => (
  <>
    {scale.ticks(4).map((tick) => (
      <line key={tick} stroke={INK.line} x1={plot.left} x2={plot.right} y1={scale(tick)} y2={scale(tick)} />
    ))}
    <text style={TEXT} x={0} y={plot.top - 12}>
      {name}
    </text>
    <AxisLeft
      hideAxisLine
      hideTicks
      left={plot.left}
      numTicks={4}
      scale={scale}
      tickFormat={(value) => format(Number(value))}
      tickLabelProps={{ dx: -4, dy: 4, textAnchor: "end", style: TEXT }}
    />
  </>
);

interface AsOfProps {
  plot: Plot;
  scale: Utc;
  /** The as-ofs of the decisions, of which as many are named as there is room for. */
  times: readonly number[];
}

const ROOM_FOR_A_DAY = 90;
const ROOM_FOR_A_NUMBER = 55;

/** The axis of as-ofs. */
export const AsOfAxis = ({ plot, scale, times }: AsOfProps) => (
  <AxisBottom
    tickValues={thinned([...new Set(times)], Math.max(2, Math.floor((plot.right - plot.left) / ROOM_FOR_A_DAY)))}
    scale={scale}
    stroke={INK.line}
    tickFormat={(value) => new Date(Number(value)).toISOString().slice(0, 10)}
    tickLabelProps={{ textAnchor: "middle", style: TEXT }}
    tickStroke={INK.line}
    top={plot.bottom}
  />
);

/** A horizontal axis of plain numbers with its name below. */
export const NumberAxis = ({ plot, scale, name }: { plot: Plot; scale: Linear; name: string }) => (
  <>
    <AxisBottom
      numTicks={Math.min(5, Math.max(1, Math.floor((plot.right - plot.left) / ROOM_FOR_A_NUMBER)))}
      scale={scale}
      stroke={INK.line}
      tickLabelProps={{ textAnchor: "middle", style: TEXT }}
      tickStroke={INK.line}
      top={plot.bottom}
    />
    <text style={TEXT} textAnchor="middle" x={(plot.left + plot.right) / 2} y={plot.bottom + 34}>
      {name}
    </text>
  </>
);

/** Every nth of the values, so that there are no more than `most` and the last one is among them. */
const thinned = (values: readonly number[], most: number): number[] => {
  const step = Math.ceil(values.length / most);
  return values.filter((_, index) => (values.length - 1 - index) % step === 0);
};
