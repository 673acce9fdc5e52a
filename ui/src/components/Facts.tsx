import { chakra } from "@chakra-ui/react";
import { Fragment, type ReactNode } from "react";

export type Fact = readonly [name: string, value: ReactNode];

const List = chakra("dl", {
  base: {
    columnGap: "4",
    display: "grid",
    fontSize: "sm",
    gridTemplateColumns: { base: "1fr", sm: "minmax(8rem, max-content) 1fr" },
    rowGap: { base: "0", sm: "1.5" },
  },
});
const Name = chakra("dt", { base: { color: "fg.muted", mt: { base: "2", sm: "0" } } });
const Value = chakra("dd", { base: { fontVariantNumeric: "tabular-nums", minW: "0", wordBreak: "break-word" } });

/** Names and values beside each other, or below each other in a narrow window. */
export const Facts = ({ facts }: { facts: readonly (Fact | null)[] }) => (
  <List>
    {facts
      .filter((fact) => fact !== null)
      .map(([name, value]) => (
        <Fragment key={name}>
          <Name>{name}</Name>
          <Value>{value}</Value>
        </Fragment>
      ))}
  </List>
);
