import { Field, Input, NativeSelect, Text } from "@chakra-ui/react";
import { Play, RotateCcw, Snowflake, Sun } from "lucide-react";
import { useState } from "react";
import { PRODUCTION } from "@/address";
import { dataOf, POST } from "@/api/client";
import type { ModelDetail } from "@/api/schema";
import { instant } from "@/format";
import { ActionDialog } from "./ActionDialog";

/** What may be done to a model; what this user may not do is not offered. */
export const ModelActions = ({ detail }: { detail: ModelDetail }) => {
  const { retrain, rollback, freeze } = detail.permissions;
  if (!retrain && !rollback && !freeze)
    return (
      <Text color="fg.muted" fontSize="sm">
        You can look at this model, not change it.
      </Text>
    );
  return (
    <>
      {retrain ? <RetrainNow detail={detail} /> : null}
      {rollback ? <RollBack detail={detail} /> : null}
      {freeze ? <FreezeOrNot detail={detail} /> : null}
    </>
  );
};

const RetrainNow = ({ detail: { model, timeline, freeze } }: { detail: ModelDetail }) => {
  const [asOf, setAsOf] = useState("");
  return (
    <ActionDialog
      effects={[
        `A run of the pipeline ${model} starts: it trains a challenger and decides on it.`,
        freeze
          ? "The model is frozen: the challenger will be held, whatever its numbers."
          : `If every gate passes, the challenger becomes champion on ${timeline}.`,
        "The same inputs give the same version again, not a second one.",
      ]}
      fields={
        <Field.Root>
          <Field.Label>As of (UTC)</Field.Label>
          <Input onChange={(event) => setAsOf(event.target.value)} type="datetime-local" value={asOf} />
          <Field.HelperText>Whose knowledge may be used; empty for now.</Field.HelperText>
        </Field.Root>
      }
      icon={<Play aria-hidden size={14} />}
      label="Retrain now"
      onSubmit={(reason) =>
        dataOf(
          POST("/api/models/{model}/retrain", {
            params: { path: { model } },
            body: { timeline, reason, nonce: "", as_of: asOf ? `${asOf}:00Z` : null },
          }),
        )
      }
      title={`Retrain ${model}`}
    />
  );
};

const RollBack = ({ detail: { model, timeline, champion, fallbacks } }: { detail: ModelDetail }) => {
  const [chosen, setChosen] = useState<number | null>(null);
  const to = chosen ?? fallbacks[0]?.version;
  const target = fallbacks.find((fallback) => fallback.version === to);
  return (
    <ActionDialog
      danger
      disabled={!champion || !target}
      effects={[
        `Version ${to} is verified, loaded and scored first; if that fails, nothing changes.`,
        `Version ${to} becomes champion on ${timeline} in the place of version ${champion?.version}.`,
        timeline === PRODUCTION ? "The registry's alias follows, and so does everything that loads the champion." : "",
        `What made version ${champion?.version} goes into quarantine: the next run cannot bring it back.`,
      ].filter(Boolean)}
      fields={
        <Field.Root>
          <Field.Label>To version</Field.Label>
          <NativeSelect.Root size="sm">
            <NativeSelect.Field onChange={(event) => setChosen(Number(event.target.value))} value={to}>
              {fallbacks.map(({ version, as_of }) => (
                <option key={version} value={version}>
                  {`version ${version}, as of ${instant(as_of)}`}
                </option>
              ))}
            </NativeSelect.Field>
            <NativeSelect.Indicator />
          </NativeSelect.Root>
        </Field.Root>
      }
      icon={<RotateCcw aria-hidden size={14} />}
      label="Roll back"
      onSubmit={(reason) =>
        dataOf(
          POST("/api/models/{model}/rollback", {
            params: { path: { model } },
            body: { to: to ?? null, reason, timeline, dry_run: false },
          }),
        )
      }
      title={`Roll ${model} back`}
    />
  );
};

const FreezeOrNot = ({ detail: { model, timeline, freeze } }: { detail: ModelDetail }) => {
  const frozen = freeze !== null;
  return (
    <ActionDialog
      effects={
        frozen
          ? [`Challengers of ${model} may become champion on ${timeline} by themselves again.`]
          : [
              `Retrains of ${model} go on and are decided, but no challenger becomes champion on ${timeline} by itself.`,
              "It stays so until somebody lifts it. The champion stays as it is, and a rollback is still possible.",
            ]
      }
      icon={frozen ? <Sun aria-hidden size={14} /> : <Snowflake aria-hidden size={14} />}
      label={frozen ? "Unfreeze" : "Freeze"}
      onSubmit={(reason) =>
        dataOf(
          POST(frozen ? "/api/models/{model}/unfreeze" : "/api/models/{model}/freeze", {
            params: { path: { model } },
            body: { reason, timeline },
          }),
        )
      }
      title={frozen ? `Let ${model} be promoted again` : `Freeze ${model}`}
    />
  );
};
