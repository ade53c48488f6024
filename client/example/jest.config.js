/** Runs the hooks and a screen under React Native's own Jest environment and renderer. */
module.exports = {
  preset: '@react-native/jest-preset',
  // React Native's components load when first rendered, which takes a cold machine its time.
  testTimeout: 60_000,
  testMatch: ['<rootDir>/test/**/*.test.tsx'],
  moduleNameMapper: {
    '^@parley/client$': '<rootDir>/../src/index.ts',
    '^@parley/client/(react|react-native)$': '<rootDir>/../src/$1/index.ts',
    // One React for all: the client's own sources lie beside another one.
    '^react$': '<rootDir>/node_modules/react',
    '^react/(.*)$': '<rootDir>/node_modules/react/$1',
  },
};
