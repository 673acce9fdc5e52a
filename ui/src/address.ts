/** Where things are: each state of the pages has an address that can be shared. */

const HOME = "/plugin/retrain";

/** The timeline that is projected onto the registry's alias; an address does not name it. */
export const PRODUCTION = "production";

type Search = Record<string, string | number | null | undefined>;

/** An address with the parameters that are set. */
const at = (path: string, search: Search = {}): string => {
  const set = Object.entries(search).filter(([, value]) => value != null && value !== "");
  const text = new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
};

const onTimeline = (timeline: string | undefined): Search => ({ timeline: timeline === PRODUCTION ? null : timeline });
const ofModel = (model: string): string => `${HOME}/models/${encodeURIComponent(model)}`;

export const toModels = (timeline?: string): string => at(HOME, onTimeline(timeline));
export const toModel = (model: string, timeline?: string): string => at(ofModel(model), onTimeline(timeline));
export const toRetrain = (model: string, decision: string): string => `${ofModel(model)}/retrains/${decision}`;
export const toCompare = (model: string, versions: { a?: number; b?: number }, timeline?: string): string =>
  at(`${ofModel(model)}/compare`, { ...versions, ...onTimeline(timeline) });
export const toLedger = (search: { model?: string; timeline?: string } = {}): string => at(`${HOME}/ledger`, search);
export const toAttempts = (model?: string): string => at(`${HOME}/ledger/requests`, { model });

/** The page of an Airflow run. */
export const toRun = (dag: string, run: string): string =>
  `/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`;
export const toDag = (dag: string): string => `/dags/${encodeURIComponent(dag)}`;
