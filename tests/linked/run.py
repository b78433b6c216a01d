"""Runs a command in wasmtime's Python package: COMPONENT VARIABLE=VALUE.. -- ARGUMENT.."""

import sys

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker

path, *rest = sys.argv[1:]
split = rest.index("--")

engine = Engine()
linker = Linker(engine)
linker.add_wasip2()
store = Store(engine)
wasi = WasiConfig()
wasi.argv = ["command", *rest[split + 1 :]]
wasi.env = [tuple(variable.split("=", 1)) for variable in rest[:split]]
wasi.inherit_stdout()
wasi.inherit_stderr()
store.set_wasi(wasi)

component = Component.from_file(engine, path)
instance = linker.instantiate(store, component)
for version in range(12, -1, -1):
    interface = instance.get_export_index(store, f"wasi:cli/run@0.2.{version}")
    if interface is not None:
        break
run = instance.get_func(store, instance.get_export_index(store, "run", interface))
result = run(store)
run.post_return(store)
if result.tag != "ok":
    sys.exit("the command failed")
