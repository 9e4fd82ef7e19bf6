#include "apps/qr_code.hpp"

#include <png.h>
#include <qrencode.h>

#include <memory>

namespace melder::apps {
namespace {

constexpr std::size_t quiet_zone = 4;  // ISO/IEC 18004 §6.3.8
constexpr std::size_t text_longest = 2048;

struct Free {
    void operator()(QRcode* code) const noexcept { QRcode_free(code); }
};

}  // namespace

Result<QrCode> QrCode::draw(BytesView text) {
    if (text.empty() || text.size() > text_longest) return Error(Errc::bad_argument, "a QR code holds 1 to 2048 bytes");
    const std::unique_ptr<QRcode, Free> code(
        QRcode_encodeData(static_cast<int>(text.size()), text.data(), 0, QR_ECLEVEL_M));
    if (code == nullptr) return Errc::out_of_memory;
    QrCode out;
    const auto inner = static_cast<std::size_t>(code->width);
    out.width_ = inner + 2 * quiet_zone;
    out.modules_.assign(out.width_ * out.width_, false);
    for (std::size_t y = 0; y < inner; ++y) {
        for (std::size_t x = 0; x < inner; ++x)
            out.modules_[(y + quiet_zone) * out.width_ + x + quiet_zone] = (code->data[y * inner + x] & 1U) != 0;
    }
    return out;
}

std::string QrCode::terminal_text() const {
    // Black letters on white for every line, so that it can be read whatever the terminal's colours are.
    std::string out;
    for (std::size_t y = 0; y < width_; y += 2) {
        out += "\x1b[30;107m";
        for (std::size_t x = 0; x < width_; ++x) {
            const bool top = dark(x, y);
            const bool bottom = y + 1 < width_ && dark(x, y + 1);
            out += top ? (bottom ? "█" : "▀") : (bottom ? "▄" : " ");
        }
        out += "\x1b[0m\n";
    }
    return out;
}

Result<Bytes> QrCode::png(std::size_t scale) const {
    const auto side = width_ * scale;
    Bytes pixels(side * side, 0xff);
    for (std::size_t y = 0; y < side; ++y) {
        for (std::size_t x = 0; x < side; ++x)
            if (dark(x / scale, y / scale)) pixels[y * side + x] = 0;
    }
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(side);
    image.height = static_cast<png_uint_32>(side);
    image.format = PNG_FORMAT_GRAY;
    Bytes file(PNG_IMAGE_PNG_SIZE_MAX(image));
    png_alloc_size_t size = file.size();
    const auto written = png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr);
    wipe(pixels);
    if (written == 0) return Errc::internal;
    file.resize(size);
    return file;
}

}  // namespace melder::apps
