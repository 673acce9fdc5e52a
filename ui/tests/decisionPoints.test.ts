import { describe, expect, it } from "vitest";
import type { DecisionPoint } from "@/api/schema";
import { drawn, reigns } from "@/charts/decisionPoints";
import { decisionsOf } from "./fixtures";

const [, second] = decisionsOf() as [DecisionPoint, DecisionPoint];

describe("the interval of a gain", () => {
  it("lies around the opponent, upwards where more is better", () => {
    expect(drawn([second], true)[0]).toMatchObject({ low: 0.6741 + 0.0071, high: 0.6741 + 0.0236 });
  });

  it("lies the other way where less is better", () => {
    expect(drawn([second], false)[0]).toMatchObject({ low: 0.6741 - 0.0236, high: 0.6741 - 0.0071 });
  });

  it("is left out where the gate judged another metric", () => {
    expect(drawn([{ ...second, metric: "log_loss" }], true)[0]).toMatchObject({ low: null, high: null });
  });
});

describe("champions over as-of", () => {
  it("follow promotions and nothing else", () => {
    expect(reigns(drawn(decisionsOf(), true), 10).map(({ version }) => version)).toEqual([1, 2, 4, 6, 8, 10]);
  });

  it("end with a rollback that came after the last decision", () => {
    const all = reigns(drawn(decisionsOf(), true), 8);
    expect(all.slice(-2).map(({ version, to }) => [version, to])).toEqual([
      [10, Date.parse("2013-12-01T00:00:00Z")],
      [8, null],
    ]);
  });

  it("follow a rollback between two decisions", () => {
    const decisions = decisionsOf().map((decision, index) =>
      index > 8 ? { ...decision, choice: "HOLD" as const, champion_version: 6 } : decision,
    );
    expect(reigns(drawn(decisions, true), 6).map(({ version }) => version)).toEqual([1, 2, 4, 6, 8, 6]);
  });
});
