//! What the firmware is told to do wrong: a page of words that is in memory before it starts.
//!
//! ```text
//! word 0  MAGIC; anything else: no orders, the firmware behaves
//! word 1  address of the device tree to pass on; 0: the one it was given
//! word 2  number of orders, at most MAX
//! word 3  the first order, four words: what, hart (or ANY), value, times; then the next
//! ```
//!
//! All words are 64 bits, little endian.

use core::fmt;
use core::str::FromStr;

/// Where the page lies: the last one before the kernel. QEMU puts a file there by
/// `-device loader,file=F,addr=0x801ff000,force-raw=on`.
pub const ADDRESS: u64 = 0x801f_f000;

/// What the page starts with if it holds orders: `ANTLERFW`.
pub const MAGIC: u64 = u64::from_le_bytes(*b"ANTLERFW");

/// Orders that fit.
pub const MAX: usize = 16;

/// Words of the page that are used.
pub const WORDS: usize = 3 + 4 * MAX;

/// As an order's hart: every hart. As its times: always.
pub const ANY: u64 = u64::MAX;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $text:literal;)*) => {
        /// What an order is about. *hart*, *value* and *times* are the order's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum What { $($(#[doc = $doc])+ $name = $number,)* }

        impl What {
            /// Every kind.
            pub const ALL: &'static [What] = &[$(What::$name),*];

            /// Its name in texts.
            pub const fn name(self) -> &'static str {
                match self { $(What::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// The extension whose id is *value* is neither announced nor answered.
    Without = 1, "without";
    /// `hart_start` of *hart* is refused with error *value*.
    RefuseStart = 2, "refuse-start";
    /// `hart_start` of *hart* answers 0, and nothing follows.
    ForgetStart = 3, "forget-start";
    /// *hart* starts only *value* µs after `hart_start`.
    LateStart = 4, "late-start";
    /// Instead of *hart*, hart *value* starts, and is told its own id.
    StartOther = 5, "start-other";
    /// Instead of *hart*, hart *value* starts, and is told that it is *hart*.
    StartAs = 6, "start-as";
    /// *hart* is told that it is hart *value*.
    TellId = 7, "tell-id";
    /// *hart* is given the `opaque` that was meant for hart *value*, which was started before it.
    TellOpaque = 8, "tell-opaque";
    /// Of the IPIs to *hart* every *value*-th is lost; the answer is 0.
    LoseIpi = 9, "lose-ipi";
    /// The first *times* IPIs to *hart* are refused with error *value*.
    RefuseIpi = 10, "refuse-ipi";
    /// An IPI to *hart* is delivered again, *value* µs later.
    RepeatIpi = 11, "repeat-ipi";
    /// *hart* gets IPIs that nobody sent, *times* of them, *value* µs apart.
    SpuriousIpi = 12, "spurious-ipi";
    /// `hart_stop` on *hart* is refused with error *value*.
    RefuseStop = 13, "refuse-stop";
    /// `hart_get_status` of *hart* answers *value*, whatever is true.
    ClaimState = 14, "claim-state";
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What to do wrong.
    pub what: What,
    /// To whom; [`ANY`] for everybody.
    pub hart: u64,
    /// See [`What`]. Errors are negative numbers; 0 when left out.
    pub value: u64,
    /// See [`What`].
    pub times: u64,
}

impl Order {
    /// An order about one hart, for good.
    pub const fn new(what: What, hart: u64, value: u64) -> Order {
        Order { what, hart, value, times: ANY }
    }
}

/// Everything that the firmware is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Address of the device tree to pass on; 0: the one that firmware was given.
    pub tree: u64,
    len: usize,
    list: [Order; MAX],
}

/// Orders that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadOrders {
    /// More than [`MAX`].
    TooMany,
    /// A number that stands for no kind.
    UnknownKind(u64),
}

impl Orders {
    /// None.
    pub const fn none() -> Orders {
        Orders { tree: 0, len: 0, list: [Order::new(What::Without, 0, 0); MAX] }
    }

    /// One order more.
    ///
    /// # Errors
    /// [`BadOrders::TooMany`].
    pub fn push(&mut self, order: Order) -> Result<(), BadOrders> {
        *self.list.get_mut(self.len).ok_or(BadOrders::TooMany)? = order;
        self.len += 1;
        Ok(())
    }

    /// All of them.
    pub fn list(&self) -> &[Order] {
        &self.list[..self.len]
    }

    /// The first order of that kind for that hart.
    pub fn find(&self, what: What, hart: u64) -> Option<&Order> {
        self.list().iter().find(|order| order.what == what && (order.hart == hart || order.hart == ANY))
    }

    /// The page's words.
    pub fn to_words(&self) -> [u64; WORDS] {
        let mut words = [0; WORDS];
        words[..3].copy_from_slice(&[MAGIC, self.tree, self.len as u64]);
        for (place, order) in words[3..].chunks_exact_mut(4).zip(self.list()) {
            place.copy_from_slice(&[order.what as u64, order.hart, order.value, order.times]);
        }
        words
    }

    /// Reads the page's words; no orders without [`MAGIC`].
    ///
    /// # Errors
    /// A count or a kind that there is not: rather no firmware than one that quietly behaves.
    pub fn from_words(words: &[u64; WORDS]) -> Result<Orders, BadOrders> {
        let mut orders = Orders::none();
        if words[0] != MAGIC {
            return Ok(orders);
        }
        orders.tree = words[1];
        if words[2] > MAX as u64 {
            return Err(BadOrders::TooMany);
        }
        for place in words[3..].chunks_exact(4).take(words[2] as usize) {
            let &[kind, hart, value, times] = place else { unreachable!("chunks of four") };
            let what = What::ALL.iter().find(|what| **what as u64 == kind);
            let what = *what.ok_or(BadOrders::UnknownKind(kind))?;
            orders.push(Order { what, hart, value, times })?;
        }
        Ok(orders)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what.name())?;
        if self.hart != ANY {
            write!(f, "@{}", self.hart)?;
        }
        if self.value != 0 {
            write!(f, "={}", self.value as i64)?;
        }
        if self.times != ANY { write!(f, "x{}", self.times) } else { Ok(()) }
    }
}

impl FromStr for Order {
    type Err = &'static str;

    /// Reads `WHAT[@HART][=VALUE][xTIMES]`: `refuse-ipi@1=-1x3`. Without a hart: every hart; without a value: 0; without times:
    /// always.
    fn from_str(text: &str) -> Result<Order, &'static str> {
        const MEANT: &str = "an order is WHAT[@HART][=VALUE][xTIMES], like lose-ipi@1=3";
        let end = text.find(['@', '=']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let what = What::ALL.iter().find(|what| what.name() == name).ok_or("there is no such order")?;
        let mut order = Order::new(*what, ANY, 0);
        if let Some(after) = rest.strip_prefix('@') {
            let (hart, value) = after.split_at(after.find('=').unwrap_or(after.len()));
            order.hart = hart.parse().map_err(|_| MEANT)?;
            rest = value;
        }
        if let Some(after) = rest.strip_prefix('=') {
            let (value, times) =
                after.split_once('x').map_or((after, None), |(value, times)| (value, Some(times)));
            order.value = value.parse::<i64>().map_err(|_| MEANT)? as u64;
            if let Some(times) = times {
                order.times = times.parse().map_err(|_| MEANT)?;
            }
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn texts_and_words_say_the_same() {
        let mut orders = Orders::none();
        orders.tree = 0x8200_0000;
        for text in [
            "without=4739917",
            "refuse-ipi@1=-1x3",
            "lose-ipi=1",
            "forget-start@127",
            "late-start@3=25000000",
        ] {
            let order: Order = text.parse().expect(text);
            assert_eq!(order.to_string(), text);
            orders.push(order).expect("room");
        }
        assert_eq!(Orders::from_words(&orders.to_words()), Ok(orders));
        assert_eq!(
            orders.find(What::RefuseIpi, 1).map(|order| (order.value as i64, order.times)),
            Some((-1, 3))
        );
        assert!(orders.find(What::LoseIpi, 7).is_some() && orders.find(What::RefuseIpi, 2).is_none());
        for bad in [
            "",
            "dance",
            "lose-ipi@",
            "lose-ipi@x",
            "lose-ipi@1=",
            "lose-ipi@1=2x",
            "lose-ipi 1",
            "lose-ipi=1x-1",
        ] {
            let read = bad.parse::<Order>();
            assert!(read.is_err(), "{bad}: {read:?}");
        }
    }

    #[test]
    fn no_magic_no_orders_and_nonsense_is_an_error() {
        let mut words = [0; WORDS];
        assert_eq!(Orders::from_words(&words), Ok(Orders::none()));
        words[0] = MAGIC;
        words[2] = 1;
        words[3] = 99;
        assert_eq!(Orders::from_words(&words), Err(BadOrders::UnknownKind(99)));
        words[2] = MAX as u64 + 1;
        assert_eq!(Orders::from_words(&words), Err(BadOrders::TooMany));
        let mut full = Orders::none();
        for _ in 0..MAX {
            full.push(Order::new(What::LoseIpi, 1, 1)).expect("room");
        }
        assert_eq!(full.push(Order::new(What::LoseIpi, 1, 1)), Err(BadOrders::TooMany));
    }

    #[test]
    fn every_kind_has_its_own_number_and_name() {
        for (at, what) in What::ALL.iter().enumerate() {
            assert_eq!(*what as usize, at + 1);
            assert_eq!(what.name().parse::<Order>().map(|order| order.what), Ok(*what));
        }
    }
}
