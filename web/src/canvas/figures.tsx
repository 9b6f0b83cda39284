// Counters: a number that rolls to its new value, the seven of a step, and the strip of outcomes.
import { useEffect, useRef, useState, type CSSProperties } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../services/live'
import { COUNTERS, type Counters } from '../services/shapes'
import { exact, percent, short } from '../words'

const ZERO = Object.fromEntries(COUNTERS.map((one) => [one, 0])) as Counters
export const OUTCOMES = ['synced', 'not_synced', 'pending', 'errored'] as const
const ROLL_MS = 450

const slug = (name: string) => name.replace('_', '-')
export const outcomeStyle = (name: string) =>
  ({ '--dot': `var(--outcome-${slug(name)})`, '--ink': `var(--ink-${slug(name)})` }) as CSSProperties
export const isOutcome = (name: string) => (OUTCOMES as readonly string[]).includes(name)

export const useCounters = (step: string): Counters => useLive((live) => live.counters[step]) ?? ZERO

/** A number as it stands, exact in `data-value` and on hover, rolling when it changes. */
export function Figure({ value, name }: { value: number; name?: string }) {
  const { i18n } = useTranslation()
  const shown = useRolling(value)
  return (
    <span className="figure" data-value={value} data-figure={name} title={exact(value, i18n.language)}>
      {short(shown, i18n.language)}
    </span>
  )
}

/** The seven counters by the document's names, in its order. */
export function SevenCounters({ step, shares = false }: { step: string; shares?: boolean }) {
  const { t, i18n } = useTranslation()
  const counters = useCounters(step)
  return (
    <dl className="card-rows">
      {COUNTERS.map((name) => (
        <div key={name} title={t(`counter_told.${name}`)} style={outcomeStyle(name)}>
          <dt>{isOutcome(name) && <i aria-hidden />}{t(`counter.${name}`)}</dt>
          {shares && isOutcome(name) && counters.entered > 0 && (
            <span className="figure card-share">{percent(counters[name] / counters.entered, i18n.language)}</span>
          )}
          <dd data-ink={isOutcome(name) && counters[name] > 0 ? '' : undefined}>
            <Figure value={counters[name]} name={name} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Synced, not synced, pending and errored as shares of who entered. */
export function OutcomeStrip({ step }: { step: string }) {
  const { t, i18n } = useTranslation()
  const counters = useCounters(step)
  const told = OUTCOMES.map((name) => `${t(`counter.${name}`)}: ${exact(counters[name], i18n.language)}`).join(', ')
  return (
    <div className="strip" role="img" aria-label={told} title={told}>
      {OUTCOMES.filter((name) => counters[name] > 0).map((name) => (
        <i key={name} data-outcome={name} style={{ ...outcomeStyle(name), flexGrow: counters[name] }} />
      ))}
    </div>
  )
}

/** The value on its way from the last one shown; at once where motion is not wanted. */
function useRolling(value: number): number {
  const [shown, setShown] = useState(value)
  const now = useRef(value)
  useEffect(() => {
    const from = now.current
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden
    if (from === value) return
    if (still) {
      now.current = value
      setShown(value)
      return
    }
    const began = performance.now()
    let frame = 0
    const step = (at: number) => {
      const done = Math.min(1, (at - began) / ROLL_MS)
      now.current = Math.round(from + (value - from) * (1 - (1 - done) ** 3))
      setShown(now.current)
      if (done < 1) frame = requestAnimationFrame(step)
    }
    frame = requestAnimationFrame(step)
    return () => cancelAnimationFrame(frame)
  }, [value])
  return shown
}
