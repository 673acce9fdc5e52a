import { keepPreviousData, QueryClient, useQuery } from "@tanstack/react-query";
import { dataOf, GET, withinAirflow } from "./client";
import { Problem } from "./problem";
import type { paths } from "./schema";

type QueryOf<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Query } } }
  ? NonNullable<Query>
  : never;
export type ModelsQuery = QueryOf<"/api/models">;
export type LedgerQuery = QueryOf<"/api/ledger">;
export type AttemptsQuery = QueryOf<"/api/attempts">;

/** One cache for all pages: the host makes a new page for each path. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the API refused, it will refuse again; only an outage is worth another try.
      retry: (failures, error) => failures < 1 && [null, 502, 503, 504].includes(Problem.of(error).status),
      retryDelay: 500,
    },
  },
});

export const useModels = (query: ModelsQuery) =>
  useQuery({
    queryKey: ["models", query],
    refetchInterval: 60_000,
    queryFn: ({ signal }) => dataOf(GET("/api/models", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const useTimelines = () =>
  useQuery({ queryKey: ["timelines"], queryFn: ({ signal }) => dataOf(GET("/api/timelines", { signal })) });

export const useModel = (model: string, timeline: string) =>
  useQuery({
    queryKey: ["model", model, timeline],
    refetchInterval: 30_000,
    queryFn: ({ signal }) =>
      dataOf(GET("/api/models/{model}", { params: { path: { model }, query: { timeline } }, signal })),
  });

export const useRetrain = (model: string, decision: string) =>
  useQuery({
    queryKey: ["retrain", model, decision],
    queryFn: ({ signal }) =>
      dataOf(
        GET("/api/models/{model}/decisions/{decision_id}", {
          params: { path: { model, decision_id: decision } },
          signal,
        }),
      ),
  });

/** What one DAG run decided. */
export const useDecisions = (dag_id: string, run_id: string) =>
  useQuery({
    queryKey: ["decisions", dag_id, run_id],
    refetchInterval: 30_000,
    queryFn: ({ signal }) => dataOf(GET("/api/decisions", { params: { query: { dag_id, run_id } }, signal })),
  });

export const useComparison = (model: string, versions: { a: number; b: number } | null, timeline: string) =>
  useQuery({
    queryKey: ["compare", model, versions, timeline],
    enabled: versions !== null,
    queryFn: ({ signal }) =>
      dataOf(
        GET("/api/models/{model}/compare", {
          params: { path: { model }, query: { ...(versions ?? { a: 0, b: 0 }), timeline } },
          signal,
        }),
      ),
  });

export const useLedger = (query: LedgerQuery) =>
  useQuery({
    queryKey: ["ledger", query],
    queryFn: ({ signal }) => dataOf(GET("/api/ledger", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

/** Who asked for what over the API. */
export const useAttempts = (query: AttemptsQuery) =>
  useQuery({
    queryKey: ["attempts", query],
    queryFn: ({ signal }) => dataOf(GET("/api/attempts", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

/** Ask for the whole chain to be checked, when somebody presses the button. */
export const useVerification = (wanted: number) =>
  useQuery({
    queryKey: ["verify", wanted],
    enabled: wanted > 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => dataOf(GET("/api/ledger/verify", { signal })),
  });

/** How an Airflow run stands; asked again until it has ended. */
export const useRun = (run: { dag_id: string; run_id: string } | null) =>
  useQuery<string>({
    queryKey: ["run", run],
    enabled: run !== null,
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? false : 1_500),
    queryFn: async ({ signal }) => {
      const path = `api/v2/dags/${encodeURIComponent(run?.dag_id ?? "")}/dagRuns/${encodeURIComponent(run?.run_id ?? "")}`;
      const response = await fetch(withinAirflow(path), { credentials: "same-origin", signal });
      if (!response.ok) throw Problem.ofResponse(response, null);
      const { state } = (await response.json()) as { state: string };
      return state;
    },
  });

/** Read again what the pages show; how a run ended does not change any more. */
export const refreshPages = () => queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "run" });

export const hasEnded = (state: string): boolean => state === "success" || state === "failed";
