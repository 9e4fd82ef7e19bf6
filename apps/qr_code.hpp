#pragma once
// Short texts as QR codes (ISO/IEC 18004, by libqrencode, error correction M): for a terminal and as a PNG file.
// One-time codes and safety numbers; a code that is drawn is a secret as long as it works.

#include <string>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace melder::apps {

/// Modules of a QR code, true for dark, with the quiet zone of four around.
class QrCode {
public:
    /// `bad_argument` for what no QR code holds: nothing, or more than 2 KiB.
    [[nodiscard]] static Result<QrCode> draw(BytesView text);
    [[nodiscard]] std::size_t width() const noexcept { return width_; }
    [[nodiscard]] bool dark(std::size_t x, std::size_t y) const { return modules_[y * width_ + x]; }

    /// Two modules a character, light on dark terminals too: the light ones are drawn.
    [[nodiscard]] std::string terminal_text() const;
    /// Black on white, `scale` pixels a module.
    [[nodiscard]] Result<Bytes> png(std::size_t scale = 8) const;

private:
    std::size_t width_ = 0;
    std::vector<bool> modules_;
};

}  // namespace melder::apps
