// The panel of a step: all its counters with their shares, and its settings as the file says them.
import { ActionIcon, Box, Code, Group, Text, Title } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { CanvasPage, StepData } from '../services/shapes'
import { exact } from '../words'
import { Figure, OutcomeStrip, outcomeStyle, SevenCounters, useCounters } from './figures'
import { isSync, kindName, kindOf } from './kinds'
import { tint } from './state-badge'
import { type Trouble, TroubleTold } from './trouble'

type PanelParts = { id: string; step: StepData; reasons: Reasons; trouble: Trouble | undefined; close: () => void }
type Reasons = CanvasPage['reasons'][string] | undefined

export function Panel({ id, step, reasons, trouble, close }: PanelParts) {
  const { t } = useTranslation()
  const kind = kindOf(step)
  const shut = useRef<HTMLButtonElement>(null)
  useHotkeys([['Escape', close]])
  useEffect(() => shut.current?.focus({ preventScroll: true }), [id])
  const { kind: _, ...settings } = step
  return (
    <aside className="panel" aria-label={t('panel.title')} style={tint(kind.tone)} data-testid="panel">
      <Group wrap="nowrap" gap={10} px="md" py="sm" align="center">
        <span className="card-tile" aria-hidden><kind.icon size={18} strokeWidth={2.1} /></span>
        <Box style={{ minWidth: 0, flex: 1 }}>
          <div className="card-kind">{kindName(step, t)}</div>
          <Title order={2} fz="md" lineClamp={2}>{kind.title(step, t)}</Title>
        </Box>
        <ActionIcon ref={shut} variant="subtle" color="gray" onClick={close} aria-label={t('panel.close')}><X size={18} /></ActionIcon>
      </Group>
      <div className="panel-body">
        {trouble && <TroubleTold trouble={trouble} />}
        {isSync(step) ? (
          <>
            <OutcomeStrip step={id} />
            <SevenCounters step={id} shares />
            <Why reasons={reasons} />
            <Text c="dimmed" fz={12.5} px="md" py="xs">{t('panel.lag')}</Text>
          </>
        ) : (
          <PlainCounters id={id} />
        )}
        <Box px="md" py="sm">
          <Title order={3} fz="sm" mb={6}>{t('panel.raw')}</Title>
          <Code block fz={12} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {`${id}:\n${yamlish(settings)}`}
          </Code>
        </Box>
      </div>
    </aside>
  )
}

/** Why people are counted as they are: only where the counter alone does not say it. */
function Why({ reasons }: { reasons: Reasons }) {
  const { t, i18n } = useTranslation()
  const rows = (['not_synced', 'errored', 'synced'] as const).flatMap((counter) =>
    Object.entries(reasons?.[counter] ?? {})
      .filter(([why]) => why !== 'acknowledged')
      .map(([why, people]) => ({ counter, why, people })),
  )
  if (!rows.length) return null
  return (
    <Box px="md" pt="xs">
      <Title order={3} fz="sm" mb={4}>{t('panel.why')}</Title>
      <dl className="card-rows" style={{ padding: 0 }}>
        {rows.map(({ counter, why, people }) => (
          <div key={counter + why} style={outcomeStyle(counter)}>
            <dt><i aria-hidden />{t(`reason.${why}`, why.replaceAll('_', ' '))}</dt>
            <dd className="figure" data-reason={why} data-value={people}>{exact(people, i18n.language)}</dd>
          </div>
        ))}
      </dl>
    </Box>
  )
}

function PlainCounters({ id }: { id: string }) {
  const { t } = useTranslation()
  const counters = useCounters(id)
  return (
    <dl className="card-rows">
      {(['entered', 'advanced', 'exited'] as const).map((name) => (
        <div key={name}><dt>{t(`counter.${name}`)}</dt><dd><Figure value={counters[name]} name={name} /></dd></div>
      ))}
    </dl>
  )
}

/** Settings a line each, nested ones as JSON, which is YAML too. */
function yamlish(settings: object): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `  ${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n')
}
