export function greeting(path: string): string {
  const name = path.replace(/^\/+|\/+$/g, "");
  return `Hello, ${name || "world"}!\n`;
}
