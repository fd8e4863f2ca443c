// One project for each kind of test. Nothing is mocked: integration tests start a real RabbitMQ, end-to-end
// tests a real lab. The transform only strips types; every module stays an ES module.
const shared = {
  rootDir: import.meta.dirname,
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '\\.tsx?$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          experimental: { keepImportAttributes: true },
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'automatic' } },
        },
        module: { type: 'es6' },
      },
    ],
  },
  testEnvironment: 'node',
  // root file systems and bundles: nothing of ours to test, but plenty of package.json files
  modulePathIgnorePatterns: ['<rootDir>/manifests/images/', '<rootDir>/dist/', '<rootDir>/.artifacts/'],
  // Without it an execa child that outlives a test crashes jest when it takes the globals down.
  testEnvironmentOptions: { globalsCleanup: 'off' },
};

export default {
  // A busy machine is no failure; what hangs is ended all the same. In a project jest would not heed it.
  testTimeout: 180_000,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/tests/unit/**/*.test.ts?(x)'] },
    { ...shared, displayName: 'integration', testMatch: ['<rootDir>/tests/integration/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/tests/e2e/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/e2e/set-up.mjs',
      globalTeardown: '<rootDir>/tests/e2e/tear-down.mjs',
    },
    {
      ...shared,
      displayName: 'faults',
      testMatch: ['<rootDir>/tests/faults/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/faults/set-up.mjs',
      globalTeardown: '<rootDir>/tests/e2e/tear-down.mjs',
    },
    {
      ...shared,
      displayName: 'fuzz',
      testMatch: ['<rootDir>/tests/fuzz/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/fuzz/set-up.mjs',
    },
    {
      ...shared,
      displayName: 'chaos',
      testMatch: ['<rootDir>/tests/chaos/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/chaos/set-up.mjs',
      globalTeardown: '<rootDir>/tests/e2e/tear-down.mjs',
    },
    {
      ...shared,
      displayName: 'vm',
      testMatch: ['<rootDir>/tests/vm/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/vm/set-up.mjs',
      globalTeardown: '<rootDir>/tests/vm/tear-down.mjs',
    },
  ],
};
