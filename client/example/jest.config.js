/** Runs the hooks and a screen under React Native's own Jest environment and renderer, over the package as an app gets it. */
module.exports = {
  preset: '@react-native/jest-preset',
  // React Native's components load when first rendered, which takes a cold machine its time.
  testTimeout: 60_000,
  testMatch: ['<rootDir>/test/**/*.test.tsx'],
};
