// Canvases as the pages ask for them.
import { type QueryClient, queryOptions, useInfiniteQuery } from '@tanstack/react-query'
import { call } from './api'
import type { CanvasPage, CanvasRow } from './shapes'

type Listed = { items: CanvasRow[]; next: string | null }

export function useCanvases() {
  return useInfiniteQuery({
    queryKey: ['canvases'],
    queryFn: ({ pageParam, signal }) =>
      call<Listed>(`/v1/canvases?limit=100${pageParam && `&cursor=${encodeURIComponent(pageParam)}`}`, { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: 5_000,
  })
}

export const canvasQuery = (id: number) =>
  queryOptions({
    queryKey: ['canvas', id],
    queryFn: ({ signal }) => call<CanvasPage>(`/v1/canvases/${id}`, { signal }),
  })

/** The id of the workspace's only Canvas, if it has one and no more. */
export async function onlyCanvas(client: QueryClient): Promise<number | null> {
  const { items } = await client.fetchQuery({
    queryKey: ['canvases', 'first two'],
    queryFn: () => call<Listed>('/v1/canvases?limit=2'),
  })
  return items.length === 1 ? items[0]!.id : null
}
