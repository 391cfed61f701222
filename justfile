# Antler's commands. Each is a thin door to `cargo xtask`, which runs set-up by itself.

[private]
default:
    @just --list

# Boot four harts and run programs on them; arguments as for `cargo xtask run`
run *args:
    cargo xtask run {{ args }}

# Everything CI runs
test *args:
    cargo xtask test {{ args }}

# Boot with the self-tests and judge what happened (SMP, REQUIRE_SMP, RUN_TIMEOUT, ... from the environment)
proof *args:
    cargo xtask proof {{ args }}

# The nucleus without a machine under it: models, twins, simulator, fuzz targets
check *args:
    cargo xtask check {{ args }}

# Run the scheduler on virtual harts, from many seeds
sim *args:
    cargo xtask sim {{ args }}

# Arbitrary bytes into the readers of outside data
fuzz *args:
    cargo xtask fuzz {{ args }}

# Small errors put into the source, each of which the tests must notice; hours
mutants *args:
    cargo xtask mutants {{ args }}

# Build kernel and initrd into target/antler
build *args:
    cargo xtask build {{ args }}

# Find or install compiler, QEMU and firmware
setup *args:
    cargo xtask setup {{ args }}

# Say what set-up would find, changing nothing
doctor:
    cargo xtask doctor

# Check kernel and programs for riscv64, warnings denied
diag-os:
    cargo xtask diag-os

# Check the rules of the tree that no compiler checks
tidy:
    cargo xtask tidy
