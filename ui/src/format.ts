/** Numbers and instants as people read them; everything is said in UTC. */

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const RELATIVE = new Intl.RelativeTimeFormat("en-US", { numeric: "auto" });
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** What stands where there is no value. */
export const NOTHING = "–";

/** A whole number with thousands separators. */
export const count = (value: number | null | undefined): string => (value == null ? NOTHING : COUNT.format(value));

/** How many decimals tell values of this size apart: four for a share, none for thousands. */
export const decimalsFor = (size: number): number => {
  const magnitude = Math.abs(size);
  if (magnitude >= 1_000) return 0;
  if (magnitude >= 100) return 1;
  if (magnitude >= 10) return 2;
  return magnitude >= 2 ? 3 : 4;
};

/** A metric's value. */
export const metric = (value: number | null | undefined): string =>
  value == null || !Number.isFinite(value) ? NOTHING : withMinus(grouped(value, decimalsFor(value)));

/** A difference, always with its sign; `scale` is the size of what it is a difference of. */
export const difference = (value: number | null | undefined, scale?: number | null): string => {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  const decimals = decimalsFor(Math.max(Math.abs(scale ?? 0), Math.abs(value)));
  const text = grouped(Math.abs(value), decimals);
  const isZero = Number(text.replaceAll(",", "")) === 0;
  return isZero ? `±${text}` : `${value < 0 ? "−" : "+"}${text}`;
};

/** An interval of differences. */
export const interval = (
  low: number | null | undefined,
  high: number | null | undefined,
  scale?: number | null,
): string => (low == null || high == null ? NOTHING : `[${difference(low, scale)}, ${difference(high, scale)}]`);

/** A share as a percentage. */
export const percent = (value: number | null | undefined): string =>
  value == null || !Number.isFinite(value) ? NOTHING : `${(value * 100).toFixed(1)} %`;

/** A probability as a percentage that never claims certainty. */
export const chance = (value: number): string => {
  if (value > 0.999) return "over 99.9 %";
  if (value < 0.001) return "under 0.1 %";
  return `${Number((value * 100).toPrecision(value > 0.99 ? 3 : 2))} %`;
};

/** The day, and the time of day where it is not midnight. */
export const instant = (value: string | null | undefined): string => {
  const at = parse(value);
  if (at === null) return NOTHING;
  const text = at.toISOString();
  return text.slice(11, 16) === "00:00" ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
};

/** The whole instant, for a tooltip. */
export const exactly = (value: string | null | undefined): string => {
  const at = parse(value);
  return at === null ? NOTHING : `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
};

/** How long ago, or in how long. */
export const relative = (value: string | null | undefined, now: number = Date.now()): string => {
  const at = parse(value);
  if (at === null) return NOTHING;
  const seconds = (at.getTime() - now) / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return unit === "second" ? "just now" : RELATIVE.format(Math.trunc(seconds / length), unit);
};

/** The first twelve digits of a digest, which tell it apart on a page. */
export const short = (digest: string | null | undefined): string => (digest ? digest.slice(0, 12) : NOTHING);

const parse = (value: string | null | undefined): Date | null => {
  const at = value ? new Date(value) : null;
  return at && !Number.isNaN(at.getTime()) ? at : null;
};

const grouped = (value: number, decimals: number): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

const withMinus = (text: string): string => text.replace("-", "−");
