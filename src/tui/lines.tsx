// Lines as they are.
import { Box, Text } from 'ink';
import { memo } from 'react';
import { type Line, paintLine } from '../view/spans.ts';

interface LinesProps {
  lines: readonly Line[];
  color: boolean;
}

export function Lines({ lines, color }: LinesProps) {
  return (
    <Box flexDirection="column">
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place on the screen
        <OneLine key={index} text={paintLine(line, color)} />
      ))}
    </Box>
  );
}

/** An empty line would take no row. */
const OneLine = memo(({ text }: { text: string }) => <Text wrap="truncate">{text || ' '}</Text>);
OneLine.displayName = 'OneLine';
