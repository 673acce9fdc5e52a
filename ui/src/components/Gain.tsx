import { Text } from "@chakra-ui/react";
import type { DecisionPoint } from "@/api/schema";
import { difference, interval, NOTHING } from "@/format";

/** The gain over the opponent, and its interval below it. */
export const Gain = ({ decision: { gain, opponent_value: scale } }: { decision: DecisionPoint }) => {
  if (!gain || gain.value === null) return <>{NOTHING}</>;
  return (
    <>
      {difference(gain.value, scale)}
      {gain.interval ? (
        <Text color="fg.muted" fontSize="xs">
          {interval(gain.interval.low, gain.interval.high, scale)}
        </Text>
      ) : null}
    </>
  );
};
