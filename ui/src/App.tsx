import { QueryClientProvider } from "@tanstack/react-query";
import { Route, Routes } from "react-router-dom";
import { toModels } from "./address";
import { queryClient } from "./api/queries";
import { PageFrame } from "./components/PageFrame";
import { PageLink } from "./components/PageLink";
import { Empty } from "./components/States";
import { AttemptsPage } from "./pages/AttemptsPage";
import { ComparePage } from "./pages/ComparePage";
import { LedgerPage } from "./pages/LedgerPage";
import { ModelPage } from "./pages/ModelPage";
import { ModelsPage } from "./pages/ModelsPage";
import { RetrainPage } from "./pages/RetrainPage";

/** All pages, below the address that Airflow gives the app. */
export const App = () => (
  <QueryClientProvider client={queryClient}>
    <Routes>
      <Route element={<ModelsPage />} index />
      <Route element={<ModelPage />} path="models/:model" />
      <Route element={<RetrainPage />} path="models/:model/retrains/:decision" />
      <Route element={<ComparePage />} path="models/:model/compare" />
      <Route element={<LedgerPage />} path="ledger" />
      <Route element={<AttemptsPage />} path="ledger/requests" />
      <Route element={<NoPage />} path="*" />
    </Routes>
  </QueryClientProvider>
);

const NoPage = () => (
  <PageFrame title="This page does not exist">
    <Empty title="The address leads nowhere">
      <PageLink to={toModels()}>All models</PageLink>
    </Empty>
  </PageFrame>
);
