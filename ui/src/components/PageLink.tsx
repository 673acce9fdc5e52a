import { Link as Anchor } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Link } from "react-router-dom";

interface Props {
  to: string;
  children: ReactNode;
  label?: string;
}

/** A link within Airflow: to these pages, to a DAG, to a run. */
export const PageLink = ({ to, children, label }: Props) => (
  <Anchor asChild color="fg.info" wordBreak="break-word">
    <Link to={to} {...(label ? { "aria-label": label } : {})}>
      {children}
    </Link>
  </Anchor>
);
