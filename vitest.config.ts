import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    setupFiles: ['test/setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two workers: the machine of a hosted runner has two to four cores, and several tests start processes of their own.
    maxWorkers: 2,
  },
});
