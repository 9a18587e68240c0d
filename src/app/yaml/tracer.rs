//! A source that answers every question of a type with a default, and writes down which keys it was asked for.

use super::keys::{Keys, TraceError};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Settings are not deeper than this; a type that contains itself is.
const MAX_DEPTH: usize = 12;

pub(super) struct Tracer<'k> {
    keys: &'k mut Keys,
    depth: usize,
}

impl Keys {
    /// The keys of a type.
    ///
    /// # Errors
    /// When the type contains itself, or refuses empty texts, zeros and empty options. Raw settings do neither.
    pub fn of<T: DeserializeOwned>() -> Result<Self, TraceError> {
        let mut keys = Self::default();
        T::deserialize(Tracer::new(&mut keys))?;
        Ok(keys)
    }
}

impl<'k> Tracer<'k> {
    pub(super) fn new(keys: &'k mut Keys) -> Self {
        Self { keys, depth: 0 }
    }
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = TraceError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.keys.open = true;
        visitor.visit_str("")
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.keys.open = true;
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_bool(false)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_u64(0)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_u32(0)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_u16(0)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_i64(0)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_i32(0)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_i16(0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_f64(0.0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_str("")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        let depth = deeper(self.depth)?;
        let keys = self.keys.items.get_or_insert_default();
        visitor.visit_seq(Once {
            keys: Some(keys),
            depth,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        let depth = deeper(self.depth)?;
        let keys = self.keys.entries.get_or_insert_default();
        visitor.visit_map(Once {
            keys: Some(keys),
            depth,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        let depth = deeper(self.depth)?;
        visitor.visit_map(Fields {
            keys: self.keys,
            rest: fields.iter(),
            field: "",
            depth,
        })
    }

    forward_to_deserialize_any! {
        i8 i128 u8 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

fn deeper(depth: usize) -> Result<usize, TraceError> {
    if depth >= MAX_DEPTH {
        return Err(TraceError::custom("it contains itself"));
    }
    Ok(depth + 1)
}

/// Gives every field of a struct once.
struct Fields<'k> {
    keys: &'k mut Keys,
    rest: std::slice::Iter<'static, &'static str>,
    field: &'static str,
    depth: usize,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = TraceError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TraceError> {
        let Some(field) = self.rest.next() else {
            return Ok(None);
        };
        self.field = field;
        seed.deserialize(StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TraceError> {
        let keys = self.keys.named.entry(self.field).or_default();
        let depth = self.depth;
        seed.deserialize(Tracer { keys, depth })
    }
}

/// Gives one item of a list, or one entry of a map.
struct Once<'k> {
    keys: Option<&'k mut Keys>,
    depth: usize,
}

impl<'de> SeqAccess<'de> for Once<'_> {
    type Error = TraceError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TraceError> {
        let depth = self.depth;
        let keys = self.keys.take();
        keys.map(|keys| seed.deserialize(Tracer { keys, depth })).transpose()
    }
}

impl<'de> MapAccess<'de> for Once<'_> {
    type Error = TraceError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TraceError> {
        match self.keys {
            Some(_) => seed.deserialize(StrDeserializer::new("*")).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TraceError> {
        let keys = self
            .keys
            .take()
            .ok_or_else(|| TraceError::custom("a value without a key"))?;
        let depth = self.depth;
        seed.deserialize(Tracer { keys, depth })
    }
}
