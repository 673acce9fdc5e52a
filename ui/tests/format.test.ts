import { describe, expect, it } from "vitest";
import { chance, count, difference, exactly, instant, interval, metric, relative } from "@/format";

describe("numbers", () => {
  it.each([
    [0.687123, "0.6871"],
    [-0.0107, "−0.0107"],
    [23.4567, "23.46"],
    [12345.6, "12,346"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("shows a metric of %s as %s", (value, text) => expect(metric(value)).toBe(text));

  it.each([
    [0.0107, "+0.0107"],
    [-0.0107, "−0.0107"],
    [0.00001, "±0.0000"],
    [null, "–"],
  ])("shows a difference of %s with its sign", (value, text) => expect(difference(value)).toBe(text));

  it("takes the decimals of a difference from what it is a difference of", () => {
    expect(difference(-0.123, 23.4)).toBe("−0.12");
    expect(interval(-0.5, 0.123, 23.4)).toBe("[−0.50, +0.12]");
  });

  it.each([
    [0.5, "50 %"],
    [0.024, "2.4 %"],
    [0.9956, "99.6 %"],
    [0.0002, "under 0.1 %"],
    [1, "over 99.9 %"],
  ])("never says that a chance of %s is certain", (value, text) => expect(chance(value)).toBe(text));

  it("groups the digits of counts", () => expect(count(336776)).toBe("336,776"));
});

describe("instants", () => {
  it("are said in UTC, the time of day only where it matters", () => {
    expect(instant("2013-11-01T00:00:00Z")).toBe("2013-11-01");
    expect(instant("2013-11-01T01:30:00+02:00")).toBe("2013-10-31 23:30");
    expect(exactly("2013-11-01T01:30:05+02:00")).toBe("2013-10-31 23:30:05 UTC");
    expect(instant("nonsense")).toBe("–");
  });

  it.each([
    ["2026-11-21T11:59:40Z", "just now"],
    ["2026-11-21T09:00:00Z", "3 hours ago"],
    ["2026-11-20T10:00:00Z", "yesterday"],
    ["2026-11-25T13:00:00Z", "in 4 days"],
    ["2013-11-21T12:00:00Z", "13 years ago"],
  ])("%s has the age %s", (value, text) => expect(relative(value, Date.parse("2026-11-21T12:00:00Z"))).toBe(text));
});
