#pragma once
// What a device says about itself in eight characters that its owner reads out to the help desk: how it is connected,
// what refused it, and how much waits. No name, no id, no peer, no content.
//
//     code_of(diagnosis)      "RX3M-88GT"
//     parse_diagnosis(text)   `code_malformed` if a character was misheard
//
// 30 bits, the first one first: connection 2, connection error 8, sealing error 8, head age in hours 5, waiting 4,
// losses 3; then ten bits of SHA-256("Melder/diagnosis/1" ‖ 0x00 ‖ those bits as 4 big-endian bytes). Crockford
// base 32.

#include <string>
#include <string_view>

#include "core/errc.hpp"
#include "core/result.hpp"

namespace melder {

struct Diagnosis {
    enum class Link : std::uint8_t { offline, connecting, online, restricted };
    Link link = Link::offline;
    Errc link_error{};     ///< why it is offline or restricted; 0: nothing
    Errc sealing_error{};  ///< why nothing can be sent; 0: nothing
    /// Since the order log was confirmed; 31 stands for longer or never.
    std::uint8_t head_age_hours = 0;
    std::uint8_t waiting_log2 = 0;  ///< messages in the outbox: 0 none, n: less than 2^n, at most 15
    std::uint8_t losses_log2 = 0;   ///< messages that could not be read, likewise, at most 7
    friend bool operator==(const Diagnosis&, const Diagnosis&) = default;
};

/// The n of "less than 2^n", at most `most`.
[[nodiscard]] std::uint8_t log2_above(std::size_t count, std::uint8_t most) noexcept;
[[nodiscard]] std::string code_of(const Diagnosis& diagnosis);
/// Either case; hyphens and spaces ignored; O as 0, I and L as 1.
[[nodiscard]] Result<Diagnosis> parse_diagnosis(std::string_view text);

}  // namespace melder
