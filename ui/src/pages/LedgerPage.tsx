import { Alert, Button, HStack, Link, Text } from "@chakra-ui/react";
import { Download, ShieldCheck } from "lucide-react";
import { useCallback, useState } from "react";
import { toAttempts, toModels } from "@/address";
import { withinAirflow } from "@/api/client";
import { Problem } from "@/api/problem";
import { type LedgerQuery, useLedger, useTimelines, useVerification } from "@/api/queries";
import { DataTable } from "@/components/DataTable";
import { SelectFilter, TextFilter } from "@/components/Filter";
import { LEDGER_COLUMNS } from "@/components/ledgerColumns";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Empty, Failure, Loading, ProblemAlert } from "@/components/States";
import { count } from "@/format";
import { useSearch, wholeNumber } from "@/search";

const PAGE = 50;

const ACTIONS = [
  ["", "any"],
  ["promote", "promote"],
  ["rollback", "roll back"],
  ["force", "force"],
  ["revert", "revert"],
  ["adopt", "adopt"],
  ["freeze", "freeze"],
  ["unfreeze", "unfreeze"],
  ["refuse", "refuse"],
  ["decide", "decide"],
  ["approve", "approve"],
] as const;

/** The ledger of all models: filter, verify, export. */
export const LedgerPage = () => {
  const [search, change] = useSearch();
  const query = queryOf(search);
  const { data, error, isPlaceholderData } = useLedger(query);
  const timelines = useTimelines().data?.timelines ?? [];
  const models = [...new Set(timelines.flatMap((timeline) => timeline.models))].sort();
  const model = search.get("model") ?? "";
  const set = (name: string) => (value: string) => change({ [name]: value, before: null });
  const onActor = useCallback((value: string) => change({ actor: value, before: null }), [change]);
  return (
    <PageFrame
      actions={
        <>
          <PageLink to={toAttempts(model)}>Requests</PageLink>
          <Button asChild size="sm" variant="outline">
            <Link
              download
              href={withinAirflow(`retrain/api/ledger/export${model ? `?model=${encodeURIComponent(model)}` : ""}`)}
            >
              <Download aria-hidden size={14} />
              {model ? `Export ${model}` : "Export all"}
            </Link>
          </Button>
        </>
      }
      crumbs={[{ label: "Models", to: toModels() }]}
      title="Ledger"
    >
      <Verification />
      <HStack align="end" gap={3} mb={3} role="search" wrap="wrap">
        <SelectFilter label="Model" onChange={set("model")} options={anyOf(models, model)} value={model} />
        <SelectFilter
          label="Timeline"
          onChange={set("timeline")}
          options={anyOf(
            timelines.map(({ name }) => name),
            search.get("timeline") ?? "",
          )}
          value={search.get("timeline") ?? ""}
        />
        <SelectFilter label="Action" onChange={set("action")} options={ACTIONS} value={search.get("action") ?? ""} />
        <TextFilter label="By" onChange={onActor} placeholder="the exact name" value={search.get("actor") ?? ""} />
      </HStack>
      {error ? <Failure error={error} what="ledger" /> : null}
      {!(data || error) ? <Loading lines={8} what="ledger" /> : null}
      {data && data.rows.length === 0 ? (
        <Empty title="No entry meets the filters">
          Each promotion, rollback, freeze and refusal is kept here, and none is ever changed.
        </Empty>
      ) : null}
      {data && data.rows.length > 0 ? (
        <>
          <DataTable
            caption="Ledger entries, the latest first"
            columns={LEDGER_COLUMNS}
            rowKey={(row) => String(row.seq)}
            rows={data.rows}
            stale={isPlaceholderData}
          />
          <HStack aria-label="Pages of entries" as="nav" justify="end" mt={2}>
            <Button
              disabled={!search.has("before")}
              onClick={() => change({ before: null })}
              size="xs"
              variant="outline"
            >
              Latest
            </Button>
            <Button
              disabled={data.before === null}
              onClick={() => change({ before: data.before })}
              size="xs"
              variant="outline"
            >
              Older
            </Button>
          </HStack>
        </>
      ) : null}
    </PageFrame>
  );
};

const Verification = () => {
  const [asked, setAsked] = useState(0);
  const { data, error, isFetching } = useVerification(asked);
  return (
    <>
      <HStack mb={3} wrap="wrap">
        <Button
          loading={isFetching}
          loadingText="Verifying"
          onClick={() => setAsked(asked + 1)}
          size="sm"
          variant="outline"
        >
          <ShieldCheck aria-hidden size={14} />
          Verify
        </Button>
        <Text color="fg.muted" fontSize="sm">
          Checks every entry's hash, the chain, the decisions behind it and the pointers.
        </Text>
      </HStack>
      {error ? <Failure error={error} what="verification" /> : null}
      {data?.intact ? (
        <Alert.Root mb={3} role="status" status="success">
          <Alert.Indicator />
          <Alert.Title>Intact: {count(data.entries)} entries, each as it was written.</Alert.Title>
        </Alert.Root>
      ) : null}
      {data && !data.intact ? (
        <ProblemAlert
          problem={
            new Problem(
              null,
              data.problem ?? {
                must: "the ledger must be intact",
                got: "a break",
                fix: "Compare with your last export.",
              },
            )
          }
          title="The ledger is not what it was"
        />
      ) : null}
    </>
  );
};

const queryOf = (search: URLSearchParams): LedgerQuery => {
  const before = wholeNumber(search.get("before"), 0, 1);
  const action = search.get("action");
  const given = Object.fromEntries(
    ["model", "timeline", "actor"].map((name) => [name, search.get(name)]).filter(([, value]) => value),
  );
  return {
    ...given,
    ...(action ? { action: [action] } : {}),
    ...(before ? { before } : {}),
    limit: PAGE,
  } as LedgerQuery;
};

/** Any, each value, and the one that the address names. */
const anyOf = (values: readonly string[], given: string): (readonly [string, string])[] => [
  ["", "any"],
  ...[...new Set([...values, ...(given ? [given] : [])])].map((value) => [value, value] as const),
];
