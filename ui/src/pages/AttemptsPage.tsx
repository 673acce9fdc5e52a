import { Badge, Button, HStack, Text } from "@chakra-ui/react";
import { Check, X } from "lucide-react";
import { toLedger, toModel, toModels, toRun } from "@/address";
import { useAttempts } from "@/api/queries";
import type { AttemptRow } from "@/api/schema";
import { type Column, DataTable } from "@/components/DataTable";
import { Instant } from "@/components/Instant";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Empty, Failure, Loading } from "@/components/States";
import { NOTHING } from "@/format";
import { useSearch, wholeNumber } from "@/search";

const PAGE = 50;

/** Every request from these pages and their API, refused ones included. */
export const AttemptsPage = () => {
  const [search, change] = useSearch();
  const before = wholeNumber(search.get("before"), 0, 1);
  const model = search.get("model");
  const { data, error, isPlaceholderData } = useAttempts({
    ...(model ? { model } : {}),
    ...(before ? { before } : {}),
    limit: PAGE,
  });
  return (
    <PageFrame
      crumbs={[
        { label: "Models", to: toModels() },
        { label: "Ledger", to: toLedger() },
      ]}
      title={model ? `Requests on ${model}` : "Requests"}
    >
      <Text color="fg.muted" fontSize="sm" mb={3}>
        Every request from these pages or their API, with its result.
      </Text>
      {error ? <Failure error={error} what="list of requests" /> : null}
      {!(data || error) ? <Loading lines={8} what="requests" /> : null}
      {data && data.rows.length === 0 ? (
        <Empty title="No requests yet">Each use of a button on a model's page adds a line here.</Empty>
      ) : null}
      {data && data.rows.length > 0 ? (
        <>
          <DataTable
            caption="Requests, the latest first"
            columns={COLUMNS}
            rowKey={(row) => String(row.seq)}
            rows={data.rows}
            stale={isPlaceholderData}
          />
          <HStack aria-label="Pages of requests" as="nav" justify="end" mt={2}>
            <Button disabled={!before} onClick={() => change({ before: null })} size="xs" variant="outline">
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

const Answered = ({ status }: { status: number | null }) => {
  if (status === null) return NOTHING;
  const taken = status < 400;
  return (
    <Badge borderRadius="full" colorPalette={taken ? "success" : "error"} gap={1} px={2} variant="subtle">
      {taken ? <Check aria-hidden size={13} /> : <X aria-hidden size={13} />}
      {taken ? "Taken on" : "Refused"} {status}
    </Badge>
  );
};

const COLUMNS: Column<AttemptRow>[] = [
  { key: "seq", header: "Request", numeric: true, rowHeader: true, cell: ({ seq }) => seq },
  { key: "at", header: "At (UTC)", cell: ({ at }) => <Instant bare value={at} /> },
  { key: "actor", header: "By", cell: ({ actor }) => actor || NOTHING },
  { key: "operation", header: "Operation", cell: ({ operation }) => operation },
  {
    key: "model",
    header: "Model",
    cell: ({ model, timeline }) => (model ? <PageLink to={toModel(model, timeline)}>{model}</PageLink> : NOTHING),
  },
  { key: "status", header: "Answer", cell: ({ status }) => <Answered status={status} /> },
  {
    key: "outcome",
    header: "What came of it",
    wrap: true,
    cell: ({ outcome, dag_id, run_id }) => (
      <Text maxW="30rem" minW="12rem">
        {dag_id && run_id ? <PageLink to={toRun(dag_id, run_id)}>{outcome || run_id}</PageLink> : outcome}
      </Text>
    ),
  },
  {
    key: "reason",
    header: "Why",
    wrap: true,
    cell: ({ reason }) => (
      <Text lineClamp={2} maxW="30rem" minW="12rem" title={reason}>
        {reason}
      </Text>
    ),
  },
];
