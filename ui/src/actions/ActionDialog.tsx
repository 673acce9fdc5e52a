import { Button, CloseButton, Dialog, Field, List, Portal, Stack, Text, Textarea } from "@chakra-ui/react";
import { type FormEvent, type ReactNode, useId, useRef, useState } from "react";
import { Problem } from "@/api/problem";
import { refreshPages } from "@/api/queries";
import type { Accepted } from "@/api/schema";
import { ProblemAlert } from "@/components/States";
import { Outcome } from "./Outcome";

interface Props {
  /** The button that opens it, and the one that does it. */
  label: string;
  icon?: ReactNode;
  title: string;
  /** What will happen, one sentence each. */
  effects: readonly string[];
  danger?: boolean;
  disabled?: boolean;
  /** Fields beside the reason. */
  fields?: ReactNode;
  onSubmit: (reason: string) => Promise<Accepted>;
}

const SHORTEST_REASON = 3;
const LONGEST_REASON = 500;

/** A button that explains its action, asks for a reason, and shows the result. */
export const ActionDialog = ({ label, icon, danger = false, disabled = false, ...form }: Props) => {
  const [open, setOpen] = useState(false);
  const change = (to: boolean) => {
    setOpen(to);
    // Not before the dialog closes: what it was opened from may be gone from the page then.
    if (!to) void refreshPages();
  };
  return (
    <Dialog.Root
      lazyMount
      onOpenChange={(details) => change(details.open)}
      open={open}
      role={danger ? "alertdialog" : "dialog"}
      size="md"
      unmountOnExit
    >
      <Dialog.Trigger asChild>
        <Button colorPalette={danger ? "danger" : "brand"} disabled={disabled} size="sm" variant="outline">
          {icon}
          {label}
        </Button>
      </Dialog.Trigger>
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content>
            <Form {...form} danger={danger} label={label} onClose={() => change(false)} />
            <Dialog.CloseTrigger asChild>
              <CloseButton aria-label="Close" size="sm" />
            </Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
};

interface FormProps extends Omit<Props, "disabled" | "icon"> {
  onClose: () => void;
}

const Form = ({ label, title, effects, danger = false, fields, onSubmit, onClose }: FormProps) => {
  const [reason, setReason] = useState("");
  const [complaint, setComplaint] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [sending, setSending] = useState(false);
  const [accepted, setAccepted] = useState<Accepted | null>(null);
  const form = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const short = reason.trim().length < SHORTEST_REASON;

  const send = async (event: FormEvent) => {
    event.preventDefault();
    setComplaint(short);
    if (short) field.current?.focus();
    if (short || sending) return;
    setSending(true);
    setProblem(null);
    try {
      setAccepted(await onSubmit(reason.trim()));
    } catch (error) {
      setProblem(Problem.of(error));
    } finally {
      setSending(false);
    }
  };

  return (
    <>
      <Dialog.Header>
        <Dialog.Title>{title}</Dialog.Title>
      </Dialog.Header>
      <Dialog.Body>
        {accepted ? (
          <Outcome accepted={accepted} />
        ) : (
          <form id={form} noValidate onSubmit={send}>
            <Stack gap={4}>
              <Dialog.Description as="div">
                <Text fontWeight="medium" mb={1}>
                  What will happen
                </Text>
                <List.Root gap={1} ps={5}>
                  {effects.map((effect) => (
                    <List.Item key={effect}>{effect}</List.Item>
                  ))}
                </List.Root>
              </Dialog.Description>
              {fields}
              <Field.Root invalid={complaint && short} required>
                <Field.Label>
                  Reason <Field.RequiredIndicator />
                </Field.Label>
                <Textarea
                  maxLength={LONGEST_REASON}
                  onChange={(event) => setReason(event.target.value)}
                  placeholder="Why; readers of the ledger see this"
                  ref={field}
                  rows={3}
                  value={reason}
                />
                <Field.ErrorText>Say why, in {SHORTEST_REASON} letters or more.</Field.ErrorText>
              </Field.Root>
              {problem ? <ProblemAlert problem={problem} title="It was not done" /> : null}
            </Stack>
          </form>
        )}
      </Dialog.Body>
      <Dialog.Footer>
        <Button onClick={onClose} variant="outline">
          {accepted ? "Close" : "Cancel"}
        </Button>
        {accepted ? null : (
          <Button colorPalette={danger ? "danger" : "brand"} form={form} loading={sending} type="submit">
            {label}
          </Button>
        )}
      </Dialog.Footer>
    </>
  );
};
