import { Box, HStack, Text } from "@chakra-ui/react";
import { scaleLinear, scaleUtc } from "@visx/scale";
import { LinePath } from "@visx/shape";
import { type KeyboardEvent, useState } from "react";
import { Link } from "react-router-dom";
import { toRetrain } from "@/address";
import type { DecisionPoint } from "@/api/schema";
import { difference, instant, interval, metric as number } from "@/format";
import { AsOfAxis, ValueAxis } from "./axes";
import { type Drawn, drawn, type Reign, reigns } from "./decisionPoints";
import { Frame, type Plot } from "./Frame";
import { INK, TEXT } from "./ink";
import { Mark } from "./Mark";

interface Props {
  decisions: readonly DecisionPoint[];
  metric: string;
  greaterIsBetter: boolean;
  /** The version that is champion now. */
  champion: number | null;
}

// On the right there is room for the champion that goes on.
const MARGIN = { left: 60, right: 8, top: 52, bottom: 28 };
const ROOM = { left: 10, right: 44 };

/** The primary metric of challengers and of those they met, over as-of, with who was champion above it. */
export const MetricChart = ({ decisions, metric, greaterIsBetter, champion }: Props) => {
  const points = drawn(decisions, greaterIsBetter);
  const [active, setActive] = useState<number | null>(null);
  const shown = points[active ?? points.length - 1];
  if (!(shown && points.some((point) => point.challenger !== null)))
    return <Text color="fg.muted">No decision has a number of {metric || "a metric"} yet.</Text>;

  const onKeyDown = (event: KeyboardEvent<SVGElement>) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const marks = event.currentTarget.querySelectorAll<SVGAElement>("a");
    const here = [...marks].indexOf(document.activeElement as SVGAElement);
    marks[Math.min(marks.length - 1, Math.max(0, here + step))]?.focus();
  };

  return (
    <Box>
      <Frame
        height={280}
        label={`${metric} of ${points.length} challengers and of the champions they met, over as-of. Arrow keys move from one to the next.`}
        margin={MARGIN}
      >
        {(plot) => {
          const { x, y } = scalesOf(points, plot);
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move between the links inside
            <g onKeyDown={onKeyDown}>
              <ValueAxis format={number} name={metric} plot={plot} scale={y} />
              <AsOfAxis plot={plot} scale={x} times={points.map(({ time }) => time)} />
              <Champions plot={plot} reigns={reigns(points, champion)} x={x} />
              <LinePath
                data={points}
                defined={(point) => point.champion !== null}
                stroke={INK.opponent}
                strokeDasharray="4 3"
                strokeWidth={1.5}
                x={(point) => x(point.time)}
                y={(point) => y(point.champion ?? 0)}
              />
              {points.map((point, index) => (
                <PointLink
                  index={index}
                  key={point.decision.id}
                  onActive={setActive}
                  point={point}
                  reachable={point === shown}
                  x={x(point.time)}
                  y={y}
                  floor={plot.bottom - 9}
                />
              ))}
            </g>
          );
        }}
      </Frame>
      <Legend />
      <Text borderTopWidth="1px" fontSize="sm" fontVariantNumeric="tabular-nums" minH="3.2em" pt={2}>
        {wordsOf(shown)}
      </Text>
    </Box>
  );
};

type Linear = ReturnType<typeof scaleLinear<number>>;

const scalesOf = (points: readonly Drawn[], plot: Plot) => {
  const times = points.map((point) => point.time);
  const values = points
    .flatMap((point) => [point.challenger, point.champion, point.low, point.high])
    .filter((value) => value !== null);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const aDay = 86_400_000;
  return {
    x: scaleUtc<number>({
      domain: first === last ? [first - aDay, last + aDay] : [first, last],
      range: [plot.left + ROOM.left, plot.right - ROOM.right],
    }),
    y: scaleLinear<number>({ domain: [low - room, high + room], range: [plot.bottom, plot.top] }),
  };
};

interface PointProps {
  point: Drawn;
  index: number;
  x: number;
  y: Linear;
  /** Where a decision without a number stands. */
  floor: number;
  reachable: boolean;
  onActive: (index: number | null) => void;
}

const PointLink = ({ point, index, x, y, floor, reachable, onActive }: PointProps) => {
  const { decision, low, high } = point;
  const at = point.challenger === null ? floor : y(point.challenger);
  return (
    <Link
      aria-label={wordsOf(point)}
      onBlur={() => onActive(null)}
      onFocus={() => onActive(index)}
      onMouseEnter={() => onActive(index)}
      onMouseLeave={() => onActive(null)}
      tabIndex={reachable ? 0 : -1}
      to={toRetrain(decision.model, decision.id)}
    >
      {low !== null && high !== null ? (
        <path
          d={`M${x},${y(low)} V${y(high)} M${x - 3},${y(low)} h6 M${x - 3},${y(high)} h6`}
          fill="none"
          stroke={INK.text}
          strokeWidth={1}
        />
      ) : null}
      <circle cx={x} cy={at} fill="transparent" r={11} />
      <Mark word={decision.choice} x={x} y={at} />
    </Link>
  );
};

const Champions = ({
  reigns: all,
  x,
  plot,
}: {
  reigns: Reign[];
  x: ReturnType<typeof scaleUtc<number>>;
  plot: Plot;
}) => (
  <g>
    <title>{`Champions: ${all.map(({ version, from }) => `version ${version} from ${instant(new Date(from).toISOString())}`).join(", ")}`}</title>
    <text style={TEXT} x={0} y={15}>
      champion
    </text>
    {all.map((reign, index) => {
      const from = x(reign.from);
      const width = Math.max(2, (reign.to === null ? plot.right : x(reign.to)) - from - 1);
      return (
        <g key={`${reign.version} ${reign.from}`}>
          <rect
            fill={INK.challenger}
            height={18}
            opacity={index % 2 ? 0.22 : 0.36}
            rx={2}
            width={width}
            x={from}
            y={2}
          />
          {width > 26 ? (
            <text style={{ ...TEXT, fill: INK.strong }} x={from + 5} y={15}>
              v{reign.version}
            </text>
          ) : null}
        </g>
      );
    })}
  </g>
);

const Legend = () => (
  <HStack aria-hidden color="fg.muted" fontSize="xs" gap={4} mb={2} wrap="wrap">
    {[
      ["PROMOTE", "promoted"],
      ["HOLD", "held"],
      ["REJECT", "rejected"],
    ].map(([choice = "", word]) => (
      <HStack gap={1} key={choice}>
        <svg aria-hidden="true" height={14} width={14}>
          <Mark word={choice} x={7} y={6} />
        </svg>
        {word}
      </HStack>
    ))}
    <HStack gap={1}>
      <svg aria-hidden="true" height={10} width={24}>
        <line stroke={INK.opponent} strokeDasharray="4 3" strokeWidth={1.5} x2={24} y1={5} y2={5} />
      </svg>
      champion of then, on the same rows
    </HStack>
    <HStack gap={1}>
      <svg aria-hidden="true" height={14} width={10}>
        <path d="M5,1 V13 M2,1 h6 M2,13 h6" fill="none" stroke={INK.text} />
      </svg>
      interval of the gain
    </HStack>
  </HStack>
);

const WORDS: Record<string, string> = { PROMOTE: "promoted", HOLD: "held", REJECT: "rejected" };

const wordsOf = ({ decision, challenger }: Drawn): string => {
  const { opponent_value: opponent, gain: verdict, version } = decision;
  const start = `${instant(decision.as_of)}: ${WORDS[decision.choice] ?? decision.choice}`;
  if (challenger === null)
    return `${start}. ${decision.failed_step ? `${decision.failed_step} failed: ` : ""}${decision.reason}`;
  const who = decision.opponent === "champion" ? `champion v${decision.champion_version}` : decision.opponent;
  const met = opponent === null ? "no opponent" : `${who} ${number(opponent)}`;
  const ends = verdict?.interval;
  const gain = ends ? `, gain ${difference(verdict.value, opponent)} ${interval(ends.low, ends.high, opponent)}` : "";
  return `${start}. Challenger ${version === null ? "" : `v${version} `}${number(challenger)}, ${met}${gain}.`;
};
