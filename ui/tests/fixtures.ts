/** Answers of the API as a year of monthly retrains leaves them, for tests and for looking at the pages without Airflow. */
import type {
  Accepted,
  AttemptPage,
  Comparison,
  DecisionPoint,
  LedgerPage,
  LedgerRow,
  ModelDetail,
  ModelPage,
  ModelRow,
  Ratings,
  RetrainDetail,
  Timelines,
} from "@/api/schema";

const digest = (number: number): string => (number + 1).toString(16).padStart(4, "0").repeat(16);

/** Per month: choice, challenger's and opponent's value, gain, low, high, why. */
const YEAR = [
  ["PROMOTE", 0.6712, 0.5, 0.1712, 0.1498, 0.1921],
  ["PROMOTE", 0.6894, 0.6741, 0.0153, 0.0071, 0.0236],
  ["HOLD", 0.6853, 0.6829, 0.0024, -0.0031, 0.0079],
  ["PROMOTE", 0.7021, 0.6902, 0.0119, 0.0044, 0.0193],
  ["REJECT", 0.6688, 0.6795, -0.0107, -0.0181, -0.0032],
  ["PROMOTE", 0.7134, 0.7019, 0.0115, 0.0053, 0.0178],
  ["HOLD", 0.7052, 0.7038, 0.0014, -0.0039, 0.0065],
  ["PROMOTE", 0.7208, 0.7101, 0.0107, 0.0048, 0.0164],
  ["REJECT", null, null, null, null, null],
  ["REJECT", 0.6871, 0.6979, -0.0108, -0.0179, -0.0037],
  ["PROMOTE", 0.7188, 0.7093, 0.0095, 0.0032, 0.0158],
] as const;

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(4)}`;

const MISSING = "expectation failed: arrival_delay must not be null in more than 5 % of rows, found 31.2 %";

export const decisionsOf = (model = "flight_delay"): DecisionPoint[] => {
  let champion: number | null = null;
  let version = 0;
  return YEAR.map(([choice, challenger, opponent, gain, low, high], month) => {
    const before = champion;
    if (challenger !== null) version += 1;
    if (choice === "PROMOTE") champion = version;
    const against = before === null ? "baseline" : "champion";
    const relation = { PROMOTE: "is above", HOLD: "includes", REJECT: "is below" }[choice];
    const beats =
      gain === null
        ? ""
        : `gain in roc_auc over the ${against} ${signed(gain)}, 95 % interval [${signed(low)}, ${signed(high)}] ${relation} 0`;
    const passes = [
      `roc_auc ${(challenger ?? 0).toFixed(4)} meets the minimum of 0.6`,
      beats,
      "worst of 18 slices: roc_auc of carrier=HA drops 0.0042, within the maximum of 0.03",
    ];
    return {
      id: digest(1000 + month),
      model,
      timeline: "production",
      as_of: `2013-${String(month + 2).padStart(2, "0")}-01T00:00:00Z`,
      at: `2026-11-20T10:${String(month * 3).padStart(2, "0")}:00Z`,
      choice,
      reason:
        challenger === null ? MISSING : choice === "PROMOTE" ? passes.join("; ") : `beats_champion(roc_auc): ${beats}`,
      reasons: challenger === null ? [MISSING] : choice === "PROMOTE" ? passes : [`beats_champion(roc_auc): ${beats}`],
      decided_by: challenger === null ? [] : choice === "PROMOTE" ? [0, 1, 2] : [1],
      blocked_by: null,
      failed_step: challenger === null ? "validate" : "",
      version: challenger === null ? null : version,
      champion_version: before,
      opponent: challenger === null ? null : against,
      metric: "roc_auc",
      challenger_value: challenger,
      opponent_value: opponent,
      gain:
        gain === null
          ? null
          : {
              name: "beats_champion(roc_auc)",
              check: "beats_champion",
              metric: "roc_auc",
              column: "",
              group: "",
              outcome: choice === "PROMOTE" ? "pass" : choice === "HOLD" ? "inconclusive" : "fail",
              reason: beats,
              value: gain,
              bound: 0,
              interval: { low, high },
            },
      dag_id: model,
      run_id: `backfill__2013-${String(month + 2).padStart(2, "0")}-01T00:00:00+00:00`,
    };
  });
};

const entry = (seq: number, over: Partial<LedgerRow>): LedgerRow => ({
  seq,
  at: `2026-11-20T10:${String(seq).padStart(2, "0")}:30Z`,
  action: "promote",
  model: "flight_delay",
  timeline: "production",
  generation: seq,
  version: seq,
  previous_version: null,
  manifest_digest: digest(seq),
  as_of: "2013-02-01T00:00:00Z",
  key: digest(50 + seq),
  decision_id: "",
  decision_digest: "",
  idempotency_key: digest(90 + seq),
  actor: "backfill",
  reason: "",
  approver: "",
  expires_at: null,
  previous_hash: digest(200 + seq - 1),
  hash: digest(200 + seq),
  ...over,
});

export const moves = (): LedgerRow[] =>
  decisionsOf()
    .filter(({ choice }) => choice === "PROMOTE")
    .map((decision, index, all) =>
      entry(index + 1, {
        version: decision.version ?? 0,
        previous_version: all[index - 1]?.version ?? null,
        as_of: decision.as_of,
        at: decision.at ?? "",
        decision_id: decision.id,
        reason: decision.reason,
      }),
    );

export const ledgerRows = (): LedgerRow[] => [
  entry(9, { action: "unfreeze", generation: null, version: 10, actor: "anna", reason: "the storm is over" }),
  entry(8, {
    action: "refuse",
    generation: null,
    version: 3,
    actor: "viewer",
    reason: "a rollback must be to a version that was live there: version 3",
  }),
  entry(7, {
    action: "freeze",
    generation: null,
    version: 10,
    actor: "anna",
    reason: "storm: labels come late this week",
  }),
  ...moves().toReversed(),
];

/** Versions of which each loses 0.0021 in 30 days; version 10 is champion. */
export const ratingsOf = (over: Partial<Ratings> = {}): Ratings => {
  const made = decisionsOf().filter(({ version }) => version !== null);
  const versions = made.map(({ version, as_of }) => {
    const months = (version ?? 0) - 10;
    const width = months === 0 ? 0 : 0.0035 + 0.0003 * Math.abs(months);
    const gain = 0.0021 * months - (version === 5 ? 0.006 : 0);
    return {
      version: version ?? 0,
      as_of,
      gain,
      interval: { low: gain - width, high: gain + width },
      chance_best: { 10: 0.83, 9: 0.12, 8: 0.05 }[version ?? 0] ?? 0.0004,
    };
  });
  const history = made.slice(1).map(({ version, champion_version, as_of }, index) => {
    const gain = 0.004 * Math.sin(index) + 0.003;
    const width = 0.012 / Math.sqrt(index + 1);
    return {
      as_of,
      challenger: version ?? 0,
      champion: champion_version ?? 1,
      gain,
      interval: { low: gain - width, high: gain + width },
    };
  });
  return {
    metric: "roc_auc",
    as_of: "2013-12-01T00:00:00Z",
    windows: 9,
    champion: 10,
    challenger: 10,
    versions,
    ageing: {
      loss: 0.0021,
      interval: { low: 0.0012, high: 0.0031 },
      words: "A month of age costs a version about 0.0021 here.",
    },
    history,
    ...over,
  };
};

export const modelDetail = (over: Partial<ModelDetail> = {}): ModelDetail => {
  const [model, all] = ["flight_delay", moves()];
  const last = all.at(-1) as LedgerRow;
  return {
    model,
    timeline: "production",
    timelines: ["production", "year-2013"],
    dag_id: model,
    owner: "airline-ops",
    tags: ["retrain"],
    description:
      "Will a flight arrive more than 15 minutes late? Decided with what is known at its scheduled departure.",
    paused: false,
    next_run: "2026-12-01T00:00:00Z",
    metric: "roc_auc",
    greater_is_better: true,
    champion: {
      version: last.version,
      as_of: last.as_of,
      age_seconds: 4.1e8,
      since: last.at,
      action: "promote",
      actor: "backfill",
      approver: "",
      reason: last.reason,
      generation: last.generation ?? 0,
      manifest_digest: last.manifest_digest,
      decision_id: last.decision_id,
      expires_at: null,
    },
    moves: all,
    decisions: decisionsOf(),
    ratings: ratingsOf(),
    ledger: ledgerRows(),
    freeze: null,
    fallbacks: all
      .slice(0, -1)
      .toReversed()
      .map(({ version, as_of, at }) => ({ version, as_of, since: at })),
    quarantined: [],
    approvals: [],
    permissions: { retrain: true, promote: true, rollback: true, freeze: true, approve: true },
    version_url: "http://127.0.0.1:5000/#/models/flight_delay/versions/10",
    ...over,
  };
};

export const modelRow = (index: number, over: Partial<ModelRow> = {}): ModelRow => {
  const detail = modelDetail();
  const decisions = decisionsOf();
  const decision = decisions[(index * 7 + 10) % decisions.length] as DecisionPoint;
  const model =
    ["flight_delay", "arrival_delay", "churn", "credit_risk", "basket_size", "late_delivery"][index] ??
    `model_${index}`;
  return {
    model,
    dag_id: model,
    owner: ["airline-ops", "growth", "risk"][index % 3] ?? null,
    tags: ["retrain"],
    paused: index === 4,
    next_run: index === 4 ? null : "2026-12-01T00:00:00Z",
    champion: index === 3 ? null : detail.champion,
    decision: { ...decision, model },
    metric: "roc_auc",
    sparkline: decisions
      .filter(({ challenger_value: value }) => value !== null)
      .map(({ as_of, challenger_value: value }, at) => ({ as_of, value: (value ?? 0) + 0.004 * Math.sin(at * index) })),
    frozen: index === 1,
    ...over,
  };
};

export const modelPage = (over: Partial<ModelPage> = {}): ModelPage => ({
  timeline: "production",
  rows: Array.from({ length: 6 }, (_, index) => modelRow(index)),
  total: 6,
  limit: 50,
  offset: 0,
  owners: ["airline-ops", "growth", "risk"],
  tags: ["retrain"],
  ...over,
});

const bins = (bias: number) =>
  Array.from({ length: 10 }, (_, index) => {
    const predicted = 0.05 + index * 0.06;
    return { rows: 1374, predicted, observed: Math.max(0, predicted + bias * Math.sin(index)) };
  });

export const retrainDetail = (over: Partial<RetrainDetail> = {}): RetrainDetail => {
  const decision = decisionsOf()[9] as DecisionPoint;
  const pair = (name: string, greater_is_better: boolean, challenger: number | null, opponent: number | null) => ({
    name,
    greater_is_better,
    challenger,
    opponent,
  });
  return {
    decision,
    verdicts: [
      {
        name: "threshold(roc_auc)",
        check: "threshold",
        metric: "roc_auc",
        column: "",
        group: "",
        outcome: "pass",
        reason: "roc_auc 0.6871 meets the minimum of 0.6",
        value: 0.6871,
        bound: 0.6,
        interval: null,
      },
      ...(decision.gain ? [decision.gain] : []),
      {
        name: "slices(roc_auc)",
        check: "slices",
        metric: "roc_auc",
        column: "",
        group: "",
        outcome: "inconclusive",
        reason: "no slice has 5000 rows and a finite roc_auc",
        value: null,
        bound: 0.03,
        interval: null,
      },
    ],
    key: digest(77),
    actor: "backfill",
    request_reason: "",
    scorecard: {
      digest: digest(5),
      rows: 13_742,
      dropped_rows: 0,
      opponent_problem: "",
      metrics: [
        pair("roc_auc", true, 0.6871, 0.6979),
        pair("log_loss", false, 0.4412, 0.4358),
        pair("brier", false, 0.1393, 0.1371),
      ],
      slices: [
        "EWR",
        "JFK",
        "LGA",
        "UA",
        "B6",
        "EV",
        "DL",
        "AA",
        "MQ",
        "US",
        "9E",
        "WN",
        "VX",
        "FL",
        "AS",
        "F9",
        "YV",
        "HA",
      ].map((value, index) => ({
        column: index < 3 ? "origin" : "carrier",
        value,
        rows: Math.round(4900 / (1 + index * 0.7)),
        metrics: [
          pair("roc_auc", true, index === 3 ? null : 0.69 - 0.002 * index, index === 3 ? null : 0.695 - 0.003 * index),
          pair("log_loss", false, 0.44 + 0.001 * index, 0.437 + 0.002 * index),
        ],
      })),
      calibration: [
        { side: "challenger", bins: bins(0.02) },
        { side: "opponent", bins: bins(-0.03) },
      ],
    },
    data: {
      snapshot: digest(9),
      train_start: "2013-07-03T00:00:00Z",
      train_end: "2013-10-16T00:00:00Z",
      holdout_start: "2013-10-17T00:00:00Z",
      end: "2013-10-31T00:00:00Z",
      event_time: "scheduled_departure",
      train_rows: 97_408,
      holdout_rows: 13_742,
      chunks: 5,
      bytes: 1_940_221,
      columns: ["scheduled_departure", "origin", "dest", "carrier", "distance", "hour", "late"],
      champion_snapshot: digest(8),
      changed: [
        { start: "2013-06-01T00:00:00Z", end: "2013-07-01T00:00:00Z", rows: null, champion_rows: 27_234 },
        { start: "2013-10-01T00:00:00Z", end: "2013-11-01T00:00:00Z", rows: 27_961, champion_rows: null },
        { start: "2013-09-01T00:00:00Z", end: "2013-10-01T00:00:00Z", rows: 27_122, champion_rows: 26_890 },
      ],
      columns_added: [],
      columns_removed: [],
    },
    changes: [
      { kind: "param", name: "learning_rate", before: "0.1", after: "0.3" },
      { kind: "data", name: "snapshot", before: digest(8), after: digest(9) },
    ],
    compared_with: decision.champion_version,
    links: {
      dag_run: "dags/flight_delay/runs/backfill__2013-11-01T00%3A00%3A00%2B00%3A00",
      validation: "dags/flight_delay/runs/backfill__2013-11-01T00%3A00%3A00%2B00%3A00/tasks/validate",
      mlflow_run: "http://127.0.0.1:5000/#/experiments/1/runs/abc",
      model_version: "http://127.0.0.1:5000/#/models/flight_delay/versions/9",
    },
    unavailable: [],
    ...over,
  };
};

export const comparison = (over: Partial<Comparison> = {}): Comparison => {
  const view = (index: number) => {
    const decision = decisionsOf()[index] as DecisionPoint;
    return {
      version: decision.version ?? 0,
      key: digest(index),
      as_of: decision.as_of,
      decision_id: decision.id,
      choice: decision.choice,
      reason: decision.reason,
      train_rows: 97_408,
      holdout_rows: 13_742,
      snapshot: digest(9),
      live: decision.choice === "PROMOTE" ? [decision.at ?? ""] : [],
      mlflow_run: "http://127.0.0.1:5000/#/experiments/1/runs/abc",
      model_version: null,
      dag_run: `dags/flight_delay/runs/${index}`,
    };
  };
  return {
    model: "flight_delay",
    timeline: "production",
    a: view(7),
    b: view(10),
    same_rows: false,
    metrics: [
      { name: "roc_auc", greater_is_better: true, a: 0.7208, b: 0.7188 },
      { name: "log_loss", greater_is_better: false, a: 0.4412, b: 0.4358 },
    ],
    changes: retrainDetail().changes,
    changed: retrainDetail().data?.changed ?? [],
    unavailable: [],
    ...over,
  };
};

export const ledgerPage = (over: Partial<LedgerPage> = {}): LedgerPage => ({
  rows: ledgerRows(),
  before: null,
  ...over,
});

export const timelines = (): Timelines => ({
  timelines: [
    { name: "production", models: ["arrival_delay", "flight_delay"] },
    { name: "year-2013", models: ["flight_delay"] },
  ],
});

export const accepted = (over: Partial<Accepted> = {}): Accepted => ({
  operation: "rollback",
  model: "flight_delay",
  timeline: "production",
  dag_id: "retrain_rollback",
  run_id: "rollback__flight_delay__g7",
  link: "dags/retrain_rollback/runs/rollback__flight_delay__g7",
  at: "2026-11-21T10:00:00Z",
  ...over,
});

export const attempts = (): AttemptPage => {
  const row = { model: "flight_delay", timeline: "production", operation: "rollback", at: "2026-11-21T10:00:00Z" };
  return {
    rows: [
      {
        ...row,
        seq: 2,
        actor: "anna",
        reason: "complaints",
        status: 202,
        outcome: "accepted",
        dag_id: "retrain_rollback",
        run_id: "r2",
      },
      {
        ...row,
        seq: 1,
        actor: "viewer",
        reason: "curious",
        status: 403,
        outcome: "may not start retrain_rollback",
        dag_id: "",
        run_id: "",
      },
    ],
    before: null,
  };
};
