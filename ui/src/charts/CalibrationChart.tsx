import { Box, HStack } from "@chakra-ui/react";
import { scaleLinear } from "@visx/scale";
import { LinePath } from "@visx/shape";
import type { ReliabilityCurve } from "@/api/schema";
import { count, percent } from "@/format";
import { NumberAxis, ValueAxis } from "./axes";
import { Frame } from "./Frame";
import { INK } from "./ink";

const MARGIN = { left: 44, right: 16, top: 30, bottom: 44 };

/** How often what was predicted came true: on the diagonal, probabilities can be taken at their word. */
export const CalibrationChart = ({ curves, opponent }: { curves: readonly ReliabilityCurve[]; opponent: string }) => (
  <Box maxW="34rem">
    <Frame
      height={300}
      label={`Calibration of ${curves.map((curve) => nameOf(curve, opponent)).join(" and ")}`}
      margin={MARGIN}
    >
      {(plot) => {
        const top = Math.min(1, Math.ceil(Math.max(...curves.flatMap(({ bins }) => bins.map(largest)), 0.1) * 10) / 10);
        const x = scaleLinear<number>({ domain: [0, top], range: [plot.left, plot.right] });
        const y = scaleLinear<number>({ domain: [0, top], range: [plot.bottom, plot.top] });
        return (
          <>
            <ValueAxis format={String} name="observed share" plot={plot} scale={y} />
            <NumberAxis name="predicted probability" plot={plot} scale={x} />
            <line stroke={INK.text} strokeDasharray="2 4" x1={x(0)} x2={x(top)} y1={y(0)} y2={y(top)} />
            {curves.map((curve) => (
              <Curve curve={curve} key={curve.side} name={nameOf(curve, opponent)} x={x} y={y} />
            ))}
          </>
        );
      }}
    </Frame>
    <HStack aria-hidden color="fg.muted" fontSize="xs" gap={4} wrap="wrap">
      {curves.map((curve) => (
        <HStack gap={1} key={curve.side}>
          <svg aria-hidden="true" height={12} width={26}>
            <line stroke={sideInk(curve)} strokeDasharray={dashOf(curve)} strokeWidth={2} x2={26} y1={6} y2={6} />
            <Dot curve={curve} x={13} y={6} />
          </svg>
          {nameOf(curve, opponent)}
        </HStack>
      ))}
    </HStack>
  </Box>
);

type Linear = ReturnType<typeof scaleLinear<number>>;

const Curve = ({ curve, name, x, y }: { curve: ReliabilityCurve; name: string; x: Linear; y: Linear }) => (
  <g>
    <LinePath
      data={curve.bins}
      stroke={sideInk(curve)}
      strokeDasharray={dashOf(curve)}
      strokeWidth={2}
      x={(bin) => x(bin.predicted)}
      y={(bin) => y(bin.observed)}
    />
    {curve.bins.map((bin) => {
      const words = `${name}: predicted ${percent(bin.predicted)}, observed ${percent(bin.observed)}, ${count(bin.rows)} rows`;
      return (
        <g key={`${bin.predicted}`}>
          <title>{words}</title>
          <Dot curve={curve} x={x(bin.predicted)} y={y(bin.observed)} />
        </g>
      );
    })}
  </g>
);

// A square for the opponent: the shape says the same as the colour.
const Dot = ({ curve, x, y }: { curve: ReliabilityCurve; x: number; y: number }) =>
  curve.side === "challenger" ? (
    <circle cx={x} cy={y} fill={sideInk(curve)} r={4} />
  ) : (
    <rect fill={sideInk(curve)} height={7} width={7} x={x - 3.5} y={y - 3.5} />
  );

const largest = (bin: { predicted: number; observed: number }): number => Math.max(bin.predicted, bin.observed);
const sideInk = (curve: ReliabilityCurve): string => (curve.side === "challenger" ? INK.challenger : INK.opponent);
const dashOf = (curve: ReliabilityCurve): string => (curve.side === "challenger" ? "none" : "5 3");
const nameOf = (curve: ReliabilityCurve, opponent: string): string =>
  curve.side === "challenger" ? "challenger" : opponent;
