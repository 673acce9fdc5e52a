import { Text } from "@chakra-ui/react";
import { exactly, instant, NOTHING, relative } from "@/format";

interface Props {
  value: string | null | undefined;
  /** Leave the age out, where the column says it. */
  bare?: boolean;
}

/** An instant in UTC with its age beside it; the exact second in the tooltip. */
export const Instant = ({ value, bare = false }: Props) => {
  if (!value) return <>{NOTHING}</>;
  return (
    <time dateTime={value} title={exactly(value)} style={{ whiteSpace: "nowrap" }}>
      {instant(value)}
      {bare ? null : (
        <Text as="span" color="fg.muted">
          {" "}
          · {relative(value)}
        </Text>
      )}
    </time>
  );
};
