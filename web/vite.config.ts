// Builds the pages; `npm run dev` serves them with the API of a running `towpath serve` behind.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const api = process.env.TOWPATH_DEV_API ?? 'http://127.0.0.1:8765'

export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/v1': api } },
  build: {
    target: 'baseline-widely-available',
    assetsInlineLimit: 0, // no data: addresses, so that a strict Content-Security-Policy holds
    chunkSizeWarningLimit: 900,
  },
})
