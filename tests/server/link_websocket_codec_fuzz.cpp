// Any bytes, cut anywhere: the codec hands out nothing over its limit, keeps nothing over its limit, and never goes on
// after a failure. The first byte chooses how the stream is cut.

#include <cstdlib>

#include "core/frame_codec.hpp"
#include "server/link/websocket_codec.hpp"

namespace {

constexpr std::size_t limit = 4096;

void require(bool fine) {
    if (!fine) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace melder;
    using server::WebSocketCodec;
    if (size == 0) return 0;
    const std::size_t piece = data[0] == 0 ? size : data[0];
    Bytes stream(data + 1, data + size);
    WebSocketCodec codec(limit);
    std::span<Byte> rest(stream);
    bool over = false;
    while (!rest.empty()) {
        auto input = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(input.size());
        while (const auto event = codec.next(input)) {
            require(!over);
            require(event->payload.size() <= limit);
            over =
                event->kind == WebSocketCodec::Event::Kind::close || event->kind == WebSocketCodec::Event::Kind::failed;
            if (event->kind != WebSocketCodec::Event::Kind::message) continue;
            FrameReader reader(event->payload);
            std::size_t seen = 0;
            for (auto frame = reader.next(); frame.has_value() && frame->has_value(); frame = reader.next()) {
                seen += (*frame)->size();
            }
            require(seen <= event->payload.size());
        }
        require(input.empty());
        require(codec.kept_bytes() <= 2 * limit + 256);
    }
    return 0;
}
