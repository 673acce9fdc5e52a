import { Box, Breadcrumb, Flex, Heading, HStack } from "@chakra-ui/react";
import { Fragment, type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "react-router-dom";

export interface Crumb {
  label: string;
  to: string;
}

interface Props {
  title: string;
  crumbs?: readonly Crumb[];
  /** Badges beside the title. */
  marks?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

// The host makes a new page for each path, so what was seen last is kept outside of it.
let lastPath: string | null = null;

/** What all pages share: the way here, a heading that takes the focus after a move between pages, and the window's title. */
export const PageFrame = ({ title, crumbs = [], marks, actions, children }: Props) => {
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    if (lastPath !== null && lastPath !== pathname) heading.current?.focus();
    lastPath = pathname;
  }, [pathname]);
  useEffect(() => {
    const before = document.title;
    document.title = `${title} · Retrain`;
    return () => {
      document.title = before;
    };
  }, [title]);
  return (
    <Box data-testid="retrain" maxW="1400px" mx="auto" px={{ base: 2, md: 4 }} py={3} w="100%">
      {crumbs.length > 0 ? <Crumbs crumbs={crumbs} title={title} /> : null}
      <Flex align="center" gap={3} justify="space-between" mb={4} wrap="wrap">
        <HStack gap={2} minW={0} wrap="wrap">
          <Heading as="h1" outline="none" ref={heading} size="xl" tabIndex={-1} wordBreak="break-word">
            {title}
          </Heading>
          {marks}
        </HStack>
        {actions ? (
          <HStack fontSize="sm" gap={2} wrap="wrap">
            {actions}
          </HStack>
        ) : null}
      </Flex>
      {children}
    </Box>
  );
};

const Crumbs = ({ crumbs, title }: { crumbs: readonly Crumb[]; title: string }) => (
  <Breadcrumb.Root aria-label="Where this is" mb={1} size="sm">
    <Breadcrumb.List flexWrap="wrap">
      {crumbs.map((crumb) => (
        <Fragment key={crumb.to}>
          <Breadcrumb.Item>
            <Breadcrumb.Link asChild>
              <Link to={crumb.to}>{crumb.label}</Link>
            </Breadcrumb.Link>
          </Breadcrumb.Item>
          <Breadcrumb.Separator />
        </Fragment>
      ))}
      <Breadcrumb.Item>
        <Breadcrumb.CurrentLink>{title}</Breadcrumb.CurrentLink>
      </Breadcrumb.Item>
    </Breadcrumb.List>
  </Breadcrumb.Root>
);
