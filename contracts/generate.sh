#!/bin/sh
# Generates the Python code of every contract, with its type stubs, from the repository's root.
set -eu
cd "$(dirname "$0")/.."
"${PYTHON:-.venv/bin/python}" -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. contracts/*.proto
