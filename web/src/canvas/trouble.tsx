// Why people of a step wait, in the API's own words, and what a person can do about it.
import { TriangleAlert } from 'lucide-react'
import type { CanvasPage } from '../services/shapes'
import { tint } from './state-badge'

export type Trouble = CanvasPage['troubles'][string]

export function TroubleTold({ trouble, step }: { trouble: Trouble; step?: string }) {
  return (
    <div className="held" role="alert" style={tint('red')}>
      <TriangleAlert size={16} aria-hidden style={{ flex: 'none' }} />
      <span>{step && <code>{step}: </code>}{trouble.message} {trouble.remedy}</span>
    </div>
  )
}

/** The same trouble of several steps is told once. */
export function Troubles({ troubles }: { troubles: CanvasPage['troubles'] }) {
  const told = new Map<string, string[]>()
  for (const [step, { message }] of Object.entries(troubles)) told.set(message, [...(told.get(message) ?? []), step])
  return [...told.values()].map((steps) => (
    <TroubleTold key={steps[0]} step={steps.join(', ')} trouble={troubles[steps[0]!]!} />
  ))
}
