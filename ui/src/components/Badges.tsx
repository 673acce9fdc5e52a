import { Badge } from "@chakra-ui/react";
import {
  ArrowUpCircle,
  Ban,
  CheckCircle2,
  CirclePause,
  CircleX,
  Gavel,
  HelpCircle,
  Hourglass,
  type LucideIcon,
  Pin,
  RotateCcw,
  Snowflake,
  Sun,
  Undo2,
  UserCheck,
  Zap,
} from "lucide-react";

interface Look {
  icon: LucideIcon;
  palette: string;
  word: string;
}

const CHOICES: Record<string, Look> = {
  PROMOTE: { icon: ArrowUpCircle, palette: "success", word: "Promoted" },
  HOLD: { icon: CirclePause, palette: "warning", word: "Held" },
  REJECT: { icon: CircleX, palette: "error", word: "Rejected" },
};

const OUTCOMES: Record<string, Look> = {
  pass: { icon: CheckCircle2, palette: "success", word: "Pass" },
  fail: { icon: CircleX, palette: "error", word: "Fail" },
  inconclusive: { icon: HelpCircle, palette: "warning", word: "Inconclusive" },
};

const ACTIONS: Record<string, Look> = {
  promote: { icon: ArrowUpCircle, palette: "success", word: "Promote" },
  rollback: { icon: RotateCcw, palette: "warning", word: "Roll back" },
  force: { icon: Zap, palette: "error", word: "Force" },
  revert: { icon: Undo2, palette: "warning", word: "Revert" },
  adopt: { icon: Pin, palette: "info", word: "Adopt" },
  freeze: { icon: Snowflake, palette: "info", word: "Freeze" },
  unfreeze: { icon: Sun, palette: "info", word: "Unfreeze" },
  refuse: { icon: Ban, palette: "error", word: "Refuse" },
  decide: { icon: Gavel, palette: "info", word: "Decide" },
  approve: { icon: UserCheck, palette: "success", word: "Approve" },
};

const WAITING: Look = { icon: Hourglass, palette: "warning", word: "Waits for approval" };
const FROZEN: Look = { icon: Snowflake, palette: "info", word: "Frozen" };
const FORCED: Look = { icon: Zap, palette: "error", word: "Forced" };

/** What became of a challenger. */
export const ChoiceBadge = ({ choice }: { choice: string }) => <LookBadge look={CHOICES[choice] ?? unknown(choice)} />;

/** The outcome of one gate. */
export const OutcomeBadge = ({ outcome }: { outcome: string }) => (
  <LookBadge look={OUTCOMES[outcome] ?? unknown(outcome)} />
);

/** What a ledger entry records. */
export const ActionBadge = ({ action }: { action: string }) => <LookBadge look={ACTIONS[action] ?? unknown(action)} />;

/** A challenger that waits for a person. */
export const WaitingBadge = () => <LookBadge look={WAITING} />;

/** No automatic promotion. */
export const FrozenBadge = () => <LookBadge look={FROZEN} />;

/** A champion that no decision stands for. */
export const ForcedBadge = () => <LookBadge look={FORCED} />;

const LookBadge = ({ look: { icon: Icon, palette, word } }: { look: Look }) => (
  <Badge borderRadius="full" colorPalette={palette} gap={1} px={2} py={0.5} variant="subtle" whiteSpace="nowrap">
    <Icon aria-hidden size={13} />
    {word}
  </Badge>
);

const unknown = (word: string): Look => ({ icon: HelpCircle, palette: "gray", word });
