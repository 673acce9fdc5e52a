import type { DecisionPoint } from "@/api/schema";

/** A decision as it is drawn: the interval is the gain's, laid around the value of the opponent. */
export interface Drawn {
  decision: DecisionPoint;
  time: number;
  challenger: number | null;
  /** The champion at the time on the same rows; null where it met a baseline, which would squeeze all else. */
  champion: number | null;
  low: number | null;
  high: number | null;
}

/** Give each decision its place; one without a number keeps its time. */
export const drawn = (decisions: readonly DecisionPoint[], greaterIsBetter: boolean): Drawn[] =>
  decisions.map((decision) => {
    const { challenger_value: challenger, opponent_value: opponent, gain } = decision;
    const interval = gain?.metric === decision.metric ? gain.interval : null;
    const sign = greaterIsBetter ? 1 : -1;
    const ends =
      opponent !== null && interval?.low != null && interval.high != null
        ? [opponent + sign * interval.low, opponent + sign * interval.high].sort((a, b) => a - b)
        : [];
    return {
      decision,
      time: Date.parse(decision.as_of),
      challenger,
      champion: decision.opponent === "champion" ? opponent : null,
      low: ends[0] ?? null,
      high: ends[1] ?? null,
    };
  });

export interface Reign {
  version: number;
  from: number;
  /** The as-of that ended it; null for the one that goes on. */
  to: number | null;
}

/** Who was champion after each decision, over as-of, and who is now: a rollback may have come after the last one. */
export const reigns = (points: readonly Drawn[], now: number | null): Reign[] => {
  const found: Reign[] = [];
  const begin = (version: number | null, from: number) => {
    const last = found.at(-1);
    if (version === null || last?.version === version) return;
    if (last) last.to = from;
    found.push({ version, from, to: null });
  };
  for (const { decision, time } of points)
    begin(decision.choice === "PROMOTE" ? decision.version : decision.champion_version, time);
  begin(now, points.at(-1)?.time ?? 0);
  return found;
};
