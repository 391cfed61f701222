bitflags::bitflags! {
    /// What a program may do beyond its own affairs, granted by the initrd's manifest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rights: u32 {
        /// Raise its own QoS class, and spawn threads above its own class.
        const QOS = 1 << 0;
        /// Ask another CPU to reschedule.
        const RESCHED = 1 << 1;
        /// Pin threads to a CPU.
        const PIN = 1 << 2;
        /// Take CPUs offline and online.
        const HOTPLUG = 1 << 3;
        /// Drive the self-tests. Effective only under the boot argument `selftest`.
        const SELFTEST = 1 << 4;
    }
}

impl Rights {
    /// Manifest name of each single right.
    pub const NAMES: [(&'static str, Rights); 5] = [
        ("qos", Rights::QOS),
        ("resched", Rights::RESCHED),
        ("pin", Rights::PIN),
        ("hotplug", Rights::HOTPLUG),
        ("selftest", Rights::SELFTEST),
    ];

    /// The single right called `name`.
    pub fn from_right_name(name: &str) -> Option<Rights> {
        Rights::NAMES.iter().find(|(n, _)| *n == name).map(|(_, right)| *right)
    }
}
