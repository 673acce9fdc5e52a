import { Box, HStack, Text } from "@chakra-ui/react";
import { scaleLinear } from "@visx/scale";
import type { RatedVersionView, Ratings } from "@/api/schema";
import { chance, difference, instant, interval } from "@/format";
import { NumberAxis } from "./axes";
import { Frame, type Plot } from "./Frame";
import { INK, TEXT } from "./ink";

const ROW = 22;
const ROOM_FOR_SIDES = 120;
const MARGIN = { left: 122, right: 92, top: 26, bottom: 46 };

type Role = "champion" | "challenger" | "";

/** How much better each version is expected to be than the champion, by all windows so far, the latest as-of first. */
export const RatingChart = ({ ratings }: { ratings: Ratings }) => {
  const rows = ratings.versions.toReversed();
  const roleOf = ({ version }: RatedVersionView): Role =>
    version === ratings.champion ? "champion" : version === ratings.challenger ? "challenger" : "";
  return (
    <Box>
      <Frame
        height={MARGIN.top + rows.length * ROW + MARGIN.bottom}
        label={`Expected gain in ${ratings.metric} of ${rows.length} versions over version ${ratings.champion}, the champion`}
        margin={MARGIN}
      >
        {(plot) => {
          const x = scaleOf(rows, plot);
          return (
            <>
              {plot.right - plot.left > ROOM_FOR_SIDES ? (
                <>
                  <text style={TEXT} x={plot.left} y={14}>
                    ← worse
                  </text>
                  <text style={TEXT} textAnchor="end" x={plot.right} y={14}>
                    better →
                  </text>
                </>
              ) : null}
              <text style={TEXT} textAnchor="end" x={plot.width} y={14}>
                best of all?
              </text>
              <NumberAxis name={`expected gain in ${ratings.metric}`} plot={plot} scale={x} />
              <line stroke={INK.strong} x1={x(0)} x2={x(0)} y1={plot.top} y2={plot.bottom} />
              {rows.map((row, index) => (
                <Row
                  key={row.version}
                  plot={plot}
                  role={roleOf(row)}
                  row={row}
                  x={x}
                  y={plot.top + (index + 0.5) * ROW}
                />
              ))}
            </>
          );
        }}
      </Frame>
      <Legend />
      <Text color="fg.muted" fontSize="sm" maxW="60rem">
        A version whose mark is right of the line is expected to be better than the champion, one on the left to be
        worse. The bar shows how sure that is: in 95 of 100 cases the truth lies on it, so a bar across the line leaves
        open which of the two is better. {ratings.ageing.words}
      </Text>
    </Box>
  );
};

type Linear = ReturnType<typeof scaleLinear<number>>;

const scaleOf = (rows: readonly RatedVersionView[], plot: Plot): Linear => {
  const ends = [0, ...rows.flatMap((row) => [row.gain, row.interval.low ?? row.gain, row.interval.high ?? row.gain])];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = (high - low || 1) * 0.04;
  return scaleLinear<number>({ domain: [low - room, high + room], range: [plot.left, plot.right] });
};

interface RowProps {
  row: RatedVersionView;
  role: Role;
  plot: Plot;
  x: Linear;
  y: number;
}

const Row = ({ row, role, plot, x, y }: RowProps) => {
  const { low, high } = row.interval;
  const style = { ...TEXT, ...(role ? { fill: INK.strong, fontWeight: 600 } : {}) };
  return (
    <g>
      <title>{wordsOf(row, role)}</title>
      <text style={style} x={0} y={y + 4}>{`v${row.version}`}</text>
      <text style={style} x={40} y={y + 4}>
        {instant(row.as_of).slice(0, 10)}
      </text>
      {low !== null && high !== null ? (
        <line
          opacity={0.4}
          stroke={inkOf(role)}
          strokeLinecap="round"
          strokeWidth={5}
          x1={x(low)}
          x2={x(high)}
          y1={y}
          y2={y}
        />
      ) : null}
      <Dot role={role} x={x(row.gain)} y={y} />
      <text style={style} textAnchor="end" x={plot.width} y={y + 4}>
        {chance(row.chance_best)}
      </text>
    </g>
  );
};

// A square for the champion: the shape says the same as the colour.
const Dot = ({ role, x, y }: { role: Role; x: number; y: number }) =>
  role === "champion" ? (
    <rect fill={inkOf(role)} height={9} width={9} x={x - 4.5} y={y - 4.5} />
  ) : (
    <circle cx={x} cy={y} fill={inkOf(role)} r={role ? 5 : 4} />
  );

const inkOf = (role: Role): string => ({ champion: INK.strong, challenger: INK.challenger, "": INK.opponent })[role];

const Legend = () => (
  <HStack aria-hidden color="fg.muted" fontSize="xs" gap={4} mb={2} wrap="wrap">
    {(
      [
        ["challenger", "last challenger"],
        ["champion", "champion"],
        ["", "earlier version"],
      ] as const
    ).map(([role, words]) => (
      <HStack gap={1} key={words}>
        <svg aria-hidden="true" height={12} width={12}>
          <Dot role={role} x={6} y={6} />
        </svg>
        {words}
      </HStack>
    ))}
  </HStack>
);

const wordsOf = ({ version, as_of, gain, interval: ends, chance_best }: RatedVersionView, role: Role): string => {
  const who = `Version ${version}${role ? `, the ${role}` : ""}, as of ${instant(as_of)}`;
  const known = role === "champion" ? "" : `: expected gain ${difference(gain)} ${interval(ends.low, ends.high)}`;
  return `${who}${known}. Chance to be the best: ${chance(chance_best)}.`;
};
