//! The clauses of RFC-0021, "Kernel SMP v1 contract". Left out are status, context, open questions, guidelines for authors and
//! the checklist, which ask nothing of a kernel or its proof.

/// The RFC's sections, and how each clause of them begins, emphasis and code marks left out.
pub(super) const CLAUSES: &[(&str, &[&str])] = &[
    (
        "Scope boundaries (anti-drift)",
        &[
            "The SMP v1 baseline contract for boot",
            "The authority boundary between TASK-0012 baseline and TASK-0247",
            "The deterministic proof shape",
            "The hard carry-over requirement",
            "QoS/affinity/shares ABI and policy surfaces",
            "Full RISC-V bring-up/storage integration scope",
            "Detailed implementation choreography/checklists",
            "Tasks (tasks/TASK-*.md) define stop conditions",
            "This RFC must remain aligned",
        ],
    ),
    (
        "Goals",
        &[
            "Define a minimal, auditable SMP v1 contract",
            "Lock authority boundaries",
            "Make trap-stack hardening a normative completion requirement",
            "Keep SMP proofs deterministic and bounded",
        ],
    ),
    (
        "Non-Goals",
        &[
            "Defining a full fairness/load-balancing scheduler",
            "Defining affinity/shares APIs",
            "Replacing existing marker contracts",
        ],
    ),
    (
        "Constraints / invariants (hard requirements)",
        &[
            "Determinism: marker proofs must be deterministic",
            "No fake success: no ok/ready marker",
            "Bounded resources: bounded retry loops",
            "Bounded resources: bounded stealing",
            "Bounded resources: bounded IPI queue/mailbox behavior",
            "Security floor: per-CPU ownership by default",
            "Security floor: cross-CPU mutation only through explicit synchronization",
            "No silent fallback: if SBI HSM boot path is unavailable",
            "Platform floor: green proof runs use modern virtio-mmio default",
        ],
    ),
    (
        "1) Secondary-hart boot contract",
        &[
            "On QEMU virt, TASK-0012 baseline uses SBI HSM hart_start",
            "If HSM support is unavailable",
            "TASK-0247 may harden/extend this path",
        ],
    ),
    (
        "2) Trap-stack hardening contract",
        &[
            "Multi-hart trap completeness requires per-hart kernel stack source",
            "Global __stack_top assumptions are not accepted",
            "sscratch semantics must remain per-hart deterministic",
        ],
    ),
    (
        "3) Scheduler ownership contract",
        &[
            "Runqueue ownership is per-CPU by default",
            "Any cross-CPU mutable access requires explicit synchronization",
            "SMP identifiers (CPU/Hart IDs) use explicit typed wrappers/newtypes",
        ],
    ),
    (
        "4) IPI resched contract",
        &[
            "Introduce minimal IPI resched signaling",
            "Sender identity is hardware CPU/Hart identity",
            "Queue/mailbox behavior must be bounded and auditable",
        ],
    ),
    (
        "5) Work stealing contract",
        &[
            "Stealing is bounded per attempt and deterministic",
            "Stealing must preserve scheduler invariants",
            "No unbounded \"drain until works\" behavior",
        ],
    ),
    (
        "6) Proof-gating contract",
        &[
            "SMP markers are checked only in explicit SMP proof mode",
            "SMP baseline proof requires both",
            "SMP>=2 marker-gated run",
            "SMP=1 regression run",
        ],
    ),
    (
        "Phases / milestones (contract-level)",
        &[
            "Phase 0: Contract frozen",
            "Phase 1: Secondary-hart boot + trap-stack hardening proven",
            "Phase 2: Per-CPU runqueues + IPI resched + bounded stealing proven",
        ],
    ),
    (
        "Security considerations",
        &[
            "Cross-CPU data races from implicit shared mutation",
            "IPI spoofing/abuse paths",
            "Unbounded stealing/IPI pressure causing denial-of-service",
            "Trap context corruption from shared stack assumptions",
            "Per-CPU ownership by default + explicit synchronization boundaries",
            "Hardware identity-based IPI trust boundary",
            "Bounded queue/steal policies",
            "Per-hart trap-stack contract as a hard completion gate",
            "Memory-ordering details and lock hierarchy",
            "Harness-side SMP marker gate wiring",
        ],
    ),
    (
        "Failure model (normative)",
        &[
            "Missing/unsupported HSM path",
            "Missing SMP marker in SMP mode",
            "SMP=1 regression failure",
            "No silent fallback from SMP path",
        ],
    ),
    (
        "Proof / validation strategy (required)",
        &["cargo test --workspace", "just diag-os", "SMP=2 REQUIRE_SMP=1", "SMP=1 RUN_UNTIL_MARKER=1"],
    ),
    (
        "Alternatives considered",
        &[
            "Defer all SMP contracts to TASK-0247",
            "Single global runqueue with coarse lock as baseline",
            "Timing-based SMP \"performance proof\" markers",
        ],
    ),
];
