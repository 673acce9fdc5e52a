import { Box, Flex, Heading } from "@chakra-ui/react";
import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
}

/** A part of a page with its own heading. */
export const Panel = ({ title, aside, children }: Props) => {
  const id = useId();
  return (
    <Box aria-labelledby={id} as="section" borderWidth="1px" mb={4} minW={0} p={4} rounded="md">
      <Flex align="center" gap={2} justify="space-between" mb={3} wrap="wrap">
        <Heading as="h2" id={id} size="md">
          {title}
        </Heading>
        {aside ? <Box fontSize="sm">{aside}</Box> : null}
      </Flex>
      {children}
    </Box>
  );
};
