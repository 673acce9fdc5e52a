import { Alert, List } from "@chakra-ui/react";
import type { Unavailable } from "@/api/schema";

/** Parts of a page that a store did not give, so that nobody takes a gap for an answer. */
export const Missing = ({ parts }: { parts: readonly Unavailable[] }) =>
  parts.length === 0 ? null : (
    <Alert.Root mb={4} status="warning">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>Not everything could be read</Alert.Title>
        <List.Root ps={4}>
          {parts.map(({ part, reason }) => (
            <List.Item key={part}>
              {part}: {reason}
            </List.Item>
          ))}
        </List.Root>
      </Alert.Content>
    </Alert.Root>
  );
