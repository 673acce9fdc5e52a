import { Code } from "@chakra-ui/react";
import { NOTHING, short } from "@/format";

/** The start of a digest; the whole of it in the tooltip. */
export const Digest = ({ value }: { value: string | null | undefined }) =>
  value ? (
    <Code background="transparent" fontSize="xs" px={0} title={value}>
      {short(value)}
    </Code>
  ) : (
    NOTHING
  );
