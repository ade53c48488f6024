const { getDefaultConfig } = require('expo/metro-config');
const path = require('node:path');

// The client lies beside the example here; an app that installs it from a registry needs none of this.
const config = getDefaultConfig(__dirname);
config.watchFolders = [path.resolve(__dirname, '..')];
config.resolver.nodeModulesPaths = [path.resolve(__dirname, 'node_modules')];

module.exports = config;
