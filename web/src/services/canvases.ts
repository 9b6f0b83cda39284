// Canvases as the pages ask for them.
import { queryOptions, useInfiniteQuery } from '@tanstack/react-query'
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
