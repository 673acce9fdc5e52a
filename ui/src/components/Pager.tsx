import { Button, HStack, Text } from "@chakra-ui/react";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { count } from "@/format";

interface Props {
  /** What is counted, such as "models". */
  what: string;
  offset: number;
  limit: number;
  total: number;
  onMove: (offset: number) => void;
}

/** Where one is in a long list, and the ways on and back. */
export const Pager = ({ what, offset, limit, total, onMove }: Props) => (
  <HStack as="nav" aria-label={`Pages of ${what}`} gap={2} justify="space-between" mt={2} wrap="wrap">
    <Text aria-live="polite" color="fg.muted" fontSize="sm" fontVariantNumeric="tabular-nums">
      {total > limit || offset > 0
        ? `${count(Math.min(offset + 1, total))}–${count(Math.min(offset + limit, total))} of ${count(total)} ${what}`
        : `${count(total)} ${what}`}
    </Text>
    {total > limit || offset > 0 ? (
      <HStack gap={1}>
        <Button disabled={offset === 0} onClick={() => onMove(Math.max(0, offset - limit))} size="xs" variant="outline">
          <ChevronLeft aria-hidden size={14} /> Previous
        </Button>
        <Button disabled={offset + limit >= total} onClick={() => onMove(offset + limit)} size="xs" variant="outline">
          Next <ChevronRight aria-hidden size={14} />
        </Button>
      </HStack>
    ) : null}
  </HStack>
);
