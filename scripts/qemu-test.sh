#!/usr/bin/env bash
# The proof, by its own name. All of it is in `cargo xtask proof`, which reads SMP, REQUIRE_SMP, RUN_UNTIL_MARKER,
# RUN_TIMEOUT, QEMU_FORCE_LEGACY, QEMU and QEMU_ARGS from the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec cargo xtask proof "$@"
