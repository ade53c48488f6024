module.exports = { presets: [process.env.JEST_WORKER_ID ? '@react-native/babel-preset' : 'babel-preset-expo'] };
