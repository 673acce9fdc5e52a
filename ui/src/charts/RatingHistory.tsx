import { Text } from "@chakra-ui/react";
import { scaleLinear, scaleUtc } from "@visx/scale";
import { LinePath } from "@visx/shape";
import type { RatedWindowView, Ratings } from "@/api/schema";
import { difference, instant, interval } from "@/format";
import { AsOfAxis, ValueAxis } from "./axes";
import { Frame } from "./Frame";
import { INK } from "./ink";

const MARGIN = { left: 60, right: 40, top: 34, bottom: 28 };

/** The expected gain of each window's challenger over the champion at the time; nothing before there are two windows. */
export const RatingHistory = ({ ratings: { history, metric } }: { ratings: Ratings }) => {
  if (history.length < 2) return null;
  const times = history.map(({ as_of }) => Date.parse(as_of));
  const ends = [0, ...history.flatMap(({ gain, interval: { low, high } }) => [gain, low ?? gain, high ?? gain])];
  return (
    <>
      <Frame
        height={170}
        label={`Expected gain in ${metric} of ${history.length} challengers over the champion at the time`}
        margin={MARGIN}
      >
        {(plot) => {
          const x = scaleUtc<number>({
            domain: [Math.min(...times), Math.max(...times)],
            range: [plot.left + 10, plot.right],
          });
          const y = scaleLinear<number>({
            domain: [Math.min(...ends), Math.max(...ends)],
            range: [plot.bottom - 4, plot.top],
          });
          return (
            <>
              <ValueAxis
                format={difference}
                name="each challenger over the champion at the time"
                plot={plot}
                scale={y}
              />
              <AsOfAxis plot={plot} scale={x} times={times} />
              <line stroke={INK.strong} x1={plot.left} x2={plot.right} y1={y(0)} y2={y(0)} />
              <LinePath
                data={history}
                stroke={INK.challenger}
                strokeWidth={1.5}
                x={({ as_of }) => x(Date.parse(as_of))}
                y={({ gain }) => y(gain)}
              />
              {history.map((window) => (
                <Point key={window.as_of} window={window} x={x(Date.parse(window.as_of))} y={y} />
              ))}
            </>
          );
        }}
      </Frame>
      <Text color="fg.muted" fontSize="sm" maxW="60rem">
        Above the line a new version was expected to be better than the champion of its time. Marks that stay on the
        line say that retraining gains nothing here yet.
      </Text>
    </>
  );
};

interface PointProps {
  window: RatedWindowView;
  x: number;
  y: ReturnType<typeof scaleLinear<number>>;
}

const Point = ({ window: { as_of, challenger, champion, gain, interval: ends }, x, y }: PointProps) => {
  const words = `${instant(as_of)}: version ${challenger} over version ${champion} ${difference(gain)} ${interval(ends.low, ends.high)}`;
  return (
    <g>
      <title>{words}</title>
      {ends.low !== null && ends.high !== null ? (
        <line opacity={0.4} stroke={INK.challenger} strokeWidth={3} x1={x} x2={x} y1={y(ends.low)} y2={y(ends.high)} />
      ) : null}
      <circle cx={x} cy={y(gain)} fill={INK.challenger} r={4} />
    </g>
  );
};
