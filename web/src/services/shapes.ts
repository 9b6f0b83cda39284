// What the API answers: schema.ts is made of its OpenAPI document; here are the names that pages use.
import type { components } from './schema'

type Schemas = components['schemas']

export type CanvasRow = Schemas['CanvasRow']
export type CanvasState = CanvasRow['state']
export type Canvases = Schemas['Page_CanvasRow_']
export type Counters = Schemas['Counters']
export type Counter = keyof Counters
export type Converted = Schemas['Converted']
export type Arrow = Schemas['Arrow']
export type Me = Schemas['Me']
export type SignIn = Schemas['SignIn']

/** The document's seven counters, in its order. */
export const COUNTERS = [
  'entered', 'advanced', 'synced', 'not_synced', 'pending', 'errored', 'exited',
] as const satisfies Counter[]

/** A filter, a step, an entry as docs/canvas.md writes them: read with care, never trusted to be whole. */
export type Data = { readonly [name: string]: unknown }
export type StepData = Data & { readonly kind: string }

export type Graph = {
  readonly canvas: string
  readonly entry: Data & { readonly first?: string | null }
  readonly steps: { readonly [step: string]: StepData }
  readonly removals?: readonly { readonly on: readonly string[]; readonly step: string }[]
}

export type CanvasPage = Omit<Schemas['CanvasShown'], 'graph' | 'draft'> & { readonly graph: Graph }

/** What moves while people walk. */
export type Numbers = Pick<CanvasPage, 'state' | 'counters' | 'edges' | 'standing'>
