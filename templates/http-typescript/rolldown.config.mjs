// Puts the modules of `src/` into one file. Interfaces of WIT (`wasi:keyvalue/store@0.2.0`) stay imports of the component.
export default {
  input: "build/app.js",
  external: /^[a-z][a-z0-9-]*:[a-z]/,
  output: { file: "build/bundle.js" },
};
