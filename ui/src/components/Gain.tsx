import { Text } from "@chakra-ui/react";
import type { DecisionPoint } from "@/api/schema";
import { difference, interval, NOTHING } from "@/format";

/** The gain over the opponent, and its interval below it. */
export const Gain = ({ decision: { margin, opponent_value: scale } }: { decision: DecisionPoint }) => {
  if (!margin || margin.value === null) return <>{NOTHING}</>;
  return (
    <>
      {difference(margin.value, scale)}
      {margin.interval ? (
        <Text color="fg.muted" fontSize="xs">
          {interval(margin.interval.low, margin.interval.high, scale)}
        </Text>
      ) : null}
    </>
  );
};
