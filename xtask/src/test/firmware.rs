//! A firmware without the HSM extension, as small as it gets: it enters S-mode on hart 0 and answers SBI's BASE.

/// What to load as `-bios`: position 0x80000000 is entered by every hart with its id in `a0` and QEMU's description of
/// the next stage at `a2`. Other harts sleep for ever. Interrupt and timer calls are announced, since a kernel that
/// wants them first shall get as far as asking for HSM.
const CODE: [u32; 55] = [
    0x0c05_1a63, // bnez a0, park                hart 0 boots, the others never run
    0x0000_0297, // auipc t0, 0
    0x0542_8293, // addi t0, t0, 84              trap
    0x3052_9073, // csrw mtvec, t0
    0xfff0_0293, // addi t0, zero, -1            all memory
    0x3b02_9073, // csrw pmpaddr0, t0
    0x01f0_0293, // addi t0, zero, 31            read, write, execute, by one region
    0x3a02_9073, // csrw pmpcfg0, t0
    0x0000_b2b7, // lui t0, 11
    0x1ff2_8293, // addi t0, t0, 511             exceptions to S-mode, but for its own ecall
    0x3022_9073, // csrw medeleg, t0
    0x2220_0293, // addi t0, zero, 546           interrupts to S-mode
    0x3032_9073, // csrw mideleg, t0
    0x3063_d073, // csrwi mcounteren, 7          S-mode may read cycle, time, instret
    0x0000_22b7, // lui t0, 2
    0x8002_8293, // addi t0, t0, -2048
    0x3002_b073, // csrc mstatus, t0
    0x0000_12b7, // lui t0, 1
    0x8002_8293, // addi t0, t0, -2048
    0x3002_a073, // csrs mstatus, t0             mret goes to S-mode
    0x0106_3283, // ld t0, 16(a2)                next stage, from the description that QEMU leaves
    0x0780_006f, // j go
    0x3420_25f3, // trap: csrr a1, mcause
    0xff75_8593, // addi a1, a1, -9              ecall from S-mode?
    0x0605_9a63, // bnez a1, park
    0x3410_25f3, // csrr a1, mepc
    0x0045_8593, // addi a1, a1, 4               go on behind it
    0x3415_9073, // csrw mepc, a1
    0xff08_8593, // addi a1, a7, -16             extension BASE?
    0x0405_9663, // bnez a1, unsupported
    0x0208_0e63, // beqz a6, version
    0xffd8_0593, // addi a1, a6, -3              probe?
    0x0205_9263, // bnez a1, none
    0x5449_55b7, // lui a1, 0x54495
    0xd455_8593, // addi a1, a1, -699            "TIME"
    0x02b5_0063, // beq a0, a1, yes
    0x0073_55b7, // lui a1, 0x735
    0x0495_8593, // addi a1, a1, 73              "sPI"
    0x00b5_0a63, // beq a0, a1, yes
    0x0100_0593, // addi a1, zero, 16            BASE
    0x00b5_0663, // beq a0, a1, yes
    0x0000_0593, // none: addi a1, zero, 0
    0x0100_006f, // j done
    0x0010_0593, // yes: addi a1, zero, 1
    0x0080_006f, // j done
    0x0100_05b7, // version: lui a1, 0x1000      version 1.0
    0x0000_0513, // done: addi a0, zero, 0
    0x3020_0073, // mret
    0x0000_0593, // unsupported: addi a1, zero, 0
    0xffe0_0513, // addi a0, zero, -2            SBI_ERR_NOT_SUPPORTED
    0x3020_0073, // mret
    0x3412_9073, // go: csrw mepc, t0
    0x3020_0073, // mret
    0x1050_0073, // park: wfi
    0xffdf_f06f, // j park
];

/// The firmware's bytes.
pub fn without_hsm() -> Vec<u8> {
    CODE.iter().flat_map(|word| word.to_le_bytes()).collect()
}
