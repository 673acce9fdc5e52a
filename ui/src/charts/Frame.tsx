import { Box } from "@chakra-ui/react";
import { useParentSize } from "@visx/responsive";
import type { ReactNode } from "react";

export interface Plot {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface Props {
  /** What the chart shows, in words. */
  label: string;
  height: number;
  margin: { left: number; right: number; top: number; bottom: number };
  children: (plot: Plot) => ReactNode;
}

/** An SVG as wide as its place; the children draw into the plot's edges. */
export const Frame = ({ label, height, margin, children }: Props) => {
  const { parentRef, width: measured } = useParentSize({ initialSize: { width: 640 }, debounceTime: 50 });
  const width = Math.max(260, measured);
  const plot = {
    width,
    height,
    left: margin.left,
    right: width - margin.right,
    top: margin.top,
    bottom: height - margin.bottom,
  };
  return (
    <Box minW={0} overflow="hidden" ref={parentRef} w="100%">
      {/* biome-ignore lint/a11y/useSemanticElements: a group of marks within a picture, not of form fields */}
      <svg aria-label={label} height={height} role="group" style={{ display: "block" }} width={width}>
        {children(plot)}
      </svg>
    </Box>
  );
};
