/** The pages without Airflow: its globals, its layout, and a fake API; `?dark` in the first address chooses the theme. */
import * as ChakraUI from "@chakra-ui/react";
import React from "react";
import * as ReactJSXRuntime from "react/jsx-runtime";
import ReactDOM from "react-dom";
import { createRoot } from "react-dom/client";
import * as ReactRouterDOM from "react-router-dom";
import { fakeApi, Refused } from "../tests/fakeApi";
import * as fixtures from "../tests/fixtures";
import { system } from "./theme";

Object.assign(globalThis, { React, ReactDOM, ReactJSXRuntime, ReactRouterDOM, ChakraUI });

const wanted = new URLSearchParams(location.search);
document.documentElement.className = wanted.has("dark") ? "dark" : "light";
document.documentElement.style.colorScheme = document.documentElement.className;

const refusal = {
  must: "GET /retrain/api/models must be a request that may be made",
  got: "403 Forbidden: no",
  fix: "Ask for the permission, or somebody who has it.",
};
const STATES: Record<string, Parameters<typeof fakeApi>[0]> = {
  empty: { "GET /api/models": fixtures.modelPage({ rows: [], total: 0 }) },
  error: {
    "GET /api/models": new Refused(503, {
      must: "the ledger must answer",
      got: "connection refused",
      fix: "Start its database, or look at the connection retrain_ledger.",
    }),
  },
  forbidden: { "GET /api/models": new Refused(403, refusal) },
  loading: { "GET /api/models": () => new Promise(() => undefined) },
  many: {
    "GET /api/models": fixtures.modelPage({
      rows: Array.from({ length: 50 }, (_, i) => fixtures.modelRow(i)),
      total: 1000,
    }),
  },
  busy: {
    "GET /api/models/*": fixtures.modelDetail({
      freeze: { since: "2026-11-20T12:00:00Z", actor: "anna", reason: "storm: labels come late this week" },
      approvals: [
        {
          dag_id: "flight_delay",
          run_id: "scheduled__2013-12-01",
          since: "2026-11-21T08:00:00Z",
          subject: "Promote version 11 of flight_delay to production?",
          approvers: [],
          may_answer: true,
        },
      ],
    }),
  },
};
fakeApi(STATES[wanted.get("show") ?? ""] ?? {});
await import("../../plugins/retrain/api/static/retrain.js" as string);

const apps = globalThis as unknown as Record<string, React.ComponentType<Record<string, string | undefined>>>;

// As Airflow does it: a page is made anew for each path.
const Host = ({ name }: { name: string }) => {
  const { pathname } = ReactRouterDOM.useLocation();
  const { dagId, runId } = ReactRouterDOM.useParams();
  const Page = apps[name] ?? (() => <p>The bundle has no {name}.</p>);
  return (
    <ChakraUI.Box display="flex" flexDirection="column" h="100vh">
      <ChakraUI.Box bg="brand.muted" h="100%" left={0} position="fixed" top={0} w={16} />
      <ChakraUI.Box display="flex" flex={1} flexDirection="column" minH={0} ml={16} overflow="auto" p={3}>
        <ChakraUI.Box flexGrow={1} height="100%" m={-2} minHeight={0}>
          <Page dagId={dagId} key={pathname} runId={runId} />
        </ChakraUI.Box>
      </ChakraUI.Box>
    </ChakraUI.Box>
  );
};

const router = ReactRouterDOM.createBrowserRouter([
  { path: "/plugin/retrain/*", element: <Host name="Models" /> },
  { path: "/dags/:dagId/plugin/retrain-champion", element: <Host name="Champion" /> },
  { path: "/dags/:dagId/runs/:runId/plugin/retrain-decision", element: <Host name="Decision" /> },
  { path: "*", element: <ReactRouterDOM.Navigate replace to="/plugin/retrain" /> },
]);

const root = document.querySelector("#root");
if (root)
  createRoot(root).render(
    <React.StrictMode>
      <ChakraUI.ChakraProvider value={system}>
        <ReactRouterDOM.RouterProvider router={router} />
      </ChakraUI.ChakraProvider>
    </React.StrictMode>,
  );
