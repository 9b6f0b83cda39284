// What the API's answers look like. Where the OpenAPI document says it, take it from schema.ts.

export type CanvasState = 'draft' | 'running' | 'paused' | 'stopped'

export const COUNTERS = ['entered', 'advanced', 'synced', 'not_synced', 'pending', 'errored', 'exited'] as const
export type Counter = (typeof COUNTERS)[number]
export type Counters = Record<Counter, number>

/** A filter, a step, an entry as docs/canvas.md writes them: read with care, never trusted to be whole. */
export type Data = { readonly [name: string]: unknown }
export type StepData = Data & { readonly kind: string }

export type Graph = {
  readonly canvas: string
  readonly entry: Data & { readonly first?: string | null }
  readonly steps: { readonly [step: string]: StepData }
}

export type CanvasRow = {
  readonly id: number
  readonly name: string
  readonly state: CanvasState
  readonly version: number | null
  readonly revision: number
  readonly inside: number
}

export type EdgeCount = { readonly step: string; readonly edge: string; readonly people: number }

/** What moves while people walk. */
export type Numbers = {
  readonly state: CanvasState
  readonly counters: { readonly [step: string]: Counters }
  readonly edges: readonly EdgeCount[]
  readonly standing: { readonly [step: string]: number }
}

export type CanvasPage = Numbers & {
  readonly id: number
  readonly name: string
  readonly revision: number
  readonly version: { readonly number: number; readonly launched_at: string } | null
  readonly graph: Graph
  readonly draft_differs: boolean
  readonly reasons: { readonly [step: string]: { readonly [counter: string]: { readonly [why: string]: number } } }
  readonly troubles: { readonly [step: string]: { readonly message: string; readonly remedy: string } }
  readonly sandbox: boolean
}

export type Me = { readonly name: string; readonly email: string | null; readonly workspace: string }
