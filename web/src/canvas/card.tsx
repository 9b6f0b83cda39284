// The card of a step, of the entry, and the mark where a branch leads out. The drawing and the list
// show the same cards.
import { memo, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { edgeKey, useLive } from '../services/live'
import type { Graph, StepData } from '../services/shapes'
import { exact, moment } from '../words'
import { ENTRY_ID } from './drawing'
import { Figure, OutcomeStrip, SevenCounters, useCounters } from './figures'
import { ENTRY, entryTitle, isSync, kindName, kindOf, type Look, reentryText } from './kinds'
import { tint } from './state-badge'
import { filterText } from './telling'

const REFUSED = edgeKey(ENTRY_ID, 'refused: ')
const CONTROL = edgeKey(ENTRY_ID, 'refused: control group')

type StepParts = { id: string; step: StepData; chosen: boolean; on: string }

export const StepCard = memo(({ id, step, chosen, on }: StepParts) => {
  const { t } = useTranslation()
  const kind = kindOf(step)
  const when = on.split(' ').filter(Boolean).map((one) => t(`removal.${one}`)).join(', ')
  const note = kind.note?.(step, t)
  return (
    <Card look={kind} kind={kindName(step, t)} title={kind.title(step, t)} chosen={chosen} id={id}>
      {isSync(step) ? (
        <>
          <p className="card-note" title={note}>{when ? t('removal.told', { when }) : note}</p>
          <SevenCounters step={id} />
          <OutcomeStrip step={id} />
        </>
      ) : (
        <PlainFigures id={id} step={step} />
      )}
    </Card>
  )
})

export function EntryCard({ entry }: { entry: Graph['entry'] }) {
  const { t, i18n } = useTranslation()
  const entered = useLive((live) => live.edges[edgeKey(ENTRY_ID, 'entered')]) ?? 0
  const edges = useLive((live) => live.edges)
  const refused = Object.entries(edges).filter(([key, people]) => key.startsWith(REFUSED) && key !== CONTROL && people > 0)
  const keptOut = refused.reduce((sum, [, people]) => sum + people, 0)
  const control = edges[CONTROL] ?? 0
  const why = refused
    .map(([key, people]) => `${t(`refused.${key.slice(REFUSED.length)}`)}: ${exact(people, i18n.language)}`).join('\n')
  const who = entry.filter ? filterText(entry.filter, t) : t('title.everybody')
  const title = entryTitle(entry, t, (iso) => moment(iso, i18n.language))
  return (
    <Card look={ENTRY} kind={t('step.entry')} title={title} chosen={false} id={ENTRY_ID}>
      <p className="card-note" title={who}>{who}<br />{reentryText(entry, t)}</p>
      <Figures
        rows={[
          ['entered', entered],
          ...(keptOut ? [['kept_out', keptOut, why] as const] : []),
          ...(control ? [['control', control] as const] : []),
        ]}
      />
    </Card>
  )
}

export function Leaves() {
  const { t } = useTranslation()
  return <div className="leaves">{t('canvas.leaves')}</div>
}

function PlainFigures({ id, step }: { id: string; step: StepData }) {
  const counters = useCounters(id)
  const standing = useLive((live) => live.standing[id]) ?? 0
  if (step.kind === 'exit') return <Figures rows={[['exited', counters.exited]]} />
  const last = kindOf(step).ways(step).every((way) => way.to === null)
  return (
    <Figures
      rows={[
        ['entered', counters.entered],
        last ? ['exited', counters.exited] : ['advanced', counters.advanced],
        ...(standing ? [['standing', standing] as const] : []),
      ]}
    />
  )
}

function Figures({ rows }: { rows: readonly (readonly [name: string, value: number, why?: string])[] }) {
  const { t } = useTranslation()
  return (
    <dl className="card-figures">
      {rows.map(([name, value, why]) => (
        <div key={name}>
          <dt title={why ?? t(`counter.${name}`)}>{t(name === 'advanced' ? 'counter.went_on' : `counter.${name}`)}</dt>
          <dd><Figure value={value} name={name} /></dd>
        </div>
      ))}
    </dl>
  )
}

type CardParts = { look: Look; kind: string; title: string; chosen: boolean; id: string; children: ReactNode }

function Card({ look, kind, title, chosen, id, children }: CardParts) {
  return (
    <article className="card" style={tint(look.tone)} data-chosen={chosen || undefined} data-step={id}>
      <header className="card-head">
        <span className="card-tile" aria-hidden><look.icon size={18} strokeWidth={2.1} /></span>
        <div style={{ minWidth: 0, flex: 1 }}>
          <div className="card-kind">{kind}{id !== ENTRY_ID && <code>{id}</code>}</div>
          <div className="card-title" title={title}>{title}</div>
        </div>
      </header>
      {children}
    </article>
  )
}
