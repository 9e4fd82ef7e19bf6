#include "sdk/crypto/message_shape.hpp"

#include <array>

namespace melder::sdk {
namespace {

constexpr Byte version_3_of_3 = 0x33;
constexpr std::size_t mac_bytes = 8;
constexpr std::size_t cipher_block_bytes = 16;
constexpr std::uint32_t prekey_id_highest = 0xffffff;  // PRE_KEY_MEDIUM_MAX_VALUE
constexpr std::size_t fields_highest = 6;

struct Field {
    bool present = false;
    bool is_bytes = false;
    std::uint32_t number = 0;
    BytesView bytes;
};
using Fields = std::array<Field, fields_highest + 1>;

Result<std::uint32_t> take_varint(BytesView& rest) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5; ++i) {
        if (rest.empty()) return Errc::inner_malformed;
        const Byte byte = rest.front();
        rest = rest.subspan(1);
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if ((byte & 0x80) != 0) continue;
        const bool minimal = byte != 0 || i == 0;
        if (!minimal || value > 0xffffffffu) return Errc::inner_malformed;
        return static_cast<std::uint32_t>(value);
    }
    return Errc::inner_malformed;
}

// Ascending field numbers also mean that none comes twice.
Result<Fields> take_fields(BytesView rest) {
    Fields fields;
    std::uint32_t last = 0;
    while (!rest.empty()) {
        MELDER_TRY(const auto key, take_varint(rest));
        const auto number = key >> 3;
        if (number <= last || number > fields_highest) return Errc::inner_malformed;
        last = number;
        auto& field = fields[number];
        field.present = true;
        field.is_bytes = (key & 7) == 2;
        if (!field.is_bytes && (key & 7) != 0) return Errc::inner_malformed;
        MELDER_TRY(field.number, take_varint(rest));
        if (!field.is_bytes) continue;
        if (field.number > rest.size()) return Errc::inner_malformed;
        field.bytes = rest.first(field.number);
        rest = rest.subspan(field.number);
    }
    return fields;
}

Result<std::uint32_t> number_of(const Field& field) {
    if (!field.present || field.is_bytes) return Errc::inner_malformed;
    return field.number;
}
Result<BytesView> bytes_of(const Field& field) {
    if (!field.present || !field.is_bytes) return Errc::inner_malformed;
    return field.bytes;
}
Result<X25519Public> key_of(const Field& field) {
    MELDER_TRY(const auto bytes, bytes_of(field));
    auto key = parse_djb_key(bytes);
    if (key.has_error()) return Errc::inner_malformed;
    return key;
}
Result<std::uint32_t> prekey_id_of(const Field& field) {
    MELDER_TRY(const auto id, number_of(field));
    if (id > prekey_id_highest) return Errc::inner_malformed;
    return id;
}

}  // namespace

Result<SignalMessageShape> check_signal_message(BytesView message) {
    if (message.size() <= 1 + mac_bytes || message.front() != version_3_of_3) return Errc::inner_malformed;
    MELDER_TRY(const auto fields, take_fields(message.subspan(1, message.size() - 1 - mac_bytes)));
    if (fields[5].present || fields[6].present) return Errc::inner_malformed;
    SignalMessageShape shape;
    MELDER_TRY(shape.ratchet_key, key_of(fields[1]));
    MELDER_TRY(shape.counter, number_of(fields[2]));
    MELDER_TRY(shape.previous_counter, number_of(fields[3]));
    MELDER_TRY(shape.ciphertext, bytes_of(fields[4]));
    if (shape.ciphertext.empty() || shape.ciphertext.size() % cipher_block_bytes != 0) return Errc::inner_malformed;
    return shape;
}

Result<PrekeyMessageShape> check_prekey_message(BytesView message) {
    if (message.size() <= 1 || message.front() != version_3_of_3) return Errc::inner_malformed;
    MELDER_TRY(const auto fields, take_fields(message.subspan(1)));
    PrekeyMessageShape shape;
    if (fields[1].present) {
        MELDER_TRY(shape.one_time_prekey_id, prekey_id_of(fields[1]));
    }
    MELDER_TRY(shape.base_key, key_of(fields[2]));
    MELDER_TRY(shape.identity_key, key_of(fields[3]));
    MELDER_TRY(shape.signal_message, bytes_of(fields[4]));
    MELDER_TRY(shape.inner, check_signal_message(shape.signal_message));
    MELDER_TRY(shape.registration_id, number_of(fields[5]));
    MELDER_TRY(shape.signed_prekey_id, prekey_id_of(fields[6]));
    return shape;
}

}  // namespace melder::sdk
