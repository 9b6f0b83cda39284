// The Canvas as a list of its cards, in the order in which people walk: for narrow windows, and for
// whoever reads with a screen reader.
import { Box, Stack, Text, UnstyledButton } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Graph } from '../services/shapes'
import { EntryCard, StepCard } from './card'
import { before, draw, ENTRY_ID, occasions, walk } from './drawing'
import { kindName, kindOf, wayLabel } from './kinds'

type ListParts = { graph: Graph; chosen: string | null; choose: (step: string) => void }

export function StepList({ graph, chosen, choose }: ListParts) {
  const { t } = useTranslation()
  const drawing = useMemo(() => draw(graph), [graph])
  const titleOf = (step: string) =>
    step === ENTRY_ID ? t('step.entry') : kindOf(graph.steps[step]!).title(graph.steps[step]!, t)
  return (
    <Box h="100%" bg="var(--sheet)" style={{ overflowY: 'auto' }} data-testid="list">
      <Stack component="ol" gap={6} maw={560} mx="auto" my={0} p="md" style={{ listStyle: 'none' }}>
        <li><EntryCard entry={graph.entry} /></li>
        {walk(graph).map((id) => {
          const step = graph.steps[id]!
          const from = before(drawing, id).map((arrow) => {
            const label = arrow.ways > 1 ? wayLabel(arrow.way, t) : ''
            return label ? `${titleOf(arrow.from)}: ${label}` : titleOf(arrow.from)
          })
          return (
            <li key={id}>
              {from.length > 0 && (
                <Text c="dimmed" fz={12} px={4} pb={4} pt={6} lineClamp={2}>{t('canvas.after', { steps: from.join('; ') })}</Text>
              )}
              <UnstyledButton w="100%" onClick={() => choose(id)} aria-label={`${kindName(step, t)}: ${titleOf(id)}`}
                style={{ borderRadius: 12 }}>
                <StepCard id={id} step={step} chosen={chosen === id} on={occasions(graph, id)} />
              </UnstyledButton>
            </li>
          )
        })}
      </Stack>
    </Box>
  )
}
