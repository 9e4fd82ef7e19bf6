// Any bytes, cut anywhere: the codec hands out nothing over its limit, keeps nothing over its limit, and never goes on
// after a failure. The first byte chooses how the stream is cut.

#include "core/frame_codec.hpp"
#include "server/link/websocket_codec.hpp"
#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {

namespace {
constexpr std::size_t limit = 4096;
}

void websocket_codec(BytesView input) {
    using server::WebSocketCodec;
    if (input.empty()) return;
    const std::size_t piece = input[0] == 0 ? input.size() : input[0];
    Bytes stream(input.begin() + 1, input.end());
    WebSocketCodec codec(limit);
    std::span<Byte> rest(stream);
    bool over = false;
    while (!rest.empty()) {
        auto part = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(part.size());
        while (const auto event = codec.next(part)) {
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
        require(part.empty());
        require(codec.kept_bytes() <= 2 * limit + 256);
    }
}

}  // namespace melder::fuzz
