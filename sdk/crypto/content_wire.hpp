#pragma once
// Protobuf's wire format for content.cpp and sealed_body.cpp: writing in two passes, so that a buffer never grows, and
// reading that refuses instead of guessing.

#include <cstring>

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>

#include "core/bytes.hpp"
#include "core/secret.hpp"

namespace melder::sdk::content_wire {

/// First pass: how long it will be.
class Counter {
public:
    void byte(Byte) { ++size_; }
    void bytes(BytesView bytes) { size_ += bytes.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::size_t size_ = 0;
};

/// Second pass: into a buffer of exactly that size.
class Filler {
public:
    explicit Filler(std::span<Byte> out) : out_(out) {}
    void byte(Byte value) {
        out_[0] = value;
        out_ = out_.subspan(1);
    }
    void bytes(BytesView bytes) {
        if (!bytes.empty()) std::memcpy(out_.data(), bytes.data(), bytes.size());
        out_ = out_.subspan(bytes.size());
    }

private:
    std::span<Byte> out_;
};

template <class Sink>
void put_varint(Sink& sink, std::uint64_t value) {
    while (value >= 0x80) {
        sink.byte(static_cast<Byte>(value | 0x80));
        value >>= 7;
    }
    sink.byte(static_cast<Byte>(value));
}
/// Left out when zero, as proto3 does.
template <class Sink>
void put_number(Sink& sink, std::uint32_t field, std::uint64_t value) {
    if (value == 0) return;
    put_varint(sink, std::uint64_t{field} << 3);
    put_varint(sink, value);
}
template <class Sink>
void put_length(Sink& sink, std::uint32_t field, std::size_t size) {
    put_varint(sink, (std::uint64_t{field} << 3) | 2);
    put_varint(sink, size);
}
template <class Sink>
void put_bytes(Sink& sink, std::uint32_t field, BytesView bytes) {
    if (bytes.empty()) return;
    put_length(sink, field, bytes.size());
    sink.bytes(bytes);
}
/// A nested message, written by `write(sink)`, present even when empty.
template <class Sink, class Write>
void put_message(Sink& sink, std::uint32_t field, Write write) {
    Counter counter;
    write(counter);
    put_length(sink, field, counter.size());
    write(sink);
}
template <class Buffer, class Write>
Buffer build(Write write) {
    Counter counter;
    write(counter);
    Buffer out(counter.size());
    if constexpr (requires { out.expose_writable(); }) {
        Filler filler(out.expose_writable());
        write(filler);
    } else {
        Filler filler(out);
        write(filler);
    }
    return out;
}

using protozero::pbf_wire_type;

[[nodiscard]] inline BytesView view_of(const protozero::data_view& data) {
    return {reinterpret_cast<const Byte*>(data.data()), data.size()};
}

/// Walks over a message; each field is given to `take(reader)`, which must consume it and answers whether it is right.
/// Singular fields are refused the second time unless `may_repeat(tag)`.
template <class Take, class MayRepeat>
[[nodiscard]] Result<void> read_message(BytesView encoded, Take take, MayRepeat may_repeat) {
    std::uint64_t seen = 0;
    try {
        protozero::pbf_reader reader(reinterpret_cast<const char*>(encoded.data()), encoded.size());
        while (reader.next()) {
            const auto tag = reader.tag();
            if (tag < 64) {
                const auto bit = std::uint64_t{1} << tag;
                if ((seen & bit) != 0 && !may_repeat(tag)) return Errc::malformed;
                seen |= bit;
            }
            Result<void> taken = take(reader);
            if (taken.has_error()) return taken;
        }
    } catch (const protozero::exception&) {
        return Errc::malformed;
    }
    return ok();
}

[[nodiscard]] inline Result<std::uint64_t> number(protozero::pbf_reader& reader) {
    if (reader.wire_type() != pbf_wire_type::varint) return Errc::malformed;
    return reader.get_uint64();
}
[[nodiscard]] inline Result<BytesView> bytes(protozero::pbf_reader& reader) {
    if (reader.wire_type() != pbf_wire_type::length_delimited) return Errc::malformed;
    return view_of(reader.get_view());
}

}  // namespace melder::sdk::content_wire
