//! The way out for facts: a modern virtio-mmio console whose host side is a file.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;
use core::ptr::NonNull;

use antler_parse::board::Range;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::mmio::{MmioTransport, MmioVersion, VirtIOHeader};
use virtio_drivers::transport::{DeviceStatus, DeviceType, Transport};
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

use crate::memory::frames;
use crate::memory::layout::{PAGE, to_physical, to_virtual};

/// Transmit queue of port 0 (virtio 1.2, section 5.3.2).
const TRANSMIT: u16 = 1;

/// How often the device is asked whether it has taken a batch. The file behind it takes it at once.
const PATIENCE: usize = 1 << 24;

/// VIRTIO_F_VERSION_1: a modern device must be accepted as such.
const VERSION_1: u64 = 1 << 32;

/// Why facts cannot leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortError {
    /// No virtio-mmio slot has a console.
    None,
    /// The only console is a legacy device (register version 1), which proves nothing.
    Legacy,
    /// The device refused to be set up, or a batch.
    Device,
    /// The device did not take a batch within the bound.
    Stuck,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PortError::None => "no virtio console on any virtio-mmio slot",
            PortError::Legacy => {
                "legacy virtio-mmio transport (version 1); set virtio-mmio.force-legacy=false"
            }
            PortError::Device => "the virtio console refused",
            PortError::Stuck => "the virtio console took no data within the bound",
        })
    }
}

/// Memory and addresses for the virtio library.
struct Memory;

// SAFETY: frames are page-aligned, zeroed, and the device's alone until freed; the direct map gives each physical
// address one virtual one. Queue memory is never freed: the port lives as long as the machine.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let physical = frames::take_contiguous(pages * PAGE).expect("memory for the virtio queue");
        let address = to_virtual(physical) as *mut u8;
        // SAFETY: fresh frames in the direct map, ours alone.
        unsafe { address.write_bytes(0, pages * PAGE) };
        (physical, NonNull::new(address).expect("the direct map does not start at 0"))
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(physical: PhysAddr, _: usize) -> NonNull<u8> {
        NonNull::new(to_virtual(physical) as *mut u8).expect("the direct map does not start at 0")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        // Buffers come from the heap, which lies in the direct map.
        to_physical(buffer.cast::<u8>().as_ptr() as usize)
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

/// The console's transmit side.
pub(crate) struct Port {
    transport: MmioTransport<'static>,
    queue: VirtQueue<Memory, 2>,
    buffer: Box<[u8]>,
}

// SAFETY: the port is used under its lock only, and its memory is reachable from every hart.
unsafe impl Send for Port {}

/// Finds the console among the virtio-mmio slots, which must be mapped, and sets it up.
///
/// # Errors
/// [`PortError`]: none, legacy, or it refused.
pub(crate) fn find(slots: &[Range]) -> Result<Port, PortError> {
    let mut found = PortError::None;
    for slot in slots {
        let header = NonNull::new(to_virtual(slot.base) as *mut VirtIOHeader).ok_or(PortError::None)?;
        // SAFETY: the device tree says that a virtio-mmio register block is there, and it is mapped for good.
        let Ok(transport) = (unsafe { MmioTransport::new(header, slot.size as usize) }) else { continue };
        if transport.device_type() != DeviceType::Console {
            // The library resets a device when its transport is dropped; what we do not use is left alone.
            core::mem::forget(transport);
            continue;
        }
        if transport.version() == MmioVersion::Legacy {
            found = PortError::Legacy;
            core::mem::forget(transport);
            continue;
        }
        return set_up(transport);
    }
    Err(found)
}

fn set_up(mut transport: MmioTransport<'static>) -> Result<Port, PortError> {
    transport.set_status(DeviceStatus::empty());
    let status = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
    transport.set_status(status);
    if transport.read_device_features() & VERSION_1 == 0 {
        return Err(PortError::Legacy);
    }
    transport.write_driver_features(VERSION_1);
    let status = status | DeviceStatus::FEATURES_OK;
    transport.set_status(status);
    if !transport.get_status().contains(DeviceStatus::FEATURES_OK) {
        return Err(PortError::Device);
    }
    let queue = VirtQueue::new(&mut transport, TRANSMIT, false, false).map_err(|_| PortError::Device)?;
    transport.set_status(status | DeviceStatus::DRIVER_OK);
    let buffer = vec![0; antler_abi::CHUNK].into_boxed_slice();
    Ok(Port { transport, queue, buffer })
}

impl Port {
    /// Where a batch is put together.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Register version of the transport, as the device says it.
    pub(crate) fn version(&self) -> u64 {
        match self.transport.version() {
            MmioVersion::Legacy => 1,
            MmioVersion::Modern => 2,
        }
    }

    /// Sends the first `len` bytes of the buffer and waits until the device has taken them.
    pub(super) fn send(&mut self, len: usize) -> Result<(), PortError> {
        if len == 0 {
            return Ok(());
        }
        let batch: &[u8] = &self.buffer[..len];
        // SAFETY: the buffer is not touched until the device has given it back, right below; if it never does, the
        // port is given up for good and the buffer stays as it is.
        let token = unsafe { self.queue.add(&[batch], &mut []) }.map_err(|_| PortError::Device)?;
        if self.queue.should_notify() {
            self.transport.notify(TRANSMIT);
        }
        for _ in 0..PATIENCE {
            if self.queue.can_pop() {
                let batch: &[u8] = &self.buffer[..len];
                // SAFETY: the same buffer as given to `add`.
                return unsafe { self.queue.pop_used(token, &[batch], &mut []) }
                    .map(|_| ())
                    .map_err(|_| PortError::Device);
            }
            core::hint::spin_loop();
        }
        Err(PortError::Stuck)
    }
}
